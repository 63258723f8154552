"""A grid inside a shape of the plane, with the arms that its boundary cuts short (Shortley & Weller 1938)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy
from scipy import sparse
from scipy.spatial import cKDTree

from kansci.pde.domain import Domain
from kansci.symbolic.parametric import compile_expr

__all__ = ["ShapeGrid", "shape_grid"]

BISECTIONS = 45
SHORTEST = 1e-6
"""Arms are no shorter, in grid widths: what is nearer to the boundary is no node."""
REACH = 1.001
"""How far the boundary is looked for, in grid widths."""
NEIGHBOURS = 24
"""Nodes to which a cubic polynomial is fitted about a point."""


@dataclass(frozen=True, eq=False)
class ShapeGrid:
    """Nodes in a shape and where the grid lines meet its boundary.

    Attributes:
        inside: nodes (n, 2).
        boundary: points (b, 2).
        neighbours: of each node to the low and the high side along each axis, (n, 2, 2); an index beyond n
            is a point of the boundary.
        arms: how far they are, (n, 2, 2).
    """

    inside: np.ndarray
    boundary: np.ndarray
    neighbours: np.ndarray
    arms: np.ndarray

    def derivative(self, orders: tuple[int, int]) -> sparse.csr_array | None:
        """The matrix (n, n + b) of a derivative up to the second along one axis; None for others."""
        n, total = len(self.inside), len(self.inside) + len(self.boundary)
        rows = np.arange(n)
        if sum(orders) == 0:
            return sparse.csr_array(sparse.eye_array(n, total))
        if sum(orders) > 2 or orders == (1, 1):
            return None
        axis, order = int(orders[1] > 0), sum(orders)
        low, high = self.arms[:, axis].T
        if order == 2:
            weights = 2 / (low * (low + high)), 2 / (high * (low + high))
        else:
            weights = -high / (low * (low + high)), low / (high * (low + high))
        below, above = self.neighbours[:, axis].T
        data = np.concatenate([*weights, -weights[0] - weights[1]])
        return sparse.csr_array(
            (data, (np.tile(rows, 3), np.concatenate([below, above, rows]))), shape=(n, total)
        )

    def interpolation(self, points: np.ndarray) -> sparse.csr_array:
        """The matrix (N, n + b) to the values at points (N, 2) of cubic polynomials fitted about each."""
        nodes = np.vstack([self.inside, self.boundary])
        count = min(NEIGHBOURS, len(nodes))
        far, near = cKDTree(nodes).query(points, k=count)
        scale = far[:, -1:]
        x, y = ((nodes[near] - points[:, None]) / scale[..., None]).transpose(2, 0, 1)
        powers = np.stack([x**i * y**j for i in range(4) for j in range(4 - i)], axis=-1)
        weights = np.linalg.pinv(powers)[:, 0]
        pointers = np.arange(len(points) + 1) * count
        return sparse.csr_array((weights.ravel(), near.ravel(), pointers), shape=(len(points), len(nodes)))


def shape_grid(domain: Domain, axes: tuple[int, int], cells: int) -> ShapeGrid | None:
    """Lay a grid of squares over a shape.

    Args:
        domain: With the shape.
        axes: Positions of its two axes among the domain's.
        cells: Along the longer side.

    Returns:
        The grid; None if it has next to no nodes in the shape.
    """
    low, high = domain.bounds[list(axes)].T
    width = float((high - low).max()) / cells
    counts = np.ceil((high - low) / width - 1e-9).astype(int) + 1
    lines = [a + width * np.arange(-1, c + 1) for a, c in zip(low, counts, strict=True)]

    names = [sympy.Symbol(domain.axes[k], real=True) for k in axes]
    depth = compile_expr(domain.distance(), names)  # exact, where `contains` has a margin

    def contains(points: np.ndarray) -> np.ndarray:
        return depth(*points.T) > 0

    mesh = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1)
    mask = (depth(*mesh.reshape(-1, 2).T) > SHORTEST * width).reshape(mesh.shape[:2])
    mask[[0, -1]] = mask[:, [0, -1]] = False
    n = int(mask.sum())
    if n < NEIGHBOURS:
        return None
    index = np.full(mask.shape, -1)
    index[mask] = np.arange(n)
    neighbours, arms = np.empty((n, 2, 2), dtype=int), np.full((n, 2, 2), width)
    boundary: list[np.ndarray] = []
    start = n
    for axis in (0, 1):
        for side, shift in enumerate((1, -1)):
            found = np.roll(index, shift, axis=axis)[mask]
            cut = np.flatnonzero(found < 0)
            direction = np.zeros(2)
            direction[axis] = -REACH * width * shift
            shares = _crossings(contains, mesh[mask][cut], direction)
            boundary.append(mesh[mask][cut] + shares[:, None] * direction)
            arms[cut, axis, side] = np.maximum(REACH * shares, SHORTEST) * width
            found[cut] = start + np.arange(len(cut))
            start += len(cut)
            neighbours[:, axis, side] = found
    return ShapeGrid(mesh[mask], np.vstack(boundary), neighbours, arms)


def _crossings(
    contains: Callable[[np.ndarray], np.ndarray], start: np.ndarray, direction: np.ndarray
) -> np.ndarray:
    """Shares (N,) of the direction after which the shape ends."""
    low, high = np.zeros(len(start)), np.ones(len(start))
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        within = contains(start + middle[:, None] * direction)
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    return 0.5 * (low + high)
