"""Relations with one or two transcendental features of simple arguments.

The arguments z are the columns, and their pairwise differences, sums, products and ratios; the
features of z are (sin z, cos z), exp z, log z, sqrt z. Each is added to the columns in turn
and the algebra of ``algebra.relation`` decides.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, product

import numpy as np
import sympy

from kansci.search.algebra import relation
from kansci.search.monomials import Feature
from kansci.search.problem import TARGET, Problem, views

__all__ = ["feature_relations", "groups"]

MAX_TERMS = 9
FEW_ROWS = 100
MOST_COLUMNS = 8
"""With more columns, arguments are single columns: their pairs would fill the memory."""
MOST_GROUPS = 120
"""Groups of which pairs are formed, the cheapest."""
_Group = tuple[int, tuple[Feature, ...]]
_VIEWS = ("y", "y^2", "log(y)", "1/y", "sin(y)", "cos(y)", "exp(y)")


def feature_relations(problem: Problem, *, pairs: bool) -> Iterator[sympy.Expr | None]:
    """Formulas from relations with transcendental features, likely ones first.

    Args:
        problem: The problem.
        pairs: Whether to try two features at a time.

    Yields:
        Formulas of the table's target, and None after each trial without one.
    """
    plain = [(k, v) for k, v in enumerate(v for v in views(problem.y, problem.grammar) if v.name in _VIEWS)]
    budget = {1: 90, 2: 150, 3: 240}.get(problem.size, 260)
    available = list(groups(problem))
    chosen = (
        [(c1 + c2, (g1, g2)) for (c1, g1), (c2, g2) in combinations(_cheapest(available), 2)]
        if pairs
        else [(c, (g,)) for c, g in available]
    )
    trials = sorted(
        product(chosen, enumerate(_bases(problem)), plain[:3] if pairs else plain),
        key=lambda trial: trial[0][0] + 2 * trial[1][0] + min(trial[2][0], 2),
    )
    for (_, picked), (_, base), (_, view) in trials:
        extra = [replace(f, group=k) for k, group in enumerate(picked) for f in group]
        for multilinear, quotient in _forms(problem):
            found = relation(
                [*base, *extra],
                view,
                budget,
                max_degree=4 if pairs else 5,
                multilinear=multilinear,
                quotient=quotient,
                max_terms=MAX_TERMS,
            )
            yield None if found is None else problem.solution(view.inverse.xreplace({TARGET: found}))


def _forms(problem: Problem) -> list[tuple[bool, bool]]:
    """(multilinear, quotient) to try: in many variables multilinear ones too, on few rows no quotients."""
    if len(problem.y) < FEW_ROWS:
        return [(False, False), (False, True)]
    return [(False, True), (True, True)] if problem.size > 2 else [(False, True)]


def _bases(problem: Problem) -> Iterator[list[Feature]]:
    """The columns; on few rows nothing; their square roots if all are positive."""
    yield problem.features
    if len(problem.y) < FEW_ROWS:
        yield []
    if all((x > 0).all() for x in problem.columns):
        yield [Feature(np.sqrt(f.values), sympy.sqrt(f.expr)) for f in problem.features]


def _cheapest(found: list[_Group]) -> list[_Group]:
    """At most MOST_GROUPS of them, in their order."""
    return sorted(found, key=lambda group: group[0])[:MOST_GROUPS] if len(found) > MOST_GROUPS else found


def groups(problem: Problem) -> Iterator[tuple[int, tuple[Feature, ...]]]:
    """Feature groups with a cost: that of the argument, plus that of the function."""
    for cost, z, e in _arguments(problem):
        with np.errstate(all="ignore"):
            # sin^2 is left out: with cos^2 it would be a relation among the inputs alone
            both = (Feature(np.sin(z), sympy.sin(e), 1), Feature(np.cos(z), sympy.cos(e), 2))
            trig = tuple(f for f in both if problem.grammar.operators_allow(f.expr))
            others = [Feature(np.exp(z), sympy.exp(e), 2)] if np.abs(z).max() < 50 else []
            if (z > 0).all():
                others += [Feature(np.log(z), sympy.log(e), 1), Feature(np.sqrt(z), sympy.sqrt(e), 1)]
            others = [f for f in others if problem.grammar.operators_allow(f.expr)]
            others += [Feature(f.values(z), f(e), 2) for f in problem.grammar.customs]
        if np.ptp(z) > 1e-3 and trig:
            yield cost, trig
        for feature in (f for f in others if np.isfinite(f.values).all()):
            yield cost + 1, (feature,)


def _arguments(problem: Problem) -> Iterator[tuple[int, np.ndarray, sympy.Expr]]:
    columns, exprs = problem.columns, problem.exprs
    for x, e in zip(columns, exprs, strict=True):
        yield 0, x, e
        yield 1, x**2, e**2
        if problem.size <= 2:
            yield 2, x**3, e**3
            yield 2, x + x**2, e + e**2
    for i, j in combinations(range(problem.size), 2) if problem.size <= MOST_COLUMNS else ():
        (x, a), (y, b) = (columns[i], exprs[i]), (columns[j], exprs[j])
        yield 1, x - y, a - b
        yield 1, x * y, a * b
        yield 2, x + y, a + b
        if (y != 0).all():
            yield 2, x / y, a / b
        if (x != 0).all():
            yield 2, y / x, b / a
