"""Representations as small files: quantised, entropy-coded."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from kansci.compression.file import (
    CompressedNetwork,
    read_compressed,
    write_compressed_network,
    write_compressed_signal,
)
from kansci.compression.network import sensitivities
from kansci.errors import DataError, KansciError, SettingsError
from kansci.inr.network_model import NetworkModel
from kansci.inr.networks import make_network
from kansci.representation.measure import compare
from kansci.representation.model_form import Tensors, model_form, model_from
from kansci.representation.represent import represent
from kansci.representation.representation import Representation
from kansci.representation.settings import RepresentSettings
from kansci.signals import Signal

__all__ = ["open_packed", "write_packed"]

NETWORK_BITS = 9.0
"""For each weight of a network."""
PROBES = 2048
"""Points at which it is seen how much each weight matters."""


def write_packed(
    source: Representation | Signal,
    path: str | Path,
    *,
    psnr: float | None = None,
    bits: float | None = None,
    quality: float | None = None,
) -> dict[str, float | int | str | None]:
    """Write a signal or a representation into a small file.

    A spline is its samples, whose wavelet coefficients are coded; a network is its weights.

    Args:
        source: what to write.
        path: the file.
        psnr: the least PSNR of a signal in dB.
        bits: the most bits for each sample of a signal, or for each weight of a network.
        quality: of a signal, 0 (coarse) to 100 (fine); 75 where nothing is given.

    Returns:
        "bytes", "bits" for each sample, and how far the file is from the signal: "psnr", "ssim", "snr".

    Raises:
        SettingsError: more than one aim is given, or one that does not suit a network.
    """
    if sum(aim is not None for aim in (psnr, bits, quality)) > 1:
        raise SettingsError("give one of --psnr, --bits and --quality")
    file = Path(path)
    if isinstance(source, Representation) and isinstance(source.model, NetworkModel):
        if psnr is not None or quality is not None:
            raise SettingsError("a network is packed with --bits for each weight")
        size = _write_network(source, file, bits or NETWORK_BITS)
        reference = source.frame
    else:
        reference = source.decode() if isinstance(source, Representation) else source
        aimed = psnr is not None or bits is not None
        wanted = 75.0 if quality is None and not aimed else quality
        size = write_compressed_signal(file, reference, psnr=psnr, bits_per_sample=bits, quality=wanted)
    found = compare(reference, open_packed(file).decode())
    return {"file": str(file), "bytes": size, "bits": 8 * size / reference.size, **found}


def _write_network(source: Representation, file: Path, bits: float) -> int:
    form, tensors = model_form(source.model)
    frame = source.frame
    if frame.axes is None:
        raise SettingsError("a function of scattered points cannot be packed: it has no grid")
    description = {
        "model": form,
        "signal": frame.header(),
        "axes": [axis.tolist() for axis in frame.axes],
        "settings": asdict(source.settings),
    }
    arrays = {name: tensor.double().numpy() for name, tensor in tensors.items()}
    points = np.random.default_rng(0).uniform(-1, 1, (PROBES, frame.dimension))

    def output(changed: dict[str, np.ndarray]) -> np.ndarray:
        return model_from(form, _like(tensors, changed)).values(points)

    return write_compressed_network(
        file, arrays, bits=bits, sensitivity=sensitivities(arrays, output), description=description
    )


def _like(tensors: Tensors, arrays: dict[str, np.ndarray]) -> Tensors:
    return {name: torch.from_numpy(arrays[name]).to(t).view(t.shape) for name, t in tensors.items()}


def open_packed(path: str | Path) -> Representation:
    """Open a file that `write_packed` wrote.

    Args:
        path: the file.

    Returns:
        The representation: a spline through the coded samples, or the network.

    Raises:
        DataError: the file is damaged.
    """  # noqa: DOC502  raised by read_compressed
    content = read_compressed(Path(path))
    if isinstance(content, Signal):
        return represent(content)
    return _network(content, str(path))


def _network(content: CompressedNetwork, where: str) -> Representation:
    try:
        described = content.description
        form = described["model"]
        like = make_network(**form["network"]).state_dict()
        tensors = _like(like, content.tensors)
        axes = tuple(np.asarray(axis, dtype=float) for axis in described["axes"])
        empty = np.zeros((*(len(axis) for axis in axes), len(described["signal"]["channels"])))
        return Representation(
            Signal.from_header(described["signal"], empty, axes),
            RepresentSettings(**described["settings"]),
            model_from(form, tensors),
            {},
            0.0,
        )
    except (KansciError, KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise DataError(f"{where}: not what `kansci compress` writes ({error})") from error
