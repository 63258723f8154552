"""Which columns a target depends on, before anything is known of how.

A column that matters explains, alone or together with a second one, a part of the variance of the
target, or of its logarithm, that no shuffled copy of a column explains (the shadow columns of Kursa &
Rudnicki, J. Stat. Softw. 36:11, 2010; explained variance by cells of the pair's quantiles). Weak
columns show in what a polynomial of the strong ones leaves.
"""

from collections.abc import Sequence

import numpy as np

from kansci.search.press import press

__all__ = ["relevant"]

ROWS_PER_CELL = 12
MOST_BINS = 6
MARGIN, MARGIN_LATER = 1.5, 2.0
"""Factors by which a column has to explain more than the best of the shuffled ones; later for what is left,
and for the logarithm, as chance has been given its turn already."""
ROUNDS = 3
MOST_COLUMNS = 10
TERMS = 200


def relevant(columns: Sequence[np.ndarray], y: np.ndarray, seed: int = 0) -> list[int]:
    """The columns that explain more of the target, or of what others leave of it, than every shuffled one.

    Args:
        columns: Inputs, I arrays (N,).
        y: Target (N,); its ranks are explained, since tails would hide the rest.
        seed: Seed of the shuffling.

    Returns:
        Indices in ascending order; empty if there are too few rows or nothing is explained.
    """
    bins = min(MOST_BINS, int(np.sqrt(len(y) / ROWS_PER_CELL)))
    if bins < 2:
        return []
    codes = [_codes(x, bins) for x in columns]
    shuffled = np.random.default_rng(seed).permutation(len(y))
    found: set[int] = set()
    for once_more in range(ROUNDS):
        more = set(found)
        for logarithm, target in enumerate(_targets(y)):
            left = _left(target, [columns[k] for k in sorted(found)])
            margin = MARGIN_LATER if once_more or logarithm else MARGIN
            more |= _explaining(codes, left, bins, shuffled, margin)
        if more == found or len(more) > MOST_COLUMNS:
            return sorted(found or more)
        found = more
    return sorted(found)


def _targets(y: np.ndarray) -> list[np.ndarray]:
    """What may be a simple function of the columns: the target, and its logarithm, which undoes products."""
    return [y, np.log(np.abs(y))] if np.abs(y).min() > 0 else [y]


def _left(target: np.ndarray, columns: Sequence[np.ndarray]) -> np.ndarray:
    """What the best polynomial of the columns leaves of the target."""
    if not columns:
        return target
    left = press(columns, target, np.ones_like(target), min(TERMS, len(target) // 5))
    return target if left is None else left.residual


def _explaining(
    codes: Sequence[np.ndarray], target: np.ndarray, bins: int, shuffled: np.ndarray, margin: float
) -> set[int]:
    """The columns, given as codes of their quantiles, that explain more than the shuffled ones."""
    ranks = _codes(target, len(target)).astype(float)
    partners = [np.zeros_like(codes[0]), *codes]
    alone = [_explained(partner, ranks) for partner in partners]

    def gain(code: np.ndarray, own: int | None) -> float:
        return max(
            _explained(partner * bins + code, ranks) - before
            for k, (partner, before) in enumerate(zip(partners, alone, strict=True))
            if own is None or k != own + 1
        )

    chance = max(gain(code[shuffled], None) for code in codes)
    return {k for k, code in enumerate(codes) if gain(code, k) > margin * chance}


def _codes(x: np.ndarray, bins: int) -> np.ndarray:
    """The quantile (N,), 0 to bins - 1, that each value is in; equal values are in one."""
    distinct, at = np.unique(x, return_inverse=True)
    return at * bins // len(distinct)


def _explained(cells: np.ndarray, y: np.ndarray) -> float:
    """Share of the variance of y between cells, corrected for their number."""
    counts = np.bincount(cells)
    used = counts > 0
    sums = np.bincount(cells, y)[used]
    total = float(((y - y.mean()) ** 2).sum())
    within = float((y**2).sum() - (sums**2 / counts[used]).sum())
    freedom = max(len(y) - int(used.sum()), 1)
    return 1 - within / freedom / (total / (len(y) - 1)) if total > 0 else 0.0
