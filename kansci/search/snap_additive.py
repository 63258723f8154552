"""Formulas of the shapes [n, 1] and [n, 1, 1], and products: the parts of a fit, each matched."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, product

import numpy as np
import sympy

from kansci.search.additive import Additive, additive, canonical, multiplicative
from kansci.search.problem import TARGET, Problem
from kansci.symbolic.match import Match, match

__all__ = ["snapped_products", "snapped_sums"]

ADDITIVE = 0.05
"""Largest relative error of an additive fit that is worth snapping."""
SHORTLIST = 4
INNERS = (sympy.S.One, sympy.S.NegativeOne)
"""Functions of x and of 1/x: laws hold exp(-a/x) as often as exp(-a x)."""
COMBINATIONS = 16


def snapped_sums(problem: Problem) -> Iterator[sympy.Expr]:
    """Formulas ``T^-1(sum_i f_i(x_i))`` for the views T in which the target is additive.

    Args:
        problem: The problem.

    Yields:
        Formulas of the table's target, the most additive view first.
    """
    fits = sorted(
        (
            (additive(problem.columns, view.values, weight=w), view)
            for view in problem.views
            if np.isfinite(w := problem.weight * view.slope).all() and w.any()
        ),
        key=lambda f: f[0].error,
    )
    for fit, view in fits[:2]:
        if fit.error < ADDITIVE:
            yield from _snapped(problem, fit, view.inverse)
    free = canonical(problem.columns, problem.y)
    if free.error < min(ADDITIVE, fits[0][0].error / 2):
        for inverse in _outer(problem, free):
            yield from _snapped(problem, free, inverse)


def snapped_products(problem: Problem) -> Iterator[sympy.Expr]:
    """Formulas ``prod_i f_i(x_i)``, also where the target changes sign.

    Args:
        problem: The problem.

    Yields:
        Formulas of the table's target.
    """
    fit = multiplicative(problem.columns, problem.y)
    if fit.error > ADDITIVE:
        return
    shortlists = [
        match(x[: len(part)], part, inners=INNERS, library=problem.grammar.library, top=SHORTLIST)
        for x, part in zip(problem.columns, fit.parts, strict=True)
    ]
    choices = sorted(product(*(range(len(s)) for s in shortlists)), key=lambda c: (sum(c), c))
    for choice in islice(choices, COMBINATIONS):
        factors = (s[k].expr(e) for s, k, e in zip(shortlists, choice, problem.exprs, strict=True))
        yield problem.solution(sympy.Mul(*factors))


def _snapped(problem: Problem, fit: Additive, inverse: sympy.Expr) -> Iterator[sympy.Expr]:
    """Every combination of the best matches of the parts, cheapest first."""
    shortlists = [
        list[Match | None](match(x, part, inners=INNERS, library=problem.grammar.library, top=SHORTLIST))
        or [None]
        for x, part in zip(problem.columns, fit.parts, strict=True)
    ]
    choices = sorted(product(*(range(len(s)) for s in shortlists)), key=lambda c: (sum(c), c))
    offset = float(np.mean(fit.target))
    for choice in islice(choices, COMBINATIONS):
        picked = [shortlist[k] for shortlist, k in zip(shortlists, choice, strict=True)]
        yield problem.solution(inverse.xreplace({TARGET: _sum(problem, picked, offset)}))


def _sum(problem: Problem, picked: list[Match | None], offset: float) -> sympy.Expr:
    """One constant term for all parts together."""
    total: sympy.Expr = sympy.S.Zero
    for e, m in zip(problem.exprs, picked, strict=True):
        if m is not None:
            total += replace(m, d=0.0).expr(e)
            offset += m.d
    return total + sympy.Float(offset, 17)


def _outer(problem: Problem, fit: Additive) -> Iterator[sympy.Expr]:
    """Inverses of simple functions g^-1(y) that the canonical variate is an affine function of."""
    for m in match(fit.target, problem.y, library=problem.grammar.library, top=4):
        if m.nrmse < ADDITIVE:
            yield m.expr(TARGET)
