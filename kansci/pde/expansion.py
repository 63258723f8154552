"""Multiplying out, within bounds: a short text may stand for a sum of astronomically many terms."""

from math import prod

import sympy

__all__ = ["MAX_TERMS", "expanded", "term_count"]

MAX_TERMS = 2000


def term_count(expr: sympy.Expr) -> float:
    """Upper bound of the number of terms of an expression when it is multiplied out, powers included."""
    if expr.is_Add:
        return sum(term_count(part) for part in expr.args)
    if expr.is_Mul:
        return prod(term_count(part) for part in expr.args)
    if expr.is_Pow and expr.exp.is_Integer:
        base = term_count(expr.base)
        return base if base == 1 else float(base) ** min(abs(int(expr.exp)), 64)
    return max((term_count(part) for part in expr.args), default=1)


def expanded(expr: sympy.Expr) -> sympy.Expr:
    """The expression with its products multiplied out; unchanged if that would be too long."""
    return sympy.expand_mul(expr) if term_count(expr) <= MAX_TERMS else expr
