"""Dimensionless groups: the smaller problems that the units of a table prove (Buckingham 1914).

With r independent dimensions among the columns, r of them are enough to measure all others and
the target in: what is left are pure numbers, as many as there are other columns, and the law is
one among them. Which r columns is free, and the choice decides how short the law looks, so that
the simplest few are offered: small exponents, which prefers ratios of like quantities. Sums and
differences of like quantities are found as symmetries, and their problems come here again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, islice
from math import lcm

import numpy as np
import sympy

from kansci.data.dimensions import ONE, Unit
from kansci.search.dimensions import Units
from kansci.search.problem import TARGET, Problem

__all__ = ["pi_groups"]

CHOICES = 2000
"""Sets of columns to measure in that are looked at."""
OFFERED = 3
FINEST = 12


@dataclass(frozen=True)
class _Choice:
    """Column k is ``prod_m column_m ** powers[k][m]`` in its unit; so is the target by ``target[m]``."""

    measuring: tuple[int, ...]
    powers: dict[int, dict[int, Fraction]]
    target: dict[int, Fraction]

    @property
    def cost(self) -> Fraction:
        """Sum of the exponents' sizes."""
        groups = [_whole(k, powers) for k, powers in self.powers.items()]
        exponents = [power for powers in (self.target, *groups) for power in powers.values()]
        return sum(map(abs, exponents), Fraction(0))


def pi_groups(problem: Problem, units: Units) -> list[Problem]:
    """Problems among dimensionless groups that stand for the whole problem.

    Columns of unknown unit stay as they are.

    Args:
        problem: Any problem.
        units: Of the table.

    Returns:
        At most OFFERED problems, the simplest first; those without any column say that the target is
        a constant. None where no product of powers of the columns has the target's unit, since a
        constant with a unit must then be at work, or where all columns are pure numbers.
    """
    columns = [units.of(expr) for expr in problem.exprs]
    target = units.of_target(problem.lift)
    if target is None or all(unit is None or unit.is_one for unit in columns):
        return []
    choices = sorted(_choices(problem, columns, target), key=lambda choice: choice.cost)
    return [_measured(problem, choice) for choice in choices[:OFFERED]]


def _choices(problem: Problem, columns: Sequence[Unit | None], target: Unit) -> Iterator[_Choice]:
    known = {k: unit for k, unit in enumerate(columns) if unit is not None and not unit.is_one}
    names = sorted({name for unit in known.values() for name, _ in unit.base.items})
    rank = int(np.linalg.matrix_rank(_matrix(list(known.values()), names)))
    usable = [k for k in known if (problem.columns[k] != 0).all()]
    for measuring in islice(combinations(usable, rank), CHOICES):
        A = _matrix([known[k] for k in measuring], names)
        if np.linalg.matrix_rank(A) < rank:
            continue
        rest = {k: _powers(measuring, columns, unit, A) for k, unit in known.items() if k not in measuring}
        scale = _powers(measuring, columns, target, A)
        found = {k: powers for k, powers in rest.items() if powers is not None}
        if scale is None or len(found) < len(rest):
            continue
        if all(p.denominator == 1 or (problem.columns[k] > 0).all() for k, p in scale.items()):
            yield _Choice(measuring, found, scale)


def _matrix(units: Sequence[Unit], names: Sequence[str]) -> np.ndarray:
    """Exponents (dimensions, units)."""
    tables = [dict(unit.base.items) for unit in units]
    return np.array([[float(table.get(name, 0)) for table in tables] for name in names])


def _powers(
    measuring: Sequence[int], columns: Sequence[Unit | None], unit: Unit, A: np.ndarray
) -> dict[int, Fraction] | None:
    """The exponents of the measuring columns whose product has this unit, None if there are none."""
    names = sorted({name for k in measuring for name, _ in (columns[k] or ONE).base.items})
    if any(name not in names for name, _ in unit.base.items):
        return None
    solution = np.linalg.lstsq(A, _matrix([unit], names)[:, 0], rcond=None)[0]
    powers = {
        k: Fraction(float(p)).limit_denominator(FINEST) for k, p in zip(measuring, solution, strict=True)
    }
    product = ONE
    for k, power in powers.items():
        product *= (columns[k] or ONE) ** power
    return {k: power for k, power in powers.items() if power != 0} if product.base == unit.base else None


def _whole(k: int, powers: Mapping[int, Fraction]) -> dict[int, Fraction]:
    """The group of column k: whole exponents, that of k positive."""
    factor = lcm(*(power.denominator for power in powers.values()))
    return {k: Fraction(factor), **{m: -power * factor for m, power in powers.items()}}


def _measured(problem: Problem, choice: _Choice) -> Problem:
    """The problem with its target and its columns measured in the chosen ones."""
    gone = {*choice.measuring, *choice.powers}
    made = [_product(problem, _whole(k, powers)) for k, powers in choice.powers.items()]
    made += [(problem.columns[k], problem.exprs[k]) for k in range(problem.size) if k not in gone]
    scale, expr = _product(problem, choice.target)
    groups = ", ".join(str(group) for _, group in made) or "nothing else"
    step = f"units: {'y' if expr == 1 else f'y / ({expr})'} can depend on {groups} only"
    columns, exprs = tuple(column for column, _ in made), tuple(group for _, group in made)
    smaller = replace(problem, columns=columns, exprs=exprs)
    return smaller.with_target(problem.y / scale, TARGET * expr, step, scale)


def _product(problem: Problem, powers: Mapping[int, Fraction]) -> tuple[np.ndarray, sympy.Expr]:
    column, expr = np.ones_like(problem.y), sympy.S.One
    for k, power in powers.items():
        column = column * problem.columns[k] ** float(power)
        expr *= problem.exprs[k] ** sympy.Rational(power.numerator, power.denominator)
    return column, expr
