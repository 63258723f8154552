"""Tensor-product B-splines over space and time, with their derivatives and the matrices of least squares.

A field is a sum of products of uniform B-splines, one factor per coordinate (de Boor, *A Practical Guide to
Splines*). Numbering the coefficients along the longest axis last makes every matrix of a least-squares
problem banded, so that it is built and factorised in O(n b^2) for n coefficients and bandwidth b.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from math import prod

import numpy as np
from scipy.interpolate import BSpline
from scipy.linalg import cho_solve_banded, cholesky_banded

__all__ = ["Axis", "Band", "SplineSpace"]

CHUNK = 1_000_000
"""Entries of the outer products of rows of a design matrix that are handled at once."""
GAUSS = 3
"""Points of the Gauss-Legendre rule in each interval between knots."""


@dataclass(frozen=True)
class Axis:
    """Uniform B-splines on an interval.

    Attributes:
        lower: where the interval begins.
        upper: where it ends.
        intervals: between knots.
        degree: of the splines.
    """

    lower: float
    upper: float
    intervals: int
    degree: int

    @property
    def count(self) -> int:
        """How many B-splines there are."""
        return self.intervals + self.degree

    @property
    def step(self) -> float:
        """Distance between knots."""
        return (self.upper - self.lower) / self.intervals

    def cell(self, x: np.ndarray) -> np.ndarray:
        """The interval each point lies in, shape (N,)."""
        return np.clip(((x - self.lower) / self.step).astype(int), 0, self.intervals - 1)

    def design(self, x: np.ndarray, order: int) -> np.ndarray:
        """The derivatives of the B-splines that are not zero at each point, shape (N, degree + 1)."""
        # On uniform knots all intervals look alike: one polynomial for each of the degree + 1 pieces.
        local = (x - self.lower) / self.step - self.cell(x)
        k = self.degree
        pieces = BSpline(np.arange(-k, k + 2, dtype=float), np.eye(k + 1), k)
        return pieces(local, nu=order) / self.step**order

    def greville(self) -> np.ndarray:
        """Points at which collocation is well posed, shape (count,), both ends among them."""
        knots = self.lower + self.step * np.arange(-self.degree, self.intervals + self.degree + 1)
        inner = np.clip(knots, self.lower, self.upper)
        means = [inner[i + 1 : i + self.degree + 1].mean() for i in range(self.count)]
        return np.array(means)

    def gauss(self) -> tuple[np.ndarray, np.ndarray]:
        """Points of the quadrature, shape (intervals, GAUSS), and weights with sum one, shape (GAUSS,)."""
        nodes, weights = np.polynomial.legendre.leggauss(GAUSS)
        left = self.lower + self.step * np.arange(self.intervals)
        return left[:, None] + self.step * (nodes + 1) / 2, weights / 2


class Band:
    """A symmetric positive definite banded matrix, lower part by diagonals, shape (bandwidth + 1, n)."""

    def __init__(self, bandwidth: int, size: int) -> None:
        self.diagonals = np.zeros((bandwidth + 1, size))

    def add_cells(
        self, blocks: np.ndarray, first: np.ndarray, shape: tuple[int, ...], skips: tuple[int, ...]
    ) -> None:
        """Add a block for each cell of a regular lattice, a block each.

        Args:
            blocks: symmetric, shape (cells, w, w).
            first: the columns of the first cell, shape (w,), ascending.
            shape: cells along each axis.
            skips: by how much columns grow from a cell to the next along each axis.
        """
        entries = np.ascontiguousarray(blocks.reshape(len(blocks), -1).T)
        width, item = len(first), self.diagonals.itemsize
        strides = tuple(skip * item for skip in skips)
        for i in range(width):
            for j in range(i + 1):
                row = self.diagonals[first[i] - first[j], first[j] :]
                np.lib.stride_tricks.as_strided(row, shape, strides)[...] += entries[i * width + j].reshape(
                    shape
                )

    def solver(self, ridge: float = 1e-12) -> "BandSolver":
        """The factorised matrix, with a little of its diagonal added."""
        matrix = self.diagonals.copy()
        matrix[0] += ridge * (matrix[0].max() + 1e-300)
        return BandSolver(cholesky_banded(matrix, lower=True, overwrite_ab=True, check_finite=False))


@dataclass(frozen=True, eq=False)
class BandSolver:
    """The Cholesky factor of a `Band`."""

    factor: np.ndarray

    def __call__(self, right: np.ndarray) -> np.ndarray:
        """The solution for right-hand sides, shape (n,) or (n, M)."""
        return cho_solve_banded((self.factor, True), right, check_finite=False)


class SplineSpace:
    """Splines of several coordinates.

    Args:
        axes: one for each coordinate.
    """

    def __init__(self, axes: tuple[Axis, ...]) -> None:
        self.axes = axes
        # The longest axis is numbered slowest: the bandwidth is what one step along it skips.
        slow_first = sorted(range(len(axes)), key=lambda i: -axes[i].count)
        strides, stride = [0] * len(axes), 1
        for i in reversed(slow_first):
            strides[i] = stride
            stride *= axes[i].count
        self.strides = tuple(strides)
        self.size = stride
        self.bandwidth = sum(axis.degree * s for axis, s in zip(axes, strides, strict=True))
        self._windows = self._ascending(slow_first)

    def _ascending(self, slow_first: list[int]) -> np.ndarray:
        """Which basis of each axis the columns of a row belong to, columns ascending; shape (w, d)."""
        ranges = [range(self.axes[i].degree + 1) for i in slow_first]
        windows = np.array(list(product(*ranges)))
        return windows[:, np.argsort(slow_first)]

    def _chunks(self, array: np.ndarray) -> Iterator[np.ndarray]:
        """An array of many rows in pieces."""
        size = max(1, CHUNK // len(self._windows) ** 2)
        return (array[i : i + size] for i in range(0, len(array), size))

    def band(self, fields: int = 1) -> Band:
        """An empty matrix for the coefficients of some fields, which are numbered fastest."""
        return Band(self.bandwidth * fields + fields - 1, self.size * fields)

    def columns(self, points: np.ndarray) -> np.ndarray:
        """The coefficients that count at each point, shape (N, w)."""
        cells = np.stack([axis.cell(points[:, i]) for i, axis in enumerate(self.axes)], axis=1)
        return (cells[:, None, :] + self._windows) @ np.array(self.strides)

    def rows(self, points: np.ndarray, orders: tuple[int, ...]) -> np.ndarray:
        """The derivative's weights of those coefficients, shape (N, w)."""
        values = np.ones((len(points), len(self._windows)))
        for i, (axis, order) in enumerate(zip(self.axes, orders, strict=True)):
            values *= axis.design(points[:, i], order)[:, self._windows[:, i]]
        return values

    def evaluate(self, coefficients: np.ndarray, points: np.ndarray, orders: tuple[int, ...]) -> np.ndarray:
        """A derivative at points.

        Args:
            coefficients: shape (size,) or (size, M).
            points: shape (N, d).
            orders: of the derivative along each axis.

        Returns:
            Shape (N,) or (N, M).
        """
        out = [
            np.einsum("nw,nw...->n...", self.rows(part, orders), coefficients[self.columns(part)])
            for part in self._chunks(points)
        ]
        return np.concatenate(out)

    def normal(self, points: np.ndarray) -> Band:
        """The matrix B^T B of values at points."""
        shape = tuple(axis.intervals for axis in self.axes)
        cells = np.ravel_multi_index([axis.cell(points[:, i]) for i, axis in enumerate(self.axes)], shape)
        order = np.argsort(cells, kind="stable")
        ends = np.searchsorted(cells[order], np.arange(len(self.cell_columns) + 1))
        width = len(self._windows)
        every = self.rows(points, (0,) * len(self.axes))
        blocks = np.zeros((len(self.cell_columns), width, width))
        for cell, (first, last) in enumerate(pairwise(ends)):
            rows = every[order[first:last]]
            blocks[cell] = rows.T @ rows
        band = self.band()
        band.add_cells(blocks, self.cell_columns[0], shape, self.strides)
        return band

    def moments(self, points: np.ndarray, values: np.ndarray) -> np.ndarray:
        """B^T y, shape (size, M) for values of shape (N, M)."""
        out = np.zeros((self.size, values.shape[1]))
        for part, y in zip(self._chunks(points), self._chunks(values), strict=True):
            weights, columns = self.rows(part, (0,) * len(self.axes)), self.columns(part)
            for m in range(values.shape[1]):
                out[:, m] += np.bincount(columns.ravel(), (weights * y[:, m, None]).ravel(), self.size)
        return out

    @cached_property
    def quadrature(self) -> tuple[np.ndarray, np.ndarray]:
        """Points, shape (cells, q, d), and weights, shape (q,) with sum one, of the Gauss rule in cells."""
        nodes, weights = zip(*(axis.gauss() for axis in self.axes), strict=True)
        cells = np.indices([axis.intervals for axis in self.axes]).reshape(len(self.axes), -1).T
        inner = np.indices([GAUSS] * len(self.axes)).reshape(len(self.axes), -1).T
        points = [nodes[i][cells[:, i]][:, inner[:, i]] for i in range(len(self.axes))]
        return np.stack(points, axis=-1), prod(weights[i][inner[:, i]] for i in range(len(self.axes)))

    @cached_property
    def cell_columns(self) -> np.ndarray:
        """The coefficients that count in each cell, shape (cells, w)."""
        return self.columns(self.quadrature[0][:, 0])

    def cell_rows(self, orders: tuple[int, ...]) -> np.ndarray:
        """The derivative at the points of the rule, the same in every cell: shape (q, w)."""
        return self.rows(self.quadrature[0][0], orders)
