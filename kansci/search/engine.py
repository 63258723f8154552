"""The search: an agenda of problems and steps, the most promising first, until exact or out of time.

A step looks at one problem. It offers formulas to the pool and puts smaller problems on the
agenda. Its place is a cost: how far the problem's reductions are to be doubted, plus how
dear the step is. Everything is deterministic but for the deadline.
"""

import heapq
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import sympy

from kansci.search.algebra import Feature, monomial, relation
from kansci.search.features import feature_relations
from kansci.search.index import single_indices
from kansci.search.leaf import univariate
from kansci.search.pool import ExactFoundError, Pool
from kansci.search.problem import TARGET, Problem, views
from kansci.search.snap_additive import snapped_sums
from kansci.search.surrogate import polynomial_surrogate
from kansci.search.symmetry import reductions

__all__ = ["search"]

MAX_DEPTH = 12
BRANCHES = 4
"""Reductions that are followed from one problem."""

Step = Callable[["_Search", Problem, float], None]


@dataclass(order=True)
class _Task:
    cost: float
    order: int
    step: Step = field(compare=False)
    problem: Problem = field(compare=False)


def search(problem: Problem, pool: Pool, on_stage: Callable[[str], None], extra: Iterable[tuple[float, Step]] = ()) -> None:
    """Fill the pool with formulas for the problem.

    Args:
        problem: The table.
        pool: Receives the candidates, and holds the deadline.
        on_stage: Called with one line before each step.
        extra: Further steps for the whole problem, with their costs.

    Raises:
        ExactFoundError: The pool has an exact formula.
    """
    run = _Search(pool, on_stage)
    run.add(problem, 0.0)
    for cost, step in extra:
        run.push(cost, step, problem)
    run.loop()


class _Search:
    """The agenda."""

    def __init__(self, pool: Pool, on_stage: Callable[[str], None]) -> None:
        self.pool, self.on_stage = pool, on_stage
        self.heap: list[_Task] = []
        self.count = 0
        self.known: set[tuple] = set()

    def add(self, problem: Problem, doubt: float) -> None:
        """Queue all steps for a problem, unless it has been seen or is exhausted."""
        key = (frozenset(map(sympy.srepr, problem.exprs)), sympy.srepr(problem.lift.xreplace({TARGET: sympy.Symbol("T")})))
        if key in self.known or len(problem.trail) > MAX_DEPTH or not _sane(problem):
            return
        self.known.add(key)
        steps = UNIVARIATE if problem.size == 1 else MULTIVARIATE
        for dearness, step in steps:
            self.push(doubt + dearness, step, problem)

    def push(self, cost: float, step: Step, problem: Problem) -> None:
        """Queue one step."""
        self.count += 1
        heapq.heappush(self.heap, _Task(cost, self.count, step, problem))

    def offer(self, problem: Problem, formulas: Iterable[sympy.Expr | None], how: str) -> None:
        """Hand formulas of the table's target, found ``how``, to the pool until time is up."""
        trail = (*problem.trail, how)
        for expr in formulas:
            if expr is not None:
                self.pool.offer(expr, trail)
            if time.monotonic() > self.pool.deadline:
                return

    def loop(self) -> None:
        """Take the cheapest task until the agenda is empty or the deadline has passed."""
        while self.heap and time.monotonic() < self.pool.deadline:
            task = heapq.heappop(self.heap)
            self.on_stage(_describe(task))
            task.step(self, task.problem, task.cost)


def _describe(task: _Task) -> str:
    name = (task.step.__doc__ or "").split(":")[0]
    return f"{name} in {', '.join(map(str, task.problem.exprs)) or 'nothing'}"


def _sane(problem: Problem) -> bool:
    arrays = (problem.y, *problem.columns)
    if not all(np.isfinite(a).all() and np.abs(a).max() < 1e100 for a in arrays):
        return False
    return all(np.ptp(x) > 0 for x in problem.columns)


def _constant(run: _Search, problem: Problem, _: float) -> None:
    """power laws: constants and monomials."""
    if np.ptp(problem.y) < 1e-9 * max(np.abs(problem.y).max(), 1e-300) or problem.size == 0:
        run.offer(problem, [problem.solution(sympy.Float(float(np.mean(problem.y)), 17))], "the rest is constant")
        return
    law = monomial(problem.columns, problem.exprs, problem.y)
    if law is not None:
        run.offer(problem, [problem.solution(law[0])], "the rest is a power law")


def _relations(run: _Search, problem: Problem, _: float) -> None:
    """algebra: rational relations of the target's views."""
    features = [Feature(x, e) for x, e in zip(problem.columns, problem.exprs, strict=True)]
    for view in views(problem.y):
        found = relation(features, view, 200)
        if found is not None:
            run.offer(problem, [problem.solution(view.inverse.xreplace({TARGET: found}))], f"{view.name} is rational")


def _reduce(run: _Search, problem: Problem, cost: float) -> None:
    """symmetries: variables that act only together."""
    g = polynomial_surrogate(problem.columns, problem.y)
    if g is None:
        return
    threshold = min(0.25, max(1e-4, 12 * g.error))
    for rank, reduction in enumerate(reductions(problem, g, threshold)[:BRANCHES]):
        run.add(reduction.problem, cost - 1.0 + 0.3 + 1.2 * rank + 2 * min(reduction.rho, 1.0))


def _index(run: _Search, problem: Problem, cost: float) -> None:
    """single index: one monomial or sum that orders the target."""
    for rank, (ratio, smaller) in enumerate(single_indices(problem)):
        run.add(smaller, cost - 1.0 + rank + 10 * ratio)


def _features(run: _Search, problem: Problem, _: float) -> None:
    """algebra with one transcendental feature: sin, cos, exp, log or a root."""
    run.offer(problem, feature_relations(problem, pairs=False), "a relation with one transcendental term")


def _feature_pairs(run: _Search, problem: Problem, _: float) -> None:
    """algebra with two transcendental features: sin, cos, exp, log or a root."""
    run.offer(problem, feature_relations(problem, pairs=True), "a relation with two transcendental terms")


def _sums(run: _Search, problem: Problem, _: float) -> None:
    """shapes [n, 1] and [n, 1, 1]: a function of a sum of one-variable functions."""
    run.offer(problem, snapped_sums(problem), "a function of a sum of one-variable functions")


def _leaf(effort: int) -> Step:
    def step(run: _Search, problem: Problem, _: float) -> None:
        run.offer(problem, univariate(problem, effort), "a function of one variable")

    step.__doc__ = ("one variable", "one variable, views of the target", "one variable, powers beside and inside")[effort]
    return step


UNIVARIATE: tuple[tuple[float, Step], ...] = (
    (0.0, _constant),
    (0.1, _leaf(0)),
    (1.0, _leaf(1)),
    (1.5, _leaf(2)),
    (2.0, _features),
)
MULTIVARIATE: tuple[tuple[float, Step], ...] = (
    (0.0, _constant),
    (0.1, _relations),
    (1.0, _reduce),
    (1.5, _sums),
    (2.0, _index),
    (2.2, _features),
    (3.5, _feature_pairs),
)
