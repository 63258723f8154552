"""Formulas of a required form: its functions as splines first, then each spline a formula."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice, product

import numpy as np
import sympy

from kansci.search.engine import search
from kansci.search.form_splines import FormFit, fit_form_splines
from kansci.search.pool import ExactFoundError, Pool
from kansci.search.problem import Problem
from kansci.search.rows import Rows
from kansci.search.template import Template
from kansci.symbolic.match import match
from kansci.symbolic.parametric import Parametric

__all__ = ["search_form"]

SHORTLIST = 5
COMBINATIONS = 40
CURVE_ROWS = 600
START_ROWS = 300
"""Rows on which the constants of a form without functions are started."""
STARTS, START_STEPS, FINISHED = 200, 25, 4
PERFECT = 1e-18
"""Share of the target's sum of squares below which no other start is tried."""
Curve = tuple[np.ndarray, np.ndarray]
Function = Callable[[sympy.Expr], sympy.Expr]


def search_form(template: Template, pool: Pool, seed: int, on_stage: Callable[[str], None]) -> None:
    """Fill the pool with formulas of the form.

    Args:
        template: The form.
        pool: Receives the candidates; it raises ``ExactFoundError`` when one of them is exact.
        seed: Seed of the starts.
        on_stage: Called with one line when something else is tried.
    """
    if not template.functions:
        on_stage("the constants of the form, from many starts")
        _constants_only(template, pool, seed)
        return
    on_stage("the functions of the form as splines")
    fitted = fit_form_splines(template, pool.symbols, pool.rows, seed, pool.deadline)
    if fitted is None:
        return
    fit, loss = fitted
    trail = (f"the form {template.text} with splines for its functions has the error {loss:.1e}",)
    columns = [x[pool.rows.train] for x in pool.rows.columns]
    curves = {name: _curve(fit, name, columns) for name in template.functions}
    on_stage("the functions of the form, each matched")
    _offer(fit, {name: _matched(curve, pool) for name, curve in curves.items()}, pool, trail)
    found = {}
    for k, (name, curve) in enumerate(curves.items()):
        share = (pool.deadline - time.monotonic()) / (len(curves) - k + 1)
        on_stage(f"the function {name} of the form, searched")
        found[name] = _searched(curve, pool, share)
    _offer(fit, found, pool, trail)


def _constants_only(template: Template, pool: Pool, seed: int) -> None:
    """Offer the best of many starts (log-uniform sizes, both signs; ones at first)."""
    some = pool.rows.train[:: -(-len(pool.rows.train) // START_ROWS)]
    columns, y = [x[some] for x in pool.rows.columns], pool.rows.y[some]
    model = Parametric(template.expr, pool.symbols, template.constants, np.ones(len(template.constants)))
    rng = np.random.default_rng(seed)
    fits: list[tuple[float, int, np.ndarray]] = []
    while len(fits) < STARTS and not (fits and time.monotonic() > pool.deadline):
        fitted, fit = model.refit(columns, y, pool.rows.weight[some], steps=START_STEPS)
        fits.append((fit.rss, len(fits), fitted.values))
        if not template.constants or fit.rss < PERFECT * float(((y - y.mean()) ** 2).sum()):
            break
        sizes = 10.0 ** rng.uniform(-4, 3, len(template.constants))
        model = model.with_values(sizes * rng.choice([-1.0, 1.0], len(sizes)))
    for _, _, values in sorted(fits)[:FINISHED]:
        pool.offer(template.filled(values, {}), (f"the form {template.text}",), snap=True)


def _curve(fit: FormFit, name: str, columns: Sequence[np.ndarray]) -> Curve:
    """Points (t, f(t)) of one function, where the rows are."""
    t = np.unique(fit.arguments(name, columns))
    t = t[np.unique(np.linspace(0, len(t) - 1, CURVE_ROWS).astype(int))]
    return t, fit.splines[name](t)


def _matched(curve: Curve, pool: Pool) -> list[Function]:
    """The best primitives, and a constant: a function may do nothing."""
    found = match(*curve, library=pool.grammar.library, top=SHORTLIST)
    constant = sympy.Float(float(curve[1].mean()), 17)
    return [*(m.expr for m in found), lambda _: constant]


def _searched(curve: Curve, pool: Pool, seconds: float) -> list[Function]:
    """What a search of its own finds for one function, the shortest description first."""
    t, values = curve
    argument = sympy.Dummy("t", positive=True) if (t > 0).all() else sympy.Dummy("t", real=True)
    every = np.arange(len(t))
    rows = Rows((t,), values, np.ones_like(t), every[every % 5 != 2], every[every % 5 == 2])
    inner = Pool(rows, (argument,), time.monotonic() + seconds, pool.grammar)
    try:
        search(Problem((t,), (argument,), values, grammar=pool.grammar), inner, lambda _: None)
    except ExactFoundError:
        pass
    ranked = sorted(inner.candidates, key=lambda c: c.description_length(len(t)))
    return [partial(_at, c.expr, argument) for c in ranked[:SHORTLIST]]


def _at(expr: sympy.Expr, argument: sympy.Symbol, value: sympy.Expr) -> sympy.Expr:
    return expr.xreplace({argument: value})


def _offer(fit: FormFit, shortlists: dict[str, list[Function]], pool: Pool, trail: tuple[str, ...]) -> None:
    """Combinations of the functions' formulas, those near everybody's best first."""
    choices = sorted(product(*(range(len(s)) for s in shortlists.values())), key=lambda c: (sum(c), c))
    for choice in islice(choices, COMBINATIONS):
        functions = {name: s[k] for (name, s), k in zip(shortlists.items(), choice, strict=True)}
        pool.offer(fit.template.filled(fit.constants, functions), (*trail, "each function matched"))
        if time.monotonic() > pool.deadline:
            return
