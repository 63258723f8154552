"""From the arguments DATA, --target, --inputs and --units to a dataset."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kansci.data import Dataset

__all__ = ["load_dataset", "read_units", "source", "table_arguments"]

LARGEST_UNITS_FILE = 1 << 20


def load_dataset(
    data: str,
    target: str | None,
    inputs: str | None,
    units: Path | None,
    sigma: str | None = None,
    input_sigma: Sequence[str] | None = None,
) -> "Dataset":
    """Read and check the table that a command is given.

    Args:
        data: File, ``-`` for stdin, or the name of a built-in table.
        target: Column to explain; needed unless the table is built in.
        inputs: Columns to explain it by, separated by commas.
        units: File with the units.
        sigma: Column with the standard deviations of the target.
        input_sigma: ``INPUT=COLUMN`` for every input with errors.

    Returns:
        The dataset.

    Raises:
        SettingsError: The target is not given, or an error of an input is not given like this.
    """  # noqa: DOC502  raised by table_arguments
    from kansci.data import read_dataset

    return read_dataset(*table_arguments(data, target, inputs, units, sigma, input_sigma))


def table_arguments(
    data: str,
    target: str | None,
    inputs: str | None,
    units: Path | None,
    sigma: str | None = None,
    input_sigma: Sequence[str] | None = None,
) -> tuple[Any, str, list[str] | None, dict[str, str], str | None, dict[str, str]]:
    """The same options as ``kansci.data.read_dataset`` takes them.

    Args:
        data: As of ``load_dataset``.
        target: As of ``load_dataset``.
        inputs: As of ``load_dataset``.
        units: As of ``load_dataset``.
        sigma: As of ``load_dataset``.
        input_sigma: As of ``load_dataset``.

    Returns:
        Source, target, inputs, units, column of standard deviations, and those of inputs.

    Raises:
        SettingsError: The target is not given, or an error of an input is not given like this.
    """
    from kansci.data import read_table
    from kansci.errors import SettingsError

    chosen = [name.strip() for name in inputs.split(",") if name.strip()] if inputs is not None else None
    given = read_units(units) if units is not None else {}
    if _is_built_in(data):
        target, chosen, given = _built_in(data, target, chosen, given)
    where = source(data)
    if target is None:
        columns = ", ".join(map(str, read_table(where).columns[:20]))
        raise SettingsError(f"--target is missing: name the column to explain, one of {columns}")
    return where, target, chosen, given, sigma, _pairs(input_sigma or ())


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
