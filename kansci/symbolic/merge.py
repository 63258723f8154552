"""Fold redundant fitted numbers together, so that every constant left is determined by the data.

A network's formula is full of products and shifts of constants: ``2.0*(0.5*x + 1.0)`` has one
scale and one shift, not three numbers; ``exp(x + 0.7)`` is a factor times ``exp(x)``.
"""

import sympy

__all__ = ["merge_constants"]

SMALLEST, LARGEST = 1e-250, 1e250


def merge_constants(expr: sympy.Expr) -> sympy.Expr:
    """Multiply out and move floating-point factors, innermost first.

    Args:
        expr: An expression with floating-point constants.

    Returns:
        An equal expression with at most as many of them.
    """
    if expr.is_Atom:
        return expr
    inside = expr.func(*(merge_constants(arg) for arg in expr.args))
    if isinstance(inside, sympy.exp):
        return _split_exponent(inside)
    if isinstance(inside, sympy.log):
        return _split_logarithm(inside)
    if inside.is_Pow:
        return _split_base(inside)
    if inside.is_Mul:
        return _distribute(inside)
    return inside


def _split_exponent(expr: sympy.Expr) -> sympy.Expr:
    """exp(x + c) = exp(c) exp(x)."""
    number, rest = expr.args[0].as_coeff_Add()
    factor = _double(sympy.exp(number)) if number.is_Float else None
    return expr if factor is None else factor * sympy.exp(rest)


def _split_logarithm(expr: sympy.Expr) -> sympy.Expr:
    """log(c x) = log(c) + log(x) for c > 0; log(c (x + d)) likewise."""
    number, rest = _factor(expr.args[0])
    if number.is_Float and number < 0:
        number, rest = -number, -rest
    return sympy.Float(sympy.log(number), 17) + sympy.log(rest) if number.is_Float and number != 0 else expr


def _split_base(expr: sympy.Expr) -> sympy.Expr:
    """(c x)^p = c^p x^p for c > 0 or integer p, p a number."""
    base, power = expr.args
    if not power.is_number:
        return expr
    number, rest = _factor(base)
    if not number.is_Float or number == 0:
        return expr
    if number < 0 and not power.is_integer:
        number, rest = -number, -rest
    factor = _double(number**power)
    return expr if factor is None else factor * rest**power


def _double(number: sympy.Expr) -> sympy.Float | None:
    """The number as Float, None where it over- or underflows in double precision."""
    size = abs(sympy.Float(number, 17))
    return sympy.Float(number, 17) if SMALLEST < size < LARGEST else None


def _factor(expr: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    """A floating-point factor of a product, or of all terms of a sum (that of its first term)."""
    if expr.is_Add:
        leading = next((t.as_coeff_Mul()[0] for t in expr.args if not t.is_number), sympy.S.One)
        if leading != 0 and all(term.as_coeff_Mul()[0].is_Float for term in expr.args):
            return leading, sympy.Add(*(_divided(term, leading) for term in expr.args))
        return sympy.S.One, expr
    number, rest = expr.as_coeff_Mul()
    return number, rest


def _divided(term: sympy.Expr, number: sympy.Float) -> sympy.Expr:
    """The term over the number, without a coefficient of 1.0."""
    coefficient, rest = term.as_coeff_Mul()
    ratio = coefficient / number
    return (
        sympy.Integer(ratio) * rest
        if ratio in {sympy.Float(1), sympy.Float(-1)} and rest != 1
        else ratio * rest
    )


def _distribute(expr: sympy.Expr) -> sympy.Expr:
    """C (x + y) = c x + c y, so that sums hold the constants; 2 x + y keeps its integers and a factor."""
    number, rest = expr.as_coeff_Mul()
    exact = (sympy.S.One, sympy.S.NegativeOne)
    if (
        number.is_Float
        and rest.is_Add
        and all(c.is_Float or c in exact for c in (term.as_coeff_Mul()[0] for term in rest.args))
    ):
        return sympy.Add(*(number * term for term in rest.args))
    return expr
