"""How long a formula is: the number of nodes of its expression tree, as a person writes it.

A quotient ``a/b`` and a difference ``a - b`` count as one operation; a number counts one; a
square root is one function. This is PySR's default count on the written form.
"""

import sympy

__all__ = ["complexity"]


def complexity(expr: sympy.Expr) -> int:
    """Number of nodes of the written expression tree.

    Args:
        expr: Any expression.

    Returns:
        At least 1.
    """
    if expr.is_Atom:
        return 1
    if expr.is_Add:
        return _sum_nodes(expr)
    if expr.is_Mul:
        return _product_nodes(expr)
    if expr.is_Pow:
        return _power_nodes(expr)
    return 1 + sum(complexity(arg) for arg in expr.args)


def _sum_nodes(expr: sympy.Expr) -> int:
    """Operands plus one ``+`` or ``-`` between neighbours; a minus sign is free unless it leads."""
    terms = [(-arg if arg.could_extract_minus_sign() else arg, arg) for arg in expr.args]
    negative = sum(positive is not arg for positive, arg in terms)
    leading = 1 if negative == len(terms) else 0
    return sum(complexity(positive) for positive, _ in terms) + len(terms) - 1 + leading


def _product_nodes(expr: sympy.Expr) -> int:
    numerator, denominator = sympy.fraction(expr)
    if denominator is not sympy.S.One and not denominator.is_Number:
        return complexity(numerator) + complexity(denominator) + 1
    coefficient, rest = expr.as_coeff_Mul()
    if coefficient is sympy.S.NegativeOne:
        return 1 + complexity(rest)
    return sum(complexity(abs(arg) if arg.is_Number else arg) for arg in expr.args) + len(expr.args) - 1


def _power_nodes(expr: sympy.Pow) -> int:
    base, exponent = expr.args
    if exponent == sympy.S.Half:
        return 1 + complexity(base)
    if exponent.could_extract_minus_sign():
        return 2 + complexity(sympy.Pow(base, -exponent, evaluate=False) if exponent != -1 else base)
    if base is sympy.E:
        return 1 + complexity(exponent)
    return 1 + complexity(base) + complexity(exponent)
