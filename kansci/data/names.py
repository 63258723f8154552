"""Column names: a symbol for each, and the unit that stands in brackets behind it.

``v [m/s]`` and ``v (m/s)`` are the column of the quantity ``v`` in m/s. A name that Python can
hold as an identifier is its own symbol; anything else gets one that reads the same.
"""

import difflib
import keyword
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["RESERVED", "find_column", "nearest", "split_unit", "symbol_names"]

RESERVED = frozenset(
    "sin cos tan cot sec csc asin acos atan atan2 sinh cosh tanh coth asinh acosh atanh "
    "arcsin arccos arctan arctanh exp log ln log10 log2 sqrt cbrt erf erfc loggamma "
    "besselj bessely besseli besselk sinc sign abs Abs Max Min floor ceiling Heaviside LambertW "
    "pi E I oo zoo nan".split()
)
"""Names that would read as a function or a constant in a printed formula."""

_UNIT = re.compile(r"^(?P<name>.*\S)(?:\s*\[(?P<square>[^][]*)\]|\s+\((?P<round>[^()]*)\))$")


def split_unit(column: str) -> tuple[str, str]:
    """The name and the unit of a column.

    >>> split_unit("v [m/s]"), split_unit("v (m/s)"), split_unit("log(P)")
    (('v', 'm/s'), ('v', 'm/s'), ('log(P)', ''))
    """
    match = _UNIT.match(column.strip())
    if not match:
        return column.strip(), ""
    return match["name"], (match["square"] or match["round"] or "").strip()


def symbol_names(columns: Iterable[str]) -> dict[str, str]:
    """A distinct safe symbol for every column, in the order of the columns.

    Keywords, function names and constants get a trailing underscore, and the second column of
    the same symbol a number.

    >>> symbol_names(["a", "lambda", "v [m/s]", "wave length", "2nd", "pi", "a!"])
    {'a': 'a', 'lambda_': 'lambda', 'v': 'v [m/s]', 'wave_length': 'wave length', 'x_2nd': '2nd', 'pi_': 'pi', 'a_2': 'a!'}
    """  # noqa: E501
    columns = list(columns)
    wanted = [_safe(split_unit(column)[0]) for column in columns]
    # A column that is its own symbol keeps it, wherever it stands.
    taken = {symbol for symbol, column in zip(wanted, columns, strict=True) if symbol == column}
    symbols: dict[str, str] = {}
    for symbol, column in zip(wanted, columns, strict=True):
        if symbol != column:
            symbol = _numbered(symbol, taken)
            taken.add(symbol)
        symbols[symbol] = column
    return symbols


def find_column(name: str, columns: Sequence[str]) -> str | None:
    """The column called name, or the only one whose name without unit, or symbol, is that."""
    if name in columns:
        return name
    short = [column for column in columns if split_unit(column)[0] == name]
    if not short:
        short = [column for symbol, column in symbol_names(columns).items() if symbol == name]
    return short[0] if len(short) == 1 else None


def nearest(name: str, columns: Sequence[str], what: str = "columns") -> str:
    """A phrase that lists the columns, or what else there is, and suggests the one most like name."""
    by_lower: Mapping[str, str] = {column.lower(): column for column in columns}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
    shown = ", ".join(columns[:20]) + (f", ... ({len(columns)} in all)" if len(columns) > 20 else "")
    return (f"did you mean '{by_lower[close[0]]}'? " if close else "") + f"The {what} are: {shown}"


def _safe(name: str) -> str:
    # Python normalises identifiers, so a symbol that is not normal would not be found again.
    symbol = unicodedata.normalize("NFKC", name)
    if not symbol.isidentifier():
        symbol = re.sub(r"\W+", "_", symbol).strip("_")
    if not symbol.isidentifier():
        symbol = f"x_{symbol}" if symbol else "x"
    if not symbol.isidentifier():
        symbol = "x"
    return f"{symbol}_" if symbol in RESERVED or keyword.iskeyword(symbol) else symbol


def _numbered(symbol: str, taken: set[str]) -> str:
    number, free = 2, symbol
    while free in taken:
        free = f"{symbol}_{number}"
        number += 1
    return free
