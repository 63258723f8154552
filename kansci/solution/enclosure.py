"""The range of an expression over a box: by interval arithmetic, or where that fails by sampling."""

from dataclasses import dataclass

import numpy as np
import sympy

from kansci.evidence.intervals import Interval, enclose
from kansci.symbolic.parametric import compile_expr

__all__ = ["Range", "value_range"]

ROUNDS = 60
MOST_BOXES = 20_000
TIGHT = 1e-2
"""How far above its largest value a bound may be, of it."""
SAMPLES = 20_000


@dataclass(frozen=True)
class Range:
    """All values are between these ends; proved if `rigorous`, sampled otherwise."""

    low: float
    high: float
    rigorous: bool

    @property
    def largest(self) -> float:
        """The largest absolute value."""
        return max(abs(self.low), abs(self.high))


def value_range(expr: sympy.Expr, bounds: dict[sympy.Symbol, tuple[float, float]]) -> Range:
    """Enclose the values of an expression.

    Args:
        expr: In the symbols of the bounds.
        bounds: Low and high end of each symbol.

    Returns:
        Ends that are at most a percent of the largest value too far out where they are proved.
    """
    if not expr.free_symbols:
        value = float(expr)
        return Range(value, value, rigorous=True)
    used = [symbol for symbol in bounds if symbol in expr.free_symbols]
    ends = np.array([bounds[symbol] for symbol in used])
    function = compile_expr(expr, used)
    points = ends[:, 0] + np.random.default_rng(0).random((SAMPLES, len(used))) * (ends[:, 1] - ends[:, 0])
    values = function(*points.T)
    values = values[np.isfinite(values)]
    if not len(values):
        return Range(-np.inf, np.inf, rigorous=False)
    low, high = float(values.min()), float(values.max())
    slack = TIGHT * max(abs(low), abs(high))
    proved_high = _upper(expr, used, ends, high + slack)
    proved_low = -_upper(-expr, used, ends, -low + slack)
    if np.isfinite(proved_low) and np.isfinite(proved_high):
        return Range(proved_low, proved_high, rigorous=True)
    return Range(low, high, rigorous=False)


def _upper(expr: sympy.Expr, symbols: list[sympy.Symbol], ends: np.ndarray, enough: float) -> float:
    """An upper bound of an expression in a box: halve the boxes whose own bound is above `enough`."""
    low, high, done = ends[None, :, 0], ends[None, :, 1], -np.inf
    unit = ends[:, 1] - ends[:, 0]
    for _ in range(ROUNDS):
        box = {s: Interval(low[:, k], high[:, k]) for k, s in enumerate(symbols)}
        upper = enclose(expr, box).high
        above = upper > enough  # nowhere real: not above
        done = max(done, float(np.nanmax(upper, where=~above & ~np.isnan(upper), initial=-np.inf)))
        if not above.any() or 2 * above.sum() > MOST_BOXES:
            return max(done, float(np.max(upper, where=above, initial=-np.inf)))
        low, high = low[above], high[above]
        rows, side = np.arange(len(low)), ((high - low) / unit).argmax(axis=1)
        middle = 0.5 * (low[rows, side] + high[rows, side])
        left, right = high.copy(), low.copy()
        left[rows, side] = middle
        right[rows, side] = middle
        low, high = np.vstack([low, right]), np.vstack([left, high])
    return np.inf
