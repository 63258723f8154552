"""Tensor-product splines: the separable KAN of full rank, linear in its weights.

u(x_1, ..., x_d) = sum over i_1 ... i_d of c_{i_1 ... i_d} B_{i_1}(x_1) ... B_{i_d}(x_d). With a coefficient
for every sample of a grid it goes through all samples, found by one banded system along each axis (Unser,
Aldroubi and Eden, B-spline signal processing, 1993), and its derivatives are exact. A sensor's samples are
means over cells rather than values in points; so the splines whose *means* are the samples are the default
for images (histosplines: Schoenberg, 1973).
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from kansci.inr.model import CoordinateModel
from kansci.inr.spline_axis import SplineAxis

__all__ = ["TensorSpline", "along", "cell_edges", "fitting_degree", "from_means", "through_values"]

MOST_AT_ONCE = 1 << 18
"""Points that are evaluated together, to bound the memory."""


@dataclass(frozen=True, eq=False)
class TensorSpline(CoordinateModel):
    """A coefficient for every product of the coordinates' splines.

    Attributes:
        axes: the splines of each of d coordinates.
        coefficients: shape (K_1, ..., K_d, C).
        n_free: how many numbers determine the coefficients, where they are fewer than these; see `terms`.
    """

    axes: tuple[SplineAxis, ...]
    coefficients: np.ndarray
    n_free: int | None = None
    kind: str = "spline"

    @property
    def n_parameters(self) -> int:
        """How many numbers were fitted to the signal."""
        return self.coefficients.size if self.n_free is None else self.n_free

    @property
    def n_inputs(self) -> int:
        """Number d of coordinates."""
        return len(self.axes)

    @property
    def n_outputs(self) -> int:
        """Number C of values."""
        return int(self.coefficients.shape[-1])

    def on_grid(self, axes: Sequence[np.ndarray], orders: Sequence[int] | None = None) -> np.ndarray:
        """Evaluate a derivative at all combinations of positions.

        Args:
            axes: positions along each coordinate.
            orders: of the derivative by each coordinate; the value by default.

        Returns:
            Shape (n_1, ..., n_d, C).
        """
        orders = orders or (0,) * self.n_inputs
        matrices = [a.matrix(x, nu) for a, x, nu in zip(self.axes, axes, orders, strict=True)]
        return along(matrices, self.coefficients)

    def means(self, shape: Sequence[int]) -> np.ndarray:
        """Give the means over the cells of a grid of `shape`, exactly."""
        matrices = [a.mean_matrix(cell_edges(n)) for a, n in zip(self.axes, shape, strict=True)]
        return along(matrices, self.coefficients)

    def values(self, points: np.ndarray) -> np.ndarray:
        """Evaluate at points (N, d), giving (N, C)."""
        return self._derivative(points, (0,) * self.n_inputs)

    def gradient(self, points: np.ndarray) -> np.ndarray:
        """Differentiate exactly at points (N, d), giving (N, C, d)."""
        units = np.eye(self.n_inputs, dtype=int)
        return np.stack([self._derivative(points, tuple(unit)) for unit in units], axis=-1)

    def laplacian(self, points: np.ndarray, scales: Sequence[float] | np.ndarray | None = None) -> np.ndarray:
        """Sum the second derivatives exactly at points (N, d), by coordinates / scales, giving (N, C)."""
        units = 2 * np.eye(self.n_inputs, dtype=int)
        terms = [self._derivative(points, tuple(unit)) for unit in units]
        weights = np.ones(self.n_inputs) if scales is None else np.asarray(scales) ** 2
        return np.sum([w * term for w, term in zip(weights, terms, strict=True)], axis=0)

    def _derivative(self, points: np.ndarray, orders: Sequence[int]) -> np.ndarray:
        parts = [
            self._near(points[start : start + MOST_AT_ONCE], orders)
            for start in range(0, len(points), MOST_AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.empty((0, self.n_outputs))

    def _near(self, points: np.ndarray, orders: Sequence[int]) -> np.ndarray:
        """Sum over the (k_1 + 1) ... (k_d + 1) products that do not vanish at each point."""
        local = [a.local(x, nu) for a, x, nu in zip(self.axes, points.T, orders, strict=True)]
        total = np.zeros((len(points), self.n_outputs))
        for offsets in itertools.product(*(range(a.degree + 1) for a in self.axes)):
            weight = np.prod([w[:, o] for (_, w), o in zip(local, offsets, strict=True)], axis=0)
            where = tuple(index[:, o] for (index, _), o in zip(local, offsets, strict=True))
            total += weight[:, None] * self.coefficients[where]
        return total


def along(matrices: Sequence[sparse.csr_array] | Sequence[np.ndarray], array: np.ndarray) -> np.ndarray:
    """Apply a matrix along each of the first axes of an array."""
    for axis, matrix in enumerate(matrices):
        rows = np.moveaxis(array, axis, 0)
        product = matrix @ rows.reshape(len(rows), -1)
        array = np.moveaxis(product.reshape(-1, *rows.shape[1:]), 0, axis)
    return array


def cell_edges(count: int) -> np.ndarray:
    """Give the ends of `count` equal cells of [-1, 1]."""
    return np.linspace(-1, 1, count + 1)


def from_means(means: np.ndarray, degree: int = 3) -> TensorSpline:
    """Find the spline whose means over cells are given.

    Args:
        means: shape (n_1, ..., n_d, C).
        degree: odd.

    Returns:
        The spline, with as many coefficients as means.
    """
    axes = tuple(SplineAxis.cells(n, degree) for n in means.shape[:-1])
    matrices = [a.mean_matrix(cell_edges(a.size)) for a in axes]
    return TensorSpline(axes, _solved(matrices, means))


def through_values(values: np.ndarray, positions: Sequence[np.ndarray], degree: int = 3) -> TensorSpline:
    """Find the spline that has given values on a grid.

    Args:
        values: shape (n_1, ..., n_d, C).
        positions: along each coordinate, increasing, in [-1, 1].
        degree: odd; lower along coordinates with few positions.

    Returns:
        The spline, with as many coefficients as values.
    """
    degrees = [fitting_degree(degree, len(x)) for x in positions]
    axes = tuple(SplineAxis.nodes(x, k) for x, k in zip(positions, degrees, strict=True))
    matrices = [a.matrix(x) for a, x in zip(axes, positions, strict=True)]
    return TensorSpline(axes, _solved(matrices, values))


def fitting_degree(degree: int, count: int) -> int:
    """Give the odd degree that so many positions determine, at most the wanted one."""
    return min(degree, (count - 2) // 2 * 2 + 1)


def _solved(matrices: Sequence[sparse.csr_array], values: np.ndarray) -> np.ndarray:
    """Solve with a banded matrix along each axis."""
    for axis, matrix in enumerate(matrices):
        rows = np.moveaxis(values, axis, 0)
        solution = splu(matrix.tocsc()).solve(np.ascontiguousarray(rows.reshape(len(rows), -1)))
        values = np.moveaxis(solution.reshape(rows.shape), 0, axis)
    return values
