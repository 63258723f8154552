"""Opening, making and updating a RUN folder."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kansci.data import Dataset
from kansci.errors import KansciError, RunError
from kansci.storage.files import commit, encode, json_text, read_bytes, read_text
from kansci.storage.layout import (
    CHECKPOINT_FILE,
    CONFIG_FILE,
    DATA_FILE,
    FORMAT,
    FORMULA_FILE,
    HISTORY_FILE,
    LIMITS,
    MODEL_FILE,
    PLOTS,
    PRODUCTS,
    TRUST_FILE,
    run_config,
)
from kansci.storage.schema import COLUMN, CONFIG, CONSTANT, FORMULA, GROUP, GROUPED, check, parse_object
from kansci.storage.table_file import read_table_file, table_bytes
from kansci.symbolic.constants import Constant
from kansci.symbolic.formula import Formula

if TYPE_CHECKING:
    from kansci.models import KAN
    from kansci.training.checkpoint import Snapshot

__all__ = [
    "Run",
    "check_free",
    "create_run",
    "is_run",
    "open_run",
    "open_run_of",
    "update_run",
]


@dataclass(frozen=True)
class Run:
    """An opened RUN folder; everything but the configuration is read when asked for."""

    path: Path
    config: Mapping[str, Any]

    def has(self, name: str) -> bool:
        """Whether a file of this name is there."""
        return (self.path / name).is_file()

    def result(self) -> dict[str, Any]:
        """What ``formula.json`` holds, as ``discover --json`` printed it.

        Raises:
            RunError: There is no formula yet, or the file is damaged.
        """
        if not self.has(FORMULA_FILE):
            if self.has(MODEL_FILE) and self.config["command"] == "fit":
                raise RunError(f"{self.path} holds no formula yet: run `kansci simplify {self.path}`")
            raise RunError(f"{self.path} holds no formula: it was made by `kansci {self.config['command']}`")
        return parse_object(self._text(FORMULA_FILE), FORMULA, str(self.path / FORMULA_FILE))

    def formula(self) -> Formula:
        """The chosen formula.

        Raises:
            RunError: There is none, there is one for each group of rows, or its text is not a formula over
                its symbols.
        """
        record, where = self.result(), self.path / FORMULA_FILE
        if "groups" in record:
            raise RunError(
                f"{self.path} holds a law with constants for each {record.get('group')}, which only "
                "`kansci predict` and `kansci plot` know how to use"
            )
        formula = _formula(record["formula"], record, f"{where}: key 'formula'")
        rows = enumerate(record["constants"])
        return replace(
            formula, constants=tuple(_constant(row, f"{where}: constants[{n}]") for n, row in rows)
        )

    def group_formulas(self) -> tuple[str, dict[str, Formula]] | None:
        """The column of the groups and the formula of each group; None if one formula holds for all rows."""
        record, where = self.result(), self.path / FORMULA_FILE
        if "groups" not in record:
            return None
        check(record, GROUPED, str(where))
        formulas = {}
        for number, row in enumerate(record["groups"]):
            check(row, GROUP, f"{where}: groups[{number}]")
            formulas[row["group"]] = _formula(row["formula"], record, f"{where}: groups[{number}]")
        return record["group"], formulas

    def front(self) -> tuple[Formula, ...]:
        """The formulas that the chosen one was chosen from."""
        record, where = self.result(), self.path / FORMULA_FILE
        rows = enumerate(record["front"])
        return tuple(_formula(row.get("formula"), record, f"{where}: front[{n}]") for n, row in rows)

    def dataset(self) -> Dataset:
        """The table that the run was made from.

        Raises:
            RunError: The run was not made from a table, or the file is damaged.
        """
        if not self.has(DATA_FILE):
            raise RunError(f"{self.path} holds no table: it was made by `kansci {self.config['command']}`")
        return read_table_file(self._bytes(DATA_FILE), str(self.path / DATA_FILE))

    def model(self) -> "KAN":
        """The trained network."""
        return self.checkpoint()[0]

    def checkpoint(self) -> "tuple[KAN, int]":
        """The trained network, and how many stages of its training are done.

        Raises:
            RunError: The run has none, or the file is damaged.
        """
        if not self.has(MODEL_FILE):
            raise RunError(f"{self.path} holds no network: it was not made by `kansci fit`")
        if self.config["command"] == "represent":
            raise RunError(
                f"{self.path} holds a signal, not the network of a table: it was made by `kansci represent`"
            )
        from kansci.storage.model_file import read_model  # imports torch

        return read_model(self._bytes(MODEL_FILE), str(self.path / MODEL_FILE))

    def snapshot(self) -> "Snapshot | None":
        """Where training stood when it was last kept, or None.

        Raises:
            RunError: The file is damaged.
        """  # noqa: DOC502  raised by read_checkpoint
        if not self.has(CHECKPOINT_FILE):
            return None
        from kansci.storage.checkpoint_file import read_checkpoint  # imports torch

        return read_checkpoint(self._bytes(CHECKPOINT_FILE), str(self.path / CHECKPOINT_FILE))

    def history(self) -> list[dict[str, Any]]:
        """One record a training step; empty when nothing was trained."""
        if not self.has(HISTORY_FILE):
            return []
        lines = self._text(HISTORY_FILE).splitlines()
        where = self.path / HISTORY_FILE
        return [parse_object(line, {}, f"{where}: line {n}") for n, line in enumerate(lines, 1)]

    def _bytes(self, name: str) -> bytes:
        return read_bytes(self.path / name, LIMITS[name])

    def _text(self, name: str) -> str:
        return read_text(self.path / name, LIMITS[name])


def is_run(path: str | Path) -> bool:
    """Whether there is a RUN folder at this place."""
    return (Path(path) / CONFIG_FILE).is_file()


def check_free(path: str | Path) -> None:
    """Check that a run may be written here, best before the work begins.

    Args:
        path: The folder to be.

    Raises:
        RunError: It holds something that is no RUN, or no folder can be made there.
    """
    folder = Path(path)
    if any(parent.is_file() for parent in folder.parents):
        raise RunError(f"{folder} would lie in a file: choose another name")
    if folder.exists() and not is_run(folder) and not _is_leftover(folder):
        raise RunError(f"{folder} exists and is not a RUN folder: choose another name")


def open_run(path: str | Path) -> Run:
    """Open a RUN folder.

    Args:
        path: The folder.

    Returns:
        The run, its configuration checked.

    Raises:
        RunError: The folder is missing, is no RUN, or was written by a newer version.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise RunError(
            f"there is no RUN folder {folder}: make one with `kansci discover DATA --out {folder}`"
        )
    if not is_run(folder):
        raise RunError(f"{folder} is not a RUN folder: it has no {CONFIG_FILE}")
    run = Run(folder, {})
    config = parse_object(run._text(CONFIG_FILE), CONFIG, str(folder / CONFIG_FILE))
    for number, column in enumerate(config["columns"]):
        check(column, COLUMN, f"{folder / CONFIG_FILE}: columns[{number}]")
    if config["format"] > FORMAT:
        raise RunError(f"{folder} was written by kansci {config['version']}, which is newer: update kansci")
    return Run(folder, config)


def open_run_of(path: str | Path, command: str) -> Run:
    """Open a RUN folder that a certain command made.

    Args:
        path: The folder.
        command: Its name.

    Returns:
        The run.

    Raises:
        RunError: Another command made it; or as `open_run`.
    """
    run = open_run(path)
    if run.config["command"] != command:
        raise RunError(f"{path} was made by `kansci {run.config['command']}`, not by `kansci {command}`")
    return run


def create_run(
    path: str | Path,
    command: str,
    settings: Mapping[str, Any],
    dataset: Dataset,
    *,
    result: Mapping[str, Any] | None = None,
    model: "KAN | None" = None,
    history: Iterable[Mapping[str, Any]] | None = None,
) -> Run:
    """Write a run, in place of an older one at the same path.

    Args:
        path: The folder; made if need be.
        command: What made the run.
        settings: Options in JSON's types.
        dataset: The table.
        result: What to put into ``formula.json``.
        model: The trained network.
        history: One record a training step.

    Returns:
        The run.
    """
    folder = Path(path)
    check_free(folder)
    config = run_config(command, dataset.target, _columns(dataset), dataset.inputs, dataset.notes, settings)
    # The configuration comes last: a new folder is a RUN only when everything is there.
    files = {DATA_FILE: table_bytes(dataset)} | _products(result, model, history)
    commit(folder, files | {CONFIG_FILE: config}, stale=PRODUCTS)
    return open_run(folder)


def update_run(
    path: str | Path,
    *,
    result: Mapping[str, Any] | None = None,
    model: "KAN | None" = None,
    stage: int = 0,
    history: Iterable[Mapping[str, Any]] | None = None,
    snapshot: "Snapshot | None" = None,
    trust: Mapping[str, Any] | None = None,
) -> Run:
    """Replace results of a run, keeping its table and settings.

    Args:
        path: The folder of an existing run.
        result: What to put into ``formula.json``.
        model: The trained network; an older formula goes, unless a new one is given too.
        stage: How many stages of its training are done.
        history: One record a training step.
        snapshot: Where training stands.
        trust: The evidence for the formula; an older one goes when the formula does.

    Returns:
        The run.
    """
    run = open_run(path)
    # A formula that was read off another network must not stay beside the new one, nor its evidence.
    stale = (FORMULA_FILE, TRUST_FILE) if model is not None else (TRUST_FILE,) if result is not None else ()
    files = _products(result, model, history, stage)
    if trust is not None:
        files[TRUST_FILE] = encode(trust)
    if snapshot is not None:
        from kansci.storage.checkpoint_file import checkpoint_bytes  # imports torch

        files[CHECKPOINT_FILE] = checkpoint_bytes(snapshot)
    commit(run.path, files, stale)
    return run


def _products(
    result: Mapping[str, Any] | None,
    model: "KAN | None",
    history: Iterable[Mapping[str, Any]] | None,
    stage: int = 0,
) -> dict[str, bytes]:
    files = {}
    if history is not None:
        lines = [json_text(row, indent=None) + "\n" for row in history]
        files[HISTORY_FILE] = "".join(lines).encode("utf-8")
    if model is not None:
        from kansci.storage.model_file import model_bytes  # imports torch

        files[MODEL_FILE] = model_bytes(model, stage)
    if result is not None:
        files[FORMULA_FILE] = encode(result)
    return files


def _columns(dataset: Dataset) -> list[dict[str, Any]]:
    values = [*dataset.X.T, dataset.y]
    return [
        {"name": name, "unit": dataset.units.get(name, ""), "min": float(v.min()), "max": float(v.max())}
        for name, v in zip([*dataset.inputs, dataset.target], values, strict=True)
    ]


def _is_leftover(folder: Path) -> bool:
    """Whether the folder holds nothing but what a killed write leaves."""
    if not folder.is_dir():
        return False
    names = {file.name for file in folder.iterdir()}
    return names <= {DATA_FILE, *PRODUCTS, PLOTS} | {f".{name}.tmp" for name in LIMITS}


def _formula(text: Any, record: Mapping[str, Any], where: str) -> Formula:
    """A formula of a run, from its text.

    Raises:
        RunError: It is no formula over the symbols of the run.
    """
    try:
        if not isinstance(text, str):
            raise RunError("the formula must be a text")
        formula = Formula(text, record["symbols"], record["target"])
        if formula.parameters:
            raise RunError(f"unknown names {', '.join(formula.parameters)}")
    except KansciError as error:
        raise RunError(f"{where}: {error}") from error
    return formula


def _constant(row: Mapping[str, Any], where: str) -> Constant:
    row = check({"unit": None, **row}, CONSTANT, where)  # older runs say nothing of units
    stderr = math.nan if row["stderr"] is None else float(row["stderr"])
    return Constant(float(row["value"]), stderr, row["symbolic"], row["unit"])
