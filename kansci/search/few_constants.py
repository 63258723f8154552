"""Laws with one, two or three constants in one variable: ``T(y) = c f(x) + d``, with or without d.

What a scientist would try first on a small table. Every curve of the dictionary is judged in
every view of the target by closed-form least squares; the ranking charges for each constant, so
that on six rows a law with two constants beats an interpolation with four.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import sympy

from kansci.search.curves import Curve, allowed, dictionary, saturations
from kansci.search.judge import description_length, rarity
from kansci.search.problem import TARGET, Problem, View

__all__ = ["few_constants"]

POINTS = 150
OFFERED = 6
"""Formulas handed on for each number of constants."""


def few_constants(problem: Problem) -> Iterator[sympy.Expr | None]:
    """Formulas for a problem with one column, the shortest description first.

    Args:
        problem: One column.

    Yields:
        Formulas of the table's target.
    """
    some = np.unique(np.linspace(0, len(problem.y) - 1, POINTS).astype(int))
    problem = replace(
        problem, columns=(problem.columns[0][some],), y=problem.y[some], errors=problem.weight[some]
    )
    x, e = problem.columns[0], problem.exprs[0]
    with np.errstate(all="ignore"):
        # a column that the search has built may as well have been built the other way up
        upside_down = () if e.is_Symbol or (x == 0).any() else dictionary(1 / x, 1 / e)
        curves = allowed((*dictionary(x, e), *saturations(x, e), *upside_down), problem.grammar)
        curves = [c for c in curves if np.isfinite(c.values).all()]
    if not curves:
        return
    found = [
        law
        for view in problem.views
        # without an offset in the logarithm the law would have no scale of its own
        for offset in ((True,) if view.name.startswith("log") else (False, True))
        for law in _judged(problem, view, curves, offset=offset)
    ]
    found.sort(key=lambda law: law.length)
    yield None
    for count in (1, 2, 3, 4):
        kinds: dict[tuple[str, str], _Law] = {}
        for law in found:
            if law.count == count:
                kinds.setdefault((law.view.name, law.curve.kind), law)
        # x^-2 is also the square of the column the other way up
        different = {f"{law.length:.9g}": law for law in reversed(kinds.values())}
        for law in list(reversed(different.values()))[:OFFERED]:
            yield problem.solution(law.expr())


@dataclass(frozen=True)
class _Law:
    """``T(y) = c f(x) + d`` with ``count`` constants and its description length."""

    view: View
    curve: Curve
    c: float
    d: float
    count: int
    length: float

    def expr(self) -> sympy.Expr:
        """The formula of y."""
        inner = sympy.Float(self.c, 17) * self.curve.expr + (sympy.Float(self.d, 17) if self.d else 0)
        return self.view.inverse.xreplace({TARGET: inner})


def _judged(problem: Problem, view: View, curves: list[Curve], *, offset: bool) -> Iterator[_Law]:
    """The best curves in one view, by their error in y."""
    y, w = problem.y, problem.weight
    back = sympy.lambdify([TARGET], view.inverse, modules=["numpy"])
    F = np.stack([curve.values for curve in curves])
    t, share = view.values, (w * view.slope) ** 2
    if not np.isfinite(share).all() or share.sum() == 0:
        return
    share = share / share.sum()
    mean_f, mean_t = (F @ share, float(t @ share)) if offset else (np.zeros(len(F)), 0.0)
    centred, rest = F - mean_f[:, None], t - mean_t
    with np.errstate(all="ignore"):
        c = centred @ (share * rest) / (centred**2 @ share)
        d = mean_t - c * mean_f
        errors = np.sqrt(np.mean((w * (back(c[:, None] * F + d[:, None]) - y)) ** 2, axis=1))
    for k in np.argsort(errors, kind="stable")[:40].tolist():
        if np.isfinite(errors[k]):
            count = 1 + offset + curves[k].constants
            nodes = 3 * count + view.cost + rarity(view.inverse)
            length = description_length(float(errors[k]), 0.0, count, nodes, len(y))
            yield _Law(view, curves[k], float(c[k]), float(d[k]), count, length)
