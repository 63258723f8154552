"""Simplifications that hold on the table's own rows: the sign of what stands in a root or a modulus."""

from collections.abc import Sequence

import numpy as np
import sympy

from kansci.symbolic.parametric import compile_expr

__all__ = ["on_the_data"]


def on_the_data(
    expr: sympy.Expr, symbols: Sequence[sympy.Symbol], columns: Sequence[np.ndarray]
) -> sympy.Expr:
    """Use signs that do not change over the rows: |x - a| = x - a, sqrt(1/(c - v)) = 1/sqrt(c - v).

    Args:
        expr: A formula.
        symbols: Its symbols.
        columns: Their values, one array (N,) each.

    Returns:
        A formula with the same values on the rows.
    """

    def sign(part: sympy.Expr) -> int:
        values = compile_expr(part, symbols)(*columns)
        if not np.isfinite(values).all():
            return 0
        return int((values > 0).all()) - int((values < 0).all())

    def modulus(part: sympy.Expr) -> sympy.Expr:
        return {1: part, -1: -part, 0: sympy.Abs(part)}[sign(part)]

    def power(outer: sympy.Expr) -> sympy.Expr:
        base, exponent = outer.base.args
        return {1: base, -1: -base}[sign(base)] ** (exponent * outer.exp)

    def nested(part: sympy.Expr) -> bool:
        if not (part.is_Pow and part.base.is_Pow and part.exp.is_number and part.base.exp.is_number):
            return False
        base, exponent = part.base.args
        # (-b)^m = b^m needs m even; a positive base any m
        return sign(base) == 1 or (sign(base) == -1 and bool((exponent / 2).is_integer))

    expr = expr.replace(nested, power)
    return expr.replace(sympy.Abs, modulus)
