"""Whether an expression is identically zero: proved by rewriting, or refuted by a value."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import sympy

from kansci.solution.normal_form import numerator_in_generators
from kansci.symbolic.complexity import complexity
from kansci.symbolic.simplify import attempt

__all__ = ["Zero", "exact_numbers", "is_zero"]

DIGITS = 50
ROUND_OFF = sympy.Float(10) ** (8 - DIGITS)
"""What counts as zero of the largest term, with so many digits."""
LEAST_SECONDS = 3.0
"""For a look at the values and for the normal form, whatever else is to be done in the time."""
PLACES = 4
"""Random points at which the value is looked at first."""


@dataclass(frozen=True)
class Zero:
    """What is known of an expression.

    Attributes:
        proved: it is zero.
        numerically: it is zero to 50 digits at random points; True where it is proved.
        simplified: the shortest form found.
    """

    proved: bool
    numerically: bool
    simplified: sympy.Expr


def exact_numbers(expr: sympy.Expr) -> sympy.Expr:
    """The expression with decimal numbers taken as what they say: 0.01 is 1/100."""
    return expr.xreplace({number: sympy.Rational(repr(float(number))) for number in expr.atoms(sympy.Float)})


def is_zero(expr: sympy.Expr, ranges: Mapping[sympy.Symbol, tuple[float, float]], seconds: float) -> Zero:
    """Find out whether an expression is zero for all values of its symbols.

    Args:
        expr: With exact numbers.
        ranges: Low and high end for each of its symbols.
        seconds: The most time.

    Returns:
        What is known.
    """
    if expr == 0:
        return Zero(proved=True, numerically=True, simplified=expr)
    end = time.monotonic() + seconds
    small = attempt(lambda e: sympy.Integer(_vanishes(e, ranges)), expr, max(seconds / 3, LEAST_SECONDS))
    if small not in {sympy.S.Zero, sympy.S.One}:
        small = sympy.S.Zero
    signed = {s: _with_sign(s, *ranges[s]) for s in expr.free_symbols if s in ranges}
    back = {known: symbol for symbol, known in signed.items()}
    forms = [expr.xreplace(signed)]
    if small and attempt(numerator_in_generators, forms[0], max(seconds / 2, LEAST_SECONDS)) == 0:
        return Zero(proved=True, numerically=True, simplified=sympy.S.Zero)
    for rewrite in _REWRITINGS if small else _REWRITINGS[:2]:
        left = end - time.monotonic()
        if left <= 0:
            break
        form = attempt(rewrite, forms[0], max(left / 2, 0.1))
        if form == 0:
            return Zero(proved=True, numerically=True, simplified=sympy.S.Zero)
        forms.append(form)
    return Zero(proved=False, numerically=bool(small), simplified=min(forms, key=complexity).xreplace(back))


def _with_sign(symbol: sympy.Symbol, low: float, high: float) -> sympy.Symbol:
    """A symbol of that name of which is known what its range says."""
    if low >= 0:
        return sympy.Dummy(symbol.name, nonnegative=True)
    return sympy.Dummy(symbol.name, nonpositive=True) if high <= 0 else sympy.Dummy(symbol.name, real=True)


def _vanishes(expr: sympy.Expr, ranges: Mapping[sympy.Symbol, tuple[float, float]]) -> bool:
    """Whether the value at random points is zero to 50 digits, of the largest term's size."""
    rng = np.random.default_rng(0)
    for _ in range(PLACES):
        point = {
            s: sympy.Rational(int(rng.integers(1, 9973)), 9973) * sympy.Rational(repr(high - low))
            + sympy.Rational(repr(low))
            for s, (low, high) in ranges.items()
        }
        terms = [term.subs(point).evalf(DIGITS) for term in sympy.Add.make_args(expr)]
        if not all(term.is_number and term.is_finite for term in terms):
            return False
        if abs(sympy.Add(*terms)) > ROUND_OFF * max(abs(term) for term in terms):
            return False
    return True


def _as_exponentials(expr: sympy.Expr) -> sympy.Expr:
    return sympy.simplify(sympy.expand(expr.rewrite(sympy.exp)))


def _doubled(expr: sympy.Expr) -> sympy.Expr:
    """Sums inside of functions written out."""
    return sympy.expand(sympy.expand_trig(sympy.expand(expr)))


_REWRITINGS: tuple[Callable[[sympy.Expr], sympy.Expr], ...] = (
    sympy.expand,
    sympy.simplify,
    sympy.trigsimp,
    lambda e: sympy.expand(e.rewrite(sympy.exp), power_exp=True),
    lambda e: sympy.factor(sympy.together(e.rewrite(sympy.exp))),
    _doubled,
    lambda e: sympy.cancel(sympy.together(e)),
    _as_exponentials,
    lambda e: sympy.radsimp(sympy.powsimp(sympy.powdenest(e, force=False))),
)
