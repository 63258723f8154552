"""Do all groups follow one curve, but for an offset or a scale of each? Then their rows make one table.

A polynomial of the inputs and a number for each group, together by linear least squares, say so before any
form is known (self-modelling regression: Lawton, Sylvestre & Maggio, Technometrics 14:513, 1972). Small
groups that say little by themselves say much together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kansci.discovery.group_rows import GroupRows
from kansci.search.surrogate import design, exponents_up_to

__all__ = ["Aligned", "align"]

MAX_DEGREE = 8
ROWS_PER_TERM = 1.5
LEVERAGE = 0.98
"""Rows with a leverage above this are predicted by nothing but themselves."""
GAIN = 0.5
"""Numbers for the groups must at least halve the mean square of the leave-one-out residuals."""


@dataclass(frozen=True)
class Aligned:
    """The target (M,) of the fitted rows as if all were of one group, and the ``kind`` of difference."""

    kind: str
    y: np.ndarray


def align(data: GroupRows) -> list[Aligned]:
    """Take out the offsets of the groups, or their scales.

    Args:
        data: The rows.

    Returns:
        The target without the one, and without the other, where that explains much; the better first.
    """
    columns, index, y, weight = data.train
    groups = (index[:, None] == np.arange(data.groups)).astype(float)
    plain, _ = _best(columns, y, weight, np.ones((len(y), 1)))
    offset, offsets = _best(columns, y, weight, groups)
    choices = [(offset, "offset", y - (offsets - offsets.mean())[index])]
    if (y > 0).all() or (y < 0).all():
        scale, logs = _best(columns, np.log(np.abs(y)), weight * np.abs(y), groups)
        choices.append((scale, "scale", y / np.exp(logs - logs.mean())[index]))
    choices.sort(key=lambda choice: choice[0])
    return [Aligned(kind, t) for error, kind, t in choices if error < GAIN * plain and np.isfinite(t).all()]


def _best(
    columns: Sequence[np.ndarray], t: np.ndarray, weight: np.ndarray, groups: np.ndarray
) -> tuple[float, np.ndarray]:
    """Mean square of the best leave-one-out residuals, and the numbers of the groups (G,)."""
    best, numbers = float("inf"), np.zeros(groups.shape[1])
    for A in _designs(columns, groups):
        Q = np.linalg.qr(A * weight[:, None])[0]
        leverage = np.minimum((Q**2).sum(axis=1), LEVERAGE)
        residual = (weight * t - Q @ (Q.T @ (weight * t))) / (1 - leverage)
        error = float(np.mean(residual**2))
        if error < best:
            solution = np.linalg.lstsq(A * weight[:, None], weight * t, rcond=None)[0]
            best, numbers = error, solution[: groups.shape[1]]
    return best, numbers


def _designs(columns: Sequence[np.ndarray], groups: np.ndarray) -> Iterator[np.ndarray]:
    """Columns for the groups beside polynomials of growing degree in the inputs, and in their logarithms."""
    for logarithmic in (False, True)[: 1 + all((x > 0).all() for x in columns)]:
        inputs = [np.log(x) if logarithmic else x for x in columns]
        U = np.stack([2 * (x - x.min()) / (np.ptp(x) or 1.0) - 1 for x in inputs], axis=1)
        for degree in range(1, MAX_DEGREE + 1):
            polynomials = design(U, exponents_up_to(U.shape[1], degree)[1:])
            if ROWS_PER_TERM * (polynomials.shape[1] + groups.shape[1]) > len(groups):
                break
            yield np.column_stack([groups, polynomials])
