"""How a text table is written: separator, decimal mark, header, told from its first lines."""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kansci.data.cells import decimal_mark, is_missing, number_reader
from kansci.errors import DataError

__all__ = ["Layout", "count_fields", "has_header", "sniff", "split_fields"]

SEPARATORS: tuple[str | None, ...] = ("\t", ";", "|", ",", None)
"""None is white space. The earlier wins a tie, being the less likely inside a cell."""


@dataclass(frozen=True)
class Layout:
    """The way the lines of a table are written."""

    separator: str | None
    decimal: str
    header: bool
    width: int


def split_fields(line: str, separator: str | None) -> list[str]:
    """The cells of one line, without quotes around them and blanks around those.

    Raises:
        DataError: A cell is longer than a cell can be.
    """
    if '"' not in line:
        return [cell.strip() for cell in line.split(separator)]
    text = " ".join(line.split()) if separator is None else line
    try:
        return [
            cell.strip()
            for cell in next(csv.reader([text], delimiter=separator or " ", skipinitialspace=True))
        ]
    except csv.Error as error:
        raise DataError(f"a cell cannot be read ({error}): it starts {line[:40]!r}") from None


def count_fields(line: str, separator: str | None) -> int:
    """How many cells a line has."""
    if '"' in line:
        return len(split_fields(line, separator))
    return len(line.split()) if separator is None else line.count(separator) + 1


def sniff(lines: Sequence[str]) -> Layout:
    """The layout under which most cells of the sampled lines are numbers in equally long rows."""
    best, best_score = None, (False, -1.0)
    for separator in SEPARATORS:
        rows = [split_fields(line, separator) for line in lines]
        layout, score = _judge(rows, separator)
        if score > best_score:
            best, best_score = layout, score
    assert best is not None
    return best


def has_header(rows: Sequence[Sequence[str]], decimal: str) -> bool:
    """Whether the first row names the columns.

    It does when it has no number at all, or words over columns that are mostly numbers.
    """
    read = number_reader(decimal)
    first, rest = rows[0], rows[1:]
    words = [i for i, cell in enumerate(first) if not is_missing(cell) and read(cell) is None]
    if not words:
        return False
    if not any(read(cell) is not None for cell in first):
        return True
    return any(_share([row[i] for row in rest if i < len(row)], decimal) > 0.5 for i in words)


def _judge(rows: list[list[str]], separator: str | None) -> tuple[Layout, tuple[bool, float]]:
    """The layout with this separator and how well it fits."""
    body = rows[1:] or rows
    width, regular = Counter(map(len, body)).most_common(1)[0]
    usual = [row for row in body if len(row) == width]
    cells = [cell for row in usual for cell in row]
    decimal = decimal_mark(cells, separator)
    header = has_header([rows[0], *usual], decimal)
    if separator == "," and not header:
        # Without a header, 1,5 200,5 is two numbers with decimal commas and not 1 and 5 200 and 5.
        cells = [cell if " " not in cell else "text" for cell in cells]
    fit = regular / len(body) * (0.1 + _share(cells, decimal))
    if len(rows[0]) not in (width, width - 1):
        fit *= 0.3
    return Layout(separator, decimal, header, width), (width > 1, fit)


def _share(cells: list[str], decimal: str) -> float:
    """Share of the cells with a value that are numbers."""
    read = number_reader(decimal)
    given = [cell for cell in cells if not is_missing(cell)]
    return sum(read(cell) is not None for cell in given) / len(given) if given else 0.0
