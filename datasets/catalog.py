"""The tables: what each is, where it comes from, the accepted law, and the numbers."""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from kansci.data import Dataset, read_dataset
from kansci.errors import DataError

__all__ = ["Certified", "Entry", "choose", "info", "load", "names", "path"]

TABLES = Path(__file__).parent / "tables"


@dataclass(frozen=True)
class Certified:
    """What NIST certifies about the least-squares fit of the law to the table."""

    stderr: Mapping[str, float]
    starts: tuple[Mapping[str, float], ...]  # from far away, from nearby
    rss: float  # residual sum of squares
    rsd: float  # residual standard deviation
    difficulty: str


@dataclass(frozen=True)
class Entry:
    """What is known about a table."""

    name: str
    title: str
    kind: str  # "measured" or "generated"
    source: str
    origin: str
    target: str
    inputs: tuple[str, ...]
    law: str  # right-hand side, in the inputs and the parameters
    transform: str = ""  # "log" when the law is for log(target)
    units: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, float] = field(default_factory=dict)
    certified: Certified | None = None
    note: str = ""

    @property
    def equation(self) -> str:
        """The law with its left-hand side."""
        left = f"{self.transform}({self.target})" if self.transform else self.target
        return f"{left} = {self.law}"


def names() -> list[str]:
    """The names of the tables, sorted."""
    return sorted(_records())


def info(name: str) -> Entry:
    """What is known about a table.

    Raises:
        DataError: There is no table of this name.
    """  # noqa: DOC502  raised by choose
    record = dict(_records()[choose(name, names(), "table")])
    certified = record.pop("certified", None)
    if certified:
        certified = Certified(**{**certified, "starts": tuple(certified["starts"])})
    return Entry(name=name, certified=certified, **{**record, "inputs": tuple(record["inputs"])})


def path(name: str) -> Path:
    """The CSV file of a table.

    Raises:
        DataError: There is no table of this name.
    """  # noqa: DOC502  raised by choose
    return TABLES / f"{choose(name, names(), 'table')}.csv"


def load(name: str) -> Dataset:
    """A table as a dataset, with the inputs, target and units of its entry.

    Raises:
        DataError: There is no table of this name.
    """  # noqa: DOC502  raised by choose
    entry = info(name)
    return read_dataset(path(name), entry.target, entry.inputs, entry.units)


def choose(name: str, known: Iterable[str], what: str) -> str:
    """The name, when it is known.

    Raises:
        DataError: It is not; the message suggests the nearest.
    """
    known = list(known)
    if name in known:
        return name
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"did you mean {', '.join(close)}?" if close else "`kansci datasets list` shows the names"
    raise DataError(f"there is no built-in {what} '{name}': {hint}")


@cache
def _records() -> dict[str, Any]:
    return json.loads((TABLES / "catalog.json").read_text(encoding="utf-8"))
