"""A dictionary of one-variable curves on grids of their inner constants."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import sympy

from kansci.search.grammar import Grammar

__all__ = ["Curve", "allowed", "dictionary", "exponential", "saturations"]


TAIL = 10.0
"""Values this much larger than the median are a tail."""


@dataclass(frozen=True)
class Curve:
    """Values (N,), what they are (built when asked for), the family, and the number of inner constants."""

    values: np.ndarray
    build: Callable[[], sympy.Expr]
    kind: str
    constants: int = 0

    @property
    def expr(self) -> sympy.Expr:
        """What the values are."""
        return self.build()


def allowed(curves: Iterable[Curve], grammar: Grammar) -> list[Curve]:
    """The curves that the grammar's operators are enough for."""
    return list(curves) if grammar.any_operator else [c for c in curves if grammar.operators_allow(c.expr)]


def dictionary(x: np.ndarray, e: sympy.Expr) -> Iterator[Curve]:
    """Powers, logarithms, exponentials, oscillations, poles and Gaussians.

    Args:
        x: Abscissae (N,).
        e: What they are.

    Yields:
        Some three hundred curves.
    """
    yield from _powers(x, e)
    low, high = float(x.min()), float(x.max())
    span, size = high - low, max(abs(low), abs(high))
    # a few very large values must not hide the scale of the others
    usual = min(size, TAIL * float(np.median(np.abs(x))) or size)
    for scale in np.geomspace(0.1 / size, 40 / usual, 20):
        yield exponential(x, e, float(scale))
        yield exponential(x, e, -float(scale))
    for w in (np.arange(0.5, 40, 0.5) * np.pi / span).tolist():
        yield Curve(np.sin(w * x), partial(_sine, w, e), "sin", 1)
        yield Curve(np.cos(w * x), partial(_cosine, w, e), "cos", 1)
    for b in (span * np.array([0.03, 0.1, 0.3, 1.0, 3.0]) - low).tolist():
        yield Curve(np.log(x + b), partial(_logarithm, b, e), "log(x+b)", 1)
        yield Curve(1 / (x + b), partial(_pole, b, e), "1/(x+b)", 1)
    for centre in np.linspace(low, high, 9).tolist():
        for width in (span * np.array([0.05, 0.12, 0.3])).tolist():
            values = np.exp(-(((x - centre) / width) ** 2))
            yield Curve(values, partial(_gaussian, centre, width, e), "gaussian", 2)


def _powers(x: np.ndarray, e: sympy.Expr) -> Iterator[Curve]:
    for p in range(1, 9):
        yield Curve(x**p, partial(_power, sympy.Integer(p), e), f"x^{p}")
    if x.min() > 0:
        for half in (
            -24,
            -22,
            -20,
            -18,
            -16,
            -14,
            -12,
            -10,
            -8,
            -6,
            -5,
            -4,
            -3,
            -2,
            -1,
            1,
            3,
            5,
            18,
            20,
            22,
            24,
        ):
            power = sympy.Rational(half, 2)
            yield Curve(x ** float(power), partial(_power, power, e), f"x^{power}")
        yield Curve(np.log(x), partial(_logarithm, 0.0, e), "log")


def exponential(x: np.ndarray, e: sympy.Expr, a: float) -> Curve:
    """exp(a x) scaled to at most 1, as it may be very large."""
    top = float((a * x).max())
    return Curve(np.exp(a * x - top), partial(_exponential, a, top, e), "exp", 1)


def saturations(x: np.ndarray, e: sympy.Expr) -> Iterator[Curve]:
    """Curves that rise from zero to a plateau, for x >= 0: 1 - exp(-a x) and x^n / (x^n + b)."""
    if x.min() < 0:
        return
    for a in (np.geomspace(0.03, 30, 24) / float(x.max())).tolist():
        yield Curve(-np.expm1(-a * x), partial(_approach, a, e), "1-exp", 1)
        for n in (1, 2):
            yield Curve(x**n / (x**n + a**-n), partial(_saturation, n, a**-n, e), f"x^{n}/(x^{n}+b)", 1)


def _number(value: float) -> sympy.Float:
    return sympy.Float(value, 17)


def _power(power: sympy.Rational, e: sympy.Expr) -> sympy.Expr:
    return e**power


def _sine(w: float, e: sympy.Expr) -> sympy.Expr:
    return sympy.sin(_number(w) * e)


def _cosine(w: float, e: sympy.Expr) -> sympy.Expr:
    return sympy.cos(_number(w) * e)


def _logarithm(b: float, e: sympy.Expr) -> sympy.Expr:
    return sympy.log(e + _number(b)) if b else sympy.log(e)


def _pole(b: float, e: sympy.Expr) -> sympy.Expr:
    return 1 / (e + _number(b))


def _gaussian(centre: float, width: float, e: sympy.Expr) -> sympy.Expr:
    return sympy.exp(-((_number(1 / width) * (e - _number(centre))) ** 2))


def _exponential(a: float, top: float, e: sympy.Expr) -> sympy.Expr:
    return _number(np.exp(-top)) * sympy.exp(_number(a) * e)


def _approach(a: float, e: sympy.Expr) -> sympy.Expr:
    return 1 - sympy.exp(-_number(a) * e)


def _saturation(n: int, b: float, e: sympy.Expr) -> sympy.Expr:
    return e**n / (e**n + _number(b))
