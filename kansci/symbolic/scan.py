"""Where to start: the inner constants (a, b) of a primitive, scanned on grids laid by the data."""

import numpy as np

from kansci.expressions.primitives import Primitive
from kansci.symbolic.curve import Curve

__all__ = ["scan"]

TAIL = 30.0
"""A largest value this many times the median belongs to a tail."""
A_DECADE = 5
KEPT = 3
"""Starts that a scan hands on."""


def scan(primitive: Primitive, curve: Curve) -> np.ndarray:
    """The best starts for one primitive on one view of a curve.

    Args:
        primitive: The function.
        curve: One view, ``z`` and ``w`` of shape (1, n).

    Returns:
        Rows (a, b), at most ``KEPT`` of clearly different a, the best first: (K, 2).
    """
    points = np.stack(_grid(primitive, curve.z), axis=1)
    mse = curve.project(primitive, points).mse
    order = np.argsort(mse, kind="stable")
    return points[_different(order[np.isfinite(mse[order])], points[:, 0])]


def _grid(primitive: Primitive, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (a, b), two arrays (M,), so that a*z + b covers the interesting parts of the function."""
    low, high = float(z.min()), float(z.max())
    if primitive.period:
        return _phases(high - low, primitive.period)
    if primitive.scale:
        return _scales(z, low, high, shift=primitive.shift)
    if primitive.shift:
        return _shifts(low, high)
    return np.ones(1), np.zeros(1)


def _shifts(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Poles and kinks to the left, inside and to the right of the data, in both directions."""
    span = high - low
    outside = span * np.concatenate([[0.01, 0.03], np.geomspace(0.1, 10, 9)])
    shifts = np.concatenate([[0.0], -low + outside, -low - span * np.linspace(0, 1, 21)])
    ones = np.ones_like(shifts)
    return np.concatenate([ones, -ones]), np.concatenate([shifts, high + low + shifts])


def _phases(span: float, period: float) -> tuple[np.ndarray, np.ndarray]:
    """A tenth of a period of the sine to some forty over the data, in steps of an eighth each."""
    scales = np.concatenate([np.geomspace(0.2, 1.5, 6), np.arange(2, 100) * 0.75]) * np.pi / span
    phases = np.arange(0, period, np.pi / 4)
    return np.repeat(scales, phases.size), np.tile(phases, scales.size)


def _scales(z: np.ndarray, low: float, high: float, *, shift: bool) -> tuple[np.ndarray, np.ndarray]:
    """Scales about the origin of both signs, and centres inside and beside the data."""
    size = max(abs(low), abs(high))
    scales = np.concatenate([np.geomspace(0.05, 40, 24), [np.pi, 2 * np.pi]]) / size
    usual = float(np.median(np.abs(z)))
    if 0 < usual < size / TAIL:  # the interesting part may lie far below the largest value
        count = int(np.ceil(A_DECADE * np.log10(size / usual)))
        scales = np.concatenate([scales, 40 / size * (size / usual) ** (np.arange(1, count + 1) / count)])
    scales = np.concatenate([scales, -scales])
    if not shift:
        return scales, np.zeros_like(scales)
    span = high - low
    centres = np.linspace(low - 0.25 * span, high + 0.25 * span, 13)
    wide = np.geomspace(0.3, 40, 14) / span
    a = np.concatenate([scales, np.repeat(wide, centres.size)])
    b = np.concatenate([np.zeros_like(scales), -(wide[:, None] * centres).ravel()])
    return a, b


def _different(order: np.ndarray, a: np.ndarray) -> list[int]:
    """The first few of ``order`` whose scales a (M,) differ."""
    kept: list[int] = []
    for k in order[:40]:
        if all(abs(a[k] - a[m]) > 0.1 * abs(a[m]) for m in kept):
            kept.append(int(k))
        if len(kept) == KEPT:
            break
    return kept
