"""From a signal to a file, in the form it came from: bits, sample rate, frames a second."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kansci.errors import DataError, SettingsError
from kansci.signals.files import replacing, write_bytes
from kansci.signals.png16 import deep_colour_bytes
from kansci.signals.signal import Signal
from kansci.signals.surface import Mesh, signal_surface
from kansci.signals.write_audio import wav_bytes
from kansci.signals.write_video import animation_bytes, write_folder, write_video

__all__ = ["WRITABLE", "check_ending", "mesh_bytes", "stored_samples", "write_signal"]

WRITABLE = {
    "image": (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp", ".webp", ".npy", ".npz"),
    "audio": (".wav", ".npy", ".npz", ".csv"),
    "video": (".gif", ".apng", ".mp4", ".avi", ".mov", ".mkv", ".tif", ".tiff", ".npy", ".npz", "a folder"),
    "volume": (".npy", ".npz", ".tif", ".tiff", ".ply", ".obj", ".stl"),
    "field": (".csv", ".npz", ".npy"),
    "shape": (".ply", ".obj", ".stl", ".npy", ".npz"),
}
"""Kind -> endings of the files it can be written to."""


def write_signal(signal: Signal, path: str | Path) -> None:
    """Write a signal to a file; its ending says in which format.

    Images, video and volumes that came from integers of 8 or 16 bits are rounded to them, and clipped;
    others are written as floats where the format has them (.tif, .npy), else with 8 bits: of [0, 1], or from
    the smallest to the largest value where the signal went beyond that. A shape becomes the mesh of its
    surface. The file appears whole or not at all.

    Args:
        signal: the signal.
        path: the file; a video without ending is a folder of PNG frames.

    Raises:
        SettingsError: This kind of signal cannot be written to such a file.
        DataError: The file cannot be written, or the signal has no form in this format.
    """  # noqa: DOC502  the latter by the calls below
    file = Path(path)
    suffix = file.suffix.lower()
    check_ending(signal.kind, file)
    if signal.kind == "video" and not suffix:
        write_folder(stored_samples(signal, shallow=False), file, _png)
        return
    if signal.kind == "video" and suffix in {".mp4", ".avi", ".mov", ".mkv"}:
        with replacing(file) as temporary:
            write_video(_opaque(stored_samples(signal)), _frame_rate(signal), temporary)
        return
    write_bytes(file, _content(signal, suffix))


def check_ending(kind: str, path: str | Path) -> None:
    """Make sure that there is a format for a kind of signal, before work is done for it.

    Raises:
        SettingsError: This kind of signal cannot be written to such a file.
    """
    suffix, allowed = Path(path).suffix.lower(), WRITABLE[kind]
    if suffix not in allowed and not (kind == "video" and not suffix):
        raise SettingsError(f"{path}: a signal of kind {kind} can be written to {', '.join(allowed)}")


def stored_samples(signal: Signal, *, shallow: bool = True) -> np.ndarray:
    """Give the samples of an image, video or volume as integers: 8 bits, or 16 where they came so.

    Args:
        signal: with values in [0, 1], beyond which they are clipped; those of another range, such as heights
            in metres, are stretched over it, from the smallest to the largest.
        shallow: 8 bits whatever they came from.

    Returns:
        (*shape, C), uint8 or uint16.
    """
    deep = signal.meta.get("dtype") == "uint16" and not shallow
    highest = 65535 if deep else 255
    values = signal.values
    if signal.peak != 1:
        low, high = float(values.min()), float(values.max())
        values = (values - low) / ((high - low) or 1.0)
    return np.rint(np.clip(values, 0.0, 1.0) * highest).astype(np.uint16 if deep else np.uint8)


def mesh_bytes(mesh: Mesh, suffix: str) -> bytes:
    """Give the file of a mesh: ``.ply``, ``.obj`` or ``.stl``."""
    import trimesh

    solid = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    content = solid.export(file_type=suffix.removeprefix("."))
    return content if isinstance(content, bytes) else content.encode("utf-8")


def _content(signal: Signal, suffix: str) -> bytes:
    writers: dict[str, Callable[[], bytes]] = {
        ".npy": lambda: _saved(lambda file: np.save(file, _array(signal), allow_pickle=False)),
        ".npz": lambda: _npz(signal),
        ".csv": lambda: _csv(signal),
        ".wav": lambda: wav_bytes(signal),
        ".gif": lambda: animation_bytes(stored_samples(signal), _frame_rate(signal), "GIF"),
        ".apng": lambda: animation_bytes(stored_samples(signal), _frame_rate(signal), "PNG"),
        ".png": lambda: _png(stored_samples(signal, shallow=False)),
        ".tif": lambda: _tiff(signal),
        ".tiff": lambda: _tiff(signal),
    }
    if suffix in writers:
        return writers[suffix]()
    if suffix in {".ply", ".obj", ".stl"}:
        return mesh_bytes(signal_surface(signal), suffix)
    return _with_pillow(stored_samples(signal), suffix)


def _array(signal: Signal) -> np.ndarray:
    """The values without a channel axis of length one, as they were stored where that is integers."""
    exact = signal.meta.get("dtype") in {"uint8", "uint16"} and signal.kind in {"image", "video", "volume"}
    values = stored_samples(signal, shallow=signal.meta.get("dtype") == "uint8") if exact else signal.values
    return values[..., 0] if values.shape[-1] == 1 else values


def _npz(signal: Signal) -> bytes:
    """Axes and channels by name for fields and sound; one array for what has equal cells."""
    if signal.kind not in {"field", "audio"}:
        return _saved(lambda file: np.savez(file, values=_array(signal)))
    arrays: dict[str, Any]
    if signal.axes is not None:
        arrays = dict(zip(signal.coordinates, signal.axes, strict=True))
    else:
        arrays = dict(zip(signal.coordinates, np.asarray(signal.points).T, strict=True))
    arrays |= {name: signal.values[..., i] for i, name in enumerate(signal.channels)}
    return _saved(lambda file: np.savez(file, **arrays))


def _csv(signal: Signal) -> bytes:
    """One row a point: coordinates, then channels, with all digits."""
    import pandas as pd

    columns = [*signal.coordinates, *signal.channels]
    frame = pd.DataFrame(np.concatenate([signal.positions(), signal.flat_values()], axis=1), columns=columns)
    return frame.to_csv(index=False, lineterminator="\n").encode("utf-8")


def _png(array: np.ndarray) -> bytes:
    if array.dtype == np.uint16 and array.shape[-1] > 1:
        return deep_colour_bytes(array)
    return _with_pillow(array, ".png")


def _with_pillow(array: np.ndarray, suffix: str) -> bytes:
    from PIL import Image

    if suffix in {".jpg", ".jpeg", ".bmp"}:
        array = _opaque(array)
    elif suffix == ".webp" and array.shape[-1] == 2:
        array = array[..., [0, 0, 0, 1]]
    image = Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)
    formats = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".bmp": "BMP", ".webp": "WEBP"}
    options = {"lossless": True} if suffix == ".webp" else {"quality": 95} if suffix != ".png" else {}
    return _saved(lambda file: image.save(file, format=formats[suffix], **options))


def _tiff(signal: Signal) -> bytes:
    import tifffile

    floats = signal.meta.get("dtype") not in {"uint8", "uint16", "bool"}
    array = signal.values.astype(np.float32) if floats else stored_samples(signal, shallow=False)
    letters = {"image": "YX", "volume": "ZYX", "video": "TYX"}[signal.kind]
    array, letters = (array[..., 0], letters) if array.shape[-1] == 1 else (array, letters + "S")
    colour = "rgb" if letters.endswith("S") and array.shape[-1] in {3, 4} else "minisblack"
    options = {"photometric": colour, "metadata": {"axes": letters}}
    return _saved(lambda file: tifffile.imwrite(file, array, **options))


def _opaque(array: np.ndarray) -> np.ndarray:
    """Samples without transparency."""
    return array[..., :-1] if array.shape[-1] in {2, 4} else array


def _frame_rate(signal: Signal) -> float:
    """Frames a second: those of the source, times the frames there are for each of its own."""
    low, high = signal.box[0]
    return float(signal.meta["frame_rate"]) * signal.shape[0] / (high - low)


def _saved(save: Callable[[io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    try:
        save(file)
    except (OSError, ValueError) as error:
        raise DataError(f"the signal cannot be written in this format: {error}") from error
    return file.getvalue()
