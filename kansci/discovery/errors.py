"""The error model once more, now that there is a formula whose residuals can be asked."""

from dataclasses import replace

import numpy as np

from kansci.search.pool import ExactFoundError, Pool
from kansci.search.rows import LARGEST_RELATIVE, MARGIN, inverse, relative_gain

__all__ = ["with_better_errors"]

CANDIDATES = 12
"""The shortest descriptions are fitted again."""


def with_better_errors(pool: Pool) -> Pool:
    """The pool with its candidates fitted under the other error model, if the residuals prefer that.

    Before the search equal or proportional errors are chosen by the residuals of a power law or a polynomial
    (``search.rows.error_weight``); where these do not fit, the choice may be wrong.

    Args:
        pool: A pool at the end of its search.

    Returns:
        The same pool, or one with other weights.
    """
    rows, best = pool.rows, pool.best
    if best is None or best.exact or not ((rows.y > 0).all() or (rows.y < 0).all()):
        return pool
    residual = best.model.predict(rows.columns) - rows.y
    if not np.isfinite(residual).all() or not residual.any() or not best.expr.free_symbols:
        return pool
    shares, relative = residual / rows.y, bool(np.ptp(rows.weight) > 0)
    gain = relative_gain(shares, rows.y)
    small = float(np.sqrt(np.mean(shares**2))) < LARGEST_RELATIVE
    if abs(gain) < MARGIN or (gain > 0) == relative or not (relative or small):
        return pool
    weight = np.ones_like(rows.y) if relative else inverse(np.abs(rows.y))
    other = Pool(replace(rows, weight=weight), pool.symbols, pool.deadline, pool.grammar, pool.units)
    n = len(rows.y)
    try:
        for candidate in sorted(pool.candidates, key=lambda c: c.description_length(n))[:CANDIDATES]:
            other.offer(candidate.expr, candidate.trail, snap=True)
    except ExactFoundError:
        pass
    return other if other.candidates else pool
