"""Piecewise polynomials along one axis, for collocation at Gauss points.

For an equation of order m the k Gauss points of each element and m conditions determine a spline of degree
k + m - 1 with m - 1 continuous derivatives (de Boor & Swartz, Collocation at Gaussian points, SIAM J. Numer.
Anal. 10 (1973) 582-606); the conditions may stand anywhere.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.fft import dct
from scipy.interpolate import BSpline

__all__ = ["SplineAxis"]


@dataclass(frozen=True, eq=False)
class SplineAxis:
    """An interval cut into elements.

    Attributes:
        edges: of the E elements, shape (E + 1,), rising.
        count: k, Gauss points in each.
    """

    edges: np.ndarray
    count: int

    def size(self, order: int) -> int:
        """How many coefficients a spline has for an equation of this order."""
        return self.count * (len(self.edges) - 1) + order

    def _knots(self, order: int) -> tuple[np.ndarray, int]:
        degree = self.count + order - 1
        low, inner, high = self.edges[:1], self.edges[1:-1], self.edges[-1:]
        ends = degree + 1
        return np.concatenate(
            [np.repeat(low, ends), np.repeat(inner, self.count), np.repeat(high, ends)]
        ), degree

    @cached_property
    def gauss(self) -> np.ndarray:
        """The Gauss points of all elements, (E k,)."""
        nodes = np.polynomial.legendre.leggauss(self.count)[0]
        middle, half = 0.5 * (self.edges[1:] + self.edges[:-1]), 0.5 * np.diff(self.edges)
        return (middle[:, None] + half[:, None] * nodes).ravel()

    def nodes(self, order: int) -> np.ndarray:
        """Points at which values determine the spline: its knot averages (de Boor), `size` of them."""
        if order == 0:
            return self.gauss
        knots, degree = self._knots(order)
        averages = np.array([knots[i + 1 : i + degree + 1].mean() for i in range(self.size(order))])
        return np.clip(averages, self.edges[0], self.edges[-1])

    def matrix(self, points: np.ndarray, order: int, derivative: int = 0) -> sparse.csr_array:
        """The matrix from coefficients to values of a derivative.

        Args:
            points: Shape (N,), clipped to the interval.
            order: Of the equation.
            derivative: At most `order`.

        Returns:
            Shape (N, size).
        """
        knots, degree = self._knots(order)
        difference = sparse.eye_array(self.size(order), format="csr")
        for _ in range(derivative):
            widths = knots[degree + 1 : -1] - knots[1 : -degree - 1]
            n = len(widths)
            step = sparse.diags_array([-degree / widths, degree / widths], offsets=[0, 1], shape=(n, n + 1))
            difference = sparse.csr_array(step @ difference)
            knots, degree = knots[1:-1], degree - 1
        inside = np.clip(points, self.edges[0], self.edges[-1])
        values = sparse.csr_array(BSpline.design_matrix(inside, knots, degree))
        return values @ difference if derivative else values  # a product would drop entries that are 0

    def tails(self, order: int) -> sparse.csr_array:
        """The matrix (2 E, size) to the last two Chebyshev coefficients in each element."""
        n = self.count + order
        shares = np.cos(np.pi * (np.arange(n) + 0.5) / n)
        middle, half = 0.5 * (self.edges[1:] + self.edges[:-1]), 0.5 * np.diff(self.edges)
        last = dct(np.eye(n), axis=0)[-2:] / n
        blocks = sparse.kron(sparse.eye_array(len(half)), last)
        return sparse.csr_array(
            blocks @ self.matrix((middle[:, None] + half[:, None] * shares).ravel(), order)
        )

    def refined(self, pieces: np.ndarray) -> "SplineAxis":
        """Cut every element into so many pieces, (E,)."""
        starts = zip(self.edges[:-1], self.edges[1:], pieces, strict=True)
        parts = [np.linspace(low, high, int(p) + 1)[:-1] for low, high, p in starts]
        return SplineAxis(np.append(np.concatenate(parts), self.edges[-1]), self.count)
