"""What the coefficients already coded say about the next ones: how large they will be.

A coefficient is large where its neighbours, the coefficient above it (the same place one level
coarser), those of the other orientations and of the other channels are. Their magnitudes are put
together linearly, as in Wu, "High-order context modeling and embedded conditional entropy coding of
wavelet coefficients" (1997); the weights are a least-squares fit to what has been coded so far, so
they are not part of the file. Bands are coded in 2**d interleaved phases (the parities of the
positions), so that all neighbours of a phase's coefficients in the phases before are known and a
phase is handled by whole arrays.
"""

from itertools import product

import numpy as np

__all__ = ["FULL", "LARGEST", "UNIT", "Predictor", "features", "from_other", "phases"]

UNIT = 16
"""Magnitude 1 in the units of features."""
LARGEST = (1 << 12) - 1
"""Magnitudes count as at most that in contexts."""
FULL = LARGEST * UNIT
"""The largest feature."""
FLOOR = 4
"""The constant feature."""
FRACTION = 256
"""Weights are whole numbers of 1/256."""
HEAVIEST = 64 * FRACTION
"""The largest weight in that unit."""
TRUST = 32.0
"""Weight of the first guess, in coefficients."""


def phases(dimensions: int) -> list[tuple[int, ...]]:
    """The parities in the order of coding: those with the farthest neighbours first."""
    return sorted(product((0, 1), repeat=dimensions), key=lambda parity: (sum(parity) % 2, sum(parity)))


def _pair(values: np.ndarray, axis: int, *, centre: int = 0) -> np.ndarray:
    """The sum of both neighbours along an axis, and `centre` times the value itself; zeros outside."""
    found = values * centre
    along, source = np.moveaxis(found, axis, 0), np.moveaxis(values, axis, 0)
    along[1:] += source[:-1]
    along[:-1] += source[1:]
    return found


def _smooth(values: np.ndarray) -> np.ndarray:
    """The [1 2 1] mean along every axis, without its divisor 4**d."""
    for axis in range(values.ndim):
        values = _pair(values, axis, centre=2)
    return values


def _stretch(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Values of a coarser band at the places of a finer one."""
    for axis, n in enumerate(shape):
        places = np.arange(n) * values.shape[axis] // n
        values = values.take(places, axis)
    return values


def features(
    own: np.ndarray,
    done: list[tuple[int, ...]],
    parity: tuple[int, ...],
    fixed: list[np.ndarray],
) -> np.ndarray:
    """The features of the coefficients of one phase.

    Args:
        own: (*shape) magnitudes of the band, 0 where they are not known yet.
        done: The parities coded before.
        parity: That of this phase.
        fixed: Maps of features from other bands, see `from_other`.

    Returns:
        (N, F) whole numbers, at most `FULL`.
    """
    every = tuple(slice(start, None, 2) for start in parity)
    found = []
    for before in done:
        near, count = own, 1
        for axis, (one, other) in enumerate(zip(parity, before, strict=True)):
            if one != other:
                near, count = _pair(near, axis), 2 * count
        found.append(near[every].ravel() * UNIT // count)
    found.extend(values[every].ravel() for values in fixed)
    found.append(np.full(found[0].shape if found else own[every].size, FLOOR))
    return np.stack(found, axis=1).astype(np.float64)


def from_other(magnitudes: np.ndarray, shape: tuple[int, ...]) -> list[np.ndarray]:
    """Two features of every place of a band from another band: there, and around it.

    Args:
        magnitudes: Those of the other band.
        shape: That of the band to be coded.
    """
    around = _smooth(magnitudes) * UNIT >> (2 * magnitudes.ndim)
    return [_stretch(magnitudes * UNIT, shape), _stretch(around, shape)]


class Predictor:
    """The least-squares weights of the features of one kind of coefficient.

    Sums are exact (whole numbers times powers of two, far below 2**53) and the equations are solved
    by plain sequential arithmetic: the same on every machine.

    Args:
        n_features: F.
    """

    def __init__(self, n_features: int) -> None:
        self._matrix = np.eye(n_features) * (TRUST / 16)
        self._right = np.full(n_features, TRUST / 16 / max(n_features - 1, 1))

    def expect(self, rows: np.ndarray) -> np.ndarray:
        """(N,) expected magnitudes, times 16, of (N, F) features."""
        weights = np.array(_solve(self._matrix.tolist(), self._right.tolist()))
        whole = np.clip(np.floor(weights * FRACTION + 0.5), -HEAVIEST, HEAVIEST)
        return np.clip(np.floor(rows @ whole / FRACTION), 0, FULL).astype(np.int64)

    def learn(self, rows: np.ndarray, magnitudes: np.ndarray) -> None:
        """Take in (N, F) features and the (N,) magnitudes found there."""
        # Each row has the weight 1 / its size squared, rounded to a power of two: errors count relatively.
        _, exponents = np.frexp(rows.max(axis=1))
        scaled = np.ldexp(rows, -exponents[:, None])
        targets = np.minimum(np.ldexp(magnitudes * float(UNIT), -exponents), 4.0)
        self._matrix += scaled.T @ scaled
        self._right += scaled.T @ targets


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Solve symmetric positive definite equations by elimination, in a fixed order."""
    n = len(right)
    for pivot in range(n):
        head = matrix[pivot]
        for row in range(pivot + 1, n):
            factor = matrix[row][pivot] / head[pivot]
            if factor:
                matrix[row] = [a - factor * b for a, b in zip(matrix[row], head, strict=True)]
                right[row] -= factor * right[pivot]
    for row in reversed(range(n)):
        for column in range(row + 1, n):  # not `sum`, which rounds differently since Python 3.12
            right[row] -= matrix[row][column] * right[column]
        right[row] /= matrix[row][row]
    return right
