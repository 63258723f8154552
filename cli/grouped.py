"""Laws for groups of rows, and for several targets: how they are found, kept, shown and used."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from kansci import DiscoverSettings, Formula
    from kansci.data import Dataset

    from .tables import Table

__all__ = ["coded_predictor", "discover_grouped", "discover_several", "group_predictor"]


def discover_grouped(
    table: "Table",
    group: str,
    settings: "DiscoverSettings",
    out: Path | None,
    *,
    as_json: bool,
    explain: bool,
) -> None:
    """One law for the groups of a table.

    Args:
        table: The table.
        group: The column of the groups.
        settings: Of the search.
        out: Folder for the run.
        as_json: One JSON object instead of text.
        explain: Also how each formula of the front was found.
    """
    from dataclasses import asdict

    from kansci.data import GroupedDataset
    from kansci.data.read import named
    from kansci.discovery import discover_grouped as search
    from kansci.storage import create_run, json_text

    from .discover import describe, leave_if
    from .views import live_line, note, show_result

    with named(table.source):
        data = GroupedDataset.from_frame(table.frame, table.one_target(), group, **table.options)
    for line in data.dataset.notes:
        note(line)
    with live_line() as show:
        found = search(data, settings, lambda event: show(describe(event)))
    record = found.to_json()
    if out is not None:
        create_run(out, "discover", asdict(settings), data.coded, result=record)
    if as_json:
        typer.echo(json_text(record))
    else:
        show_result(found, out, explain=explain)
    leave_if(found.interrupted)


def discover_several(
    table: "Table", settings: "DiscoverSettings", out: Path | None, *, as_json: bool, explain: bool
) -> None:
    """A law for each of several targets.

    Args:
        table: The table.
        settings: Of the search.
        out: Folder for the runs, one a target.
        as_json: One JSON object instead of text.
        explain: Also how each formula of the fronts was found.

    Raises:
        SettingsError: Standard deviations are given, which are those of one target.
    """
    from dataclasses import asdict

    from kansci.data.read import named
    from kansci.discovery import discover_each, target_datasets
    from kansci.errors import SettingsError
    from kansci.storage import create_run, json_text

    from .discover import describe, leave_if
    from .views import live_line, note, show_result

    options = table.options
    if options["sigma"] or options["input_sigma"]:
        raise SettingsError("--sigma and --input-sigma belong to one target: search one after the other")
    with named(table.source):
        datasets = target_datasets(table.frame, table.targets, options["inputs"], options["units"])
    folders = _folders(out, [dataset.target for dataset in datasets])
    for line in dict.fromkeys(line for dataset in datasets for line in dataset.notes):
        note(line)
    with live_line() as show:
        found = discover_each(datasets, settings, lambda event: show(describe(event)))
    for dataset, discovery in zip(datasets, found.discoveries, strict=False):
        if dataset.target in folders:
            folder = folders[dataset.target]
            create_run(folder, "discover", asdict(settings), dataset, result=discovery.to_json())
    if as_json:
        typer.echo(json_text(found.to_json()))
    else:
        for discovery in found.discoveries:
            show_result(discovery, folders.get(discovery.dataset.target), explain=explain)
        _show_shared(found.to_json()["shared"])
    leave_if(found.interrupted)


def group_predictor(
    column: str, formulas: Mapping[str, "Formula"], frame: "pd.DataFrame"
) -> tuple[tuple[str, ...], str, Callable[["np.ndarray"], "np.ndarray"]]:
    """Inputs, target and X (N, I) -> (N,) for a table with a column of groups.

    Args:
        column: The column of the groups.
        formulas: The formula of each group.
        frame: The table; rows of other groups get nan, and a note says so.

    Returns:
        Inputs, target, function.

    Raises:
        DataError: The table has no column of groups.
    """
    from kansci.data.groups import group_label
    from kansci.data.names import find_column, nearest
    from kansci.errors import DataError

    from .views import note

    known = [str(name) for name in frame.columns]
    found = find_column(column, known)
    if found is None:
        raise DataError(f"there is no group column '{column}': {nearest(column, known)}")
    labels = [group_label(value) for value in frame.iloc[:, known.index(found)]]
    strange = sum(label not in formulas for label in labels)
    if strange:
        note(f"{strange} of {len(labels)} rows belong to no group of the run and get no prediction")
    first = next(iter(formulas.values()))
    return first.inputs, first.target, lambda X: _predict(formulas, X, labels)


def coded_predictor(
    column: str, formulas: Mapping[str, "Formula"], dataset: "Dataset"
) -> Callable[["np.ndarray"], "np.ndarray"]:
    """X (N, I) -> (N,) for a run's own table, in which the groups are numbered."""
    labels, at = list(formulas), dataset.inputs.index(column)
    inputs = [dataset.inputs.index(name) for name in next(iter(formulas.values())).inputs]
    return lambda X: _predict(formulas, X[:, inputs], [labels[int(code)] for code in X[:, at]])


def _predict(
    formulas: Mapping[str, "Formula"], X: "np.ndarray", labels: Sequence[str | None]
) -> "np.ndarray":
    import numpy as np

    from kansci.discovery.group_result import predict_groups

    values = np.full(len(labels), np.nan)
    known = np.array([label in formulas for label in labels], dtype=bool)
    values[known] = predict_groups(formulas, X[known], [str(label) for label in np.array(labels)[known]])
    return values


def _folders(out: Path | None, targets: Sequence[str]) -> dict[str, Path]:
    """A folder for each target, checked before the work begins."""
    from kansci.data import symbol_names
    from kansci.errors import RunError
    from kansci.storage import check_free, is_run

    if out is None:
        return {}
    if is_run(out):
        raise RunError(
            f"{out} is a RUN folder; several targets need a folder of their own: choose another name"
        )
    names = symbol_names(targets).items()
    folders = {column: out / (column if column.isidentifier() else symbol) for symbol, column in names}
    for folder in folders.values():
        check_free(folder)
    return folders


def _show_shared(shared: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console()
    console.print(
        Text("\nWhat the laws share" if shared else "\nThe laws share no structure", style="italic")
    )
    for item in shared:
        kind = "the same law but for a factor" if item["whole"] else "the sub-expression"
        console.print(Text(f"  {', '.join(item['targets'])}: {kind} {item['expression']}"))
