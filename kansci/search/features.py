"""Relations with one or two transcendental features of simple arguments.

The arguments z are the columns, and their pairwise differences, sums, products and ratios; the
features of z are (sin z, cos z), exp z, log z, sqrt z. Each is added to the columns in turn
and the algebra of ``algebra.relation`` decides.
"""

from collections.abc import Iterator
from itertools import combinations, product

import numpy as np
import sympy

from kansci.search.algebra import Feature, relation
from kansci.search.problem import TARGET, Problem, views

__all__ = ["feature_relations"]

_VIEWS = ("y", "y^2", "log(y)", "1/y", "sin(y)", "cos(y)", "exp(y)")


def feature_relations(problem: Problem, *, pairs: bool) -> Iterator[sympy.Expr | None]:
    """Formulas from relations with transcendental features.

    Args:
        problem: The problem.
        pairs: Whether to try two features at a time.

    Yields:
        Formulas of the table's target, and None after each trial without one.
    """
    bases = list(_bases(problem))
    plain = [v for v in views(problem.y) if v.name in _VIEWS]
    groups = list(_groups(problem))
    budget = {1: 90, 2: 150, 3: 240, 4: 260}.get(problem.size, 260)
    choices = combinations(groups, 2) if pairs else ((g,) for g in groups)
    for chosen in choices:
        extra = [
            Feature(f.values, f.expr, f.max_power, group) for group, g in enumerate(chosen) for f in g
        ]
        for base, view in product(bases, plain[: 3 if pairs else len(plain)]):
            found = relation([*base, *extra], view, budget, max_degree=5 if not pairs else 4)
            yield None if found is None else problem.solution(view.inverse.xreplace({TARGET: found}))


def _bases(problem: Problem) -> Iterator[list[Feature]]:
    """The columns, and their square roots if all are positive."""
    columns = list(zip(problem.columns, problem.exprs, strict=True))
    yield [Feature(x, e) for x, e in columns]
    if all((x > 0).all() for x, _ in columns):
        yield [Feature(np.sqrt(x), sympy.sqrt(e)) for x, e in columns]


def _groups(problem: Problem) -> Iterator[tuple[Feature, ...]]:
    """Feature groups, simple arguments first."""
    for z, e in _arguments(problem):
        with np.errstate(all="ignore"):
            # sin^2 is left out: with cos^2 it would be a relation among the inputs alone
            trig = (Feature(np.sin(z), sympy.sin(e), 1), Feature(np.cos(z), sympy.cos(e), 2))
            others = [Feature(np.exp(z), sympy.exp(e), 2)] if np.abs(z).max() < 50 else []
            if (z > 0).all():
                others += [Feature(np.log(z), sympy.log(e), 1), Feature(np.sqrt(z), sympy.sqrt(e), 1)]
        if np.ptp(z) > 1e-3:
            yield trig
        for feature in others:
            yield (feature,)


def _arguments(problem: Problem) -> Iterator[tuple[np.ndarray, sympy.Expr]]:
    columns, exprs = problem.columns, problem.exprs
    yield from zip(columns, exprs, strict=True)
    for i, j in combinations(range(problem.size), 2):
        (x, a), (y, b) = (columns[i], exprs[i]), (columns[j], exprs[j])
        yield x - y, a - b
        yield x * y, a * b
        yield x + y, a + b
        if (y != 0).all():
            yield x / y, a / b
        if (x != 0).all():
            yield y / x, b / a
