"""Reductions tried on the data: which smaller problem explains the target as well as this one?

Under noise the gradients of a surrogate say little, but a wrong reduction still costs accuracy
and a right one wins it: with fewer variables the same rows carry a polynomial of higher degree.
Every reduction of a list is tried; its polynomial's leave-one-out errors, in the table's own
target, are compared row by row with those without it (a paired test).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, permutations, product

import numpy as np
import sympy

from kansci.search.press import press
from kansci.search.problem import Problem

__all__ = ["trial_reductions"]

ROWS = 1000
FIRST_TERMS, TERMS = 60, 250
SHORTLIST, AT_A_TIME = 16, 20
MOST_TO_RESCALE, MOST_COLUMNS = 6, 10
WORSE = 2.5
"""Standard errors by which the mean square may be worse."""
WORTH = 0.6
"""A polynomial that leaves more than this share of the target's variance explains nothing."""
_POWERS = tuple(sympy.Rational(p) for p in ("1", "-1", "2", "-2", "1/2", "-1/2", "3", "-3", "4", "-4"))
_SCALES = tuple(sympy.Rational(p) for p in (1, -1, 2, -2))
_MERGES = ((1, 1), (1, -1), (2, 1), (1, 2), (2, -1), (-1, 2), (-2, 1), (1, -2))
_SCALED_MERGES = ((1, 1), (1, -1), (2, -1), (1, -2))
"""The same where the target scales with the first column as well."""
_Merged = tuple[sympy.Expr, Callable[[np.ndarray, np.ndarray], np.ndarray]]


@dataclass(frozen=True)
class _Trial:
    """A smaller problem, and its mean square leave-one-out error in the table's spreads."""

    problem: Problem
    mse: float


@dataclass(frozen=True)
class _Move:
    """A way to make a problem smaller, the columns it needs, and how unusual it is."""

    touched: tuple[sympy.Expr, ...]
    apply: Callable[[Problem], Problem]
    cost: float


def trial_reductions(
    problem: Problem, allowed: Callable[[Problem], bool] = lambda _: True
) -> Iterator[Problem | None]:
    """The reductions that the data do not speak against, the most accurate first.

    Args:
        problem: Two columns or more.
        allowed: Whether a smaller problem makes sense, by its units.

    Yields:
        None after every few trials; then smaller problems, the first by several reductions at once if they
        agree. Nothing if even the problem itself is not explained, or has too many columns to try them.
    """
    rows = np.arange(len(problem.y))[:ROWS]
    terms = min(TERMS, len(rows) // 4)
    base = _residual(problem, rows, terms) if problem.size <= MOST_COLUMNS else None
    if base is None or (base**2).mean() > WORTH**2:
        return
    moves, first = [], []
    for move in _moves(problem):
        smaller = move.apply(problem)
        if allowed(smaller):
            moves.append(move)
            first.append(_mse(_residual(smaller, rows, min(FIRST_TERMS, terms))) * move.cost)
            if len(moves) % AT_A_TIME == 0:
                yield None
    found: list[tuple[float, _Move, _Trial]] = []
    for k in np.argsort(first, kind="stable")[:SHORTLIST].tolist():
        trial = _tried(moves[k].apply(problem), base, rows, terms)
        if trial is not None:
            found.append((trial.mse * moves[k].cost, moves[k], trial))
        yield None
    found.sort(key=lambda item: item[0])
    yield from _together(problem, [move for _, move, _ in found], base, rows, terms)
    yield from (trial.problem for _, _, trial in found)


def _tried(smaller: Problem, base: np.ndarray, rows: np.ndarray, terms: int) -> _Trial | None:
    """The smaller problem, unless it is clearly less accurate."""
    residual = _residual(smaller, rows, terms)
    if residual is None:
        return None
    worse = residual**2 - base**2
    if worse.mean() > WORSE * worse.std() / np.sqrt(len(rows)):
        return None
    return _Trial(smaller, _mse(residual))


def _together(
    start: Problem, moves: Sequence[_Move], base: np.ndarray, rows: np.ndarray, terms: int
) -> list[Problem]:
    """All reductions of the list that can be made one after the other, if they are more than one."""
    now, made = start, 0
    for move in moves:
        if all(e in now.exprs for e in move.touched) and now.size > 1:
            smaller = move.apply(now)
            if smaller.size and _tried(smaller, base, rows, terms) is not None:
                now, made = smaller, made + 1
    return [now] if made > 1 else []


def _residual(p: Problem, rows: np.ndarray, terms: int) -> np.ndarray | None:
    """Leave-one-out residuals on the rows; None where the problem is not finite."""
    arrays = (p.y, p.weight, *p.columns)
    if not all(np.isfinite(a).all() for a in arrays) or any(np.ptp(x) == 0 for x in p.columns):
        return None
    left = press([x[rows] for x in p.columns], p.y[rows], p.weight[rows], terms)
    return None if left is None else left.residual


def _mse(residual: np.ndarray | None) -> float:
    return np.inf if residual is None else float((residual**2).mean())


def _moves(p: Problem) -> Iterator[_Move]:
    """Columns left out, powers divided out of the target, pairs merged into one column."""
    for e in p.exprs:
        yield _Move((e,), partial(_dropped, e=e), 1.0)
        for power in _POWERS:
            yield _Move((e,), partial(_divided, e=e, power=power), 1 + 0.01 * abs(float(power) - 1))
    for a, b in permutations(p.exprs, 2) if p.size <= MOST_TO_RESCALE else ():
        for power, merged in product(_SCALES, _monomials(a, b, _SCALED_MERGES)):
            yield _Move((a, b), partial(_rescaled, a=a, b=b, power=power, merged=merged), 1.03)
    for a, b in combinations(p.exprs, 2):
        for rank, merged in enumerate(_merges(a, b)):
            yield _Move((a, b), partial(_merged, a=a, b=b, merged=merged), 1.02 + 0.01 * (rank >= 6))


def _dropped(p: Problem, e: sympy.Expr) -> Problem:
    return p.without([p.exprs.index(e)], f"y does not depend on {e}")


def _divided(p: Problem, e: sympy.Expr, power: sympy.Rational) -> Problem:
    return p.divided(e, power, f"y is proportional to {e**power}").without([p.exprs.index(e)])


def _merges(a: sympy.Expr, b: sympy.Expr) -> list[_Merged]:
    """What two columns may act through, and how it is computed."""
    return [
        (a - b, np.subtract),
        (a + b, np.add),
        (a**2 + b**2, lambda x, y: x**2 + y**2),
        (a**2 - b**2, lambda x, y: x**2 - y**2),
        *_monomials(a, b, _MERGES),
    ]


def _monomials(a: sympy.Expr, b: sympy.Expr, powers: Sequence[tuple[int, int]]) -> list[_Merged]:
    return [(a**m * b**n, partial(_monomial, m=m, n=n)) for m, n in powers]


def _monomial(x: np.ndarray, y: np.ndarray, m: int, n: int) -> np.ndarray:
    return x ** float(m) * y ** float(n)


def _merged(p: Problem, a: sympy.Expr, b: sympy.Expr, merged: _Merged, before: str = "y") -> Problem:
    i, j = p.exprs.index(a), p.exprs.index(b)
    with np.errstate(all="ignore"):
        column = merged[1](p.columns[i], p.columns[j])
    step = f"{before} depends on {a} and {b} only through {merged[0]}"
    return p.merged([i, j], column, merged[0], step)


def _rescaled(p: Problem, a: sympy.Expr, b: sympy.Expr, power: sympy.Rational, merged: _Merged) -> Problem:
    """``y = a^power g(merged, rest)``."""
    return _merged(p.divided(a, power), a, b, merged, f"y / {a**power}")
