"""How fine the splines have to be along each axis."""

from collections.abc import Callable

import numpy as np

from kansci.pde_discovery.measurements import Measurements
from kansci.pde_discovery.smoothing import Smooth, smooth
from kansci.pde_discovery.spline_space import Axis, SplineSpace

__all__ = ["smoothed"]

CELLS = {1: (400, 400), 2: (2500, 6500), 3: (500, 700), 4: (500, 700)}
"""Cells of the spline spaces, at least and at most, for each number of coordinates."""
A_PARAMETER = 6
"""Cells for each effective parameter of the smoothed fields, as noise hides finer detail."""
SATURATED = 0.5
"""Share of the splines' parameters that smooth fields may use before finer splines are taken."""
FIRST = (0, 400, 40, 8, 5)
"""Intervals along each axis before anything is known."""
FEWEST = 5


def smoothed(data: Measurements, space_order: int, like: SplineSpace | None = None) -> Smooth:
    """Smooth fields over a space of splines that resolves them.

    Args:
        data: to be smoothed.
        space_order: highest derivative along space that will be taken.
        like: a space over a part of the time, whose knots are taken on.

    Returns:
        The smoothed fields.
    """
    dimensions = data.points.shape[1]
    lower, upper = data.points.min(axis=0), data.points.max(axis=0)
    distinct = [len(np.unique(x)) if len(np.unique(x)) < len(x) / 2 else 10**6 for x in data.points.T]
    most = np.array([max(FEWEST, n - 1) for n in distinct])
    along = min(5, space_order + 2) if dimensions == 2 else 4  # more dimensions: second derivatives at most
    degrees = [5] if dimensions == 1 else [*[along] * (dimensions - 1), 4]

    def space(intervals: np.ndarray) -> SplineSpace:
        rows = zip(lower, upper, intervals, degrees, strict=True)
        return SplineSpace(tuple(Axis(a, b, int(n), k) for a, b, n, k in rows))

    rng: Callable[[], np.random.Generator] = lambda: np.random.default_rng(0)  # noqa: E731
    if like is not None:
        steps = np.array([axis.step for axis in like.axes])
        return smooth(
            space(np.maximum(np.round((upper - lower) / steps), FEWEST)), data.points, data.values, rng()
        )
    fewest, allowed = CELLS[dimensions]
    allowed = min(allowed, max(len(data.points) // 2, FEWEST))
    first = np.minimum(np.full(dimensions, min(FIRST[dimensions], allowed ** (1 / dimensions))), most)
    rough = smooth(space(np.maximum(first, FEWEST)), data.points, data.values, rng())
    if dimensions == 1:
        return rough
    wiggles = _wiggles(rough, data.values.std(axis=0))
    budget = min(max(A_PARAMETER * rough.freedom.max(), fewest), allowed)
    fit = smooth(space(_share(wiggles, budget, most)), data.points, data.values, rng())
    if fit.freedom.max() > SATURATED * fit.space.size and budget < allowed:
        fit = smooth(space(_share(wiggles, allowed, most)), data.points, data.values, rng())
    return fit


def _wiggles(fit: Smooth, scale: np.ndarray) -> np.ndarray:
    """A number for each axis in proportion to the intervals it needs, from third derivatives."""
    points = fit.space.quadrature[0].reshape(-1, len(fit.space.axes))
    out = []
    for i, axis in enumerate(fit.space.axes):
        orders = tuple(3 * (i == j) for j in range(len(fit.space.axes)))
        third = fit.space.evaluate(fit.coefficients, points, orders) / scale
        out.append((axis.upper - axis.lower) * np.sqrt((third**2).mean()) ** (1 / 3))
    return np.maximum(out, 1e-3 * max(out))


def _share(wanted: np.ndarray, budget: float, most: np.ndarray) -> np.ndarray:
    """Intervals in proportion to what is wanted, of a product, none above what the data resolve."""
    intervals = wanted * (budget / np.prod(wanted)) ** (1 / len(wanted))
    for _ in range(len(wanted)):
        intervals = np.clip(intervals, FEWEST, most)
        free = (intervals > FEWEST) & (intervals < most)
        if free.any():
            intervals = np.where(
                free, intervals * (budget / np.prod(intervals)) ** (1 / free.sum()), intervals
            )
    return np.clip(intervals, FEWEST, most).astype(int)
