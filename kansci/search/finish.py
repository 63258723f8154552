"""The last steps for a candidate: exact constants, the shortest form, a refit on all rows."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sympy

from kansci.expressions.custom import written_out
from kansci.search.data_form import on_the_data
from kansci.search.dimensions import Verdict
from kansci.search.grammar import Grammar
from kansci.search.judge import description_length, surprise
from kansci.search.pool import Candidate, Pool
from kansci.search.rows import Rows
from kansci.symbolic.complexity import complexity
from kansci.symbolic.constants import Constant, Snapped, snap_constants
from kansci.symbolic.least_squares import covariance
from kansci.symbolic.parametric import Parametric
from kansci.symbolic.relations import Relation, in_numbers, relate_constants
from kansci.symbolic.simplify import simplify

__all__ = ["Finished", "finish"]

SMALLEST = 1e-300


@dataclass(frozen=True)
class Finished:
    """A formula as it is published: constants fitted to all rows, errors from held-out rows."""

    expr: sympy.Expr
    constants: tuple[Constant, ...]
    complexity: int
    parameters: int
    train: float
    held: float
    nrmse: float
    exact: bool
    trail: tuple[str, ...]
    possible: bool = True
    """As of the candidate."""
    dimensions: str | None = None
    """Whether the units allow the formula as it stands, and if not where; None without units."""
    relations: tuple[str, ...] = ()
    """Constants that others determine, such as ``6.25 = 2.5**2``."""

    def description_length(self, rows: int) -> float:
        """As ``pool.Candidate.description_length``."""
        nodes = self.complexity + surprise(self.expr, possible=self.possible)
        return description_length(self.train, self.held, self.parameters, nodes, rows)


def finish(candidate: Candidate, pool: Pool, data: Rows, deadline: float) -> Finished:
    """Make a candidate ready to publish.

    Args:
        candidate: From the pool.
        pool: Its pool, whose held-out rows judge it.
        data: All rows of the table.
        deadline: Monotonic time after which only cheap simplification is done.

    Returns:
        The finished formula; its errors are those of constants fitted without the held-out rows. The
        standard errors of its constants are those of the weighted fit to all rows, scaled by the residuals:
        only the ratios of given standard deviations count.
    """
    rows = pool.rows
    train_columns = [c[rows.train] for c in rows.columns]
    y, weight = rows.y[rows.train], rows.weight[rows.train]
    model, snapped = candidate.model, candidate.snapped
    if not candidate.exact:
        trial, more = snap_constants(model, train_columns, y, weight)
        if pool.grammar.allows(trial.to_expr()):
            model, snapped = trial, (*snapped, *more)
    expr = simplify(
        model.to_expr(), min(2.0, max(deadline - time.monotonic(), 0.2)), thorough=candidate.exact
    )
    expr = on_the_data(expr, pool.symbols, data.columns)
    judged = Parametric.of(expr, pool.symbols).refit(train_columns, y, weight, steps=50)[0]
    if candidate.exact and judged.parameters:
        # numbers that were spread over several parameters may be exact now that they stand together
        judged, more = snap_constants(judged, train_columns, y, weight)
        snapped = (*snapped, *more)
    values = judged.predict(rows.columns)
    accurate = rows.loss(values, rows.held) <= max(1.5 * candidate.held, 1e-13)
    if not accurate or not pool.grammar.allows(judged.to_expr()):
        judged = model  # the simplified form lost accuracy, or is forbidden: keep the long one
        values = judged.predict(rows.columns)
    judged, relations = _related(judged, pool.grammar, train_columns, y, weight)
    final, fit = judged.refit(data.columns, data.y, data.weight, steps=50)
    if not np.isfinite(fit.rss):
        final, fit = judged.refit(data.columns, data.y, data.weight, steps=0)
    published = _without_ghosts(written_out(final.to_expr()))
    verdict = None if pool.units is None else pool.units.judge(published, possible=candidate.possible)
    return Finished(
        expr=published,
        constants=(*_free(final, data, fit.rss, verdict), *_exact(snapped, final.expr, verdict)),
        complexity=complexity(published),
        parameters=len(final.parameters),
        train=rows.loss(values, rows.train),
        held=rows.loss(values, rows.held),
        nrmse=rows.nrmse(values, rows.held),
        exact=candidate.exact,
        trail=candidate.trail,
        possible=candidate.possible,
        dimensions=None if verdict is None else str(verdict),
        relations=in_numbers(relations, final),
    )


def _related(
    model: Parametric, grammar: Grammar, columns: Sequence[np.ndarray], y: np.ndarray, weight: np.ndarray
) -> tuple[Parametric, tuple[Relation, ...]]:
    """The model with constants expressed by others; equal ones may make the form shorter."""
    related, relations = relate_constants(model, columns, y, weight)
    if not any(relation.power == 1 and abs(relation.factor) == 1 for relation in relations):
        return related, relations
    shorter = Parametric.of(simplify(related.to_expr(), 1.0), model.variables)
    if len(shorter.parameters) <= len(related.parameters) and grammar.allows(shorter.to_expr()):
        return shorter.refit(columns, y, weight)[0], ()
    return related, relations


def _without_ghosts(expr: sympy.Expr) -> sympy.Expr:
    """The expression without numbers too small for floating-point arithmetic, which algebra leaves behind."""
    ghosts = {number: sympy.S.Zero for number in expr.atoms(sympy.Float) if abs(number) < SMALLEST}
    return expr.xreplace(ghosts)


def _free(model: Parametric, data: Rows, rss: float, verdict: Verdict | None) -> list[Constant]:
    J = model.jacobian(data.columns) * data.weight[:, None]
    determined = np.isfinite(J).all() and np.isfinite(rss)
    errors = np.sqrt(np.diag(covariance(J, rss))) if determined else np.full(len(model.values), np.inf)
    units = [None if verdict is None else verdict.unit_of(float(v)) for v in model.values]
    return [
        Constant(float(v), float(e), None, u) for v, e, u in zip(model.values, errors, units, strict=True)
    ]


def _exact(snapped: Sequence[Snapped], expr: sympy.Expr, verdict: Verdict | None) -> list[Constant]:
    """Exact constants that a reader would recognise in the formula: not the integers that algebra merged."""
    return [
        Constant(s.value, s.stderr, sympy.sstr(s.number, full_prec=False), _exact_unit(s.number, verdict))
        for s in snapped
        if s.number not in (0, 1, -1) and (not s.number.is_Integer or expr.has(s.number))
    ]


def _exact_unit(number: sympy.Expr, verdict: Verdict | None) -> str | None:
    """Decimals may carry a unit; other exact numbers are pure, unless the formula needs a unit of them."""
    if not verdict:
        return None
    found = verdict.unit_of(float(number))
    return "1" if found is None and not number.is_Float else found
