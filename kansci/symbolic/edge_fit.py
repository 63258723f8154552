"""Functions fitted to one curve: y ~ c * f(a*x + b) + d, in bounded memory, with the true R2."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kansci.expressions.primitives import Primitive
from kansci.symbolic.curve import Curve
from kansci.symbolic.match import match
from kansci.symbolic.refine import refine

__all__ = ["EdgeFit", "fit_edge"]

Range = tuple[float, float]

MOST_POINTS = 500
_GRID, _ZOOMS = 41, 8


@dataclass(frozen=True)
class EdgeFit:
    """A function with its constants.

    Attributes:
        primitive: f.
        params: (a, b, c, d).
        r2: 1 - sum (y - fit)^2 / sum (y - mean)^2, negative for less than nothing.
    """

    primitive: Primitive
    params: tuple[float, float, float, float]
    r2: float

    @property
    def complexity(self) -> int:
        """Nodes of c*f(a*x + b) + d beyond those of x, without a and b where c and d do the same."""
        return self.primitive.cost + 2 * (self.primitive.scale + self.primitive.shift + 2)


def fit_edge(
    functions: Sequence[Primitive],
    x: np.ndarray,
    y: np.ndarray,
    ranges: tuple[Range | None, Range | None] = (None, None),
    top: int = 12,
) -> list[EdgeFit]:
    """Fit the constants of functions to a curve.

    Args:
        functions: the choices for f.
        x: abscissae (N,).
        y: values (N,).
        ranges: where a and b may lie; without any the matcher lays its starts by the data.
        top: how many of the functions are fitted to the end.

    Returns:
        The best fits, at least `top` if so many functions are finite on x with any constants tried.
    """
    if len(x) > MOST_POINTS:
        order = np.argsort(x, kind="stable")
        few = order[np.linspace(0, len(x) - 1, MOST_POINTS).astype(int)]
        x, y = x[few], y[few]
    constants = [f for f in functions if not f.expr.free_symbols]
    fits = [_judged(f, (1.0, 0.0, 1.0, float(y.mean()) - float(f.expr)), x, y) for f in constants]
    curves = [f for f in functions if f.expr.free_symbols]
    if ranges == (None, None):
        found = match(x, y, library=curves, top=top)
        return [*fits, *(_judged(m.primitive, (m.a, m.b, m.c, m.d), x, y) for m in found)]
    curve = Curve(x[None], np.ones((1, len(x))), y)
    boxed = ((f, _in_box(f, curve, *ranges)) for f in curves)
    return [*fits, *(_judged(f, params, x, y) for f, params in boxed if params is not None)]


def _judged(
    primitive: Primitive, params: tuple[float, float, float, float], x: np.ndarray, y: np.ndarray
) -> EdgeFit:
    a, b, c, d = params
    rest = float(((y - c * primitive.values(a * x + b) - d) ** 2).sum())
    spread = float(((y - y.mean()) ** 2).sum())
    if spread == 0:
        return EdgeFit(primitive, params, 1.0 if rest == 0 else -np.inf)
    return EdgeFit(primitive, params, 1 - rest / spread)


def _in_box(
    primitive: Primitive, curve: Curve, a_range: Range | None, b_range: Range | None
) -> tuple[float, float, float, float] | None:
    """Zoom into the best cell of a grid over the box, then polish if that stays in the box."""
    low = np.array([(a_range or (-10.0, 10.0))[0], (b_range or (-10.0, 10.0))[0]])
    high = np.array([(a_range or (-10.0, 10.0))[1], (b_range or (-10.0, 10.0))[1]])
    start, end, best = low, high, None
    for _ in range(_ZOOMS):
        axes = np.linspace(start, end, _GRID).T
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
        found = curve.project(primitive, points)
        k = int(found.mse.argmin())
        if best is None or found.mse[k] < best[1]:
            best = (points[k], found.mse[k], found.c[k], found.d[k])
        cell = (end - start) / (_GRID - 1)
        start, end = np.maximum(best[0] - cell, low), np.minimum(best[0] + cell, high)
    if best is None or not np.isfinite(best[1]):
        return None
    polished = refine(primitive, curve, best[0])
    if polished.mse[0] < best[1] and (low <= polished.points[0]).all() and (polished.points[0] <= high).all():
        best = (polished.points[0], polished.mse[0], polished.c[0], polished.d[0])
    return float(best[0][0]), float(best[0][1]), float(best[2]), float(best[3])
