"""From formulas found on one group to forms that may fit them all: every number of the law is free again.

On one group a constant may have come out as an exact number (2, 3/10, pi/4), or as 1 and not be written
at all; in the next group it is another.
"""

from collections.abc import Sequence

import numpy as np
import sympy

from kansci.symbolic.parametric import Parametric

__all__ = ["forms_of", "free_numbers"]

INDEPENDENT = 1e-7
"""Share of a parameter's effect that the other parameters must not be able to imitate."""


def forms_of(
    expr: sympy.Expr,
    variables: Sequence[sympy.Symbol],
    columns: Sequence[np.ndarray],
    *,
    offset: bool = False,
) -> list[Parametric]:
    """The form of a formula, and the one in which its exact numbers and its scale are free as well.

    Args:
        expr: A formula with numbers.
        variables: Its symbols.
        columns: One array (N,) a variable, on which freed numbers must have an effect of their own.
        offset: Whether the second form has a free offset too.

    Returns:
        One or two forms, with the formula's numbers as values.
    """
    plain = Parametric.of(expr, variables)
    scale, shift = sympy.Dummy("scale", real=True), sympy.Dummy("offset", real=True)
    expr, numbers = free_numbers(plain.to_expr())
    numbers = {scale: sympy.S.One, **({shift: sympy.S.Zero} if offset else {}), **numbers}
    freed = Parametric.of(scale * expr + (shift if offset else 0), variables)
    names = (*freed.parameters, *reversed(numbers))  # the scale comes last
    values = np.array([*freed.values, *(float(numbers[name]) for name in reversed(numbers))])
    full = Parametric(freed.expr, freed.variables, names, values)
    fixed = _imitated(full, columns) - set(freed.parameters)
    freed = full.fixed({name: numbers[name] for name in fixed})
    return [plain] if len(freed.parameters) == len(plain.parameters) else [plain, freed]


def free_numbers(expr: sympy.Expr) -> tuple[sympy.Expr, dict[sympy.Symbol, sympy.Expr]]:
    """The expression with symbols for its exact coefficients and offsets, and these numbers by symbol."""
    numbers: dict[sympy.Symbol, sympy.Expr] = {}
    return _freed(expr, numbers), numbers


def _freed(expr: sympy.Expr, numbers: dict[sympy.Symbol, sympy.Expr]) -> sympy.Expr:
    if expr.is_Atom:
        return expr
    if expr.is_Pow:
        common = expr.exp.is_Rational and expr.exp.q <= 2
        exponent = expr.exp if common else _freed_number(expr.exp, numbers)
        return _freed(expr.base, numbers) ** exponent
    if expr.is_Add or expr.is_Mul:
        exact = [arg for arg in expr.args if arg.is_number and not arg.has(sympy.Float)]
        rest = [_freed(arg, numbers) for arg in expr.args if arg not in exact]
        number = expr.func(*exact)
        if not exact or (expr.is_Mul and number == -1) or (expr.is_Mul and any(a.is_Float for a in rest)):
            return expr.func(number, *rest)
        return expr.func(_new(numbers, number), *rest)
    return expr.func(*(_freed(arg, numbers) for arg in expr.args))  # the order of a Bessel function stays


def _freed_number(expr: sympy.Expr, numbers: dict[sympy.Symbol, sympy.Expr]) -> sympy.Expr:
    if expr.is_number and not expr.has(sympy.Float):
        return _new(numbers, expr)
    return _freed(expr, numbers)


def _new(numbers: dict[sympy.Symbol, sympy.Expr], number: sympy.Expr) -> sympy.Symbol:
    symbol = sympy.Dummy(f"n{len(numbers)}", real=True)
    numbers[symbol] = number
    return symbol


def _imitated(model: Parametric, columns: Sequence[np.ndarray]) -> set[sympy.Symbol]:
    """Parameters whose effect on the model is a sum of effects of those before them."""
    J = model.jacobian(columns)
    J = J[np.isfinite(J).all(axis=1)]
    basis = np.zeros((len(J), 0))
    found = set()
    for name, effect in zip(model.parameters, J.T, strict=True):
        size = float(np.linalg.norm(effect))
        own = effect / (size or 1.0)
        for _ in range(2):  # twice is enough for orthogonality (Kahan)
            own = own - basis @ (basis.T @ own)
        left = float(np.linalg.norm(own))
        if left > INDEPENDENT:
            basis = np.column_stack([basis, own / left])
        else:
            found.add(name)
    return found
