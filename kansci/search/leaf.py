"""Problems in one variable: views of the target times the matcher's frames."""

from collections.abc import Iterator, Sequence

import numpy as np
import sympy

from kansci.search.algebra import relation
from kansci.search.judge import description_length, rarity
from kansci.search.monomials import Feature
from kansci.search.problem import TARGET, Problem, View
from kansci.symbolic.match import Match, match

__all__ = ["high_polynomial", "univariate"]

FEWEST_ROWS = 12
"""With fewer rows, formulas with four constants and more could not pay for them."""
TRIED, OFFERED = 8, 4
EXACT = 1e-9
IDLE = 2.0
COLUMNS = 24
MAX_DEGREE = 6
HIGH_DEGREE = 12
"""Polynomials of this degree come late: on a short interval they imitate any smooth function."""
_Q = sympy.Rational
_X = sympy.Dummy("x")
_POWERS = tuple(_Q(p) for p in (1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 0.5, -0.5, 1.5, -1.5))
_INNERS = (_Q(1), _Q(2), _Q(-1), _Q(1, 2), _Q(-2))


def univariate(problem: Problem, effort: int) -> Iterator[sympy.Expr | None]:
    """Formulas for a problem with one column, likely ones first.

    Args:
        problem: One column.
        effort: 0: the plain matcher and algebra. 1: other views of the target. 2: prefactors
            ``x^p`` and inner powers ``x^q``. 3: functions of log x, powers with real exponents.

    Yields:
        Formulas of the table's target.
    """
    if effort == 0:
        yield from _plain(problem)
    elif len(problem.y) >= FEWEST_ROWS:
        yield from (_other_views, _with_powers, _of_logarithm)[effort - 1](problem)


def _plain(problem: Problem) -> Iterator[sympy.Expr | None]:
    all_views = problem.views
    # a column that the search has built may as well have been built the other way up
    inners = (_Q(1),) if problem.exprs[0].is_Symbol else (_Q(1), _Q(-1))
    yield from _matches(problem, all_views[:1], inners=inners)
    for view in all_views:
        for quotient in (False, True):
            feature = Feature(problem.columns[0], problem.exprs[0])
            found = relation([feature], view, COLUMNS, max_degree=MAX_DEGREE, quotient=quotient)
            if found is not None:
                yield problem.solution(view.inverse.xreplace({TARGET: found}))
                break


def high_polynomial(problem: Problem) -> Iterator[sympy.Expr | None]:
    """Dense polynomials, when nothing shorter was exact.

    Args:
        problem: One column.

    Yields:
        At most one formula of the table's target.
    """
    feature = Feature(problem.columns[0], problem.exprs[0])
    found = relation([feature], problem.views[0], COLUMNS, max_degree=HIGH_DEGREE, quotient=False)
    yield None if found is None else problem.solution(found)


def _other_views(problem: Problem) -> Iterator[sympy.Expr | None]:
    for view in problem.views[1:]:
        yield from _matches(problem, [view])


def _with_powers(problem: Problem) -> Iterator[sympy.Expr | None]:
    for view in (v for v in problem.views if v.name in ("y", "1/y", "log(y)")):
        yield from _matches(problem, [view], _POWERS)
        yield from _matches(problem, [view], (_Q(0), *_POWERS[:8]), _INNERS[1:])


def _of_logarithm(problem: Problem) -> Iterator[sympy.Expr | None]:
    x, expr = problem.columns[0], problem.exprs[0]
    if (x > 0).all():
        logarithm = problem.merged([0], np.log(x), sympy.log(expr), f"y depends on log({expr})")
        for view in problem.views:
            yield from _matches(logarithm, [view])


def _matches(
    problem: Problem,
    frames: list[View],
    powers: Sequence[sympy.Rational] = (_Q(0),),
    inners: Sequence[sympy.Rational] = (_Q(1),),
) -> Iterator[sympy.Expr | None]:
    yield None  # the price of the search itself
    x, expr, library = problem.columns[0], problem.exprs[0], problem.grammar.library
    found = []
    for view in frames:
        with np.errstate(all="ignore"):
            weight = problem.weight * view.slope
            if np.isfinite(weight).all():
                matches = match(x, view.values, powers, inners, library, TRIED, weight)
                scale = float((weight * view.values).std())
                found += [(m.nrmse * scale, view, m) for m in matches]
    found.sort(key=lambda item: _length(len(x), *item))
    for _, view, m in found[:OFFERED]:
        yield problem.solution(view.inverse.xreplace({TARGET: m.expr(expr)}))


def _length(rows: int, error: float, view: View, m: Match) -> tuple[bool, float]:
    """Exact matches by their nodes, before all others by their description length.

    An offset or a shift is charged little, since it may go once noise is allowed for.
    """
    nodes = m.cost + view.cost
    if error < EXACT:
        return False, nodes
    kept = nodes - IDLE * ((m.b != 0) + (m.d != 0))
    return True, description_length(error, 0.0, 0, kept + rarity(m.primitive(_X)), rows)
