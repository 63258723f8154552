"""One term more: what the best formulas leave of the target is matched, and added to them.

Matching pursuit (Mallat & Zhang, IEEE Trans. Signal Process. 41:3397, 1993) with the shapes of components,
all constants refitted together after every term. Spectra and decays with several components are found so.
"""

from collections.abc import Iterator

import numpy as np
import sympy

from kansci.search.grammar import Grammar
from kansci.search.pool import Candidate, Pool, skeleton
from kansci.symbolic.match import match

__all__ = ["further_terms"]

MOST_COLUMNS = 6
OFFERED = 3
FEWEST_ROWS = 20
COMPONENTS = frozenset(
    ("x", "x^2", "1/x", "sqrt", "log", "exp", "sin", "gaussian", "lorentzian", "tanh", "x*exp", "sigmoid")
)
"""What sums are made of in nature: trends, decays, oscillations, lines, steps."""


def further_terms(pool: Pool, grammar: Grammar) -> Iterator[sympy.Expr | None]:
    """Formulas of the front with one term more, the most promising first, as long as there are any.

    Args:
        pool: The candidates, and the table.
        grammar: What the terms may be made of.

    Yields:
        Formulas of the table's target; None after each column of each formula.
    """
    rows = pool.rows
    library = [primitive for primitive in grammar.library if primitive.name in COMPONENTS]
    if len(rows.y) < FEWEST_ROWS or len(pool.symbols) > MOST_COLUMNS:
        return
    extended: set[sympy.Expr] = set()
    while (candidate := _next(pool, extended)) is not None:
        extended.add(skeleton(candidate.expr))
        residual = rows.y - candidate.model.predict(rows.columns)
        for x, symbol in zip(rows.columns, pool.symbols, strict=True):
            yield None
            train = rows.train
            weight = rows.weight[train]
            terms = match(x[train], residual[train], library=library, top=OFFERED, weight=weight)
            yield from (candidate.expr + term.expr(symbol) for term in terms)


def _next(pool: Pool, extended: set[sympy.Expr]) -> Candidate | None:
    """The shortest description that has not been extended yet."""
    n = len(pool.rows.y)
    left = [c for c in pool.candidates if skeleton(c.expr) not in extended and _is_finite(c, pool)]
    return min(left, key=lambda c: c.description_length(n), default=None)


def _is_finite(candidate: Candidate, pool: Pool) -> bool:
    return bool(np.isfinite(candidate.model.predict(pool.rows.columns)).all())
