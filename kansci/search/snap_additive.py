"""Formulas of the shapes [n, 1] and [n, 1, 1], and products: the parts of a fit, each matched."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, product

import numpy as np
import sympy

from kansci.search.additive import Additive, additive, canonical, multiplicative
from kansci.search.judge import description_length, rarity
from kansci.search.problem import TARGET, Problem
from kansci.symbolic.match import Match, match

__all__ = ["ADDITIVE", "snapped", "snapped_products", "snapped_sums"]

ADDITIVE = 0.05
"""Largest relative error of an additive fit that is worth snapping."""
SMOOTH = 1e-3
"""A larger error is noise rather than the splines' own."""
SHORTLIST, TOGETHER = 4, 256
"""Matches of a part, and combinations of them all, that are judged at most."""
INNERS = (sympy.S.One, sympy.S.NegativeOne)
"""Functions of x and of 1/x: laws hold exp(-a/x) as often as exp(-a x)."""
COMBINATIONS = 8
LARGEST = 1e100
"""Values whose squares would overflow."""
_ZERO, _X = sympy.S.Zero, sympy.Dummy("x")


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
            yield from (expr for _, expr in snapped(problem, fit, view.inverse, problem.weight * view.slope))
    free = canonical(problem.columns, problem.y)
    if free.error < min(ADDITIVE, fits[0][0].error / 2):
        for inverse in _outer(problem, free):
            yield from (expr for _, expr in snapped(problem, free, inverse, None))


def _shortlist(columns: int) -> int:
    """How many matches of each part to combine, so that there are at most TOGETHER combinations."""
    return min(SHORTLIST, int(TOGETHER ** (1 / columns) + 1e-9))


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
    top = _shortlist(problem.size)
    shortlists = [
        match(x[: len(part)], part, inners=INNERS, library=problem.grammar.library, top=top)
        for x, part in zip(problem.columns, fit.parts, strict=True)
    ]
    choices = sorted(product(*(range(len(s)) for s in shortlists)), key=lambda c: (sum(c), c))
    for choice in islice(choices, COMBINATIONS):
        factors = (s[k].expr(e) for s, k, e in zip(shortlists, choice, problem.exprs, strict=True))
        yield problem.solution(sympy.Mul(*factors))


def snapped(
    problem: Problem, fit: Additive, inverse: sympy.Expr, weight: np.ndarray | None
) -> list[tuple[float, sympy.Expr]]:
    """Combinations of the best matches of an additive fit's parts, linear constants fitted together.

    Under noise it is the partial residuals that are matched, as in generalised additive models: the parts
    alone are smooth, and would be matched down to the noise in them.

    Args:
        problem: The problem.
        fit: The parts.
        inverse: The target in terms of their sum.
        weight: Of each residual of the sum (N,), None if it is not known.

    Returns:
        Description lengths and formulas of the table's target, the shortest first.
    """
    library, top = problem.grammar.library, _shortlist(problem.size)
    noisy = weight is not None and fit.error > SMOOTH
    left = fit.left if noisy else np.zeros_like(problem.y)
    shortlists = [
        list[Match | None](match(x, part + left, (_ZERO,), INNERS, library, top, weight if noisy else None))
        or [None]
        for x, part in zip(problem.columns, fit.parts, strict=True)
    ]
    weight = np.full_like(fit.target, 1 / (fit.target.std() or 1.0)) if weight is None else weight
    found = [_sum(problem, fit.target, weight, picked) for picked in product(*shortlists)]
    found = sorted((f for f in found if np.isfinite(f[0])), key=lambda f: f[0])
    return [
        (length, problem.solution(inverse.xreplace({TARGET: expr}))) for length, expr in found[:COMBINATIONS]
    ]


def _sum(
    problem: Problem, t: np.ndarray, weight: np.ndarray, picked: Sequence[Match | None]
) -> tuple[float, sympy.Expr]:
    """One match a column: the description length of their best sum, and that sum."""
    matches = [(m, x, e) for m, x, e in zip(picked, problem.columns, problem.exprs, strict=True) if m]
    A = np.stack([np.ones_like(t), *(m.feature(x) for m, x, _ in matches)], axis=1) * weight[:, None]
    if not np.abs(A).max() < LARGEST:  # or not finite
        return np.inf, sympy.S.Zero
    scale = np.linalg.norm(A, axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    c = np.linalg.lstsq(A / scale, weight * t, rcond=1e-13)[0] / scale
    error = float(np.sqrt(np.mean((A @ c - weight * t) ** 2)))
    nodes = 1 + sum(m.cost + rarity(m.primitive(_X)) for m, _, _ in matches)
    total = sum(replace(m, c=float(v), d=0.0).expr(e) for v, (m, _, e) in zip(c[1:], matches, strict=True))
    return description_length(error, 0.0, 0, nodes, len(t)), total + sympy.Float(float(c[0]), 17)


def _outer(problem: Problem, fit: Additive) -> Iterator[sympy.Expr]:
    """Inverses of simple functions g^-1(y) that the canonical variate is an affine function of."""
    for m in match(fit.target, problem.y, library=problem.grammar.library, top=4):
        if m.nrmse < ADDITIVE:
            yield m.expr(TARGET)
