"""Splines along one coordinate of a tensor product, as sparse matrices."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse

from kansci.errors import SettingsError
from kansci.kernels.bspline import local_values

__all__ = ["SplineAxis"]

MOST_DEGREE = 9


@dataclass(frozen=True, eq=False)
class SplineAxis:
    """The splines of a coordinate on [-1, 1].

    Attributes:
        knots: all knots, increasing, shape (T,).
        degree: of the splines.
        mirrored: whether functions are even about both ends: splines beyond an end are folded back. It holds
            for knots that `cells` places.
    """

    knots: np.ndarray
    degree: int
    mirrored: bool

    @classmethod
    def cells(cls, count: int, degree: int = 3) -> "SplineAxis":
        """Place one spline in the middle of each of `count` equal cells; functions are even about the ends.

        Args:
            count: number of cells.
            degree: odd.

        Returns:
            The axis.

        Raises:
            SettingsError: the degree is even, or out of range.
        """
        if degree % 2 == 0 or not 1 <= degree <= MOST_DEGREE:
            raise SettingsError(f"degree={degree}: choose 1, 3, 5, 7 or 9")
        centres = np.arange(-(degree + 1), count + degree + 1)  # knots of odd degree lie at centres
        return cls((2.0 * centres + 1) / count - 1, degree, mirrored=True)

    @classmethod
    def nodes(cls, positions: np.ndarray, degree: int = 3) -> "SplineAxis":
        """Place as many splines as positions, with which there is one interpolant (not-a-knot).

        Args:
            positions: increasing, in [-1, 1], more than the degree.
            degree: odd.

        Returns:
            The axis.

        Raises:
            SettingsError: there are too few positions, or the degree is even.
        """
        if degree % 2 == 0 or not 1 <= degree <= MOST_DEGREE or len(positions) <= degree:
            raise SettingsError(f"degree={degree} with {len(positions)} positions: choose a lower odd degree")
        inner = positions[(degree + 1) // 2 : len(positions) - (degree + 1) // 2]
        ends = np.concatenate([[min(positions[0], -1.0)], inner, [max(positions[-1], 1.0)]])
        steps = np.arange(1, degree + 1)
        before = ends[0] - (ends[1] - ends[0]) * steps[::-1]
        after = ends[-1] + (ends[-1] - ends[-2]) * steps
        return cls(np.concatenate([before, ends, after]), degree, mirrored=False)

    @property
    def size(self) -> int:
        """Number of coefficients."""
        every = len(self.knots) - self.degree - 1
        return every - (self.degree + 1) if self.mirrored else every

    def local(self, x: np.ndarray, nu: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Give the coefficients' numbers and weights for the nu-th derivative at x (N,), each (N, k + 1)."""
        places = torch.from_numpy(np.ascontiguousarray(x, dtype=float))
        first, weights = local_values(places, torch.from_numpy(self.knots), self.degree, nu)
        index = first.numpy()[:, None] + np.arange(self.degree + 1)
        return self._folded(index), weights.numpy()

    def matrix(self, x: np.ndarray, nu: int = 0) -> sparse.csr_array:
        """Give the nu-th derivatives at x (N,) of the functions that have a coefficient, (N, K)."""
        index, weights = self.local(x, nu)
        rows = np.repeat(np.arange(len(x)), self.degree + 1)
        return sparse.csr_array((weights.ravel(), (rows, index.ravel())), shape=(len(x), self.size))

    def mean_matrix(self, edges: np.ndarray) -> sparse.csr_array:
        """Give the functions' means between neighbours of `edges` (N + 1,), exactly, (N, K)."""
        inner = self.knots[(self.knots > edges[0]) & (self.knots < edges[-1])]
        pieces = np.union1d(edges, inner)
        unit, weights = np.polynomial.legendre.leggauss(self.degree // 2 + 1)
        middles, halves = (pieces[1:] + pieces[:-1]) / 2, np.diff(pieces) / 2
        points = (middles[:, None] + halves[:, None] * unit).ravel()
        cell = np.repeat(np.searchsorted(edges, middles) - 1, len(unit))
        share = (halves[:, None] * weights).ravel() / np.diff(edges)[cell]
        average = sparse.csr_array(
            (share, (cell, np.arange(len(points)))), shape=(len(edges) - 1, len(points))
        )
        return average @ self.matrix(points)

    def _folded(self, index: np.ndarray) -> np.ndarray:
        if not self.mirrored:
            return index
        around = (index - (self.degree + 1) // 2) % (2 * self.size)
        return np.minimum(around, 2 * self.size - 1 - around)
