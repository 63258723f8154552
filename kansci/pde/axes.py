"""Functions of one coordinate on [-1, 1] for separable networks, and the points that go with them."""

import itertools
from dataclasses import dataclass

import numpy as np
import torch

from kansci.basis import make_basis
from kansci.basis.bspline import BSpline
from kansci.pde.networks.expansion import BasisFunctions, Expansion

__all__ = ["Axis", "Powers", "harmonics", "polynomials", "smooth_functions", "splines", "stretched"]

_OVERSAMPLING = 1.5
_UNIT = torch.tensor([[-1.0, 1.0]], dtype=torch.float64)


@dataclass(frozen=True, eq=False)
class Axis:
    """The functions of a coordinate.

    Attributes:
        expansion: the K functions on [-1, 1].
        nodes: collocation points, more than functions, (M,).
    """

    expansion: Expansion
    nodes: np.ndarray

    @property
    def size(self) -> int:
        """Number of functions K."""
        return self.expansion.size

    @property
    def matrix(self) -> torch.Tensor:
        """The functions at the nodes, (M, K)."""
        return self.expansion.values(torch.from_numpy(self.nodes)[:, None], 0)[0][:, 0]


def stretched(unit: np.ndarray, low: float, high: float) -> np.ndarray:
    """Map points from [-1, 1] to an interval."""
    return low + (high - low) * (unit + 1) / 2


def smooth_functions(size: int, *, periodic: bool) -> Axis:
    """Give harmonics for a periodic coordinate, polynomials for another."""
    return harmonics(size) if periodic else polynomials(size)


def polynomials(size: int) -> Axis:
    """Give the first `size` Chebyshev polynomials, with the zeros of one of half again the degree."""
    count = int(np.ceil(_OVERSAMPLING * size)) + 1
    nodes = np.cos(np.pi * (np.arange(count) + 0.5) / count)[::-1].copy()
    if size == 1:
        return Axis(Powers(1), nodes)
    return Axis(BasisFunctions(make_basis("chebyshev", size - 1, 3, _UNIT)), nodes)


def harmonics(size: int) -> Axis:
    """Give 1 and sines and cosines of period 2 up to about `size` functions, with equally spaced points."""
    order = max(size // 2, 1)
    basis = make_basis({"basis": "fourier", "grid": order, "widths": 1.0}, order, 3, _UNIT)
    count = int(np.ceil(_OVERSAMPLING * basis.size)) + 1
    return Axis(BasisFunctions(basis), -1 + (2 * np.arange(count) + 1) / count)


def splines(breaks: np.ndarray, degree: int, *, periodic: bool = False, per_interval: int = 2) -> Axis:
    """Give B-splines, with Gauss points in every interval.

    Args:
        breaks: increasing from -1 to 1, shape (G + 1,).
        degree: of the splines.
        periodic: join the ends smoothly.
        per_interval: number of points in an interval; more in the first and last, for the splines that
            stretch beyond the end.

    Returns:
        The axis.

    Raises:
        ValueError: a joined axis has fewer intervals than the degree.
    """
    steps = np.diff(breaks)
    before = np.cumsum((steps[::-1] if periodic else np.repeat(steps[:1], degree))[:degree])
    after = np.cumsum((steps if periodic else np.repeat(steps[-1:], degree))[:degree])
    if periodic and len(steps) < degree:
        raise ValueError(
            f"{len(steps)} intervals for joined splines of degree {degree}: give at least as many"
        )
    knots = np.concatenate([-1 - before[::-1], breaks, 1 + after])
    basis = BSpline.from_knots(torch.from_numpy(knots)[None], degree)
    ends = per_interval if periodic else per_interval + (degree + 1) // 2
    nodes = []
    for k, (low, high) in enumerate(itertools.pairwise(breaks)):
        count = ends if k in {0, len(steps) - 1} else per_interval
        points, _ = np.polynomial.legendre.leggauss(count)
        nodes.append((low + high) / 2 + (high - low) / 2 * points)
    expansion = _Joined(basis) if periodic else BasisFunctions(basis)
    return Axis(expansion, np.concatenate(nodes))


class _Joined(BasisFunctions):
    """Splines of which the last k are the first k one period on."""

    @property
    def size(self) -> int:
        """Number of functions K."""
        return self.basis.grid_size

    def values(self, x: torch.Tensor, orders: int) -> tuple[torch.Tensor, ...]:
        """Evaluate derivatives 0 to `orders` at x (N, M), each (N, M, K)."""
        wrapped = -1 + (x + 1) % 2
        both = self.basis.jet(wrapped, tuple(range(orders + 1)))
        overlap = self.basis.size - self.size
        rest = torch.zeros_like(both[0][..., : self.size - overlap])
        return tuple(f[..., : self.size] + torch.cat([f[..., self.size :], rest], dim=-1) for f in both)


class Powers(Expansion):
    """1, s, s^2, ... of s = (x + 1) / 2."""

    def __init__(self, count: int):
        """Take the first `count` powers."""
        self.count = count

    @property
    def size(self) -> int:
        """Number of functions K."""
        return self.count

    def values(self, x: torch.Tensor, orders: int) -> tuple[torch.Tensor, ...]:
        """Evaluate derivatives 0 to `orders` at x (N, M), each (N, M, K)."""
        s, jets = (x + 1) / 2, []
        for nu in range(orders + 1):
            columns = []
            for k in range(self.count):
                factor = float(np.prod(np.arange(k - nu + 1, k + 1))) / 2**nu if k >= nu else 0.0
                columns.append(factor * s ** max(k - nu, 0))
            jets.append(torch.stack(columns, dim=-1))
        return tuple(jets)
