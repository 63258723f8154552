"""Laws with one, two or three constants in one variable: ``T(y) = c f(x) + d``, with or without d.

What a scientist would try first on a small table. Every curve of the dictionary is judged in
every view of the target by closed-form least squares; the ranking charges for each constant, so
that on six rows a law with two constants beats an interpolation with four.
"""

from collections.abc import Iterator

import numpy as np
import sympy

from kansci.search.curves import Curve, dictionary, saturations
from kansci.search.judge import description_length
from kansci.search.problem import TARGET, Problem, View, views

__all__ = ["few_constants"]

OFFERED = 5
"""Formulas handed on for each number of constants."""


def few_constants(problem: Problem) -> Iterator[sympy.Expr | None]:
    """Formulas for a problem with one column, the shortest description first.

    Args:
        problem: One column.

    Yields:
        Formulas of the table's target.
    """
    x, e = problem.columns[0], problem.exprs[0]
    with np.errstate(all="ignore"):
        curves = [c for c in (*dictionary(x, e), *saturations(x, e)) if np.isfinite(c.values).all()]
    by_count: dict[int, list[tuple[float, str, sympy.Expr]]] = {}
    for view in views(problem.y):
        # without an offset in the logarithm the law would have no scale of its own
        for offset in (True,) if view.name.startswith("log") else (False, True):
            for length, count, curve, expr in _judged(problem, view, curves, offset=offset):
                by_count.setdefault(count, []).append((length, f"{view.name} {curve.kind}", expr))
    yield None
    for _, found in sorted(by_count.items()):
        found.sort(key=lambda item: item[:2])
        kinds: dict[str, sympy.Expr] = {}
        for _, kind, expr in found:
            kinds.setdefault(kind, expr)
        yield from list(kinds.values())[:OFFERED]


def _judged(
    problem: Problem, view: View, curves: list[Curve], *, offset: bool
) -> Iterator[tuple[float, int, Curve, sympy.Expr]]:
    """(description length, constants, curve, formula) of every curve with a finite error in y."""
    y = problem.y
    back = sympy.lambdify([TARGET], view.inverse, modules=["numpy"])
    spread = float(y.std()) or 1.0
    F = np.stack([curve.values for curve in curves])
    t = view.values
    mean_f, mean_t = (F.mean(axis=1), float(t.mean())) if offset else (np.zeros(len(F)), 0.0)
    centred, rest = F - mean_f[:, None], t - mean_t
    with np.errstate(all="ignore"):
        c = centred @ rest / (centred**2).sum(axis=1)
        d = mean_t - c * mean_f
        errors = np.sqrt(np.mean((back(c[:, None] * F + d[:, None]) - y) ** 2, axis=1)) / spread
    for k in np.argsort(errors, kind="stable")[:40]:
        if not np.isfinite(errors[k]):
            continue
        curve = curves[k]
        count = 1 + offset + curve.constants
        inner = sympy.Float(float(c[k]), 17) * curve.expr + (sympy.Float(float(d[k]), 17) if offset else 0)
        length = description_length(float(errors[k]), 0.0, count, 3 * count + view.cost, len(y))
        yield length, count, curve, problem.solution(view.inverse.xreplace({TARGET: inner}))
