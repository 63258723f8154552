"""The library of one-variable functions that an edge or a reduced law is matched with.

A primitive is one sympy expression in ``x``; its numpy function, derivative and inverse are
derived from it. An edge becomes ``c * f(a*x + b) + d``.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sympy

__all__ = ["LIBRARY", "PRIMITIVES", "Primitive", "X"]

X = sympy.Symbol("x", real=True)


@dataclass(frozen=True)
class Primitive:
    """A function of one variable.

    ``shift``: whether ``f(a*x + b)`` is more than ``c*f(a*x) + d``, so that ``b`` is worth a search.
    ``scale``: the same for ``a``. ``cost``: nodes of ``f(x)`` beyond those of ``x``, one more for
    the less usual functions. ``period``: the smallest shift that ``c`` and ``d`` undo, 0 if none.
    """

    name: str
    expr: sympy.Expr
    cost: int
    shift: bool = True
    scale: bool = True
    period: float = 0.0

    @cached_property
    def values(self) -> Callable[[np.ndarray], np.ndarray]:
        """``f`` on arrays; nan outside its domain."""
        return _numpy(self.expr)

    @cached_property
    def slope(self) -> Callable[[np.ndarray], np.ndarray]:
        """``f'`` on arrays."""
        return _numpy(sympy.diff(self.expr, X))

    def __call__(self, inner: sympy.Expr) -> sympy.Expr:
        """The expression ``f(inner)``."""
        return self.expr.xreplace({X: inner})


def _numpy(expr: sympy.Expr) -> Callable[[np.ndarray], np.ndarray]:
    raw = sympy.lambdify([X], expr, modules=["numpy", "scipy"])

    def evaluate(x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.asarray(raw(x), float), x.shape)

    return evaluate


LIBRARY: tuple[Primitive, ...] = (
    Primitive("x", X, 0, shift=False, scale=False),
    Primitive("x^2", X**2, 2, scale=False),
    Primitive("x^3", X**3, 2, scale=False),
    Primitive("x^4", X**4, 2, scale=False),
    Primitive("x^5", X**5, 2, scale=False),
    Primitive("x^6", X**6, 2, scale=False),
    Primitive("1/x", 1 / X, 2, scale=False),
    Primitive("1/x^2", 1 / X**2, 4, scale=False),
    Primitive("1/x^3", 1 / X**3, 4, scale=False),
    Primitive("1/x^4", 1 / X**4, 4, scale=False),
    Primitive("sqrt", sympy.sqrt(X), 1, scale=False),
    Primitive("1/sqrt", 1 / sympy.sqrt(X), 3, scale=False),
    Primitive("x^(3/2)", X ** sympy.Rational(3, 2), 2, scale=False),
    Primitive("1/x^(3/2)", X ** sympy.Rational(-3, 2), 4, scale=False),
    Primitive("x^(1/3)", sympy.cbrt(X), 2, scale=False),
    Primitive("exp", sympy.exp(X), 1, shift=False),
    Primitive("log", sympy.log(X), 1, scale=False),
    Primitive("sin", sympy.sin(X), 1, period=math.pi),
    Primitive("tan", sympy.tan(X), 1),
    Primitive("sin^2", sympy.sin(X) ** 2, 3, period=math.pi),
    Primitive("sinh", sympy.sinh(X), 1),
    Primitive("cosh", sympy.cosh(X), 1),
    Primitive("tanh", sympy.tanh(X), 1),
    Primitive("asin", sympy.asin(X), 1),
    Primitive("acos", sympy.acos(X), 1),
    Primitive("atan", sympy.atan(X), 1),
    Primitive("asinh", sympy.asinh(X), 1),
    Primitive("acosh", sympy.acosh(X), 1),
    Primitive("atanh", sympy.atanh(X), 1),
    Primitive("gaussian", sympy.exp(-(X**2)), 4),
    Primitive("lorentzian", 1 / (1 + X**2), 6),
    Primitive("sech", 1 / sympy.cosh(X), 3),
    Primitive("sigmoid", 1 / (1 + sympy.exp(-X)), 7),
    Primitive("softplus", sympy.log(1 + sympy.exp(X)), 4),
    Primitive("log(exp-1)", X + sympy.log(1 - sympy.exp(-X)), 8),
    Primitive("bose", 1 / (sympy.exp(X) - 1), 6),
    Primitive("erf", sympy.erf(X), 1),
    Primitive("sinc", sympy.sin(X) / X, 4),
    Primitive("abs", sympy.Abs(X), 1, scale=False),
    Primitive("x*log", X * sympy.log(X), 4),
    Primitive("x*exp", X * sympy.exp(X), 4),
    Primitive("sqrt(1+x^2)", sympy.sqrt(1 + X**2), 5),
    Primitive("sqrt(1-x^2)", sympy.sqrt(1 - X**2), 5),
    Primitive("1/sqrt(1+x^2)", 1 / sympy.sqrt(1 + X**2), 7),
    Primitive("1/sqrt(1-x^2)", 1 / sympy.sqrt(1 - X**2), 7),
    Primitive("J0", sympy.besselj(0, X), 3),
    Primitive("J1", sympy.besselj(1, X), 3),
    Primitive("exp(sin)", sympy.exp(sympy.sin(X)), 2, period=2 * math.pi),
    Primitive("sin(x^2)", sympy.sin(X**2), 3),
)
"""Cheap ones first. The name of a power is pykan's."""

PRIMITIVES: dict[str, Primitive] = {primitive.name: primitive for primitive in LIBRARY}
