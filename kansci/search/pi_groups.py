"""Dimensionless groups: the smaller problems that the units of a table prove (Buckingham 1914).

With r independent dimensions among the columns, r of them are enough to measure all others and
the target in: what is left are pure numbers, as many as there are other columns, and the law is
one among them. Which r columns is free, and the choice decides how short the law looks, so that
the simplest few are offered: small exponents, which prefers ratios of like quantities. Sums and
differences of like quantities are found as symmetries, and their problems come here again.

Where no product of powers of the columns has the target's unit, a constant with a unit must be at
work. If it is one, its unit is independent of theirs, and by the same theorem the target is

    constant * product of powers of r columns * a function of the groups,

whose exponents, no longer given by units, are those of a partially linear model for the logarithms
(Robinson, Econometrica 56:931, 1988). It is offered where they are small fractions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, islice
from math import comb, lcm

import numpy as np
import sympy

from kansci.data.dimensions import ONE, Unit
from kansci.search.dimensions import Units
from kansci.search.problem import TARGET, Problem
from kansci.search.surrogate import design, exponents_up_to

__all__ = ["pi_groups"]

CHOICES = 2000
"""Sets of columns to measure in that are looked at."""
OFFERED = 3
FINEST = 12
FIT_FINEST = 3
"""Largest denominator of an exponent that is fitted."""
FIT_ERRORS = 3.0
FIT_LEEWAY = 0.01
"""An exponent may be off by this and that many standard errors, for a polynomial is no law."""
FIT_WIDEST = 0.15
"""Standard error beyond which a fitted exponent says nothing."""
MAX_DEGREE = 8
MOST_TERMS = 120
STRONG = 10.0
"""Difference of BIC that is very strong evidence (Kass & Raftery, J. Am. Stat. Assoc. 90:773, 1995)."""
EXACT = 1e-5
"""Relative residuals below this are the polynomial's."""


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
        a constant. None where all columns are pure numbers, or where a constant with a unit must be at
        work and the data do not show by which powers of the columns.
    """
    columns = [units.of(expr) for expr in problem.exprs]
    target = units.of_target(problem.lift)
    if target is None or all(unit is None or unit.is_one for unit in columns):
        return []
    choices = sorted(_choices(problem, columns, target), key=lambda choice: choice.cost)
    return [_measured(problem, choice, "units") for choice in choices[:OFFERED]] or _with_a_constant(
        problem, columns, target
    )


def _with_a_constant(problem: Problem, columns: Sequence[Unit | None], target: Unit) -> list[Problem]:
    """The problems that are left if one constant is at work, whose unit the columns do not reach."""
    reach = {name for unit in columns if unit for name, _ in unit.base.items}
    if _is_reached(columns, target, sorted(reach)):
        return []
    found = []
    for choice in islice(sorted(_choices(problem, columns, ONE), key=lambda choice: choice.cost), OFFERED):
        powers = _fitted_powers(problem, choice)
        if powers is not None:
            found.append(_measured(problem, replace(choice, target=powers), "units and one constant"))
    return found


def _is_reached(columns: Sequence[Unit | None], target: Unit, names: Sequence[str]) -> bool:
    """Whether some product of powers of the columns has the target's unit."""
    if any(name not in names for name, _ in target.base.items):
        return False
    known = [unit for unit in columns if unit is not None]
    rank = np.linalg.matrix_rank(_matrix(known, names))
    return bool(np.linalg.matrix_rank(_matrix([*known, target], names)) == rank)


def _fitted_powers(problem: Problem, choice: _Choice) -> dict[int, Fraction] | None:
    """Exponents of the measuring columns from the data, beside any function of the groups."""
    groups = [column for column, _ in _groups(problem, choice)]
    measuring = [problem.columns[k] for k in choice.measuring]
    view = next((view for view in problem.views if view.name in {"log(y)", "log(-y)"}), None)
    if view is None or not groups or not all((column > 0).all() for column in measuring):
        return None
    logs = np.log(np.stack(measuring, axis=1))
    weight = problem.weight * view.slope
    fitted = _partially_linear(groups, logs, view.values, weight)
    curved = _partially_linear(groups, np.hstack([logs, logs**2]), view.values, weight)
    if fitted is None or (curved is not None and curved[0] < fitted[0] - STRONG):
        return None  # no power law: more than one constant is at work
    powers = [_small_fraction(float(p), float(e)) for p, e in zip(*fitted[1:], strict=True)]
    found = {k: p for k, p in zip(choice.measuring, powers, strict=True) if p is not None}
    return {k: p for k, p in found.items() if p} if len(found) == len(powers) else None


def _partially_linear(
    groups: Sequence[np.ndarray], X: np.ndarray, t: np.ndarray, weight: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray] | None:
    """BIC, slopes of ``t`` (N,) in X (N, r) and their standard errors, beside a polynomial of the groups.

    The degree is that of the smallest BIC; None where the slopes are not determined beside it.
    """
    inputs = [np.log(x) if (x > 0).all() else x for x in groups]
    U = np.stack([2 * (x - x.min()) / (np.ptp(x) or 1.0) - 1 for x in inputs], axis=1)
    (rows, r), size = X.shape, U.shape[1]
    floor = float(((EXACT * weight * t) ** 2).sum())
    best: tuple[float, np.ndarray, np.ndarray] | None = None
    for degree in range(1, MAX_DEGREE + 1):
        terms = comb(size + degree, degree) + r
        if degree > 1 and terms > min(rows // 5, MOST_TERMS):
            break
        Q, R = np.linalg.qr(np.hstack([design(U, exponents_up_to(size, degree)), X]) * weight[:, None])
        along = Q.T @ (weight * t)
        rss = float(((weight * t - Q @ along) ** 2).sum())
        last = R[-r:, -r:]  # the slopes beside everything else
        if np.abs(np.diag(last)).min() < 1e-8 * np.linalg.norm(X * weight[:, None]) or terms >= rows:
            break
        score = rows * np.log(max(rss, floor)) + terms * np.log(rows)
        if best is None or score < best[0]:
            inverse = np.linalg.inv(last)
            variance = rss / (rows - terms) * (inverse**2).sum(axis=1)
            best = score, inverse @ along[-r:], np.sqrt(variance)
    return best


def _small_fraction(value: float, error: float) -> Fraction | None:
    """The simplest fraction that the fitted exponent may be."""
    fractions = [Fraction(value).limit_denominator(q) for q in range(1, FIT_FINEST + 1)]
    near = [f for f in fractions if abs(value - f) <= FIT_ERRORS * error + FIT_LEEWAY]
    return near[0] if near and error <= FIT_WIDEST else None


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


def _groups(problem: Problem, choice: _Choice) -> list[tuple[np.ndarray, sympy.Expr]]:
    """The groups, and the columns that are none or not known to be measured: values (N,) and expression."""
    gone = {*choice.measuring, *choice.powers}
    made = [_product(problem, _whole(k, powers)) for k, powers in choice.powers.items()]
    return made + [(problem.columns[k], problem.exprs[k]) for k in range(problem.size) if k not in gone]


def _measured(problem: Problem, choice: _Choice, why: str) -> Problem:
    """The problem with its target and its columns measured in the chosen ones."""
    made = _groups(problem, choice)
    scale, expr = _product(problem, choice.target)
    groups = ", ".join(str(group) for _, group in made) or "nothing else"
    step = f"{why}: {'y' if expr == 1 else f'y / ({expr})'} can depend on {groups} only"
    columns, exprs = tuple(column for column, _ in made), tuple(group for _, group in made)
    smaller = replace(problem, columns=columns, exprs=exprs)
    return smaller.with_target(problem.y / scale, TARGET * expr, step, scale)


def _product(problem: Problem, powers: Mapping[int, Fraction]) -> tuple[np.ndarray, sympy.Expr]:
    column, expr = np.ones_like(problem.y), sympy.S.One
    for k, power in powers.items():
        column = column * problem.columns[k] ** float(power)
        expr *= problem.exprs[k] ** sympy.Rational(power.numerator, power.denominator)
    return column, expr
