"""Size against error, for this and for the usual formats of images.

The PSNR is that of the 8-bit pixels (all channels together) and the size that of the whole file.
The mean difference of two curves is Bjøntegaard's (VCEG-M33, 2001), with monotone cubic
interpolation instead of one cubic polynomial.
"""

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kansci.compression.file import signal_bytes, signal_from_bytes
from kansci.errors import DataError
from kansci.signals.make import image_signal
from kansci.signals.quality import psnr

__all__ = ["CODECS", "Point", "gain", "rate_change", "rate_distortion"]

QUALITIES = (0, 10, 20, 25, 30, 35, 40, 45, 50, 60, 70)
JPEG_QUALITIES = range(5, 96, 5)
WEBP_QUALITIES = range(0, 101, 5)
RATIOS = np.geomspace(3, 300, 20)
"""Bytes of the pixels over bytes of the file, asked of JPEG 2000."""


@dataclass(frozen=True)
class Point:
    """One file.

    Attributes:
        bits_per_pixel: its size over the number of pixels.
        psnr: of the pixels, in dB.
    """

    bits_per_pixel: float
    psnr: float


def _own(pixels: np.ndarray) -> Iterable[tuple[int, np.ndarray]]:
    signal = image_signal(pixels)
    for quality in QUALITIES:
        content = signal_bytes(signal, quality=quality)
        values = signal_from_bytes(content).values
        yield len(content), np.clip(np.round(values * 255), 0, 255)


def _pillow(pixels: np.ndarray, form: str, **options: Any) -> tuple[int, np.ndarray]:
    """The size of a file that Pillow writes, and the pixels it reads from it."""
    from PIL import Image

    grey = pixels.shape[-1] == 1
    stream = io.BytesIO()
    Image.fromarray(pixels[..., 0] if grey else pixels).save(stream, form, **options)
    with Image.open(io.BytesIO(stream.getvalue())) as image:
        read = np.asarray(image.convert("L" if grey else "RGB"), dtype=np.float64)
    return len(stream.getvalue()), read.reshape(pixels.shape)


def _jpeg(pixels: np.ndarray) -> Iterable[tuple[int, np.ndarray]]:
    for subsampling in (0, 2) if pixels.shape[-1] == 3 else (0,):  # 4:4:4 and 4:2:0
        for quality in JPEG_QUALITIES:
            yield _pillow(pixels, "JPEG", quality=quality, optimize=True, subsampling=subsampling)


def _jpeg2000(pixels: np.ndarray) -> Iterable[tuple[int, np.ndarray]]:
    colour = int(pixels.shape[-1] == 3)
    for ratio in RATIOS:
        layers = [float(ratio)]
        yield _pillow(pixels, "JPEG2000", quality_layers=layers, irreversible=True, mct=colour)


def _webp(pixels: np.ndarray) -> Iterable[tuple[int, np.ndarray]]:
    for quality in WEBP_QUALITIES:
        yield _pillow(pixels, "WEBP", quality=quality, method=6)


CODECS: dict[str, Callable[[np.ndarray], Iterable[tuple[int, np.ndarray]]]] = {
    "kansci": _own,
    "jpeg": _jpeg,
    "jpeg2000": _jpeg2000,
    "webp": _webp,
}


def rate_distortion(pixels: np.ndarray, codec: str) -> list[Point]:
    """The rate-distortion curve of an image.

    Args:
        pixels: (H, W, 1 or 3) of 8 bits.
        codec: One of `CODECS`.

    Returns:
        The points that no other one beats in both size and PSNR, by increasing size.

    Raises:
        DataError: The pixels are of another form.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[-1] not in {1, 3}:
        raise DataError(f"an array {pixels.shape} of {pixels.dtype}: (H, W, 1 or 3) of 8 bits is needed")
    count = pixels.shape[0] * pixels.shape[1]
    points = [
        Point(8 * size / count, psnr(pixels.astype(np.float64), decoded, 255.0))
        for size, decoded in CODECS[codec](pixels)
    ]
    front: list[Point] = []
    for point in sorted(points, key=lambda point: (point.bits_per_pixel, -point.psnr)):
        if not front or (point.psnr > front[-1].psnr and point.bits_per_pixel > front[-1].bits_per_pixel):
            front.append(point)
    return front


def gain(curve: list[Point], reference: list[Point]) -> tuple[float, float]:
    """Mean and least PSNR above a reference at equal size, in dB, where both have points."""
    differences = _differences(*(_columns(points) for points in (curve, reference)))
    return float(differences.mean()), float(differences.min())


def rate_change(curve: list[Point], reference: list[Point]) -> float:
    """Mean change of the size against a reference at equal PSNR: -0.3 is 30 % smaller (BD-rate)."""
    differences = _differences(*(_columns(points)[::-1] for points in (curve, reference)))
    return float(2 ** differences.mean() - 1)


def _columns(points: list[Point]) -> tuple[np.ndarray, np.ndarray]:
    """Logarithmic size and PSNR."""
    sizes = np.log2([point.bits_per_pixel for point in points])
    return sizes, np.array([point.psnr for point in points])


def _differences(
    curve: tuple[np.ndarray, np.ndarray], reference: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Differences of y at equally spaced x that both curves (x, y) cover."""
    from scipy.interpolate import PchipInterpolator

    low = max(curve[0][0], reference[0][0])
    high = min(curve[0][-1], reference[0][-1])
    if not low < high:
        raise DataError("the two curves have no sizes in common")
    places = np.linspace(low, high, 101)
    return PchipInterpolator(*curve)(places) - PchipInterpolator(*reference)(places)
