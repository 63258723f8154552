"""Compressed images against JPEG, JPEG 2000 and WebP: rate-distortion of images of scikit-image."""

import time
from typing import Any

import numpy as np

from kansci.compression.rate_distortion import CODECS, Point, gain, rate_change, rate_distortion

__all__ = ["IMAGES", "SIZES", "compression_rows", "compression_summary"]

IMAGES = (
    "camera", "moon", "coins", "brick", "astronaut", "chelsea", "coffee", "rocket", "retina",
    "hubble_deep_field",
)  # fmt: skip
SIZES = (256, None)
"""The central square is reduced to that many pixels a side; None: its own pixels, at most `LARGEST` a side.

Some images (coins among them) were once stored as JPEG: on their own pixels JPEG finds its own rounding
again and is nearly exact at one quality, which shows in the least gains; reduced images have no such trace.
"""
LARGEST = 512


def _pixels(name: str, size: int | None) -> np.ndarray:
    """(H, W, C) of 8 bits."""
    from skimage import data
    from skimage.transform import resize

    image = getattr(data, name)()
    image = image[..., None] if image.ndim == 2 else image[..., :3]
    side = min(*image.shape[:2], *((LARGEST,) if size is None else ()))
    top, left = ((n - side) // 2 for n in image.shape[:2])
    square = image[top : top + side, left : left + side]
    if size is None or side <= size:
        return square
    small = resize(square.astype(np.float64), (size, size), anti_aliasing=True)
    return np.clip(np.round(small), 0, 255).astype(np.uint8)


def compression_rows(
    names: tuple[str, ...] = IMAGES, sizes: tuple[int | None, ...] = SIZES
) -> list[dict[str, Any]]:
    """One row for each image and size.

    Args:
        names: Images of `skimage.data`.
        sizes: Pixels along each side; None: the image's own.

    Returns:
        Rows: the curves, and against each peer the mean and the least gain at equal size in dB and the
        mean change of the size at equal PSNR, with the processor time of one compression and decompression.
    """
    rows = []
    for size in sizes:
        for name in names:
            pixels = _pixels(name, size)
            started = time.process_time()
            curves = {"kansci": rate_distortion(pixels, "kansci")}
            seconds = (time.process_time() - started) / max(len(curves["kansci"]), 1)
            curves |= {codec: rate_distortion(pixels, codec) for codec in CODECS if codec != "kansci"}
            row: dict[str, Any] = {"image": name, "shape": list(pixels.shape), "seconds": round(seconds, 2)}
            for peer in ("jpeg", "jpeg2000", "webp"):
                mean, least = gain(curves["kansci"], curves[peer])
                row[f"gain_{peer}"], row[f"least_gain_{peer}"] = round(mean, 2), round(least, 2)
                row[f"rate_{peer}"] = round(rate_change(curves["kansci"], curves[peer]), 3)
            row["curves"] = {codec: _numbers(points) for codec, points in curves.items()}
            rows.append(row)
    return rows


def compression_summary(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Means over the rows; of the least gains the least."""
    keys = [key for key in rows[0] if key.startswith(("gain_", "rate_"))]
    found = {key: round(float(np.mean([row[key] for row in rows])), 3) for key in keys}
    return found | {key: min(row[key] for row in rows) for key in rows[0] if key.startswith("least_")}


def _numbers(points: list[Point]) -> list[list[float]]:
    return [[round(point.bits_per_pixel, 4), round(point.psnr, 3)] for point in points]
