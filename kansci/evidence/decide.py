"""Whether a condition holds in a whole box: proved by intervals, or refuted by a point.

Branch and bound: boxes over which the enclosure of the quantity keeps away from zero are done with, the
others are halved, until none is left, a point refutes the condition, or the budget ends.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.optimize
import sympy

from kansci.evidence.conditions import Condition
from kansci.evidence.intervals import Interval, enclose
from kansci.symbolic.parametric import compile_expr

__all__ = ["Box", "Outcome", "decide", "is_finite"]

LEVELS = 60
"""Times that a box is halved."""
MOST_BOXES = 20_000
"""Boxes looked at in one round."""
POINTS_LOG2 = 10
"""Two to this power are the points tried at first."""
SCAN = 4001
"""Points along a quantity in one variable, between which it is looked for changes of sign."""
ZERO = 1e-12
"""What counts as zero, of the quantity's typical size."""
ASIDE = 1e-7
"""How far beside a zero the proof begins that there is no other, in widths of the range."""


@dataclass(frozen=True)
class Box:
    """Ranges of the symbols: low and high ends (I,)."""

    symbols: tuple[sympy.Symbol, ...]
    low: np.ndarray
    high: np.ndarray

    @property
    def unit(self) -> np.ndarray:
        """Widths of the ranges (I,), 1 for those without."""
        return np.where(self.high > self.low, self.high - self.low, 1.0)

    def of(self, symbols: set[sympy.Symbol]) -> "Box":
        """The ranges of some of the symbols."""
        kept = [k for k, symbol in enumerate(self.symbols) if symbol in symbols]
        return Box(tuple(self.symbols[k] for k in kept), self.low[kept], self.high[kept])

    def wider(self, share: float) -> "Box":
        """Every range extended at both ends by a share of its width."""
        reach = share * (self.high - self.low)
        return Box(self.symbols, self.low - reach, self.high + reach)

    def points(self) -> np.ndarray:
        """Points (N, I): evenly spaced along one range, Sobol's and the corners for more."""
        from scipy.stats import qmc  # slow to import

        n = len(self.symbols)
        if n == 1:
            shares = np.linspace(0.0, 1.0, SCAN)[:, None]
        else:
            corners = list(itertools.product([0.0, 1.0], repeat=n)) if n <= POINTS_LOG2 else []
            inner = qmc.Sobol(n, scramble=False).random_base2(POINTS_LOG2)
            shares = np.vstack([inner, np.reshape(corners, (-1, n))])
        return np.clip(self.low + (self.high - self.low) * shares, self.low, self.high)


@dataclass(frozen=True)
class Outcome:
    """What is known of a condition in a box.

    Attributes:
        verdict: "holds", "zero" or "below", what refutes it, or "undecided".
        points: witnesses (W, I), or the point that comes closest to being one.
        complete: the points are proved to be all zeros.
        share: of the box where the quantity is negative, by sampling.
        never_below: the quantity is proved not to be negative.
    """

    verdict: str
    points: np.ndarray
    complete: bool = False
    share: float = 0.0
    never_below: bool = False


class _Quantity:
    """A condition's quantity over points and boxes."""

    def __init__(self, condition: Condition, box: Box):
        """Compile the quantity and the guard."""
        self.box, self.condition = box, condition
        self.signed = condition.below is not None
        self.at = _of_rows(condition.quantity, box.symbols)
        self._guard = None if condition.guard is None else _of_rows(condition.guard, box.symbols)

    def counts(self, points: np.ndarray) -> np.ndarray:
        """Where the condition counts, by points (N, I)."""
        if self._guard is None:
            return np.ones(len(points), dtype=bool)
        return self._guard(points) <= ZERO

    def may_fail(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """In which boxes (B, I) the condition may fail, and where its quantity may be negative, both (B,)."""
        boxes = _intervals(self.box.symbols, low, high)
        value = enclose(self.condition.quantity, boxes)
        open_ = ~np.isnan(value.low) & (value.low <= 0) & (self.signed | (value.high >= 0))
        if self.condition.guard is not None:
            open_ &= enclose(self.condition.guard, boxes).low <= 0
        return open_, open_ & (value.low < 0)


def decide(condition: Condition, box: Box) -> Outcome:
    """Find out whether a condition holds in a box.

    Args:
        condition: What must hold.
        box: Where; a range may have no width.

    Returns:
        What is known; "holds" is a proof.
    """
    guard = set() if condition.guard is None else condition.guard.free_symbols
    small = box.of(condition.quantity.free_symbols | guard)
    quantity = _Quantity(condition, small)
    points = small.points()
    found = _refuted(quantity, points) or _bounded(quantity, points)
    whole = np.tile(0.5 * (box.low + box.high), (len(found.points), 1))
    whole[:, [k for k, symbol in enumerate(box.symbols) if symbol in small.symbols]] = found.points
    return replace(found, points=whole)


def _refuted(quantity: _Quantity, points: np.ndarray) -> Outcome | None:
    """A refutation by these points (N, I), or by a zero between two of them."""
    points = points[quantity.counts(points)] if points.shape[1] > 1 else points
    values = quantity.at(points)
    if quantity.signed:
        if not (values < 0).any():
            return None  # a zero will do only if there is nothing worse
        negative = np.flatnonzero(values < 0)
        finite = negative[np.isfinite(values[negative])]
        chosen = finite if len(finite) else negative
        share = len(negative) / max(int((~np.isnan(values)).sum()), 1)
        return Outcome("below", points[[chosen[values[chosen].argmin()]]], share=share)
    if points.shape[1] == 1:
        return _all_zeros(quantity, points, values)
    if (values == 0).any():
        return Outcome("zero", points[values == 0][:1])
    return _sign_change(quantity, points, values)


def _all_zeros(quantity: _Quantity, points: np.ndarray, values: np.ndarray) -> Outcome | None:
    """Zeros along a line, each once."""
    changes = np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0)
    crossed = [_crossing(quantity, points[k], points[k + 1], values) for k in changes]
    zeros = [*points[values == 0], *(point for point in crossed if point is not None)]
    zeros = [zero for zero in zeros if quantity.counts(zero[None])[0]]
    if not zeros:
        return None
    places = np.sort(np.ravel(zeros))
    places = places[np.append(True, np.diff(places) > 1e-9 * quantity.box.unit[0])]
    return Outcome("zero", places[:, None], complete=_no_other(quantity, places))


def _no_other(quantity: _Quantity, zeros: np.ndarray) -> bool:
    """Whether it is proved that there is no zero but these (W,), in one variable."""
    (start,), (end,), (unit,) = quantity.box.low, quantity.box.high, quantity.box.unit
    low, high = np.append(start, zeros + ASIDE * unit), np.append(zeros - ASIDE * unit, end)
    between = low < high
    return _closes(quantity, low[between, None], high[between, None])


def _sign_change(quantity: _Quantity, points: np.ndarray, values: np.ndarray) -> Outcome | None:
    """A zero between a point near the middle and the nearest one of the other sign."""
    negative, positive = points[values < 0], points[values > 0]
    if not (len(negative) and len(positive)):
        return None
    few, many = sorted((negative, positive), key=len)
    middle = 0.5 * (quantity.box.low + quantity.box.high)
    for start in few[_nearness(few, middle, quantity.box).argsort()[:8]]:
        end = many[_nearness(many, start, quantity.box).argmin()]
        point = _crossing(quantity, start, end, values)
        if point is not None and quantity.counts(point[None])[0]:
            return Outcome("zero", point[None])
    return None


def _nearness(points: np.ndarray, point: np.ndarray, box: Box) -> np.ndarray:
    return (((points - point) / box.unit) ** 2).sum(axis=1)


def _crossing(
    quantity: _Quantity, start: np.ndarray, end: np.ndarray, values: np.ndarray
) -> np.ndarray | None:
    """Bisect a change of sign; None if it is a pole or a jump of the quantity itself."""
    first, last = quantity.at(np.stack([start, end]))
    low, high, point, value = 0.0, 1.0, start, first
    for _ in range(80):
        share = 0.5 * (low + high)
        point = start + share * (end - start)
        value = quantity.at(point[None])[0]
        if value == 0 or not np.isfinite(value):
            break
        low, high = (share, high) if np.sign(value) == np.sign(first) else (low, share)
    small = max(1e-6 * min(abs(first), abs(last)), ZERO * _typical(values))
    if not abs(value) <= small:
        return None
    step = ZERO * 10.0 ** np.floor(np.log10(quantity.box.unit))
    rounded = np.clip(np.round(point / step) * step, quantity.box.low, quantity.box.high)
    return rounded if abs(quantity.at(rounded[None])[0]) <= abs(value) else point


def _typical(values: np.ndarray) -> float:
    sizes = np.abs(values[np.isfinite(values)])
    return float(np.median(sizes)) if len(sizes) else 0.0


def _closes(quantity: _Quantity, low: np.ndarray, high: np.ndarray) -> bool:
    """Whether the condition is proved to hold in boxes (B, I)."""
    for _ in range(LEVELS):
        open_, _ = quantity.may_fail(low, high)
        if not open_.any():
            return True
        low, high = low[open_], high[open_]
        if len(low) > MOST_BOXES:
            return False
        low, high = _halved(low, high, quantity.box.unit)
    return False


def _bounded(quantity: _Quantity, points: np.ndarray) -> Outcome:
    """Branch and bound."""
    box = quantity.box
    low, high = box.low[None], box.high[None]
    never_below = False
    for _ in range(LEVELS):
        open_, negative = quantity.may_fail(low, high)
        if not open_.any():
            return Outcome("holds", np.zeros((0, len(box.symbols))))
        low, high, never_below = low[open_], high[open_], not negative.any()
        centres = 0.5 * (low + high)
        found = _refuted(quantity, centres) if quantity.signed else None
        if found is not None:
            return replace(found, share=0.0)  # these centres are no sample of the box
        points = np.vstack([points, centres])
        if len(low) > MOST_BOXES or not (high > low).any():
            break
        low, high = _halved(low, high, box.unit)
    return replace(_nearest(quantity, points), never_below=never_below)


def _halved(low: np.ndarray, high: np.ndarray, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every box cut in two across its longest side."""
    rows = np.arange(len(low))
    side = ((high - low) / unit).argmax(axis=1)
    middle = 0.5 * (low[rows, side] + high[rows, side])
    left_high, right_low = high.copy(), low.copy()
    left_high[rows, side] = middle
    right_low[rows, side] = middle
    return np.vstack([low, right_low]), np.vstack([left_high, high])


def _nearest(quantity: _Quantity, points: np.ndarray) -> Outcome:
    """The point where the quantity comes closest to zero: a zero that it touches, or undecided."""
    box = quantity.box

    def sizes(candidates: np.ndarray) -> np.ndarray:
        values = np.where(quantity.counts(candidates), np.abs(quantity.at(candidates)), np.inf)
        return np.where(np.isnan(values), np.inf, values)

    best = points[sizes(points).argmin()]

    def size(step: np.ndarray) -> float:
        return float(sizes(np.clip(best + step * box.unit, box.low, box.high)[None])[0])

    options = {"xatol": 1e-14, "fatol": 0.0}
    found = scipy.optimize.minimize(size, np.zeros(len(best)), method="Nelder-Mead", options=options)
    polished = np.clip(best + found.x * box.unit, box.low, box.high)
    # A zero is often a round point: the origin, an end of a range.
    steps = 10.0 ** (np.floor(np.log10(box.unit)) - np.arange(1, 9)[:, None])
    candidates = np.clip([best, *np.round(polished / steps) * steps, polished], box.low, box.high)
    closest = sizes(candidates).argmin()
    touches = sizes(candidates)[closest] <= ZERO * _typical(quantity.at(points))
    return Outcome("zero" if touches else "undecided", candidates[[closest]])


def is_finite(expr: sympy.Expr, box: Box) -> bool:
    """Whether a formula is proved to stay within the doubles in a box.

    Args:
        expr: A formula that is real in the box.
        box: Where.

    Returns:
        Whether the proof came to an end.
    """
    small = box.of(expr.free_symbols)
    low, high = small.low[None], small.high[None]
    for _ in range(LEVELS):
        part = enclose(expr, _intervals(small.symbols, low, high))
        open_ = ~(np.isfinite(part.low) & np.isfinite(part.high))
        if not open_.any():
            return True
        low, high = low[open_], high[open_]
        if len(low) > MOST_BOXES or not (high > low).any():
            return False
        low, high = _halved(low, high, small.unit)
    return False


def _intervals(
    symbols: Sequence[sympy.Symbol], low: np.ndarray, high: np.ndarray
) -> dict[sympy.Symbol, Interval]:
    return {symbol: Interval(low[:, k], high[:, k]) for k, symbol in enumerate(symbols)}


def _of_rows(expr: sympy.Expr, symbols: Sequence[sympy.Symbol]) -> Callable[[np.ndarray], np.ndarray]:
    """The expression as a function of points (N, I)."""
    function = compile_expr(expr, symbols)
    return lambda points: np.array(function(*points.T))
