"""Spline collocation on meshes that are refined where the solution asks for it."""

import time
from collections.abc import Iterator

import numpy as np

from kansci.pde.reference.collocation import Collocation
from kansci.pde.reference.radau import march
from kansci.pde.reference.splines import SplineAxis
from kansci.pde.reference.steady import newton
from kansci.pde.reference.system import Clock, Level, System

__all__ = ["spline_levels"]

FIRST = ((1, 1), (8, 10), (1, 10), (1, 7))
"""Elements along an axis and Gauss points in each, by the number of axes of space."""
COST = (1.0, 1.5, 2.0, 3.0)
"""The power of the number of unknowns that the time goes with, by the number of axes of space."""
RESOLVED = 1e-10
"""Last Chebyshev coefficients in an element, of the largest value, that need no finer mesh."""
TIME_TOLERANCE = 1e-6
"""Of the first resolution; each further one has a tenth, or a thousandth of the unresolved share."""
FINEST_TIME = 1e-10


def spline_levels(system: System, points: np.ndarray, clock: Clock) -> tuple[str, Iterator[Level]]:
    """Solve a problem on a box, steady or in time.

    Args:
        system: The problem.
        points: Where the solution is wanted, (N, d).
        clock: When to stop.

    Returns:
        The method in words, and the solutions at rising resolutions.
    """
    method = "spline collocation at Gauss points"
    if system.time is not None:
        method += ", Radau IIA of order 13 in time"
    return method, _levels(system, points, clock)


def _levels(system: System, points: np.ndarray, clock: Clock) -> Iterator[Level]:
    bounds = system.problem.domain.bounds
    first, count = FIRST[len(system.space)]
    axes = [SplineAxis(np.linspace(bounds[k][0], bounds[k][1], first + 1), count) for k in system.space]
    tolerance = TIME_TOLERANCE
    while True:
        begin = time.monotonic()
        equations = Collocation(system, axes)
        rows = equations.evaluation(points)
        elements = " x ".join(str(len(axis.edges) - 1) for axis in axes)
        resolution = f"{elements} elements of {axes[0].count} points" if axes else ""
        if system.time is None:
            y = newton(equations, np.zeros(equations.size), clock)
            values = [rows[f] @ y[equations.slices[f, 0]] for f in range(len(rows))]
            states = y[:, None]
        else:
            span = tuple(bounds[system.time])
            found = march(equations, equations.start(), span, tolerance, clock)
            times = points[:, system.time]
            values = [found.at(rows[f], equations.slices[f, 0], times) for f in range(len(rows))]
            states = np.column_stack([state[:, -1] for state in found.states])
            resolution += f", {len(found.states)} steps"
        yield Level(np.column_stack(values), resolution.removeprefix(", "), time.monotonic() - begin)
        tails = equations.tails(states)
        unresolved = max((float(tail.max()) for tail in tails), default=0.0)
        tolerance = max(min(tolerance / 10, unresolved / 1000), FINEST_TIME)
        axes = _finer(axes, tails)
        growth = np.prod([axis.size(2) for axis in axes]) / np.prod([axis.size(2) for axis in equations.axes])
        if clock.left < growth ** COST[len(axes)] * (time.monotonic() - begin):
            return


def _finer(axes: list[SplineAxis], tails: list[np.ndarray]) -> list[SplineAxis]:
    """The axes with unresolved elements cut in two; all elements if all are resolved.

    In three dimensions, where matrices fill up, there is one element with more points instead.
    """
    if len(axes) == 3:
        return [SplineAxis(axis.edges, axis.count + 3) for axis in axes]
    unresolved = [tail > RESOLVED for tail in tails]
    if not any(u.any() for u in unresolved):
        return [axis.refined(np.full(len(axis.edges) - 1, 2)) for axis in axes]
    return [axis.refined(1 + u) for axis, u in zip(axes, unresolved, strict=True)]
