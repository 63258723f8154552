"""Interval arithmetic over sympy expressions, for many boxes at once.

The enclosure of an expression over a box holds every real value that it takes there (Moore, Kearfott and
Cloud, Introduction to Interval Analysis, 2009). It is computed in double precision and widened outward
after each step by more than numpy's functions err. What is not understood is enclosed by the whole line, so
that nothing is ever proved by mistake.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import scipy.special
import sympy

__all__ = ["UNDERSTOOD", "Interval", "enclose"]

_ROUND_OFF = 8 * np.finfo(float).eps
_TINY = 1e-300
_SPECIAL = 1e-12
"""What scipy's special functions may err."""
_LARGEST_ANGLE = 1e9


class Interval(NamedTuple):
    """Lower and upper ends (B,), one pair for each box; nan where the expression is nowhere real."""

    low: np.ndarray
    high: np.ndarray


def enclose(expr: sympy.Expr, box: Mapping[sympy.Symbol, Interval]) -> Interval:
    """Enclose an expression over boxes.

    Args:
        expr: The expression.
        box: For each of its symbols the ends (B,) in every box.

    Returns:
        The ends (B,): infinite where there may be a pole, nan where the expression is nowhere real.
    """
    known: dict[sympy.Basic, Interval] = {}
    shape = next(iter(box.values())).low.shape if box else (1,)

    def visit(part: sympy.Expr) -> Interval:
        if part not in known:
            known[part] = node(part)
        return known[part]

    def node(part: sympy.Expr) -> Interval:
        if part.is_Symbol:
            return box[part]
        if part.is_number:
            value = float(part) if part.is_real else math.nan
            exact = part.is_Float or (part.is_Integer and abs(value) < 2**53)
            ends = Interval(np.full(shape, value), np.full(shape, value))
            return ends if exact else _closed(*ends)
        if part.is_Pow:
            return _power(part, visit)
        arguments = [visit(argument) for argument in part.args if not isinstance(argument, sympy.Tuple)]
        if part.func in _ENCLOSURES:
            return _ENCLOSURES[part.func](*arguments)
        return _whole_line(*arguments)

    with np.errstate(all="ignore"):
        return visit(expr)


def _closed(low: np.ndarray, high: np.ndarray, *arguments: Interval, tiny: float = _TINY) -> Interval:
    """The interval widened outward; the whole line where an end is undefined, empty where an argument is."""
    low = np.where(np.isfinite(low), low - _ROUND_OFF * np.abs(low) - tiny, low)
    high = np.where(np.isfinite(high), high + _ROUND_OFF * np.abs(high) + tiny, high)
    unclear = np.isnan(low) | np.isnan(high)
    low, high = np.where(unclear, -np.inf, low), np.where(unclear, np.inf, high)
    if arguments:
        empty = np.isnan([argument.low for argument in arguments]).any(axis=0)
        low, high = np.where(empty, np.nan, low), np.where(empty, np.nan, high)
    return Interval(low, high)


def _without(part: Interval, excluded: np.ndarray) -> Interval:
    """The interval, empty where `excluded`."""
    return Interval(np.where(excluded, np.nan, part.low), np.where(excluded, np.nan, part.high))


def _whole_line(*arguments: Interval) -> Interval:
    shape = arguments[0].low.shape
    return _closed(np.full(shape, -np.inf), np.full(shape, np.inf), *arguments)


def _add(*terms: Interval) -> Interval:
    total = terms[0]
    for term in terms[1:]:
        # sums do not underflow, so that 0 stays 0
        total = _closed(total.low + term.low, total.high + term.high, total, term, tiny=0.0)
    return total


def _times(one: Interval, other: Interval) -> Interval:
    products = np.array([a * b for a in one for b in other])
    products[np.isnan(products)] = 0.0  # an infinite end is never taken, 0 times it is 0
    product = _closed(products.min(axis=0), products.max(axis=0), one, other)
    same = (one.low >= 0) & (other.low >= 0) | (one.high <= 0) & (other.high <= 0)
    unlike = (one.low >= 0) & (other.high <= 0) | (one.high <= 0) & (other.low >= 0)
    low = np.where(same, np.maximum(product.low, 0.0), product.low)
    return Interval(low, np.where(unlike, np.minimum(product.high, 0.0), product.high))


def _multiply(*factors: Interval) -> Interval:
    product = factors[0]
    for factor in factors[1:]:
        product = _times(product, factor)
    return product


def _reciprocal(x: Interval) -> Interval:
    low = np.where(x.high == 0, -np.inf, 1 / x.high)
    high = np.where(x.low == 0, np.inf, 1 / x.low)
    inside = (x.low < 0) & (x.high > 0) | ((x.low == 0) & (x.high == 0))
    return _closed(np.where(inside, -np.inf, low), np.where(inside, np.inf, high), x)


def _power(part: sympy.Pow, visit: Callable[[sympy.Expr], Interval]) -> Interval:
    base = visit(part.base)
    if not part.exp.is_number:
        return _monotone(np.exp)(_multiply(visit(part.exp), _log(base)))
    exponent = float(part.exp)
    if exponent < 0:
        return _reciprocal(_positive_power(base, -exponent))
    return _positive_power(base, exponent)


def _positive_power(base: Interval, exponent: float) -> Interval:
    if not exponent.is_integer():
        base = _within(base, 0.0, np.inf)
    elif exponent % 2 == 0:
        base = _absolute(base)
    power = _closed(base.low**exponent, base.high**exponent, base)
    return Interval(np.where(base.low >= 0, np.maximum(power.low, 0.0), power.low), power.high)


def _absolute(x: Interval) -> Interval:
    ends = np.abs(x)
    low = np.where((x.low <= 0) & (x.high >= 0), 0.0, ends.min(axis=0))
    return Interval(np.where(np.isnan(x.low), np.nan, low), ends.max(axis=0))


def _within(x: Interval, low: float, high: float) -> Interval:
    """The part of the interval in a function's domain."""
    clipped = Interval(np.clip(x.low, low, high), np.clip(x.high, low, high))
    return _without(clipped, (x.high < low) | (x.low > high))


def _monotone(
    function: Callable[[np.ndarray], np.ndarray],
    domain: tuple[float, float] = (-np.inf, np.inf),
    *,
    falling: bool = False,
) -> Callable[[Interval], Interval]:
    def enclosure(x: Interval) -> Interval:
        x = _within(x, *domain)
        low, high = function(x.low), function(x.high)
        return _closed(high, low, x) if falling else _closed(low, high, x)

    return enclosure


_log = _monotone(np.log, (0.0, np.inf))


def _sine(x: Interval) -> Interval:
    ends = np.sin(x)
    low = np.where(_meets(x, -math.pi / 2), -1.0, ends.min(axis=0))
    high = np.where(_meets(x, math.pi / 2), 1.0, ends.max(axis=0))
    values = _closed(low, high, x)
    return Interval(np.maximum(values.low, -1.0), np.minimum(values.high, 1.0))


def _meets(x: Interval, phase: float) -> np.ndarray:
    """Whether phase + 2 pi k may lie in the interval for a whole k; yes for angles without digits."""
    first = (x.low - phase) / (2 * math.pi) - 1e-6
    last = (x.high - phase) / (2 * math.pi) + 1e-6
    return (np.ceil(first) <= last) | ~(np.abs(x).max(axis=0) < _LARGEST_ANGLE)


def _cosine(x: Interval) -> Interval:
    return _sine(_closed(x.low + math.pi / 2, x.high + math.pi / 2, x))


def _even(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[Interval], Interval]:
    """A function of |x| that rises with it."""
    rising = _monotone(function)
    return lambda x: rising(_absolute(x))


def _gamma(x: Interval) -> Interval:
    """Between poles the whole line; on the right half-line a valley about 1.4616."""
    ends = np.array([scipy.special.gamma(end) for end in x])
    valley = (x.low <= 1.46164) & (x.high >= 1.46163)
    right = x.low > 0
    low = np.where(valley, 0.8856, ends.min(axis=0)) * (1 - _SPECIAL)
    high = ends.max(axis=0) * (1 + _SPECIAL)
    return _closed(np.where(right, low, -np.inf), np.where(right, high, np.inf), x)


def _smooth(function: Callable[[np.ndarray], np.ndarray], slope: float) -> Callable[[Interval], Interval]:
    """A function between -1 and 1 whose slope has a bound."""

    def enclosure(x: Interval) -> Interval:
        middle = 0.5 * (x.low + x.high)
        value, reach = function(middle), slope * 0.5 * (x.high - x.low) + _SPECIAL
        low, high = np.maximum(value - reach, -1.0), np.minimum(value + reach, 1.0)
        return _closed(np.where(np.isnan(low), -1.0, low), np.where(np.isnan(high), 1.0, high), x)

    return enclosure


def _besselj(order: Interval, x: Interval) -> Interval:
    """Of whole order J is between -1 and 1, and so is its slope (DLMF 10.14.1, 10.6.1)."""
    n = float(order.low[0])
    if n < 0 or not n.is_integer() or (order.high != n).any() or (order.low != n).any():
        return _whole_line(x)
    return _smooth(lambda z: scipy.special.jv(n, z), 1.0)(x)


def _lambert(x: Interval) -> Interval:
    """Like a square root at its branch point -1/e, where half of the digits are lost."""
    x = _within(x, -math.exp(-1), np.inf)
    ends = [np.nan_to_num(scipy.special.lambertw(end).real, nan=-1.0) for end in x]
    return _closed(ends[0] - 1e-7, ends[1] + 1e-7, x)


def _largest(*parts: Interval) -> Interval:
    return Interval(*(np.maximum.reduce([part[end] for part in parts]) for end in (0, 1)))


def _smallest(*parts: Interval) -> Interval:
    return Interval(*(np.minimum.reduce([part[end] for part in parts]) for end in (0, 1)))


def _step(at_zero: float, below: float) -> Callable[..., Interval]:
    return lambda x, *_: Interval(*(np.where(end < 0, below, np.heaviside(end, at_zero)) for end in x))


_ENCLOSURES: dict[type, Callable[..., Interval]] = {
    sympy.Add: _add,
    sympy.Mul: _multiply,
    sympy.exp: _monotone(np.exp),
    sympy.log: _log,
    sympy.sin: _sine,
    sympy.cos: _cosine,
    sympy.tan: lambda x: _times(_sine(x), _reciprocal(_cosine(x))),
    sympy.cot: lambda x: _times(_cosine(x), _reciprocal(_sine(x))),
    sympy.sec: lambda x: _reciprocal(_cosine(x)),
    sympy.csc: lambda x: _reciprocal(_sine(x)),
    sympy.asin: _monotone(np.arcsin, (-1.0, 1.0)),
    sympy.acos: _monotone(np.arccos, (-1.0, 1.0), falling=True),
    sympy.atan: _monotone(np.arctan),
    sympy.atan2: lambda y, x: _closed(np.full(x.low.shape, -math.pi), np.full(x.low.shape, math.pi), y, x),
    sympy.sinh: _monotone(np.sinh),
    sympy.cosh: _even(np.cosh),
    sympy.tanh: _monotone(np.tanh),
    sympy.coth: lambda x: _reciprocal(_monotone(np.tanh)(x)),
    sympy.sech: lambda x: _reciprocal(_even(np.cosh)(x)),
    sympy.csch: lambda x: _reciprocal(_monotone(np.sinh)(x)),
    sympy.asinh: _monotone(np.arcsinh),
    sympy.acosh: _monotone(np.arccosh, (1.0, np.inf)),
    sympy.atanh: _monotone(np.arctanh, (-1.0, 1.0)),
    sympy.erf: _monotone(scipy.special.erf),
    sympy.erfc: _monotone(scipy.special.erfc, falling=True),
    sympy.sinc: _smooth(lambda x: np.sinc(x / math.pi), 0.5),
    sympy.Abs: _absolute,
    sympy.sign: _step(0.0, -1.0),
    sympy.Heaviside: _step(0.5, 0.0),
    sympy.floor: lambda x: Interval(np.floor(x.low), np.floor(x.high)),
    sympy.ceiling: lambda x: Interval(np.ceil(x.low), np.ceil(x.high)),
    sympy.Max: _largest,
    sympy.Min: _smallest,
    sympy.gamma: _gamma,
    sympy.besselj: _besselj,
    sympy.LambertW: _lambert,
}
UNDERSTOOD = frozenset({*_ENCLOSURES, sympy.Pow})
"""Kinds of nodes with an enclosure of their own."""
