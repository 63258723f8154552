"""Is the best formula a law, an approximation, or nothing at all?"""

from dataclasses import dataclass

import numpy as np

from kansci.search.finish import Finished
from kansci.search.pool import Pool
from kansci.search.press import press
from kansci.search.rows import Rows
from kansci.symbolic.parametric import Parametric

__all__ = ["Verdict", "verdict"]

FEWEST_ROWS = 30
TERMS = 150
ROWS_PER_TERM = 5
FACTOR = 1.3
"""A smooth function that errs this much less than the formula knows something that it does not."""
STANDARD_ERRORS = 4.0
"""By which the mean squared errors of the two must differ, besides."""
LONGEST = 40
"""Nodes of a formula that can still be read; a longer one that is not exact is an interpolation."""
TOO_LONG = "the best formula is an approximation of {} nodes"
NOTHING = "no formula of the inputs predicts the target better than a constant"
APPROXIMATION = (
    "the target depends on the inputs in another way: a smooth function without a form errs by {:.2g} of "
    "the target's spread, the best formula by {:.2g}"
)
SHORTEST = "the shortest description of the data among all formulas that were tried"
AS_GOOD = "no smooth function of the inputs predicts the target clearly better"


@dataclass(frozen=True)
class Verdict:
    """Whether the chosen formula can be called a law of the data.

    ``smooth``: RMSE / std of the best polynomial of the inputs on rows that it has not seen, None where
    there are too few.
    """

    law_found: bool
    reason: str
    smooth: float | None = None


def verdict(chosen: Finished, pool: Pool) -> Verdict:
    """Hold the chosen formula against a constant, and against a smooth function without a form.

    Args:
        chosen: The formula.
        pool: The search it comes from, with its rows.

    Returns:
        No law is found if the formula has no inputs, errs more than the mean would, is too long to read, or
        if the leave-one-out residuals of the best polynomial (``search.press``) are clearly smaller than its.
    """
    if chosen.exact:
        return Verdict(law_found=True, reason="the formula is exact on rows that it was not fitted to")
    if chosen.complexity > LONGEST:
        return Verdict(law_found=False, reason=TOO_LONG.format(chosen.complexity))
    rows, constant = pool.rows, not chosen.expr.free_symbols or chosen.nrmse >= 1
    smooth = _smooth_errors(rows)
    if smooth is None:
        return Verdict(law_found=not constant, reason=NOTHING if constant else SHORTEST)
    own = _errors(chosen, pool)
    theirs, ours = (float(np.sqrt(np.mean(e))) / rows.spread for e in (smooth, own))
    difference = own - smooth
    clear = difference.mean() > STANDARD_ERRORS * difference.std() / np.sqrt(len(own))
    if clear and (constant or ours > FACTOR * theirs):
        return Verdict(law_found=False, reason=APPROXIMATION.format(theirs, ours), smooth=theirs)
    return Verdict(law_found=not constant, reason=NOTHING if constant else AS_GOOD, smooth=theirs)


def _smooth_errors(rows: Rows) -> np.ndarray | None:
    """Weighted squared leave-one-out errors (N,) of the best polynomial."""
    varying = [x for x in rows.columns if np.ptp(x) > 0]
    if len(rows.y) < FEWEST_ROWS or not varying:
        return None
    most = min(TERMS, len(rows.y) // ROWS_PER_TERM)
    left = press(varying, rows.y, rows.weight, most) if len(varying) < most else None
    return None if left is None else left.residual**2


def _errors(chosen: Finished, pool: Pool) -> np.ndarray:
    """Weighted squared errors (N,) of the formula, raised for the constants that were fitted to them."""
    rows = pool.rows
    values = Parametric.of(chosen.expr, pool.symbols).predict(rows.columns)
    n = len(rows.y)
    return (rows.weight * (values - rows.y) * n / max(n - chosen.parameters, 1)) ** 2
