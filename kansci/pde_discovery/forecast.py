"""The found equation solved forward from the end of the data it was found from.

Method of lines: central differences on a uniform grid, values near the edges given as functions of time by
the smoothed measurements, and an implicit solver in time (Radau for fields, LSODA without space).
"""

import warnings
from math import factorial

import numpy as np
from scipy.integrate import solve_ivp
from scipy.ndimage import map_coordinates

from kansci.pde.numeric import grid_of
from kansci.pde_discovery.collocation import Fit
from kansci.pde_discovery.smoothing import Smooth
from kansci.pde_discovery.spline_space import SplineSpace
from kansci.pde_discovery.terms import Coordinate, Jet

__all__ = ["forecast"]

REACH = 4
"""Nodes of a difference to each side."""
MOST_NODES = {0: 1, 1: 221, 2: 23, 3: 11}
"""Nodes along each axis, for each number of axes of space."""
LIMIT = 1e3
"""A solution this many times larger than the data has blown up."""


def forecast(
    fit: Fit, space: SplineSpace, order: int, edges: Smooth, begin: float, points: np.ndarray
) -> np.ndarray | None:
    """Solve an equation.

    Args:
        fit: the equation, and the fields up to the time it begins at.
        space: splines of that fit, time last.
        order: of the derivative in time on the left-hand side.
        edges: smoothed measurements, of which only values near the edges of space are used.
        begin: the time to begin at.
        points: to predict the fields at, times ascending, shape (N, d).

    Returns:
        The fields, shape (N, fields); None if the solution does not exist that long.
    """
    return _Lines(fit, space, order, edges).run(begin, points)


class _Lines:
    def __init__(self, fit: Fit, space: SplineSpace, order: int, edges: Smooth) -> None:
        self.fit, self.space, self.order, self.edges = fit, space, order, edges
        self.fields = fit.b.shape[1]
        axes = space.axes[:-1]
        most = MOST_NODES.get(len(axes), MOST_NODES[max(MOST_NODES)])
        self.shape = tuple(max(2 * REACH + 4, min(2 * axis.intervals + 1, most)) for axis in axes)
        lines = [np.linspace(axis.lower, axis.upper, n) for axis, n in zip(axes, self.shape, strict=True)]
        self.nodes = grid_of(lines)
        self.atoms = sorted({jet for terms in fit.support for t in terms for jet in t.jets})
        self.given = _near_edges(self.shape)
        self.differences = {
            (i, m): _differences(lines[i], m)
            for i in range(len(axes))
            for m in {jet.orders[i] for jet in self.atoms} - {0}
        }
        self.bound = LIMIT * np.abs(edges.coefficients).max()

    def _derivative(self, values: np.ndarray, orders: tuple[int, ...]) -> np.ndarray:
        """A derivative along space at all nodes, shape (nodes,)."""
        out = values.reshape(self.shape)
        for i, m in enumerate(orders):
            if m:
                out = np.moveaxis(np.tensordot(self.differences[i, m], out, axes=(1, i)), 0, i)
        return out.ravel()

    def _between(self, values: np.ndarray, points: np.ndarray) -> np.ndarray:
        """A field on the nodes, shape (nodes,), interpolated at points of space, shape (N, axes)."""
        if not self.shape:
            return np.full(len(points), values[0])
        where = [
            (x - axis.lower) / (axis.upper - axis.lower) * (n - 1)
            for x, axis, n in zip(points.T, self.space.axes, self.shape, strict=False)
        ]
        return map_coordinates(values.reshape(self.shape), where, order=5, mode="mirror")

    def run(self, begin: float, points: np.ndarray) -> np.ndarray | None:
        start = [self._measured(self.fit.b, self.space, begin, k) for k in range(self.order)]
        times = np.unique(points[:, -1])
        method, rtol = ("Radau", 1e-5) if self.shape else ("LSODA", 1e-9)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            run = solve_ivp(
                self._slope, (begin, times[-1]), np.concatenate(start).ravel(), method, times,
                rtol=rtol, atol=rtol / 100 * np.abs(self.edges.coefficients).max(), events=self._blown_up,
            )  # fmt: skip
        if not run.success or len(run.t) < len(times) or not np.isfinite(run.y).all():
            return None
        states = run.y.T.reshape(len(times), self.order, len(self.nodes), self.fields)[:, 0]
        out = np.empty((len(points), self.fields))
        ends = np.searchsorted(points[:, -1], times, side="right")
        for state, first, last in zip(states, [0, *ends[:-1]], ends, strict=True):
            for f in range(self.fields):
                out[first:last, f] = self._between(state[:, f], points[first:last, :-1])
        return out

    def _measured(self, b: np.ndarray, space: SplineSpace, time: float, order: int) -> np.ndarray:
        """A derivative by time of fitted fields at the nodes, shape (nodes, fields)."""
        places = np.column_stack([self.nodes, np.full(len(self.nodes), time)])
        return space.evaluate(b, places, (*[0] * (len(space.axes) - 1), order))

    def _slope(self, time: float, flat: np.ndarray) -> np.ndarray:
        state = flat.reshape(self.order, len(self.nodes), self.fields)
        jets: dict[Jet | Coordinate, np.ndarray] = {
            Coordinate(i): x for i, x in enumerate((*self.nodes.T, np.full(len(self.nodes), time)))
        }
        for jet in self.atoms:
            jets[jet] = self._derivative(state[jet.orders[-1], :, jet.field], jet.orders[:-1])
        right = np.zeros((len(self.nodes), self.fields))
        for e, (terms, c) in enumerate(zip(self.fit.support, self.fit.coefficients(), strict=True)):
            right[:, e] = sum(a * t.value(jets) for a, t in zip(c, terms, strict=True)) if terms else 0.0
        out = np.stack([*state[1:], right])
        if self.given.any():
            at = np.column_stack([self.nodes[self.given], np.full(self.given.sum(), time)])
            for k in range(self.order):
                orders = (*[0] * (len(self.space.axes) - 1), k + 1)
                out[k, self.given] = self.edges.space.evaluate(self.edges.coefficients, at, orders)
        return out.ravel()

    def _blown_up(self, _: float, flat: np.ndarray) -> float:
        return self.bound - float(np.abs(flat[: len(self.nodes) * self.fields]).max())

    _blown_up.terminal = True  # type: ignore[attr-defined]


def _near_edges(shape: tuple[int, ...]) -> np.ndarray:
    """Which nodes are too near an edge for central differences."""
    index = grid_of([np.arange(n) for n in shape])
    near = np.zeros(len(index), dtype=bool)
    for i, n in enumerate(shape):
        near |= (index[:, i] < REACH) | (index[:, i] >= n - REACH)
    return near


def _differences(x: np.ndarray, order: int) -> np.ndarray:
    """Central differences on a uniform grid; rows near the edges are zero."""
    offsets = np.arange(-REACH, REACH + 1)
    moments = np.vander(offsets, increasing=True).T.astype(float)
    right = np.zeros(len(offsets))
    right[order] = factorial(order)
    weights = np.linalg.solve(moments, right) / (x[1] - x[0]) ** order
    out = np.zeros((len(x), len(x)))
    for k, w in zip(offsets, weights, strict=True):
        rows = np.arange(REACH, len(x) - REACH)
        out[rows, rows + k] = w
    return out
