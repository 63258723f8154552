"""Images and sequences of images from files."""

from pathlib import Path
from typing import Any

import numpy as np

from kansci.errors import DataError
from kansci.signals.files import check_size, existing, readable
from kansci.signals.make import image_signal, video_signal, volume_signal
from kansci.signals.png16 import is_deep_colour, read_deep_colour
from kansci.signals.signal import Signal

__all__ = ["ALPHA_NOTE", "FRAME_RATE", "frame_count", "read_frames", "read_image", "read_tiff"]

FRAME_RATE = 25.0
"""Of frames whose file does not tell."""
ALPHA_NOTE = "transparency (alpha) is represented as a channel of its own"


def read_image(path: Path) -> Signal:
    """Read an image: PNG, JPEG, BMP, WebP, GIF (its first frame), ...

    Grey stays grey; palettes and other colour spaces become RGB. The transparency (alpha) of an image is
    kept as a channel, unless it is opaque everywhere. A photograph is turned upright (EXIF).

    Raises:
        DataError: The file is missing, damaged, no image, or too large.
    """  # noqa: DOC502  raised by the calls below
    from PIL import Image, ImageOps

    existing(path)
    with readable(path, "an image"), Image.open(path) as image:
        check_size(path, (image.height, image.width, len(image.getbands())))
        deep = is_deep_colour(path)
        array = read_deep_colour(path) if deep else _pixels(ImageOps.exif_transpose(image))
    array, notes = _without_opaque_alpha(array)
    return image_signal(array, {"notes": notes} if notes else None)


def frame_count(path: Path) -> int:
    """Give the number of frames of an image file: 1 for a still image.

    Raises:
        DataError: The file is missing, damaged or no image.
    """  # noqa: DOC502  raised by the calls below
    from PIL import Image

    existing(path)
    with readable(path, "an image"), Image.open(path) as image:
        return int(getattr(image, "n_frames", 1))


def read_frames(path: Path) -> Signal:
    """Read a video from an animated GIF, PNG or WebP.

    Raises:
        DataError: The file is missing, damaged, no image, or too large.
    """  # noqa: DOC502  raised by the calls below
    from PIL import Image, ImageSequence

    existing(path)
    with readable(path, "an animation"), Image.open(path) as image:
        count = int(getattr(image, "n_frames", 1))
        check_size(path, (count, image.height, image.width, 4))
        frames, durations = [], []
        for frame in ImageSequence.Iterator(image):
            frames.append(np.asarray(frame.convert("RGBA")))
            durations.append(float(frame.info.get("duration", 0)))
    array, notes = _without_opaque_alpha(np.stack(frames))
    if np.array_equal(array[..., 0], array[..., 1]) and np.array_equal(array[..., 0], array[..., 2]):
        array = array[..., [0, *range(3, array.shape[-1])]]  # a palette of greys
    total = sum(durations) / 1000
    rate = count / total if total > 0 else FRAME_RATE
    if len(set(durations)) > 1:
        notes.append("frames of different duration: read as equally long")
    return video_signal(array, rate, {"notes": notes} if notes else None)


def read_tiff(path: Path, kind: str | None = None) -> Signal:
    """Read a TIFF file: an image, or a stack of them as a volume or video.

    Args:
        path: the file.
        kind: "image", "volume" or "video"; None tells by the number of pages and their axes.

    Returns:
        The signal; a stack is a volume unless the file says that its pages are times.

    Raises:
        DataError: The file is missing, damaged or too large, or its array has another number of axes.
    """
    existing(path)
    array, axes = _tiff_array(path)
    names = [name for name, n in zip(axes, array.shape, strict=True) if n > 1 or name in "YX"]
    array = array.reshape([n for name, n in zip(axes, array.shape, strict=True) if n > 1 or name in "YX"])
    for name in "SC":  # samples of a pixel, channels: last
        if name in names:
            array = np.moveaxis(array, names.index(name), -1)
            names = [*[n for n in names if n != name], name]
            break
    has_channels = bool(names) and names[-1] in "SC"
    d = len(names) - has_channels
    if d not in {2, 3}:
        raise DataError(f"{path}: an array of shape {array.shape}: images and stacks of images can be read")
    kind = kind or ("image" if d == 2 else "video" if "T" in names else "volume")
    if d == 2 and kind == "image":
        array, notes = _without_opaque_alpha(array if has_channels else array[..., None])
        return image_signal(array, {"notes": notes} if notes else None)
    if d == 3 and kind == "volume":
        return volume_signal(array, {"notes": ["a stack of images, read as a volume"]})
    if d == 3 and kind == "video":
        return video_signal(array, FRAME_RATE, {"notes": [f"{FRAME_RATE:g} frames a second assumed"]})
    raise DataError(f"{path}: {'one image' if d == 2 else 'a stack of images'} is no {kind}")


def _tiff_array(path: Path) -> tuple[np.ndarray, str]:
    """The first series of a TIFF file and one letter for each of its axes."""
    import tifffile
    from PIL import Image, ImageSequence

    with readable(path, "a TIFF image"), tifffile.TiffFile(path) as file:
        series = file.series[0]
        check_size(path, series.shape)
        try:
            return series.asarray(), series.axes
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
        if series.dtype.itemsize > 1 and "S" in series.axes:
            raise DataError(f"{path}: compressed colours of 16 bits: save it without compression")
    with readable(path, "a TIFF image"), Image.open(path) as image:  # has more decoders
        array = np.stack([_pixels(page) for page in ImageSequence.Iterator(image)])
    return array, "QYXS"[: array.ndim]


def _pixels(image: Any) -> np.ndarray:
    """The samples of an image (H, W) or (H, W, C)."""
    mode = image.mode
    if mode == "1":
        image = image.convert("L")
    elif mode in {"P", "PA"}:
        image = image.convert("RGBA" if mode == "PA" or "transparency" in image.info else "RGB")
    elif mode in {"CMYK", "YCbCr", "LAB", "HSV", "RGBX", "La", "RGBa"}:
        image = image.convert("RGBA" if mode in {"La", "RGBa"} else "RGB")
    array = np.asarray(image)
    if mode.startswith("I;16"):
        return array.astype(np.uint16)
    if mode == "I" and array.min() >= 0 and array.max() <= 65535:
        return array.astype(np.uint16)  # how 16-bit PNG are opened by some versions
    return array


def _without_opaque_alpha(array: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """The image without a last channel that says "opaque" everywhere."""
    has_alpha = array.ndim >= 3 and array.shape[-1] in {2, 4} and array.dtype.name in {"uint8", "uint16"}
    if not has_alpha:
        return array, []
    if np.all(array[..., -1] == np.iinfo(array.dtype).max):
        return array[..., :-1], []
    return array, [ALPHA_NOTE]
