"""The shortest way to write a form with constants per group, which may be restated one to one."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, permutations, product

import numpy as np
import sympy

from kansci.discovery.group_fit import Joint, fit_jointly, nodes_of
from kansci.discovery.group_rows import GroupRows
from kansci.search.pool import EXACT
from kansci.symbolic.complexity import complexity
from kansci.symbolic.grouped import GroupedModel
from kansci.symbolic.parametric import Parametric
from kansci.symbolic.simplify import attempt, simplify

__all__ = ["write_short"]

SAME = 3.0
"""Standard errors within which two constants may be one."""
SECONDS = 0.3
"""For one transformation of a form."""
UNCHANGED = 1e-6
"""Share by which the error may grow when the form is written in another way."""


def write_short(fit: Joint, data: GroupRows) -> Joint:
    """The same law in fewer nodes: equal constants made one, constants restated.

    Args:
        fit: A joint fit.
        data: Its rows.

    Returns:
        A fit that is as accurate.
    """
    fit = _with_equal_constants(fit, data)
    fit = _rewritten(fit, _simplified(fit.model), fit.model.table, data) or fit
    expr, table = _restated(fit.model)
    return _rewritten(fit, expr, table, data) or fit


def _rewritten(fit: Joint, expr: sympy.Expr, table: np.ndarray, data: GroupRows) -> Joint | None:
    """The fit of the form written as ``expr``; None if it lost accuracy by that, or a parameter."""
    model = fit.model
    if not set(model.form.parameters) <= expr.free_symbols:
        return None
    form = Parametric(expr, model.form.variables, model.form.parameters, model.form.values)
    trial = fit_jointly(GroupedModel.of(form, table, model.shared), data, nodes_of(expr))
    accurate = trial is not None and trial.train <= (1 + UNCHANGED) * fit.train + EXACT
    return trial if accurate else None


def _with_equal_constants(fit: Joint, data: GroupRows) -> Joint:
    """One constant for two that agree, where that shortens the form: a - a*k/(x + k) = a*x/(x + k)."""
    model, n = fit.model, len(data.rows.train)
    form, table = model.form, model.table
    errors = model.stderr(*data.train)[model.slots]
    long = complexity(_simplified(model))
    for p, q in combinations(range(len(form.parameters)), 2):
        width = SAME * np.hypot(errors[:, p], errors[:, q]) + EXACT * np.abs(table[:, p])
        for sign in (1, -1):
            if model.shared[p] != model.shared[q] or (np.abs(table[:, p] - sign * table[:, q]) > width).any():
                continue
            tied = form.fixed({form.parameters[p]: sign * form.parameters[q]})
            keep = [k for k in range(len(form.parameters)) if k != p]
            start = GroupedModel.of(tied, table[:, keep], model.shared[keep])
            short = _simplified(start)
            if complexity(short) < long:
                start = replace(start, form=Parametric(short, tied.variables, tied.parameters, tied.values))
                trial = fit_jointly(start, data, nodes_of(short))
                if trial is not None and trial.description_length(n) < fit.description_length(n):
                    return _with_equal_constants(trial, data)
    return fit


def _simplified(model: GroupedModel) -> sympy.Expr:
    """Shorter, the signs of the constants being known."""
    known = {
        p: sympy.Dummy(p.name, positive=True)
        for p, values in zip(model.form.parameters, model.table.T, strict=True)
        if (values > 0).all()
    }
    short = simplify(model.form.expr.xreplace(known), SECONDS)
    return short.xreplace({new: old for old, new in known.items()})


def _restated(model: GroupedModel) -> tuple[sympy.Expr, np.ndarray]:
    """The shortest form that changes of constants lead to, and their values then (G, P)."""
    expr, table = model.form.expr, model.table
    while True:
        trials = ((_light(expr.xreplace(change)), values) for change, values in _changes(model, table))
        better = next((trial for trial in trials if _cost(trial[0]) < _cost(expr)), None)
        if better is None:
            return expr, table
        expr, table = better


def _changes(
    model: GroupedModel, table: np.ndarray
) -> Iterator[tuple[dict[sympy.Symbol, sympy.Expr], np.ndarray]]:
    """A constant for its negative or inverse; a product or quotient of two for one of them."""
    names, shared = model.form.parameters, model.shared
    for p, name in enumerate(names):
        yield {name: -name}, _with_column(table, p, -table[:, p])
        if table[:, p].all():
            yield {name: 1 / name}, _with_column(table, p, 1 / table[:, p])
            yield {name: -1 / name}, _with_column(table, p, -1 / table[:, p])
    for p, q in permutations(range(len(names)), 2):
        if table[:, q].all() and (shared[q] or not shared[p]):
            for inner, outer in product((1, -1), repeat=2):
                other = table[:, q] ** outer  # the new q, of which the old p is that many times the new p
                changed = _with_column(_with_column(table, q, other), p, table[:, p] / other**inner)
                yield {names[p]: names[p] * names[q] ** inner, names[q]: names[q] ** outer}, changed


def _with_column(table: np.ndarray, p: int, values: np.ndarray) -> np.ndarray:
    return np.column_stack([table[:, :p], values, table[:, p + 1 :]])


def _light(expr: sympy.Expr) -> sympy.Expr:
    ways = (sympy.factor_terms, sympy.together, sympy.powsimp, sympy.cancel)
    return min((expr, *(attempt(way, expr, SECONDS) for way in ways)), key=_cost)


def _cost(expr: sympy.Expr) -> tuple[float, int]:
    """Nodes, and of two ways with as many the one with fewer reciprocals."""
    reciprocals = sum(
        part.is_Pow and part.exp.could_extract_minus_sign() for part in sympy.preorder_traversal(expr)
    )
    return complexity(expr), int(reciprocals)
