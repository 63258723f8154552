"""From a table to the numbers a fit can use, saying what was left out and why.

Every complaint is one line that names the row and the column. Rows are called by the line of
the file they stood on when the index of the frame is named ``line``, else by their number.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kansci.data.names import find_column, nearest, split_unit
from kansci.errors import DataError

__all__ = ["MAX_COLUMNS", "MIN_ROWS", "Checked", "check", "check_columns"]

MAX_COLUMNS = 2_000
MIN_ROWS = 3
TEXT_COLUMN = 0.5
"""Above this share of numbers a column is numeric and a text in it is a mistake."""


@dataclass(frozen=True, eq=False)
class Checked:
    """X (N, I) and y (N,) finite, their names, units, and what was done to get there.

    ``sigma`` (N,) and ``input_sigma`` (input -> (N,)): standard deviations of the target and of inputs.
    """

    X: np.ndarray
    y: np.ndarray
    inputs: tuple[str, ...]
    target: str
    units: dict[str, str]
    notes: tuple[str, ...]
    sigma: np.ndarray | None
    input_sigma: dict[str, np.ndarray]


def check(
    frame: pd.DataFrame,
    target: str,
    inputs: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
    sigma: str | None = None,
    input_sigma: Mapping[str, str] | None = None,
) -> Checked:
    """Choose the columns, drop the rows with missing values, and refuse what cannot be fitted.

    Args:
        frame: The table (N, columns).
        target: The column to explain, with or without the unit in its header.
        inputs: The columns to explain it by; None takes every other numeric column.
        units: Unit of a column, over those in the headers.
        sigma: The column with the standard deviation of each value of the target.
        input_sigma: Input -> the column with the standard deviation of each of its values.

    Returns:
        The finite numbers, with notes.

    Raises:
        DataError: A column is missing, doubled or holds text; too few rows are left; the target
            or every input is constant; a standard deviation is not positive.
    """
    columns = check_columns([str(column) for column in frame.columns])
    frame = frame.set_axis(columns, axis=1)
    if len(frame) == 0:
        raise DataError("the table has a header but no rows of data")
    target = _require(target, columns, "target")
    notes = [str(note) for note in frame.attrs.get("notes", ())]
    errors = _error_columns(target, sigma, input_sigma or {}, columns)
    if inputs is None:
        chosen = _numeric_columns(frame.drop(columns=list(set(errors.values()))), target, notes)
    else:
        chosen = _requested(inputs, target, columns)
        _refuse_categories(frame, chosen)
    numbers = pd.DataFrame(
        {column: _numbers(frame, column) for column in [target, *chosen, *errors.values()]}, index=frame.index
    )
    numbers = _complete_rows(numbers, notes)
    deviations = _deviations(numbers, errors, target, chosen)
    kept = _varying(numbers, target, chosen, notes)
    _note_twins(numbers, kept, notes)
    return Checked(
        X=np.ascontiguousarray(numbers[kept].to_numpy(dtype=np.float64, copy=True)),
        y=numbers[target].to_numpy(dtype=np.float64, copy=True),
        inputs=tuple(kept),
        target=target,
        units=_units([*kept, target], columns, units or {}),
        notes=tuple(notes),
        sigma=deviations.pop(target, None),
        input_sigma={column: deviations[column] for column in kept if column in deviations},
    )


def check_columns(columns: list[str]) -> list[str]:
    """The names of the columns, unchanged.

    Raises:
        DataError: There are too many of them, or two have the same name.
    """
    if len(columns) > MAX_COLUMNS:
        raise DataError(
            f"the table has {len(columns):,} columns, more than the {MAX_COLUMNS:,} allowed: "
            "keep the ones that may matter"
        )
    seen: set[str] = set()
    twice = [column for column in columns if column in seen or seen.add(column)]  # type: ignore[func-returns-value]
    if twice:
        names = ", ".join(f"'{name}'" for name in dict.fromkeys(twice))
        raise DataError(f"the header names {names} more than once: give every column its own name")
    return columns


def _require(name: str, columns: Sequence[str], role: str) -> str:
    found = find_column(name, columns)
    if found is None:
        raise DataError(f"there is no {role} column '{name}': {nearest(name, columns)}")
    return found


def _error_columns(
    target: str, sigma: str | None, input_sigma: Mapping[str, str], columns: Sequence[str]
) -> dict[str, str]:
    """Measured column -> the column of its standard deviations."""
    if input_sigma and sigma is None:
        raise DataError(
            f"errors of inputs weigh against those of '{target}': give the standard deviations of that too"
        )
    errors = {} if sigma is None else {target: _require(sigma, columns, "standard deviations'")}
    for name, column in input_sigma.items():
        measured = _require(name, columns, "input")
        if measured == target:
            raise DataError(f"'{target}' is the target: its standard deviations are those of sigma")
        errors[measured] = _require(column, columns, "standard deviations'")
    return errors


def _deviations(
    numbers: pd.DataFrame, errors: Mapping[str, str], target: str, chosen: Sequence[str]
) -> dict[str, np.ndarray]:
    """Measured column -> the standard deviations of its values (N,), all positive."""
    deviations = {}
    for measured, column in errors.items():
        if measured not in (target, *chosen):
            raise DataError(f"standard deviations are given for '{measured}', which is not an input")
        if column in (target, *chosen):
            raise DataError(
                f"column '{column}' holds standard deviations and cannot be the target or an input"
            )
        values = numbers[column].to_numpy(dtype=np.float64, copy=True)
        if (values <= 0).any():
            first = int(np.argmax(values <= 0))
            raise DataError(
                f"{_row(numbers.index, first)}, column '{column}': the standard deviation of '{measured}' "
                f"is {values[first]:g}, it must be positive"
            )
        deviations[measured] = values
    return deviations


def _requested(inputs: Sequence[str], target: str, columns: Sequence[str]) -> list[str]:
    chosen = [_require(name, columns, "input") for name in inputs]
    if not chosen:
        raise DataError("no input columns are given: name at least one")
    for column in chosen:
        if column == target:
            raise DataError(f"column '{column}' is the target and cannot be an input as well")
        if chosen.count(column) > 1:
            raise DataError(f"input column '{column}' is given more than once")
    return chosen


def _numeric_columns(frame: pd.DataFrame, target: str, notes: list[str]) -> list[str]:
    """Every column but the target and those that hold text or nothing."""
    chosen = []
    for column in frame.columns:
        if column == target:
            continue
        kind = _kind(frame[column])
        if kind == "numbers":
            chosen.append(column)
        else:
            notes.append(f"ignored column '{column}': it holds {kind}{_hint(frame[column], kind)}")
    if not chosen:
        raise DataError(f"there is no numeric column besides the target '{target}' to explain it by")
    return chosen


def _kind(values: pd.Series) -> str:
    given = values[values.notna()]
    if len(given) == 0:
        return "no values"
    if pd.api.types.is_numeric_dtype(values) or _as_numbers(given).notna().mean() > TEXT_COLUMN:
        return "numbers"
    return "text"


def _refuse_categories(frame: pd.DataFrame, chosen: Sequence[str]) -> None:
    for column in chosen:
        hint = _hint(frame[column], _kind(frame[column]))
        if hint:
            raise DataError(f"input column '{column}' holds text: leave it out{hint}")


def _hint(values: pd.Series, kind: str) -> str:
    """What to do with a column of categories."""
    count = values.nunique()
    if kind != "text" or not 1 < count <= len(values) / 2:
        return ""
    name = shlex.quote(str(values.name))
    return f" (--group {name} gives one law with constants for each of its {count} values)"


def _numbers(frame: pd.DataFrame, column: str) -> np.ndarray:
    values = frame[column]
    if pd.api.types.is_complex_dtype(values):
        raise DataError(f"column '{column}' holds complex numbers: split it into real and imaginary parts")
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    numbers = _as_numbers(values)
    text = (numbers.isna() & values.notna()).to_numpy()
    if text.any():
        first = int(np.argmax(text))
        more = int(text.sum()) - 1
        also = f" (and {more} more like it)" if more else ""
        raise DataError(
            f"{_row(frame.index, first)}, column '{column}': "
            f"{_shown(values.iloc[first])} is not a number{also}"
        )
    return numbers.to_numpy(dtype=np.float64, na_value=np.nan)


def _as_numbers(values: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(values) or pd.api.types.is_timedelta64_dtype(values):
        return pd.Series(np.nan, index=values.index)  # to_numeric would count nanoseconds
    return pd.to_numeric(values, errors="coerce")


def _complete_rows(numbers: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    finite = np.isfinite(numbers.to_numpy(dtype=np.float64))
    good = finite.all(axis=1)
    lost, total = int((~good).sum()), len(good)
    if lost:
        worst = int((~finite).sum(axis=0).argmax())
        first = int(np.argmax(~good))
        where = (
            f"first: {_row(numbers.index, first)}, column '{numbers.columns[int(np.argmin(finite[first]))]}'"
        )
        if 2 * lost > total:
            raise DataError(
                f"{lost} of {total} rows have missing or infinite values, most of them in column "
                f"'{numbers.columns[worst]}' ({where}): fill them in or leave that column out"
            )
        notes.append(f"dropped {lost} of {total} rows with missing or infinite values ({where})")
    left = total - lost
    if left < MIN_ROWS:
        raise DataError(f"only {left} usable row{'s' * (left != 1)}: at least {MIN_ROWS} are needed")
    return numbers[good]


def _varying(numbers: pd.DataFrame, target: str, chosen: list[str], notes: list[str]) -> list[str]:
    def constant(column: str) -> bool:
        values = numbers[column].to_numpy()
        return bool((values == values[0]).all())

    if constant(target):
        raise DataError(
            f"the target '{target}' has the same value, {numbers[target].iloc[0]:g}, in every row: "
            "there is nothing to explain"
        )
    kept = []
    for column in chosen:
        if constant(column):
            notes.append(f"ignored column '{column}': it is {numbers[column].iloc[0]:g} in every row")
        else:
            kept.append(column)
    if not kept:
        raise DataError(
            f"every input column is constant ({', '.join(chosen)}): nothing can explain '{target}'"
        )
    return kept


def _note_twins(numbers: pd.DataFrame, kept: list[str], notes: list[str]) -> None:
    first_with: dict[bytes, str] = {}
    for column in kept:
        twin = first_with.setdefault(numbers[column].to_numpy().tobytes(), column)
        if twin != column:
            notes.append(f"columns '{twin}' and '{column}' are identical")


def _units(used: list[str], columns: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    units = {column: unit for column in used if (unit := split_unit(column)[1])}
    for name, unit in given.items():
        column = _require(name, columns, "unit's")
        if column in used:
            units[column] = unit
    return units


def _row(index: pd.Index, position: int) -> str:
    if index.name == "line":
        return f"line {index[position]}"
    return f"row {position + 1}"


def _shown(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= 40 else text[:37] + "...")
