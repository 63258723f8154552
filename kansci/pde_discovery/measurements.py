"""Measured fields over space and time: which columns are what, and whether they can be used."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kansci.data import symbol_names
from kansci.data.names import split_unit
from kansci.errors import DataError, SettingsError

__all__ = ["Measurements"]

FEWEST_TIMES = 8
FEWEST_PLACES = 8
FEWEST_ROWS = 30
MOST_ROWS = 60_000
SIZES = (1e-50, 1e50)
"""Of the largest value of a column: fourth powers and derivatives stay in the range of floating point."""
SPACE = ("x", "y", "z", "r", "s", "pos", "position", "lon", "lat")


@dataclass(frozen=True, eq=False)
class Measurements:
    """Values of some fields at points of space and time.

    Attributes:
        coordinates: safe symbols, space first, time last.
        fields: safe symbols.
        points: shape (N, d).
        values: shape (N, fields).
        symbols: symbol -> column.
        notes: what was done with the data.
    """

    coordinates: tuple[str, ...]
    fields: tuple[str, ...]
    points: np.ndarray
    values: np.ndarray
    symbols: dict[str, str]
    notes: tuple[str, ...] = ()

    @property
    def times(self) -> np.ndarray:
        """The time of each row."""
        return self.points[:, -1]

    def where(self, rows: np.ndarray) -> "Measurements":
        """Some of the rows."""
        return replace(self, points=self.points[rows], values=self.values[rows])

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        target: Sequence[str] | None = None,
        coordinates: Sequence[str] | None = None,
        time: str | None = None,
    ) -> "Measurements":
        """Tell coordinates from fields, and check.

        Args:
            frame: one row a point.
            target: columns of the fields; None takes all that are no coordinates.
            coordinates: columns of space and time; None finds them.
            time: which of them is time; None takes the one called t or time.

        Returns:
            The measurements, rows in order of time.

        Raises:
            DataError: the values cannot be used.
            SettingsError: a column that was named does not exist, or it is not clear which is time.
        """  # noqa: DOC502  raised by the calls below
        frame = frame.rename(columns=str)
        frame, dropped = frame.drop_duplicates(), int(frame.duplicated().sum())
        named = {
            n: _column(n, frame) for n in [*(target or ()), *(coordinates or ()), *([time] if time else [])]
        }
        clock = named[time] if time else _time(frame, [named[c] for c in coordinates or ()])
        chosen = [named[t] for t in target or ()]
        if coordinates is None:
            space = _space(frame, clock, chosen)
        else:
            space = [named[c] for c in coordinates if named[c] != clock]
        fields = chosen or [c for c in frame.columns if c not in {clock, *space} and _numeric(frame[c])]
        wrong = [c for c in fields if c in {clock, *space}]
        if wrong or not fields:
            raise SettingsError(
                f"'{wrong[0]}' is a target and a coordinate"
                if wrong
                else "no column is left for a field: name it with --target"
            )
        columns = [*space, clock, *fields]
        numbers = _checked(frame, columns)
        safe = {column: symbol for symbol, column in symbol_names(columns).items()}
        made = cls(
            tuple(safe[c] for c in (*space, clock)),
            tuple(safe[c] for c in fields),
            numbers[:, : len(space) + 1],
            numbers[:, len(space) + 1 :],
            {safe[c]: c for c in columns},
            (f"{dropped:,} rows that repeat others are left out",) if dropped else (),
        )
        return made._ready()

    def _ready(self) -> "Measurements":
        """Sorted by time, checked for extent, thinned if there is more than can be used."""
        for name, x in zip(self.coordinates, self.points.T, strict=True):
            count, least = len(np.unique(x)), FEWEST_TIMES if name == self.coordinates[-1] else FEWEST_PLACES
            if count < least:
                raise DataError(
                    f"'{self.symbols[name]}' has {count} different values: {least} are needed at least"
                )
        columns = [*self.points.T, *self.values.T]
        for name, y in zip((*self.coordinates, *self.fields), columns, strict=True):
            if not SIZES[0] <= np.abs(y).max() <= SIZES[1] and np.any(y):
                raise DataError(
                    f"'{self.symbols[name]}' goes up to {np.abs(y).max():.2g}, too far from 1 for its "
                    "powers: choose another unit"
                )
        for name, y in zip(self.fields, self.values.T, strict=True):
            if np.ptp(y) <= 1e-12 * np.abs(y).max():
                raise DataError(f"'{self.symbols[name]}' is constant: there is no equation to find")
        keep, notes = np.argsort(self.times, kind="stable"), self.notes
        if len(keep) > MOST_ROWS:
            keep = np.sort(np.random.default_rng(0).choice(keep, MOST_ROWS, replace=False))
            keep = keep[np.argsort(self.times[keep], kind="stable")]
            notes = (*notes, f"{MOST_ROWS:,} of {len(self.points):,} rows are used, drawn at random")
        return replace(self.where(keep), notes=notes)


def _column(name: str, frame: pd.DataFrame) -> str:
    """The column of that name, with or without its unit."""
    matches = [c for c in frame.columns if name in {c, split_unit(c)[0]}]
    if not matches:
        raise SettingsError(f"there is no column '{name}': the columns are {', '.join(frame.columns[:20])}")
    return matches[0]


def _time(frame: pd.DataFrame, among: list[str]) -> str:
    names = among or list(frame.columns)
    for spelling in (str, str.lower):
        for wanted in ("t", "time"):
            for column in names:
                if spelling(split_unit(column)[0]) == wanted:
                    return column
    raise SettingsError(
        f"no column is called t or time among {', '.join(names[:20])}: say which is time with --time NAME"
    )


def _space(frame: pd.DataFrame, time: str, fields: list[str]) -> list[str]:
    """Columns that span a grid with time, or usual names of space where the times are in no order."""
    others = [c for c in frame.columns if c != time and c not in fields and _numeric(frame[c])]
    times = frame[time].to_numpy()
    if not _numeric(frame[time]):
        raise DataError(f"'{time}' holds text: it has to be a number")
    ordered = len(np.unique(times)) == len(times) and (
        np.all(np.diff(times) > 0) or np.all(np.diff(times) < 0)
    )
    if ordered:
        return []
    gridded = [c for c in others if 1 < frame[c].nunique() < len(frame) / 2 and _repeats(frame[c])]
    named = [c for c in others if split_unit(c)[0].lower() in SPACE]
    space = gridded or named or (others if fields else [])
    if not space or (len(space) == len(others) and not fields):
        text = next((f" ('{c}' holds text)" for c in frame.columns if not _numeric(frame[c])), "")
        raise SettingsError(
            f"it is not clear which columns are coordinates{text}: name them, such as --coordinates x,t"
        )
    return space


def _repeats(column: pd.Series) -> bool:
    """Whether each value occurs equally often, as on a grid."""
    counts = column.value_counts()
    return bool(counts.min() == counts.max() > 1)


def _numeric(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column))


def _checked(frame: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """The numbers of some columns, shape (N, columns)."""
    for column in columns:
        if not _numeric(frame[column]):
            raise DataError(f"'{column}' holds text: it has to be a number in every row")
    numbers = frame[columns].to_numpy(dtype=float)
    bad = ~np.isfinite(numbers)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise DataError(
            f"'{columns[column]}' is missing or not finite in {int(bad[:, column].sum())} rows, first in row "
            f"{row + 1}: fill or remove them"
        )
    if len(numbers) < FEWEST_ROWS:
        raise DataError(f"{len(numbers)} rows are too few: {FEWEST_ROWS} are needed at least")
    return numbers
