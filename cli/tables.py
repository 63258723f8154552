"""From the arguments DATA, --target, --inputs and --units to a dataset."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from kansci.data import Dataset

__all__ = ["Table", "load_dataset", "load_table", "read_units", "source"]

LARGEST_UNITS_FILE = 1 << 20


@dataclass(frozen=True)
class Table:
    """A table that was read, not yet checked, and what the options say of its columns.

    ``source``: what was read, to name it in messages. ``target``: as it was typed. ``options``: the further
    arguments of ``Dataset.from_frame``, by name.
    """

    source: Any
    frame: "pd.DataFrame"
    target: str
    options: dict[str, Any]

    @property
    def targets(self) -> list[str]:
        """The columns to explain."""
        return _listed(self.target, self.frame)

    def one_target(self) -> str:
        """The column to explain, for what can be done with one only.

        Raises:
            SettingsError: None is named, or several are.
        """
        from kansci.errors import SettingsError

        if len(self.targets) != 1:
            raise SettingsError(f"--target '{self.target}' names {len(self.targets)} columns: name one")
        return self.targets[0]

    def dataset(self) -> "Dataset":
        """The table, checked."""
        from kansci.data import Dataset
        from kansci.data.read import named

        with named(self.source):
            return Dataset.from_frame(self.frame, self.one_target(), **self.options)


def load_dataset(
    data: str,
    target: str | None,
    inputs: str | None,
    units: Path | None,
    sigma: str | None = None,
    input_sigma: Sequence[str] | None = None,
) -> "Dataset":
    """Read and check the table that a command is given; the arguments are those of ``load_table``."""
    return load_table(data, target, inputs, units, sigma, input_sigma).dataset()


def load_table(
    data: str,
    target: str | None,
    inputs: str | None,
    units: Path | None,
    sigma: str | None = None,
    input_sigma: Sequence[str] | None = None,
) -> Table:
    """Read the table that a command is given.

    Args:
        data: File, ``-`` for stdin, or the name of a built-in table.
        target: Column to explain; needed unless the table is built in.
        inputs: Columns to explain it by, separated by commas.
        units: File with the units.
        sigma: Column with the standard deviations of the target.
        input_sigma: ``INPUT=COLUMN`` for every input with errors.

    Returns:
        The table.

    Raises:
        SettingsError: The target is not given, or an error of an input is not given like this.
    """
    from kansci.data import read_table
    from kansci.errors import SettingsError

    pairs, given = _pairs(input_sigma or ()), read_units(units) if units is not None else {}
    where = source(data)
    frame = read_table(where)
    chosen = None if inputs is None else _listed(inputs, frame)
    if _is_built_in(data):
        target, chosen, given = _built_in(data, target, chosen, given)
    if target is None:
        columns = ", ".join(map(str, frame.columns[:20]))
        raise SettingsError(f"--target is missing: name the column to explain, one of {columns}")
    options = {"inputs": chosen, "units": given, "sigma": sigma, "input_sigma": pairs}
    return Table(where, frame, target, options)


def _listed(text: str, frame: "pd.DataFrame") -> list[str]:
    """Names separated by commas, which may stand in the name of a column of the table as well."""
    from kansci.data.names import split_unit

    columns = [str(column) for column in frame.columns]
    whole = {name for column in columns for name in (column, split_unit(column)[0]) if "," in name}
    longest = 1 + max((name.count(",") for name in whole), default=0)
    pieces, names = text.split(","), []
    while pieces:
        ends = range(min(len(pieces), longest), 1, -1)
        end = next((k for k in ends if ",".join(pieces[:k]).strip() in whole), 1)
        names.append(",".join(pieces[:end]).strip())
        pieces = pieces[end:]
    return [name for name in names if name]


def _pairs(options: Sequence[str]) -> dict[str, str]:
    """Input -> column, from ``INPUT=COLUMN``."""
    from kansci.errors import SettingsError

    pairs = {}
    for option in options:
        name, equals, column = (part.strip() for part in option.partition("="))
        if not (name and equals and column):
            raise SettingsError(f"--input-sigma {option}: write INPUT=COLUMN, such as x=x_err")
        pairs[name] = column
    return pairs


def source(data: str) -> Any:
    """What the readers take for DATA: a path, ``"-"``, or the file of a built-in table."""
    if _is_built_in(data):
        import kansci_datasets

        return kansci_datasets.path(data)
    return data if data == "-" else Path(data)


def read_units(file: Path) -> dict[str, str]:
    """Units by column name.

    Args:
        file: A JSON object, or a CSV with two columns.

    Returns:
        Column name -> unit.

    Raises:
        DataError: The file cannot be read, or is neither.
    """
    from kansci.errors import DataError

    try:
        with file.open(encoding="utf-8-sig") as stream:
            text = stream.read(LARGEST_UNITS_FILE)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the units in {file}: {error}") from error
    if text.lstrip().startswith("{"):
        return _units_from_json(text, file)
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines()) if row]
    for number, row in enumerate(rows, 1):
        if len(row) != 2:
            raise DataError(f"{file}: row {number} has {len(row)} columns, name and unit are needed")
    return {name: unit for name, unit in rows if unit.lower() not in {"unit", "units"}}


def _units_from_json(text: str, file: Path) -> dict[str, str]:
    from kansci.errors import DataError

    try:
        units = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: not JSON ({error})") from error
    for name, unit in units.items():
        if not isinstance(unit, str):
            raise DataError(f"{file}: the unit of '{name}' must be a text")
    return units


def _is_built_in(data: str) -> bool:
    """A file of that name wins; looking into the catalogue costs an import."""
    if data == "-" or Path(data).exists() or not data.isidentifier():
        return False
    import kansci_datasets

    return data in kansci_datasets.names()


def _built_in(
    name: str, target: str | None, inputs: list[str] | None, units: dict[str, str]
) -> tuple[str, list[str] | None, dict[str, str]]:
    """Target, inputs and units of a built-in table where they are not given."""
    import kansci_datasets

    entry = kansci_datasets.info(name)
    known = entry.target if target is None else target
    chosen = list(entry.inputs) if inputs is None and known == entry.target else inputs
    return known, chosen, {**entry.units, **units}
