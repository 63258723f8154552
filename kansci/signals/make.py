"""Signals from arrays."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kansci.errors import DataError
from kansci.signals.signal import Signal

__all__ = ["audio_signal", "field_signal", "image_signal", "video_signal", "volume_signal"]

_CHANNELS = {
    1: ("grey",),
    2: ("grey", "alpha"),
    3: ("red", "green", "blue"),
    4: ("red", "green", "blue", "alpha"),
}


def image_signal(array: np.ndarray, meta: Mapping[str, Any] | None = None) -> Signal:
    """Make a signal of an image.

    Args:
        array: (H, W) or (H, W, C) with 1 to 4 channels (grey, grey and alpha, RGB, RGBA). Unsigned integers
            of 8 or 16 bits are scaled to [0, 1]; other numbers are kept.
        meta: goes into the signal's.

    Returns:
        The image, with pixel (i, j) at (i + 0.5, j + 0.5) in coordinates (y, x).

    Raises:
        DataError: The array is no image.
    """
    array = np.asarray(array)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[-1] not in _CHANNELS:
        raise DataError(f"an array of shape {array.shape} is no image: (H, W) or (H, W, 1 to 4) is needed")
    return _cells("image", array, ("y", "x"), _CHANNELS[array.shape[-1]], meta)


def video_signal(frames: np.ndarray, frame_rate: float, meta: Mapping[str, Any] | None = None) -> Signal:
    """Make a signal of a video.

    Args:
        frames: (F, H, W) or (F, H, W, C), scaled as those of `image_signal`.
        frame_rate: frames a second.
        meta: goes into the signal's.

    Returns:
        The video; frame f stands at f + 0.5.

    Raises:
        DataError: The array is no video.
    """
    frames = np.asarray(frames)
    if frames.ndim == 3:
        frames = frames[..., None]
    if frames.ndim != 4 or frames.shape[-1] not in _CHANNELS:
        raise DataError(f"an array of shape {frames.shape} is no video: (F, H, W) or (F, H, W, C) is needed")
    if not (np.isfinite(frame_rate) and frame_rate > 0):
        raise DataError(f"a video of {frame_rate:g} frames a second: a positive number is needed")
    known = {**(meta or {}), "frame_rate": float(frame_rate)}
    return _cells("video", frames, ("frame", "y", "x"), _CHANNELS[frames.shape[-1]], known)


def volume_signal(array: np.ndarray, meta: Mapping[str, Any] | None = None) -> Signal:
    """Make a signal of a volume.

    Args:
        array: (D, H, W) or (D, H, W, C), scaled as those of `image_signal`.
        meta: goes into the signal's.

    Returns:
        The volume, with voxel (i, j, k) at (i + 0.5, j + 0.5, k + 0.5) in coordinates (z, y, x).

    Raises:
        DataError: The array is no volume.
    """
    array = np.asarray(array)
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4:
        raise DataError(f"an array of shape {array.shape} is no volume: (D, H, W) or (D, H, W, C) is needed")
    channels = array.shape[-1]
    names = ("value",) if channels == 1 else tuple(f"value{c + 1}" for c in range(channels))
    return _cells("volume", array, ("z", "y", "x"), names, meta)


def audio_signal(samples: np.ndarray, rate: float, meta: Mapping[str, Any] | None = None) -> Signal:
    """Make a signal of sound.

    Args:
        samples: (N,) or (N, C). Integers are scaled to [-1, 1), unsigned ones of 8 bits about 128; other
            numbers are kept.
        rate: samples a second.
        meta: goes into the signal's.

    Returns:
        The sound, with sample i at i / rate seconds; its peak is 2, the range from -1 to 1.

    Raises:
        DataError: The array is no sound.
    """
    samples = np.asarray(samples)
    if samples.ndim == 1:
        samples = samples[:, None]
    if samples.ndim != 2 or 0 in samples.shape:
        raise DataError(
            f"an array of shape {samples.shape} is no sound: (N,) or (N, C), not empty, is needed"
        )
    if not (np.isfinite(rate) and rate > 0):
        raise DataError(f"a sound with {rate:g} samples a second: a positive number is needed")
    if len(samples) < 2:
        raise DataError("a sound of one sample: at least 2 are needed")
    time = np.arange(len(samples)) / rate
    channels = samples.shape[1]
    names = {1: ("mono",), 2: ("left", "right")}.get(
        channels, tuple(f"channel{c + 1}" for c in range(channels))
    )
    known = {"dtype": samples.dtype.name, **(meta or {}), "rate": float(rate)}
    box = np.array([[0.0, time[-1]]])
    return Signal("audio", _centred(samples), (time,), None, box, ("t",), names, 2.0, known)


def field_signal(
    points: np.ndarray,
    values: np.ndarray,
    coordinates: Sequence[str] | None = None,
    channels: Sequence[str] | None = None,
    meta: Mapping[str, Any] | None = None,
) -> Signal:
    """Make a signal of a measured field; points that fill a grid, in any order, become one.

    Args:
        points: (N,) or (N, d).
        values: (N,) or (N, C).
        coordinates: names; x1, x2, ... when not given.
        channels: names; u, or u1, u2, ... when not given.
        meta: goes into the signal's.

    Returns:
        The field; its peak is the largest minus the smallest value.

    Raises:
        DataError: The arrays do not belong together.
    """
    points = np.asarray(points, dtype=np.float64)
    values = np.asarray(values, dtype=np.float64)
    points = points[:, None] if points.ndim == 1 else points
    values = values[:, None] if values.ndim == 1 else values
    if points.ndim != 2 or values.ndim != 2 or len(points) != len(values) or points.size * values.size == 0:
        raise DataError(
            f"points of shape {points.shape} and values of shape {values.shape}: (N, d) and (N, C), not "
            "empty, are needed"
        )
    d, c = points.shape[1], values.shape[1]
    names = tuple(coordinates) if coordinates is not None else tuple(f"x{i + 1}" for i in range(d))
    outputs = tuple(channels or (("u",) if c == 1 else [f"u{i + 1}" for i in range(c)]))
    box = np.stack([points.min(axis=0), points.max(axis=0)], axis=1)
    peak = _span(values)
    grid = _as_grid(points, values)
    if grid is not None:
        axes, on_grid = grid
        return Signal("field", on_grid, axes, None, box, names, outputs, peak, meta or {})
    return Signal("field", values, None, points, box, names, outputs, peak, meta or {})


def _as_grid(points: np.ndarray, values: np.ndarray) -> tuple[tuple[np.ndarray, ...], np.ndarray] | None:
    """The axes and the values (*shape, C) if the points are exactly those of a grid, each once."""
    found = [np.unique(column, return_inverse=True) for column in points.T]
    shape = tuple(len(axis) for axis, _ in found)
    if np.prod(shape, dtype=float) != len(points) or min(shape) < 2:
        return None
    place = np.ravel_multi_index(tuple(index.reshape(-1) for _, index in found), shape)
    order = np.argsort(place)
    if not np.array_equal(place[order], np.arange(len(points))):
        return None
    return tuple(axis for axis, _ in found), values[order].reshape(*shape, -1)


def _cells(
    kind: str,
    array: np.ndarray,
    coordinates: tuple[str, ...],
    channels: tuple[str, ...],
    meta: Mapping[str, Any] | None,
) -> Signal:
    """A signal of equal cells of size 1."""
    values, peak = _scaled(array)
    shape = array.shape[:-1]
    axes = tuple(np.arange(n) + 0.5 for n in shape)
    box = np.array([[0.0, n] for n in shape])
    known = {"dtype": array.dtype.name, **(meta or {})}
    return Signal(kind, values, axes, None, box, coordinates, channels, peak, known)


def _scaled(array: np.ndarray) -> tuple[np.ndarray, float]:
    """Values in [0, 1] with peak 1, or the numbers as they are with their range."""
    if array.dtype.name in {"bool", "uint8", "uint16"}:  # in any order of bytes
        highest = 1 if array.dtype == np.bool_ else np.iinfo(array.dtype).max
        return array / np.float64(highest), 1.0
    values = _real(array)
    if values.size and values.min() >= 0 and values.max() <= 1:
        return values, 1.0
    return values, _span(values)


def _centred(samples: np.ndarray) -> np.ndarray:
    """Sound in [-1, 1) if it is of integers."""
    if samples.dtype == np.uint8:
        return (samples.astype(np.float64) - 128) / 128
    if samples.dtype.kind == "i":
        return samples / -np.float64(np.iinfo(samples.dtype).min)
    return _real(samples)


def _real(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "fiu":
        raise DataError(f"an array of {array.dtype.name}: real numbers are needed")
    return array.astype(np.float64)


def _span(values: np.ndarray) -> float:
    """The largest minus the smallest value; 1 where that is no range."""
    span = float(np.ptp(values)) if values.size else 0.0
    return span if np.isfinite(span) and span > 0 else 1.0
