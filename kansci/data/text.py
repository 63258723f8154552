"""Text tables: lines with separated cells, comments, quotes, a header or none."""

import io
import re
from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from kansci.data.cells import MISSING, decimal_mark, number_reader, to_column
from kansci.data.sniff import Layout, count_fields, has_header, sniff, split_fields
from kansci.data.validate import check_columns
from kansci.errors import DataError

__all__ = ["MAX_NAME", "parse_rows", "parse_text"]

SAMPLE_LINES = 200
SAMPLE_CHARACTERS = 65_536
MAX_LINE = 1_000_000
MAX_CELL = 10_000
MAX_NAME = 200
_EXACT: dict[str, Any] = (
    {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
)
"""Older pandas rounds the last digit unless asked not to; newer ones never do and warn when asked."""
_NAME = re.compile(r"[^,;|:.]+")
"""What a comment above the data may hold to be taken for its header and not for prose."""
_COMMENT = re.compile(r"\s*(?:#|%|//)+")


def parse_text(text: str) -> pd.DataFrame:
    """A table from its text; the index, named ``line``, says where each row stood.

    Args:
        text: The whole file.

    Returns:
        Numbers where the cells are numbers, NaN where they are missing, text elsewhere.

    Raises:
        DataError: There is nothing in it, or a line or cell does not belong.
    """
    numbers, lines, comment = _records(text)
    layout = sniff(_sample(lines))
    names, body = _header(lines, layout, comment)
    check_columns(names)
    _check_ragged(numbers[body:], lines[body:], len(names), layout)
    if len(lines) == body:
        raise DataError("the table has a header but no rows of data")
    frame = _cells(lines[body:], len(names), layout)
    columns = [_column(frame[i], name, layout.decimal) for i, name in enumerate(names)]
    return _assemble(names, columns, numbers[body:])


def parse_rows(rows: Sequence[tuple[int, list[str]]]) -> pd.DataFrame:
    """A table from rows of cells, each with its number, as a spreadsheet has them.

    Raises:
        DataError: There is nothing in it, or a name is given twice.
    """
    if not rows:
        raise DataError("the table is empty")
    cells = [row for _, row in rows]
    decimal = decimal_mark((cell for row in cells[1:SAMPLE_LINES] for cell in row), ",")
    header = has_header(cells[:SAMPLE_LINES], decimal)
    names = _names(cells[0]) if header else [f"x{i + 1}" for i in range(len(cells[0]))]
    check_columns(names)
    body = rows[1:] if header else rows
    if not body:
        raise DataError("the table has a header but no rows of data")
    columns = [to_column([row[i] for _, row in body], decimal) for i in range(len(names))]
    return _assemble(names, columns, [number for number, _ in body])


def _records(text: str) -> tuple[list[int], list[str], str]:
    """Line numbers and lines that hold data or the header, and the comment just before them."""
    numbers: list[int] = []
    lines: list[str] = []
    comment = ""
    source = enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1)
    for number, line in source:
        if len(line) > MAX_LINE:
            raise DataError(f"line {number} has {len(line):,} characters, more than the {MAX_LINE:,} allowed")
        if not line.strip():
            continue
        marker = _COMMENT.match(line)
        if marker:
            comment = comment if lines else line[marker.end() :]
            continue
        while line.count('"') % 2:  # a quoted cell goes on in the next line
            more = next(source, None)
            if more is None or len(line) > MAX_CELL:
                raise DataError(f'line {number}: a quote (") is opened and not closed')
            line = f"{line} {more[1]}"
        numbers.append(number)
        lines.append(line)
    if not lines:
        raise DataError("the file is empty" if not comment else "the file holds comments but no data")
    return numbers, lines, comment


def _sample(lines: list[str]) -> list[str]:
    sample, size = [], 0
    for line in islice(lines, SAMPLE_LINES):
        sample.append(line)
        size += len(line)
        if size > SAMPLE_CHARACTERS and len(sample) > 2:
            break
    return sample


def _header(lines: list[str], layout: Layout, comment: str) -> tuple[list[str], int]:
    """The names of the columns and the position of the first row of data."""
    first = split_fields(lines[0], layout.separator)
    if layout.header:
        if len(first) == layout.width - 1 and len(lines) > 1:
            trailing = all(split_fields(line, layout.separator)[-1] == "" for line in lines[1:50])
            first = [*first, ""] if trailing else ["", *first]  # R leaves out the name of the row names
        return _names(first), 1
    named = split_fields(comment.strip(), layout.separator)
    read = number_reader(layout.decimal)
    if len(named) == layout.width and all(_NAME.fullmatch(cell) and read(cell) is None for cell in named):
        return _names(named), 0
    return [f"x{i + 1}" for i in range(len(first))], 0


def _names(cells: list[str]) -> list[str]:
    """Names of the columns; what has none is numbered."""
    names = [" ".join(cell.split()) or f"column_{i + 1}" for i, cell in enumerate(cells)]
    for i, name in enumerate(names):
        if len(name) > MAX_NAME:
            raise DataError(f"the name of column {i + 1} has {len(name)} characters: it starts {name[:40]!r}")
    return names


def _check_ragged(numbers: list[int], lines: list[str], width: int, layout: Layout) -> None:
    for number, line in zip(numbers, lines, strict=True):
        found = count_fields(line, layout.separator)
        if found != width:
            raise DataError(
                f"line {number} has {found} field{'s' * (found != 1)} where there are {width} columns"
            )


def _cells(lines: list[str], width: int, layout: Layout) -> pd.DataFrame:
    """The cells of the rows, columns 0 ... width - 1, as numbers where pandas reads them as such."""
    try:
        frame = pd.read_csv(
            io.StringIO("\n".join(lines)),
            sep=r"\s+" if layout.separator is None else layout.separator,
            decimal=layout.decimal if layout.separator != "," else ".",
            header=None,
            names=list(range(width)),
            index_col=False,
            na_values=sorted({*MISSING, *map(str.upper, MISSING), "NaN", "Nan", "None", "Null"}),
            keep_default_na=False,
            skipinitialspace=True,
            low_memory=False,
            **_EXACT,
        )
    except pd.errors.ParserError:
        frame = None
    if frame is None or len(frame) != len(lines):
        raise DataError('a quote (") inside a cell is not doubled, or not closed in its line')
    return frame


def _column(values: pd.Series, name: str, decimal: str) -> object:
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    cells = to_column(values, decimal)
    for cell in cells:
        if isinstance(cell, str) and len(cell) > MAX_CELL:
            raise DataError(f"column '{name}' has a cell of {len(cell):,} characters, more than {MAX_CELL:,}")
    return cells


def _assemble(names: list[str], columns: list, numbers: list[int]) -> pd.DataFrame:
    """The frame, without unnamed columns that are empty or only count the rows."""
    index = pd.Index(numbers, name="line")
    data, notes = {}, []
    for i, (name, values) in enumerate(zip(names, columns, strict=True)):
        column = pd.Series(values, index=index, name=name)
        if name == f"column_{i + 1}" and _says_nothing(column):
            if column.notna().any():
                notes.append(f"ignored the unnamed column {i + 1}: it only numbers the rows")
            continue
        data[name] = column
    frame = pd.DataFrame(data, index=index)
    frame.attrs["notes"] = notes
    return frame


def _says_nothing(column: pd.Series) -> bool:
    if column.isna().all():
        return True
    if not pd.api.types.is_numeric_dtype(column):
        return False
    counted = column.to_numpy() - np.arange(len(column))
    return bool(np.isin(counted[0], (0, 1)) and (counted == counted[0]).all())
