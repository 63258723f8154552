"""Images, volumes, video and fields from NumPy arrays."""

import zipfile
from pathlib import Path

import numpy as np

from kansci.errors import DataError
from kansci.signals.files import check_size, existing, readable
from kansci.signals.make import field_signal, image_signal, video_signal, volume_signal
from kansci.signals.read_image import FRAME_RATE
from kansci.signals.signal import Signal

__all__ = ["array_kind", "read_array"]


def read_array(path: Path, kind: str | None = None) -> Signal:
    """Read a ``.npy`` file, or the only array of a ``.npz`` file.

    Args:
        path: the file.
        kind: "image", "volume", "video" or "field"; None tells by the shape, see `array_kind`.

    Returns:
        The signal. The coordinates of a field are the indices of its array.

    Raises:
        DataError: The file is missing, damaged, too large, holds several arrays or none of real numbers.
    """
    existing(path)
    with readable(path, "a NumPy file"):
        array = _only_array(path) if zipfile.is_zipfile(path) else _single(path)
    if array.dtype.kind not in "biuf":
        raise DataError(f"{path}: an array of {array.dtype}: real numbers are needed")
    kind = kind or array_kind(array)
    if kind == "image":
        return image_signal(array)
    if kind == "volume":
        return volume_signal(array)
    if kind == "video":
        return video_signal(array, FRAME_RATE, {"notes": [f"{FRAME_RATE:g} frames a second assumed"]})
    if kind != "field":
        raise DataError(f"{path}: an array is no {kind}: image, volume, video or field")
    axes = [np.arange(float(n)) for n in array.shape]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, array.ndim)
    return field_signal(points, array.reshape(-1))


def array_kind(array: np.ndarray) -> str:
    """Tell the kind of signal from the shape of an array.

    (N,) is a field, (H, W) and (H, W, 3 or 4) are images, other arrays of three or four axes are volumes.
    """
    if array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in {3, 4}):
        return "image"
    return "volume" if array.ndim in {3, 4} else "field"


def _single(path: Path) -> np.ndarray:
    with path.open("rb") as file:
        if file.read(6) != b"\x93NUMPY":
            raise DataError(f"{path}: not a NumPy file")
    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    check_size(path, mapped.shape)
    return np.array(mapped)


def _only_array(path: Path) -> np.ndarray:
    with zipfile.ZipFile(path) as archive:
        check_size(path, (sum(member.file_size for member in archive.infolist()) // 8,))
    with np.load(path, allow_pickle=False) as loaded:
        names = loaded.files
        if len(names) != 1:
            raise DataError(
                f"{path}: {len(names)} arrays ({', '.join(names[:6])}): one is needed, or a field with its "
                "axes (--kind field)"
            )
        return loaded[names[0]]
