"""A smooth function that takes prescribed values, and normal derivatives, on the faces of a box.

Hermite interpolation P_k along each axis, joined by Boolean sums (Gordon 1971):
1 - (1 - P_1)(1 - P_2)..., which meets the data of every face if they agree on the edges.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sympy

from kansci.pde.expansion import expanded
from kansci.pde.numeric import evaluate

__all__ = ["Datum", "factor", "interpolant", "restricted"]

MAX_OPERATIONS = 3000
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Datum:
    """Value of the derivative of some order along an axis at one of its ends.

    Attributes:
        axis: coordinate.
        end: exact value of the coordinate on the face.
        order: of the derivative; 0 for the function itself.
        value: in the other coordinates.
    """

    axis: sympy.Symbol
    end: sympy.Expr
    order: int
    value: sympy.Expr


def restricted(expr: sympy.Expr, datum: Datum) -> sympy.Expr:
    """What a function has where the datum says something: its derivative at the end of the axis."""
    return sympy.diff(expr, datum.axis, datum.order).subs(datum.axis, datum.end)


def interpolant(data: Sequence[Datum]) -> sympy.Expr | None:
    """A function with all the data.

    Args:
        data: those at one end of an axis have the orders 0, 1, ... without a gap, and they agree on edges.

    Returns:
        The function; None if it would be too long.
    """
    whole = _natural(data)
    if whole is not None:
        return whole
    whole = sympy.S.Zero
    for axis in dict.fromkeys(datum.axis for datum in data):
        own = [datum for datum in data if datum.axis == axis]
        rest = [expanded(datum.value - restricted(whole, datum)) for datum in own]
        whole += sympy.Add(*(p * r for p, r in zip(_hermite(axis, own), rest, strict=True)))
        if sympy.count_ops(whole) > MAX_OPERATIONS:
            return None
    return whole


def _natural(data: Sequence[Datum]) -> sympy.Expr | None:
    """One of the prescribed values, if it has all other data as well: sin(pi x) is zero at 0 and 1."""
    for candidate in data:
        if candidate.order == 0 and all(
            _is_zero(restricted(candidate.value, datum) - datum.value) for datum in data
        ):
            return candidate.value
    return None


def _is_zero(expr: sympy.Expr) -> bool:
    """Whether an expression is provably zero; tried only where it is zero in numbers, for it takes long."""
    if expr == 0:
        return True
    names = sorted(symbol.name for symbol in expr.free_symbols)
    points = np.random.default_rng(0).uniform(0.1, 0.9, (8, len(names)))
    return bool(np.all(np.abs(evaluate(expr, names, points)) < TOLERANCE)) and sympy.simplify(expr) == 0


def _hermite(axis: sympy.Symbol, data: Sequence[Datum]) -> list[sympy.Expr]:
    """Polynomials along an axis, each with one of the data equal to 1 and the others 0."""
    count = len(data)
    matrix = sympy.Matrix(
        count,
        count,
        lambda row, power: (
            sympy.diff(axis**power, axis, data[row].order).subs(axis, data[row].end)
            if power
            else sympy.Integer(data[row].order == 0)
        ),
    )
    columns = matrix.inv()
    return [sympy.factor(sum(columns[p, k] * axis**p for p in range(count))) for k in range(count)]


def factor(data: Sequence[Datum], limits: dict[sympy.Symbol, tuple[sympy.Expr, sympy.Expr]]) -> sympy.Expr:
    """A polynomial that is zero with its derivatives where the data are; its maximum on the box is 1."""
    whole = sympy.S.One
    for axis in dict.fromkeys(datum.axis for datum in data):
        low, high = limits[axis]
        n = sum(datum.axis == axis and datum.end == low for datum in data)
        m = sum(datum.axis == axis and datum.end == high for datum in data)
        share = (axis - low) / (high - low)
        top = sympy.Rational((n + m) ** (n + m), (n**n) * (m**m))  # at the share n / (n + m)
        whole *= top * share**n * (1 - share) ** m
    return whole
