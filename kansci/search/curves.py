"""A dictionary of one-variable curves on grids of their inner constants."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import sympy

__all__ = ["Curve", "dictionary", "exponential", "saturations"]


@dataclass(frozen=True)
class Curve:
    """Values (N,), what they are, the family, and the number of inner constants."""

    values: np.ndarray
    expr: sympy.Expr
    kind: str
    constants: int = 0


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
    for scale in np.geomspace(0.1, 40, 20) / size:
        yield exponential(x, e, scale)
        yield exponential(x, e, -scale)
    for k in np.arange(0.5, 40, 0.5):
        w = sympy.Float(k * np.pi / span, 17)
        yield Curve(np.sin(float(w) * x), sympy.sin(w * e), "sin", 1)
        yield Curve(np.cos(float(w) * x), sympy.cos(w * e), "cos", 1)
    for shift in span * np.array([0.03, 0.1, 0.3, 1.0, 3.0]):
        b = float(shift - low)
        yield Curve(np.log(x + b), sympy.log(e + sympy.Float(b, 17)), "log(x+b)", 1)
        yield Curve(1 / (x + b), 1 / (e + sympy.Float(b, 17)), "1/(x+b)", 1)
    for centre in np.linspace(low, high, 9):
        for width in span * np.array([0.05, 0.12, 0.3]):
            c, s = sympy.Float(centre, 17), sympy.Float(1 / width, 17)
            values = np.exp(-(((x - centre) / width) ** 2))
            yield Curve(values, sympy.exp(-((s * (e - c)) ** 2)), "gaussian", 2)


def _powers(x: np.ndarray, e: sympy.Expr) -> Iterator[Curve]:
    for p in range(1, 9):
        yield Curve(x**p, e**p, f"x^{p}")
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
            yield Curve(x ** float(power), e**power, f"x^{power}")
        yield Curve(np.log(x), sympy.log(e), "log")


def exponential(x: np.ndarray, e: sympy.Expr, a: float) -> Curve:
    """exp(a x) scaled to at most 1, as it may be very large."""
    top = float((a * x).max())
    return Curve(np.exp(a * x - top), sympy.exp(-top) * sympy.exp(sympy.Float(a, 17) * e), "exp", 1)


def saturations(x: np.ndarray, e: sympy.Expr) -> Iterator[Curve]:
    """Curves that rise from zero to a plateau, for x >= 0: 1 - exp(-a x) and x^n / (x^n + b)."""
    if x.min() < 0:
        return
    for a in np.geomspace(0.03, 30, 24) / float(x.max()):
        number = sympy.Float(a, 17)
        yield Curve(-np.expm1(-a * x), 1 - sympy.exp(-number * e), "1-exp", 1)
        for n in (1, 2):
            yield Curve(x**n / (x**n + a**-n), e**n / (e**n + sympy.Float(a**-n, 17)), f"x^{n}/(x^{n}+b)", 1)
