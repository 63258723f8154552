"""Is what a formula leaves nothing but noise?"""

from math import comb

import numpy as np

from kansci.search.pool import Candidate
from kansci.search.press import press
from kansci.search.rows import Rows

__all__ = ["leaves_white_noise"]

FEWEST_ROWS = 50
LARGEST = 0.3
"""A formula that leaves more than this share of the target's spread may have missed an oscillation."""
TERMS = 150
GAIN = 0.01
"""Share of the residuals' mean square that chance lets a polynomial explain."""


def leaves_white_noise(candidate: Candidate, rows: Rows) -> bool:
    """Whether no polynomial of the inputs predicts the residuals of rows it has not seen.

    Args:
        candidate: The formula.
        rows: The table.

    Returns:
        True if the leave-one-out error of every polynomial is as large as the residuals themselves.
    """
    terms = min(TERMS, len(rows.y) // 4)
    columns = len(rows.columns)
    if len(rows.y) < FEWEST_ROWS or candidate.held > LARGEST or comb(columns + 2, 2) > terms:
        return False  # where not even squares and products can be tried, nothing can be said
    residual = candidate.model.predict(rows.columns) - rows.y
    if not np.isfinite(residual).all() or not residual.any():
        return False
    left = press(rows.columns, residual, rows.weight, terms)
    return left is not None and left.mse > (1 - GAIN) * float(np.mean((rows.weight * residual) ** 2))
