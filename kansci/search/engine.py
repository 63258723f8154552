"""The search: an agenda of steps on problems, the most promising first, until exact or out of time.

A step is a generator: it yields formulas for the pool (or None after a trial without one) and
puts smaller problems on the agenda. Its place there is a cost: how far the problem's reductions
are to be doubted, plus how dear the step is, plus the price of all it has tried so far; so a
step that goes on without success makes way for others. Nothing depends on the clock but the end.
"""

import heapq
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import sympy

from kansci.search.algebra import power_law, relation
from kansci.search.changed_sums import changed_sums
from kansci.search.features import feature_relations
from kansci.search.few_constants import few_constants
from kansci.search.further_terms import further_terms
from kansci.search.index import single_indices
from kansci.search.leaf import high_polynomial, univariate
from kansci.search.noisy_relations import noisy_feature_relations, noisy_relations
from kansci.search.pairs import two_terms
from kansci.search.pi_groups import pi_groups
from kansci.search.pool import Candidate, Pool
from kansci.search.press import levelling
from kansci.search.problem import TARGET, Problem, views
from kansci.search.screening import relevant
from kansci.search.simple_exponents import simple_exponents
from kansci.search.snap_additive import snapped_products, snapped_sums
from kansci.search.surrogate import polynomial_surrogate
from kansci.search.symmetry import reductions
from kansci.search.transformed import transformed_targets
from kansci.search.trial_reductions import trial_reductions
from kansci.search.whiteness import leaves_white_noise
from kansci.symbolic.complexity import complexity

__all__ = ["Search", "Step", "search"]

MAX_DEPTH = 12
BRANCHES = 4
"""Reductions that are followed from one problem."""
HIGH_COLUMNS = 600
FEW_ROWS = 100
FEW_GROUPS = 2
SCREENED_FROM = 7
"""Columns from which on those that do not visibly matter are left out of a branch of the search."""
NOISE_TERMS = 250
PATIENCE = 1.2
"""Cost for which the best formula must have stood, if it leaves nothing but noise."""
READABLE = 40
"""A longer formula is no reason to end the search."""
LATE = 0.9
"""What is added to the cost of a step that does not suit the table."""
NODE_PRICE = 0.003
"""Price of judging a formula, a node: refitting a long one takes long."""


@dataclass(frozen=True)
class Step:
    """``run(search, problem, doubt)`` yields formulas; ``price`` is of one trial (a second is about 1).

    ``suits``: the tables it is made for, those with noise or those without; on others it comes later.
    """

    name: str
    run: Callable[["Search", Problem, float], Iterator[sympy.Expr | None]]
    dearness: float
    price: float = 0.05
    suits: Literal["all", "exact", "noisy"] = "all"


@dataclass(order=True)
class _Task:
    cost: float
    order: int
    step: Step = field(compare=False)
    problem: Problem = field(compare=False)
    trials: Iterator[sympy.Expr | None] = field(compare=False)
    late: bool = field(default=False, compare=False)


def search(problem: Problem, pool: Pool, on_stage: Callable[[str], None], extra: Iterable[Step] = ()) -> None:
    """Fill the pool with formulas for the problem.

    Args:
        problem: The table.
        pool: Receives the candidates, and holds the deadline; it raises ``ExactFoundError`` when one
            of them is exact.
        on_stage: Called with one line when another step is taken up.
        extra: Further steps for the whole problem.
    """
    run = Search(pool, on_stage, _noise_evidence(problem))
    run.add(problem, 0.0)
    for step in (FURTHER_TERMS, *extra):
        run.push(step.dearness, step, problem)
    run.loop()


class Search:
    """The agenda."""

    def __init__(self, pool: Pool, on_stage: Callable[[str], None], noise: float = 0.0) -> None:
        self.pool, self.on_stage, self.noise = pool, on_stage, noise
        self._best: Candidate | None = None
        self._found_at = 0.0
        self._white: bool | None = None
        self.heap: list[_Task] = []
        self.count = 0
        self.known: set[tuple] = set()

    def add(self, problem: Problem, doubt: float) -> None:
        """Queue all steps for a problem, unless it has been seen or is exhausted."""
        lift = problem.lift.xreplace({TARGET: sympy.Symbol("T")})
        key = (frozenset(map(sympy.srepr, problem.exprs)), sympy.srepr(lift))
        if key in self.known or len(problem.trail) > MAX_DEPTH or not _sane(problem):
            return
        self.known.add(key)
        if not all(map(problem.grammar.operators_allow, problem.exprs)):
            return
        if not self.allows(problem):
            return
        for step in UNIVARIATE if problem.size == 1 else MULTIVARIATE:
            late = {"all": 0.0, "noisy": 1 - self.noise, "exact": max(0.0, 5 * self.noise - 4) / 3}[
                step.suits
            ]
            self.push(doubt + step.dearness + LATE * late, step, problem)

    def allows(self, problem: Problem) -> bool:
        """Whether the units of the table, if it has any, allow a problem's newest column and its target."""
        return self.pool.units is None or self.pool.units.allow(problem.exprs[:1], problem.lift)

    def push(self, cost: float, step: Step, problem: Problem) -> None:
        """Queue one step."""
        self.count += 1
        heapq.heappush(
            self.heap, _Task(cost, self.count, step, problem, step.run(self, problem, cost - step.dearness))
        )

    @property
    def best_length(self) -> float:
        """Description length of the best formula so far."""
        best = self.pool.best
        return float("inf") if best is None else best.description_length(len(self.pool.rows.y))

    def loop(self) -> None:
        """Advance the cheapest task until none is left, time is up, or only noise is unexplained."""
        reported: set[int] = set()
        while self.heap and time.monotonic() < self.pool.deadline:
            task = heapq.heappop(self.heap)
            if self._finished(task.cost):
                return
            if task.step.suits == "exact" and not task.late and self._is_noise_left(task.cost):
                task.cost, task.late = task.cost + LATE, True
                heapq.heappush(self.heap, task)
                continue
            if task.order not in reported:
                reported.add(task.order)
                self.on_stage(f"{task.step.name} in {', '.join(map(str, task.problem.exprs))}")
            for formula in task.trials:
                task.cost += task.step.price if formula is None else NODE_PRICE * complexity(formula)
                if formula is not None:
                    self.pool.offer(formula, (*task.problem.trail, task.step.name))
                heapq.heappush(self.heap, task)
                break

    def _finished(self, cost: float) -> bool:
        """Whether the best formula leaves white noise, and has been the best for long."""
        best = self.pool.best
        return best is not None and best.complexity <= READABLE and self._is_noise_left(cost, PATIENCE)

    def _is_noise_left(self, cost: float, patience: float = 0.0) -> bool:
        """Whether the best formula, having been the best for so long, leaves nothing but noise."""
        best = self.pool.best
        if best is not self._best:
            self._best, self._found_at, self._white = best, cost, None
        if best is None or cost < self._found_at + patience:
            return False
        if self._white is None:
            self._white = leaves_white_noise(best, self.pool.rows)
        return self._white


def _noise_evidence(problem: Problem) -> float:
    """From 0 to 1: whether noise, and not the form of the law, limits what polynomials explain."""
    if len(problem.y) < FEW_ROWS or not problem.size or not _sane(problem):
        return 0.0
    most = min(NOISE_TERMS, len(problem.y) // 4)
    return levelling(problem.columns, problem.y, problem.weight, most)


def _sane(problem: Problem) -> bool:
    arrays = (problem.y, *problem.columns)
    if not all(np.isfinite(a).all() and np.abs(a).max() < 1e100 for a in arrays):
        return False
    return all(np.ptp(x) > 0 for x in problem.columns)


def _power_law(_: Search, problem: Problem, __: float) -> Iterator[sympy.Expr | None]:
    if np.ptp(problem.y) < 1e-9 * max(np.abs(problem.y).max(), 1e-300) or problem.size == 0:
        yield problem.solution(sympy.Float(float(np.mean(problem.y)), 17))
        return
    law = power_law(problem.columns, problem.exprs, problem.y)
    if law is not None:
        yield problem.solution(law[0])


def _relations(_: Search, problem: Problem, __: float) -> Iterator[sympy.Expr | None]:
    for view in views(problem.y, problem.grammar):
        found = relation(problem.features, view, 200)
        if found is None and len(problem.y) < FEW_ROWS:
            found = relation(problem.features, view, 200, quotient=False)
        yield None if found is None else problem.solution(view.inverse.xreplace({TARGET: found}))


def _screen(run: Search, problem: Problem, doubt: float) -> Iterator[sympy.Expr | None]:
    """Go on with the columns that visibly matter, where there are many."""
    if problem.size < SCREENED_FROM:
        return
    keep = relevant(problem.columns, problem.y)
    drop = [k for k in range(problem.size) if k not in keep]
    if keep and drop:
        names = ", ".join(str(problem.exprs[k]) for k in keep)
        run.add(problem.without(drop, f"y depends visibly on {names} only"), doubt)
    yield None


def _reduce(run: Search, problem: Problem, doubt: float) -> Iterator[sympy.Expr | None]:
    g = polynomial_surrogate(problem.columns, problem.y)
    if g is None:
        return
    threshold = min(0.25, max(3e-4, 20 * g.error))
    found = [r for r in reductions(problem, g, threshold) if run.allows(r.problem)]
    for rank, reduction in enumerate(found[:BRANCHES]):
        run.add(reduction.problem, doubt + 0.15 + 1.0 * rank + 2 * reduction.rho)
    yield None


def _try_reductions(run: Search, problem: Problem, doubt: float) -> Iterator[sympy.Expr | None]:
    rank = 0
    for smaller in trial_reductions(problem, run.allows):
        if smaller is None:
            yield None
        elif rank < BRANCHES:
            run.add(smaller, doubt + 0.2 + 0.7 * rank)
            rank += 1
    yield None


def _groups(run: Search, problem: Problem, doubt: float) -> Iterator[sympy.Expr | None]:
    """Few groups are searched at once; many leave the search where it was, in other variables."""
    for rank, smaller in enumerate([] if run.pool.units is None else pi_groups(problem, run.pool.units)):
        if smaller.size:
            run.add(smaller, doubt + 0.5 * rank + (0.0 if smaller.size <= FEW_GROUPS else 1.0))
        else:
            yield smaller.solution(sympy.Float(float(np.mean(smaller.y)), 17))
    yield None


def _index(run: Search, problem: Problem, doubt: float) -> Iterator[sympy.Expr | None]:
    for rank, (ratio, smaller) in enumerate(single_indices(problem)):
        run.add(smaller, doubt + 0.5 + rank + 10 * ratio)
    yield None


def _other_targets(run: Search, problem: Problem, doubt: float) -> Iterator[sympy.Expr | None]:
    for rank, transformed in enumerate(transformed_targets(problem)):
        run.add(transformed, doubt + 0.3 * rank)
    yield None


def _noisy_relations(run: Search, problem: Problem, __: float) -> Iterator[sympy.Expr | None]:
    yield from noisy_relations(problem, run.best_length)


def _noisy_features(run: Search, problem: Problem, __: float) -> Iterator[sympy.Expr | None]:
    yield from noisy_feature_relations(problem, run.best_length)


def _leaf(effort: int) -> Callable[[Search, Problem, float], Iterator[sympy.Expr | None]]:
    return lambda _, problem, __: univariate(problem, effort)


def _transcendental(dearness: float, *, pairs: bool) -> Step:
    name = f"a relation with {'two transcendental terms' if pairs else 'one transcendental term'}"
    return Step(
        name,
        lambda _, p, __: feature_relations(p, pairs=pairs),
        dearness,
        0.012 if pairs else 0.008,
        "exact",
    )


def _high_relations(_: Search, problem: Problem, __: float) -> Iterator[sympy.Expr | None]:
    for view in views(problem.y, problem.grammar)[:4]:
        found = relation(problem.features, view, HIGH_COLUMNS)
        yield None if found is None else problem.solution(view.inverse.xreplace({TARGET: found}))


FURTHER_TERMS = Step(
    "one term more in the best formulas",
    lambda run, p, __: further_terms(run.pool, p.grammar),
    1.0,
    0.2,
    "noisy",
)
UNIVARIATE: tuple[Step, ...] = (
    Step("a power law", _power_law, 0.0),
    Step("a law with few constants", lambda _, p, __: few_constants(p), 0.05, 0.1),
    Step("a function of one variable", _leaf(0), 0.1, 0.2),
    _transcendental(0.4, pairs=False),
    Step("a rational function by regression", _noisy_relations, 0.5, 0.06, "noisy"),
    Step("a view of the target as a function of one variable", _leaf(1), 0.6, 0.2),
    Step("a function of the logarithm", _leaf(3), 0.65, 0.2),
    Step("two terms in one variable", lambda _, p, __: two_terms(p), 0.7, 0.01),
    _transcendental(0.9, pairs=True),
    Step("a function of one variable with powers beside and inside", _leaf(2), 0.8, 0.5),
    Step("a polynomial of high degree", lambda _, p, __: high_polynomial(p), 1.8, 0.1),
)
MULTIVARIATE: tuple[Step, ...] = (
    Step("units: dimensionless groups", _groups, 0.0, 0.0),
    Step("a power law", _power_law, 0.0),
    Step("a rational relation", _relations, 0.1, 0.03, "exact"),
    Step("a power law with simple exponents", lambda _, p, __: simple_exponents(p), 0.1, 0.005),
    Step("the columns that matter", _screen, 0.3),
    Step("symmetries: variables that act only together", _reduce, 0.4, 0.1),
    Step("reductions that the data do not speak against", _try_reductions, 0.3, 0.015, "noisy"),
    Step("the target transformed", _other_targets, 0.7, 0.0, "noisy"),
    Step("a function of a sum of one-variable functions", lambda _, p, __: snapped_sums(p), 1.0, 0.2),
    Step(
        "a sum of one-variable functions after a change of variable",
        lambda _, p, __: changed_sums(p),
        0.9,
        0.15,
    ),
    Step("a product of one-variable functions", lambda _, p, __: snapped_products(p), 1.2, 0.2),
    Step("a single index: one monomial or sum that orders the target", _index, 1.0, 0.3),
    Step("a rational function by regression", _noisy_relations, 0.6, 0.06, "noisy"),
    _transcendental(1.0, pairs=False),
    Step("a regression with one transcendental term", _noisy_features, 0.8, 0.01, "noisy"),
    Step("a rational relation of high degree", _high_relations, 1.4, 0.4, "exact"),
    _transcendental(1.6, pairs=True),
)
