"""The rows of a grouped search: which are held out in each group, and what an error weighs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from kansci.data.groups import GroupedDataset
from kansci.discovery.rows import HOLD_OUT_FROM, SEARCH_ROWS
from kansci.search.rows import Rows, error_weight, inverse

__all__ = ["GroupRows", "all_group_rows", "group_rows", "likely_sizes", "sizes_without_forms", "with_sizes"]

MARGIN = 2.0
"""Nats by which other sizes of the errors must explain residuals better than one size for all."""
LEAST_RANGE = 3.0
"""Ratio of the largest target to the smallest from which on it can be told whether errors go with it."""
FREEDOM = 5
"""Rows beyond the constants that every group must have for its errors to be told from those of others."""
ROUND_OFF = 1e-9
"""Residuals below this share of the target say nothing of the errors of measurement."""


@dataclass(frozen=True)
class GroupRows:
    """Rows of a grouped table.

    ``rows``: M of them. ``index`` (M,): the group of each. ``positions`` (M,): where they stand in the table.
    ``sizes``: what the errors are taken to be proportional to, a number for each row of the table (N,).
    """

    rows: Rows
    index: np.ndarray
    positions: np.ndarray
    sizes: np.ndarray

    @property
    def groups(self) -> int:
        """Number of groups G."""
        return int(self.index.max()) + 1

    @cached_property
    def train(self) -> tuple[list[np.ndarray], np.ndarray, np.ndarray, np.ndarray]:
        """Columns, groups, target and weights of the rows that are fitted."""
        at = self.rows.train
        columns = [c[at] for c in self.rows.columns]
        return columns, self.index[at], self.rows.y[at], self.rows.weight[at]


def group_rows(data: GroupedDataset, seed: int) -> GroupRows:
    """Some SEARCH_ROWS rows, a fifth of those of each group held out unless the table is small.

    Every group has a row among them.

    Until something is known of the errors of different groups (``likely_sizes``), the weights are those
    of each group by itself.
    """
    dataset, rng = data.dataset, np.random.default_rng(seed)
    n, groups = len(dataset.y), range(len(data.labels))
    sizes = np.ones(n) if dataset.sigma is None else dataset.sigma.copy()
    for at in map(data.part, groups):
        if dataset.sigma is None:
            varying = [np.ascontiguousarray(x) for x in dataset.X[at].T if np.ptp(x) > 0]
            sizes[at] = 1 / error_weight(varying, dataset.y[at], seed)
    order = rng.permutation(n)
    first = np.unique(data.index[order], return_index=True)[1]  # row of each group
    positions = np.sort(order[np.union1d(np.arange(min(n, SEARCH_ROWS)), first)])
    index, everything = data.index[positions], np.arange(len(positions))
    held = [rng.permutation(at)[: len(at) // 5] for at in (np.flatnonzero(index == g) for g in groups)]
    out = np.sort(np.concatenate(held))
    small = len(index) < HOLD_OUT_FROM or not len(out)
    train, out = (everything, everything) if small else (np.setdiff1d(everything, out), out)
    columns = tuple(np.ascontiguousarray(x) for x in dataset.X[positions].T)
    rows = Rows(columns, dataset.y[positions], inverse(sizes[positions]), train, out)
    return GroupRows(rows, index, positions, sizes)


def likely_sizes(
    data: GroupRows, fits: Sequence[tuple[np.ndarray, float, int]], table: GroupedDataset
) -> np.ndarray:
    """What the errors are proportional to, so that those of different groups can be compared.

    Errors are of one size, proportional to the target, or of one size in each group, whichever makes the
    residuals of a good fit most likely (as in ``search.rows.error_weight``); the table's where it gives them.

    Args:
        data: The rows.
        fits: Residuals (M,) of forms fitted to each group by itself, the nats to describe each form, and its
            number of constants.
        table: The table they come from.

    Returns:
        Sizes of the errors in all rows of the table (N,).
    """
    if table.dataset.sigma is not None:
        return table.dataset.sigma
    y, whole = np.abs(data.rows.y), np.abs(table.dataset.y)
    spreads, free = _by_group(y, data.index), 0.5 * (data.groups - 1) * np.log(len(y))
    choices: list[tuple[float, int, np.ndarray]] = []
    smallest = int(np.bincount(data.train[1], minlength=data.groups).min())
    for residual, price, constants in fits:
        errors = _by_group(residual, data.index)
        if (errors <= ROUND_OFF * spreads).all():
            of_all = float(np.sqrt(np.mean(y**2)))  # stands in for a group whose target is zero
            return np.where(spreads > 0, spreads, of_all)[table.index]
        choices.append((price - MARGIN + _nats(residual, np.ones_like(y)), 0, np.ones_like(whole)))
        if (errors > ROUND_OFF * spreads).all() and smallest - constants >= FREEDOM:
            choices.append((price + free + _nats(residual, errors[data.index]), 1, errors[table.index]))
        if (whole > 0).all() and whole.max() >= LEAST_RANGE * whole.min():
            choices.append((price + _nats(residual, y), 2, whole))
    return min(choices, key=lambda choice: choice[:2])[2] if choices else np.ones_like(whole)


def sizes_without_forms(
    data: GroupRows, aligned: np.ndarray | None, table: GroupedDataset, seed: int
) -> np.ndarray:
    """The same where groups are too small for a form: from the target as if all were one group.

    Args:
        data: The rows.
        aligned: The target of the fitted rows without what differs between the groups, if that is known.
        table: The table they come from.
        seed: Of ``error_weight``.

    Returns:
        Sizes of the errors in all rows of the table (N,).
    """
    if table.dataset.sigma is not None:
        return table.dataset.sigma
    columns, _, y, _ = data.train
    relative = np.ptp(error_weight(columns, y if aligned is None else aligned, seed)) > 0
    sizes = np.abs(table.dataset.y)
    return sizes if relative and (sizes > 0).all() else np.ones_like(sizes)


def all_group_rows(data: GroupRows, table: GroupedDataset) -> GroupRows:
    """Every row of the table, weighted as in the search, none held out."""
    n = len(table.dataset.y)
    columns, positions = tuple(table.dataset.X.T), np.arange(n)
    rows = Rows(columns, table.dataset.y, inverse(data.sizes), positions, np.arange(0))
    return GroupRows(rows, table.index, positions, data.sizes)


def with_sizes(data: GroupRows, sizes: np.ndarray) -> GroupRows:
    """The same rows, errors being proportional to ``sizes`` (N,)."""
    rows = replace(data.rows, weight=inverse(sizes[data.positions]))
    return GroupRows(rows, data.index, data.positions, sizes)


def _by_group(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Root mean square in each group (G,)."""
    return np.sqrt(np.bincount(index, values**2) / np.bincount(index))


def _nats(residual: np.ndarray, sizes: np.ndarray) -> float:
    """Negative log-likelihood of Gaussian residuals of these relative sizes, but for a constant."""
    scale = np.sqrt(np.mean((residual / sizes) ** 2))
    return float(len(residual) * np.log(scale) + np.log(sizes).sum())
