"""One term more, and one more: what a short formula leaves of the target is matched, and added to it.

Matching pursuit (Mallat & Zhang, IEEE Trans. Signal Process. 41:3397, 1993) with components of one kind at a
time, all constants refitted together after every term. Spectra of several lines on a background, sums of
decays and of oscillations are found so.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import sympy

from kansci.expressions.primitives import Primitive
from kansci.search.grammar import Grammar
from kansci.search.pool import Pool
from kansci.symbolic.match import Match, match
from kansci.symbolic.merge import merge_constants
from kansci.symbolic.parametric import Parametric

__all__ = ["further_terms"]

KINDS = ("gaussian", "exp", "sin", "lorentzian", "tanh", "x^2", "log")
"""What sums are made of: lines, decays, oscillations, steps, trends."""
BASES, SHORT = 4, 14
"""Formulas to begin with, and their most nodes."""
MOST_TERMS = 4
MOST_COLUMNS = 6
FEWEST_ROWS = 20
STEPS = 40
WORTH = 0.99
"""Share of the error that a term has to leave at most for another to be looked for."""


def further_terms(pool: Pool, grammar: Grammar) -> Iterator[sympy.Expr | None]:
    """Short formulas of the front with more and more terms of one kind.

    Args:
        pool: The candidates, and the table.
        grammar: What the terms may be made of.

    Yields:
        Formulas of the table's target; None after each search for a term.
    """
    if len(pool.rows.y) < FEWEST_ROWS or len(pool.symbols) > MOST_COLUMNS:
        return
    n = len(pool.rows.y)
    short = [c for c in pool.candidates if c.complexity <= SHORT]
    bases = sorted(short, key=lambda c: c.description_length(n))[:BASES]
    library = {primitive.name: primitive for primitive in grammar.library}
    for base in bases:
        for kind in KINDS:
            if kind in library:
                yield from _extended(pool, base.model, library[kind])


def _extended(pool: Pool, model: Parametric, kind: Primitive) -> Iterator[sympy.Expr | None]:
    """The model with one to MOST_TERMS terms of a kind, as long as each lowers the error."""
    rows = pool.rows
    columns = [x[rows.train] for x in rows.columns]
    y, weight = rows.y[rows.train], rows.weight[rows.train]
    before = rows.loss(model.predict(rows.columns), rows.train)
    for _ in range(MOST_TERMS):
        yield None
        found = _best_term(columns, y - model.predict(columns), weight, kind)
        if found is None:
            return
        k, term = found
        expr = merge_constants(model.to_expr() + term.expr(pool.symbols[k]))
        model = Parametric.of(expr, pool.symbols).refit(columns, y, weight, steps=STEPS)[0]
        after = rows.loss(model.predict(rows.columns), rows.train)
        if not after < WORTH * before:
            return
        before = after
        yield model.to_expr()


def _best_term(
    columns: Sequence[np.ndarray], residual: np.ndarray, weight: np.ndarray, kind: Primitive
) -> tuple[int, Match] | None:
    """The column and the term in it that explain most of the residual."""
    found = [
        (k, term)
        for k, x in enumerate(columns)
        for term in match(x, residual, library=[kind], top=1, weight=weight)
    ]
    return min(found, key=lambda item: item[1].nrmse, default=None)
