"""The biorthogonal wavelet transform CDF 9/7 of arrays of any dimension, by lifting.

Daubechies and Sweldens, "Factoring wavelet transforms into lifting steps" (1998), section 7.6;
the ends are continued by whole-sample symmetry, so that n samples have n coefficients.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

__all__ = ["Band", "bands", "forward", "inverse"]

LIFTING = (-1.586134342059924, -0.052980118572961, 0.882911075530934, 0.443506852043971)
SCALE = 1.149604398860241
SHORTEST = 5
"""Axes with fewer samples are not split further."""
DEEPEST = 8
"""Levels after which the norm of a basis function no longer changes."""


@dataclass(frozen=True)
class Band:
    """Coefficients of one level and one orientation.

    Attributes:
        level: 1 is the finest.
        orientation: for each axis 1 for the high-pass half, 0 for the low-pass half.
        where: the part of the array of coefficients.
        gain: the norm of the basis functions.
    """

    level: int
    orientation: tuple[int, ...]
    where: tuple[slice, ...]
    gain: float


def _split(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The shapes of the low-pass part: before the transform, after level 1, 2, ..."""
    shapes = [shape]
    while max(shapes[-1], default=0) >= SHORTEST:
        shapes.append(tuple(n - n // 2 if n >= SHORTEST else n for n in shapes[-1]))
    return shapes


def _lift(even: np.ndarray, odd: np.ndarray, factor: float, *, onto_odd: bool) -> None:
    """Add `factor` times the sum of both neighbours of the other parity (along the first axis)."""
    if onto_odd:
        n = len(odd)
        odd += factor * even[:n]
        odd[: len(even) - 1] += factor * even[1:]
        if len(even) == n:
            odd[-1] += factor * even[-1]
    else:
        even[: len(odd)] += factor * odd
        even[1:] += factor * odd[: len(even) - 1]
        even[0] += factor * odd[0]
        if len(even) > len(odd):
            even[-1] += factor * odd[-1]


def _analyse(values: np.ndarray, axis: int) -> None:
    """Replace the samples along one axis by their low-pass, then their high-pass coefficients."""
    along = np.moveaxis(values, axis, 0)
    even, odd = along[::2].copy(), along[1::2].copy()
    for step, factor in enumerate(LIFTING):
        _lift(even, odd, factor, onto_odd=step % 2 == 0)
    along[: len(even)] = even * SCALE
    along[len(even) :] = odd / SCALE


def _synthesise(coefficients: np.ndarray, axis: int) -> None:
    """The inverse of `_analyse`."""
    along = np.moveaxis(coefficients, axis, 0)
    half = len(along) - len(along) // 2
    even, odd = along[:half] / SCALE, along[half:] * SCALE
    for step in reversed(range(len(LIFTING))):
        _lift(even, odd, -LIFTING[step], onto_odd=step % 2 == 0)
    along[::2] = even
    along[1::2] = odd


def forward(values: np.ndarray) -> np.ndarray:
    """The wavelet coefficients of an array.

    Args:
        values: (...,) samples.

    Returns:
        Coefficients of the same shape; `bands` says where each band stands.
    """
    coefficients = np.array(values, dtype=np.float64)
    for shape in _split(coefficients.shape)[:-1]:
        part = coefficients[tuple(slice(n) for n in shape)]
        for axis, n in enumerate(shape):
            if n >= SHORTEST:
                _analyse(part, axis)
    return coefficients


def inverse(coefficients: np.ndarray) -> np.ndarray:
    """The samples of wavelet coefficients."""
    values = np.array(coefficients, dtype=np.float64)
    for shape in reversed(_split(values.shape)[:-1]):
        part = values[tuple(slice(n) for n in shape)]
        for axis in reversed(range(values.ndim)):
            if shape[axis] >= SHORTEST:
                _synthesise(part, axis)
    return values


@lru_cache
def _norm(level: int, high: int) -> float:
    """The norm of a basis function of one axis in the middle of a long signal."""
    depth = min(level, DEEPEST)
    if not depth:
        return 1.0
    length = 32 << depth
    values = np.zeros(length)
    values[(length >> depth) * high + (length >> (depth + 1))] = 1.0
    for n in reversed([length >> step for step in range(depth)]):
        _synthesise(values[:n], 0)
    return float(np.sqrt((values**2).sum()))


def bands(shape: tuple[int, ...]) -> list[Band]:
    """The bands of an array, from the coarsest to the finest."""
    shapes = _split(shape)
    found = []
    depths = np.array([[n >= SHORTEST for n in part] for part in shapes], dtype=int)
    for level in range(len(shapes) - 1, 0, -1):
        whole, low = shapes[level - 1], shapes[level]
        halves = [(0, 1) if n >= SHORTEST else (0,) for n in whole]
        depth = depths[:level].sum(axis=0)
        for orientation in product(*halves):
            if not any(orientation) and level < len(shapes) - 1:
                continue
            where = tuple(
                slice(half, full) if high else slice(half)
                for high, half, full in zip(orientation, low, whole, strict=True)
            )
            gain = float(np.prod([_norm(d, h) for d, h in zip(depth, orientation, strict=True)]))
            found.append(Band(level, orientation, where, gain))
    if len(shapes) == 1:
        found.append(Band(1, (0,) * len(shape), tuple(slice(n) for n in shape), 1.0))
    return found
