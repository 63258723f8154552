"""Cells of a table: which texts are numbers, and which mean that there is no value.

A number may have a decimal comma, thousands set apart by blanks, apostrophes or the other mark,
a typographic minus, and a Fortran exponent: ``1 234,5``, ``1,234.5``, ``−2.5``, ``1.0D-3``.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache

import numpy as np
import pandas as pd

__all__ = ["MISSING", "decimal_mark", "is_missing", "number_reader", "to_column"]

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "missing", "-", "--", "?", "."})
_SPECIAL = {"inf": np.inf, "infinity": np.inf, "true": 1.0, "false": 0.0}
_BLANKS = " \u00a0\u2009\u202f'"
_DOT = re.compile(r"[+\-−]?[0-9]*\.[0-9]+(?:[eEdD][+-]?[0-9]+)?")
_COMMA = re.compile(r"[+\-−]?[0-9]*,[0-9]+(?:[eEdD][+-]?[0-9]+)?")
_COMMA_THOUSANDS = re.compile(r"[+\-−]?[1-9][0-9]{0,2}(?:,[0-9]{3})+")


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value."""
    return cell.strip().lower() in MISSING


def decimal_mark(cells: Iterable[str], separator: str | None) -> str:
    """The decimal mark most cells use; between commas, 1,234 counts as a thousand."""
    commas = dots = 0
    for cell in map(str.strip, cells):
        dots += bool(_DOT.fullmatch(cell))
        if _COMMA.fullmatch(cell) and not (separator == "," and _COMMA_THOUSANDS.fullmatch(cell)):
            commas += 1
    return "," if commas > dots else "."


@cache
def number_reader(decimal: str) -> Callable[[str], float | None]:
    """The function that turns a cell into its number, or into None when it is not one."""
    mark, other = re.escape(decimal), "." if decimal == "," else ","
    pattern = re.compile(
        rf"[+-]?(?:[1-9][0-9]{{0,2}}(?P<gap>[{_BLANKS}{other}])[0-9]{{3}}(?:(?P=gap)[0-9]{{3}})*(?:{mark}[0-9]*)?"
        rf"|[0-9]+(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eEdD][+-]?[0-9]+)?"
    )
    drop = str.maketrans({**dict.fromkeys([*_BLANKS, other], ""), decimal: ".", "d": "e", "D": "e"})

    def read(cell: str) -> float | None:
        cell = cell.strip().replace("−", "-")
        if pattern.fullmatch(cell):
            return float(cell.translate(drop))
        sign, word = (cell[0], cell[1:]) if cell[:1] in ("+", "-") else ("", cell)
        value = _SPECIAL.get(word.lower())
        return -value if value is not None and sign == "-" else value

    return read


def to_column(cells: Iterable[object], decimal: str) -> list[float] | list[object]:
    """Numbers where the cells are numbers, NaN where they are missing, text where they are text."""
    read = number_reader(decimal)

    def convert(cell: object) -> object:
        if not isinstance(cell, str):
            return np.nan if pd.isna(cell) else float(cell)  # type: ignore[arg-type]
        value = read(cell)
        if value is not None:
            return value
        return np.nan if is_missing(cell) else cell.strip()

    return [convert(cell) for cell in cells]
