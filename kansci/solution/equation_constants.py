"""Numbers of a formula that the equation itself fixes, such as the rate k + D pi^2 / 4 of a decay."""

from collections.abc import Sequence

import sympy

from kansci.pde.problem import Field, Problem
from kansci.solution.zero import exact_numbers
from kansci.symbolic.simplify import attempt

__all__ = ["with_numbers_from_equation"]

MOST_NUMBERS = 2
SECONDS = 2.0
CLOSE = 1e-6
"""Relative difference up to which an exact number is the fitted one."""


def with_numbers_from_equation(expr: sympy.Expr, problem: Problem, field: Field) -> sympy.Expr | None:
    """Put symbols in place of a formula's decimal numbers and solve the equation for them.

    Args:
        expr: of the field, in the coordinates.
        problem: with one field and exact numbers.
        field: the field.

    Returns:
        The formula with exact numbers; None if the equation does not give all of them.
    """
    numbers = sorted(expr.atoms(sympy.Float), key=str)
    if not 0 < len(numbers) <= MOST_NUMBERS or len(problem.fields) > 1:
        return None
    unknown = {number: sympy.Dummy(f"c{k}", real=True) for k, number in enumerate(numbers)}
    trial = expr.xreplace(unknown)
    for equation in problem.equations:
        residual = exact_numbers(equation).subs(field.function, trial).doit()
        relations = _without_coordinates(residual / trial, problem.symbols)
        solved = _solved(relations, {c: number for number, c in unknown.items()})
        if solved is not None:
            return trial.xreplace(solved)
    return None


def _without_coordinates(ratio: sympy.Expr, coordinates: Sequence[sympy.Symbol]) -> list[sympy.Expr]:
    """What must vanish for the ratio to vanish everywhere: its value at some points."""
    simple = attempt(sympy.simplify, ratio, SECONDS)
    if not simple.has(*coordinates):
        return [simple]
    places = (
        (sympy.Rational(2 * j + k + 3, 11 + 4 * k) for k, _ in enumerate(coordinates)) for j in range(3)
    )
    return [simple.subs(dict(zip(coordinates, place, strict=True))) for place in places]


def _solved(
    relations: Sequence[sympy.Expr], values: dict[sympy.Symbol, sympy.Float]
) -> dict[sympy.Symbol, sympy.Expr] | None:
    """The solution nearest to the fitted values, if it is one."""

    def solve(_: sympy.Expr) -> sympy.Expr:
        found = sympy.solve(relations[: len(values)], list(values), dict=True)
        return sympy.Tuple(*(sympy.Tuple(*(f.get(c, sympy.nan) for c in values)) for f in found))

    solutions = attempt(solve, sympy.S.Zero, SECONDS)
    for solution in solutions.args if isinstance(solutions, sympy.Tuple) else ():
        pairs = list(zip(values.items(), solution.args, strict=True))
        if all(_is(exact, value) for (_, value), exact in pairs):
            return {c: exact for (c, _), exact in pairs}
    return None


def _is(exact: sympy.Expr, value: sympy.Float) -> bool:
    return bool(exact.is_number) and abs(complex(exact) - float(value)) <= CLOSE * abs(float(value))
