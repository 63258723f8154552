"""Laws that become additive by a change of variable: ``T(y) = f(a) + g(b / a) + ...``.

One column is replaced by its product, quotient, sum or difference with another; no view of the target
makes such a law additive in the columns themselves.
"""

from collections.abc import Callable, Iterator
from itertools import permutations

import numpy as np
import sympy

from kansci.search.additive import Additive, additive
from kansci.search.problem import Problem, View
from kansci.search.snap_additive import ADDITIVE, snapped

__all__ = ["changed_sums"]

MOST_COLUMNS = 5
FEWEST_ROWS = 30
ROWS = 500
BETTER = 0.5
"""The change has to lower the error of the best additive fit by this factor."""
FOLLOWED = 3
OFFERED = 8
_VIEWS = ("y", "log(y)", "exp(y)", "exp(-y)", "1/y", "y^2")
_CHANGES: tuple[tuple[Callable, Callable], ...] = (
    (np.multiply, lambda a, b: a * b),
    (np.divide, lambda a, b: a / b),
    (np.add, lambda a, b: a + b),
    (np.subtract, lambda a, b: a - b),
)


def changed_sums(problem: Problem) -> Iterator[sympy.Expr | None]:
    """Formulas of laws that are additive after one change of variable.

    Args:
        problem: Two to five columns.

    Yields:
        Formulas of the table's target, the shortest first; None after each change that is followed.
    """
    if problem.size > MOST_COLUMNS or len(problem.y) < FEWEST_ROWS:
        return
    some = np.unique(np.linspace(0, len(problem.y) - 1, ROWS).astype(int))
    before = min((fit.error for fit, _ in _fits(problem, some)), default=np.inf)
    tried: list[tuple[float, Problem, View]] = []
    for changed in _changed(problem):
        tried += [(fit.error, changed, view) for fit, view in _fits(changed, some)]
    yield None
    good = [item for item in tried if item[0] < min(ADDITIVE, BETTER * before)]
    found: list[tuple[float, sympy.Expr]] = []
    for _, changed, view in sorted(good, key=lambda item: item[0])[:FOLLOWED]:
        weight = problem.weight * view.slope
        fit = additive(changed.columns, view.values, weight=weight)
        found += snapped(changed, fit, view.inverse, weight)
        yield None
    found.sort(key=lambda item: item[0])
    yield from (expr for _, expr in found[:OFFERED])


def _fits(problem: Problem, some: np.ndarray) -> Iterator[tuple[Additive, View]]:
    """The additive fit of some rows in each view."""
    columns = [x[some] for x in problem.columns]
    for view in problem.views:
        weight = problem.weight * view.slope
        if view.name in _VIEWS and np.isfinite(weight).all() and weight.any():
            yield additive(columns, view.values[some], weight=weight[some]), view


def _changed(problem: Problem) -> Iterator[Problem]:
    """The problem with one column replaced."""
    for (i, a), (j, b) in permutations(enumerate(problem.exprs), 2):
        for apply, symbolic in _CHANGES:
            with np.errstate(all="ignore"):
                column = apply(problem.columns[i], problem.columns[j])
            if np.isfinite(column).all() and np.ptp(column) > 0:
                merged = symbolic(a, b)
                step = f"y is a sum of functions of {b}, {merged} and the others"
                yield problem.merged([i], column, merged, step)
