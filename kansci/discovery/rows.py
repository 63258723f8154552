"""The rows that a search works on, and all of them."""

import numpy as np

from kansci.data import Dataset
from kansci.search.rows import Rows, error_weight, inverse

__all__ = ["all_rows", "search_rows"]

SEARCH_ROWS = 2000
"""Rows the search works on; the constants of the result are fitted to all."""
HOLD_OUT_FROM = 30
"""Tables with fewer rows are too small to hold any out."""


def search_rows(dataset: Dataset, seed: int) -> Rows:
    """At most SEARCH_ROWS rows, a fifth of them held out unless the table is small.

    Residuals weigh ``1/sigma`` where the table says what the errors are, else as ``error_weight`` guesses.
    """
    n = len(dataset.y)
    order = np.random.default_rng(seed).permutation(n)[:SEARCH_ROWS]
    order.sort()
    columns = tuple(np.ascontiguousarray(x) for x in dataset.X[order].T)
    y, m = dataset.y[order], len(order)
    weight = error_weight(columns, y, seed) if dataset.sigma is None else inverse(dataset.sigma[order])
    if m < HOLD_OUT_FROM:
        everything = np.arange(m)
        return Rows(columns, y, weight, everything, everything)
    held = np.sort(np.random.default_rng(seed + 1).permutation(m)[: m // 5])
    return Rows(columns, y, weight, np.setdiff1d(np.arange(m), held), held)


def all_rows(dataset: Dataset, rows: Rows) -> Rows:
    """Every row of the table, weighted as in the search."""
    weight = np.ones_like(dataset.y)
    if dataset.sigma is not None:
        weight = inverse(dataset.sigma)
    elif np.ptp(rows.weight) > 0:
        weight = inverse(np.abs(dataset.y))
    return Rows(tuple(dataset.X.T), dataset.y, weight, np.arange(len(dataset.y)), np.arange(0))
