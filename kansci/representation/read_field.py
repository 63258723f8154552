"""Measured fields from tables and NumPy archives."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from kansci.data.read import named
from kansci.errors import DataError, SettingsError
from kansci.pde_discovery.reading import read_fields
from kansci.signals import Signal, field_signal

__all__ = ["is_field", "read_field"]

TABLES = {".csv", ".tsv", ".txt", ".dat", ".parquet", ".xlsx"}
COORDINATES = {"x", "y", "z", "t", "r", "theta", "phi", "x1", "x2", "x3", "x4"}
COORDINATES |= {
    "time",
    "lat",
    "latitude",
    "lon",
    "longitude",
    "depth",
    "height",
    "altitude",
    "easting",
    "northing",
}
"""Names of columns that are taken as coordinates when none are named, in lower case, without units."""


def is_field(path: str | Path, kind: str | None = None) -> bool:
    """Whether a file is read by `read_field`: a table ("-" is standard input), or an archive of arrays."""
    file = Path(path)
    if str(path) == "-":
        return True
    if kind not in {None, "field"} or not file.is_file():
        return False
    if file.suffix.lower() == ".npz":
        return _several_arrays(file)
    return file.suffix.lower() in TABLES


def read_field(
    source: str | Path, coordinates: Sequence[str] | None = None, values: Sequence[str] | None = None
) -> Signal:
    """Read a field, scattered or on a grid.

    Args:
        source: a table with one row a point, or a ``.npz`` archive with arrays on the grid of its arrays of
            one dimension; "-" is standard input.
        coordinates: columns of the coordinates; None takes those with usual names (x, y, z, t, time, lat,
            lon, ...), or else, and where nothing else is left, all but the last column.
        values: columns of the values; None takes all other columns of numbers.

    Returns:
        The field; its notes say which columns were taken and how many rows were left out because a number
        is missing in them.

    Raises:
        DataError: The file cannot be read, a column holds text, or too few rows are left.
        SettingsError: A column does not exist, or none are left for coordinates or values.
    """  # noqa: DOC502  some by the calls below
    frame = read_fields(source)
    with named(source):
        places, fields = _columns(frame, coordinates, values)
        notes = []
        if coordinates is None:
            notes.append(f"coordinates {', '.join(places)}; values {', '.join(fields)}")
        numbers = frame[[*places, *fields]].to_numpy(dtype=float)
        kept = np.isfinite(numbers).all(axis=1)
        if not kept.all():
            notes.append(f"{int((~kept).sum()):,} of {len(kept):,} rows are left out: a number is missing")
        if kept.sum() < 2:
            raise DataError(f"{int(kept.sum())} rows have all their numbers: at least 2 are needed")
        d = len(places)
        meta = {"source": str(source), "notes": notes}
        numbers = numbers[kept]
        return field_signal(numbers[:, :d], numbers[:, d:], places, fields, meta).require_variation(
            "the field"
        )


def _columns(
    frame: pd.DataFrame, coordinates: Sequence[str] | None, values: Sequence[str] | None
) -> tuple[list[str], list[str]]:
    """The columns of the coordinates and of the values."""
    numeric = [str(name) for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name])]
    fields = [_column(name, frame) for name in values or ()]
    places = [_column(name, frame) for name in coordinates or ()]
    if coordinates is None:
        free = [name for name in numeric if name not in fields]
        usual = [name for name in free if _plain(name).lower() in COORDINATES]
        named_all = len(usual) == len(free) and not fields  # a table of x and y is y over x
        places = (free if fields else free[:-1]) if named_all or not usual else usual
    if values is None:
        fields = [name for name in numeric if name not in places]
    for name in (*places, *fields):
        if name not in numeric:
            raise DataError(f"'{name}' holds text: it has to be a number in every row")
    if not places or not fields or set(places) & set(fields):
        text = [str(name) for name in frame.columns if str(name) not in numeric]
        raise SettingsError(
            f"columns {', '.join(map(str, frame.columns[:12]))}: name those of the coordinates and of the "
            "values, such as --coordinates x,y --values u"
            + (f" (text or dates, not numbers: {', '.join(text[:6])})" if text else "")
        )
    return places, fields


def _column(name: str, frame: pd.DataFrame) -> str:
    """The column of that name, with or without its unit."""
    found = [str(c) for c in frame.columns if name in {str(c), _plain(str(c))}]
    if not found:
        raise SettingsError(f"there is no column '{name}': the columns are {', '.join(frame.columns[:20])}")
    return found[0]


def _plain(column: str) -> str:
    """The name of a column without a unit in brackets behind it."""
    return column.split("[", maxsplit=1)[0].split("(", maxsplit=1)[0].strip() or column


def _several_arrays(file: Path) -> bool:
    try:
        with np.load(file, allow_pickle=False) as loaded:
            return len(loaded.files) > 1
    except (OSError, ValueError, EOFError):
        return False
