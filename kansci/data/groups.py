"""A table whose rows belong to groups: materials, patients, runs, the levels of a category."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from kansci.data.dataset import Dataset
from kansci.data.names import find_column, nearest
from kansci.data.validate import check_columns
from kansci.errors import DataError

__all__ = ["GroupedDataset", "group_label"]

FEWEST_ROWS = 2.0
"""Rows a group on average; a column with fewer names rows, not groups."""


@dataclass(frozen=True, eq=False)
class GroupedDataset:
    """A dataset, and the group of each row.

    ``column``: what the groups are called in the table. ``labels``: one a group, in the order in which they
    first appear. ``index`` (N,): the group of each row.
    """

    dataset: Dataset
    column: str
    labels: tuple[str, ...]
    index: np.ndarray

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        target: str,
        group: str,
        inputs: Sequence[str] | None = None,
        units: Mapping[str, str] | None = None,
        **further: Any,
    ) -> "GroupedDataset":
        """The columns of a table that a fit can use, and the groups of its rows.

        Args:
            frame: The table (N, columns).
            target: The column to explain.
            group: The column with the groups: text or whole numbers.
            inputs: The columns to explain it by; None takes every other numeric column.
            units: Unit of a column, over those in the headers.
            further: What else ``Dataset.from_frame`` takes.

        Returns:
            The rows that have numbers and a group.

        Raises:
            DataError: The group column is missing, holds measurements, has one value only, or almost as
                many as there are rows; or the rest of the table is unusable.
        """
        columns = check_columns([str(column) for column in frame.columns])
        column = find_column(group, columns)
        if column is None:
            raise DataError(f"there is no group column '{group}': {nearest(group, columns)}")
        if column in (find_column(target, columns), *(find_column(name, columns) for name in inputs or ())):
            raise DataError(f"column '{column}' is the group and cannot be the target or an input as well")
        notes = frame.attrs.get("notes", ())
        frame = frame.set_axis(columns, axis=1)
        labels = _labels(frame, column)
        names = list(dict.fromkeys(label for label in labels if label is not None))
        _check_groups(column, labels, names)
        # the group goes through the checks as numbers, so that it loses the same rows as the other columns
        codes = [np.nan if label is None else float(names.index(label)) for label in labels]
        coded = frame.assign(**{column: codes})
        coded.attrs["notes"] = notes
        chosen = None if inputs is None else [*inputs, column]
        whole = Dataset.from_frame(coded, target, chosen, units, **further)
        if column not in whole.inputs:
            raise DataError(f"only one group of '{column}' has usable rows: leave --group out")
        left, index = np.unique(whole.X[:, whole.inputs.index(column)], return_inverse=True)
        rest = [name for name in whole.inputs if name != column]
        if not rest:
            raise DataError(f"there is no input besides the group '{column}' to explain '{target}' by")
        return cls(whole.select(rest), column, tuple(names[int(code)] for code in left), index)

    def part(self, group: int, among: np.ndarray | None = None) -> np.ndarray:
        """Positions of the rows of one group, of all rows or among these positions."""
        rows = np.arange(len(self.index)) if among is None else among
        return rows[self.index[rows] == group]

    @property
    def coded(self) -> Dataset:
        """The dataset with the number of the group as its last input."""
        X = np.column_stack([self.dataset.X, self.index.astype(np.float64)])
        return replace(self.dataset, X=X, inputs=(*self.dataset.inputs, self.column))


def group_label(value: Any) -> str | None:
    """The name of a group as a cell gives it: a whole number without its point, None where it is missing.

    >>> group_label(" steel "), group_label(2.0), group_label(float("nan"))
    ('steel', '2', None)
    """
    if pd.isna(value):
        return None
    whole = isinstance(value, (float, np.floating)) and float(value).is_integer()
    return str(int(value)) if whole else str(value).strip() or None


def _labels(frame: pd.DataFrame, column: str) -> list[str | None]:
    for position, value in enumerate(frame[column]):
        if isinstance(value, (float, np.floating)) and np.isfinite(value) and not float(value).is_integer():
            raise DataError(
                f"row {position + 1}: group column '{column}' holds {value:g}: "
                "name a column of text or whole numbers"
            )
    return [group_label(value) for value in frame[column]]


def _check_groups(column: str, labels: Sequence[str | None], names: Sequence[str]) -> None:
    if len(names) < 2:
        raise DataError(f"group column '{column}' has {len(names) or 'no'} value: leave --group out")
    rows = sum(label is not None for label in labels)
    if rows < FEWEST_ROWS * len(names):
        raise DataError(
            f"group column '{column}' has {len(names)} different values in {rows} rows: "
            "name a column whose values repeat"
        )
