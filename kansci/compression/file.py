"""Compressed files: a signal or the tensors of a network, in one frame (see `frame`).

write_compressed_signal(Path("camera.ksf"), signal, psnr=40)
signal = read_compressed(Path("camera.ksf"))
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kansci.compression.frame import pack, unpack
from kansci.compression.network import compress_network, decompress_network
from kansci.compression.samples import compress, decompress
from kansci.compression.schema import check_samples
from kansci.errors import DataError, SettingsError
from kansci.signals.files import existing, readable, write_bytes
from kansci.signals.signal import Signal, usual_axes

__all__ = [
    "CompressedNetwork",
    "read_compressed",
    "signal_bytes",
    "signal_from_bytes",
    "write_compressed_network",
    "write_compressed_signal",
]

LARGEST = 1 << 30
"""Bytes of a file."""


@dataclass(frozen=True)
class CompressedNetwork:
    """What the file of a network holds.

    Attributes:
        tensors: name -> float64 array.
        description: what the writer gave to make the network again.
    """

    tensors: dict[str, np.ndarray]
    description: dict[str, Any]


def signal_bytes(
    signal: Signal,
    *,
    quality: float | None = None,
    bits_per_sample: float | None = None,
    psnr: float | None = None,
) -> bytes:
    """The bytes of the file of a signal.

    Args:
        signal: Samples on a grid.
        quality: 0 (coarse) to 100 (fine).
        bits_per_sample: The most bits for each point of the grid, all channels together; the header that
            says what the signal is (some 60 bytes) included.
        psnr: The least PSNR in dB, of the signal's peak; of a field with several channels, the mean over
            them of the errors relative to each one's range counts.

    Returns:
        The bytes, for `signal_from_bytes`.

    Raises:
        DataError: The signal is not on a grid, or cannot be compressed.
        SettingsError: A target is not possible.
    """
    if signal.axes is None:
        raise DataError(f"{signal.kind}: scattered points cannot be compressed; fit a network to them")
    standard = usual_axes(signal.kind, signal.shape, signal.box)
    regular = all(
        np.allclose(axis, usual, rtol=0, atol=1e-9 * (high - low))
        for axis, usual, (low, high) in zip(signal.axes, standard, signal.box, strict=True)
    )
    axes = None if regular else [axis.tolist() for axis in signal.axes]
    header = signal.header() | {"codec": "samples", "axes": axes}
    values, peak = signal.values, signal.peak
    if signal.kind == "field" and len(signal.channels) > 1:  # their units differ: each in its own range
        ranges = np.ptp(signal.flat_values(), axis=0)
        scales = np.where(ranges > 0, ranges, 1.0)
        header["scales"], values, peak = scales.tolist(), values / scales, 1.0
    if bits_per_sample is not None:
        spare = bits_per_sample - 8 * len(pack(header, b"")) / signal.size
        if not spare > 0:
            raise SettingsError(f"{bits_per_sample:g} bits per sample are not enough for the header alone")
        bits_per_sample = spare
    content = compress(values, quality=quality, bits_per_sample=bits_per_sample, psnr=psnr, peak=peak)
    return pack(header, content)


def signal_from_bytes(content: bytes, where: str = "the data") -> Signal:
    """The signal of what `signal_bytes` gave; `where` names the file in messages.

    Raises:
        DataError: The content is damaged.
    """
    header, body = unpack(content, where)
    header.setdefault("scales", None)
    check_samples(header, where)
    try:
        values = decompress(body)
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    axes = header["axes"]
    if list(values.shape[:-1]) != header["shape"] or len(header["box"]) != len(header["shape"]):
        raise DataError(f"{where}: damaged (header and content are of different shapes)")
    if header["scales"] is not None:
        if len(header["scales"]) != values.shape[-1]:
            raise DataError(f"{where}: damaged (scales of another number of channels)")
        with np.errstate(over="ignore"):  # the signal refuses what is infinite
            values = values * np.array(header["scales"], dtype=np.float64)
    if axes is None:
        axes = usual_axes(header["kind"], values.shape[:-1], np.array(header["box"], dtype=np.float64))
    try:
        return Signal.from_header(header, values, [np.asarray(axis) for axis in axes])
    except DataError as error:
        raise DataError(f"{where}: damaged ({error})") from error


def write_compressed_signal(
    path: Path,
    signal: Signal,
    *,
    quality: float | None = None,
    bits_per_sample: float | None = None,
    psnr: float | None = None,
) -> int:
    """Write the compressed file of a signal; see `signal_bytes`. Gives its size in bytes."""
    content = signal_bytes(signal, quality=quality, bits_per_sample=bits_per_sample, psnr=psnr)
    write_bytes(path, content)
    return len(content)


def write_compressed_network(
    path: Path,
    tensors: Mapping[str, np.ndarray],
    *,
    bits: float | None = None,
    tolerance: float | None = None,
    sensitivity: Mapping[str, float] | None = None,
    description: Mapping[str, Any] | None = None,
) -> int:
    """Write the compressed file of a network; see `compress_network`. Gives its size in bytes."""
    content = compress_network(
        tensors, bits=bits, tolerance=tolerance, sensitivity=sensitivity, description=description
    )
    write_bytes(path, content)
    return len(content)


def read_compressed(path: Path) -> Signal | CompressedNetwork:
    """What a compressed file holds.

    Raises:
        DataError: It is missing, too large, no such file, or damaged.
    """
    path = existing(path)
    if path.stat().st_size > LARGEST:
        raise DataError(f"{path}: larger than the limit of {LARGEST >> 20} MB")
    with readable(path, "a compressed signal"):
        content = path.read_bytes()
    header, _ = unpack(content, str(path))
    if header.get("codec") == "network":
        return CompressedNetwork(*decompress_network(content, str(path)))
    return signal_from_bytes(content, str(path))
