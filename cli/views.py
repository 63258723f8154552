"""What a person sees: progress on stderr while it runs, then the formula and what stands behind it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

__all__ = ["live_line", "note", "number", "show_result", "show_rows"]

RESISTING = 5
"""Edges of a network that are named."""


@contextmanager
def live_line() -> Iterator[Callable[[str], None]]:
    """A line on stderr that is written over and over; silent when stderr is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status(Text("starting")) as status:
        width = console.width - 4

        def show(text: str) -> None:
            status.update(Text(text if len(text) <= width else f"{text[: width - 1]}…"))

        yield show


def note(text: str) -> None:
    """One line on stderr."""
    Console(stderr=True, soft_wrap=True).print(Text(text, style="dim"))


def show_result(
    discovery: Any, run: Path | None = None, *, explain: bool = False, network: Any = None
) -> None:
    """The formula, its constants, how it was found, the front, and where it is kept.

    Args:
        discovery: What was found.
        run: Folder that it was written to.
        explain: Also how each formula of the front was found.
        network: What stands in for a law that was not found, or None.
    """
    from kansci.export import shorten

    console, record = Console(), discovery.to_json()
    console.print(_formula_panel(discovery, record))
    console.print(Text(_quality(record)))
    _show_constants(console, record)
    if discovery.derivation:
        console.print(Text("\nHow it was found", style="italic"))
        for step in discovery.derivation:
            console.print(Text(f"  {step}"))
    console.print()
    console.print(_front(record))
    if record["rivals"]:
        console.print(Text("\nAs likely by these data, though not on the front", style="italic"))
        for row in record["rivals"]:
            console.print(Text(f"  {shorten(row['formula'])}  (RMSE / std {number(row['nrmse'])})"))
    if explain:
        console.print(_derivations(record))
    if network is not None:
        console.print(_network(network, run))
    if run is not None:
        use = f"kansci predict {run} DATA" if "groups" in record else f"kansci export {run} --to latex"
        console.print(Text(f"\nKept in {run}; next: kansci plot {run}, {use}"))


def _show_constants(console: Console, record: Mapping[str, Any]) -> None:
    """The numbers of the formula, relations between them, and those of each group."""
    if record["constants"]:
        console.print()
        console.print(_constants(record["constants"]))
    for relation in record["relations"]:
        console.print(Text(f"Within the errors {relation}"))
    if "groups" in record:
        console.print()
        console.print(_groups(record))


def show_rows(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A plain table."""
    table = Table(*columns, title=title, title_justify="left", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def number(value: float | None, digits: int = 3) -> str:
    """A number for a table; null stands for one that is not finite."""
    return "-" if value is None else f"{value:.{digits}g}"


def _network(network: Any, run: Any) -> Text:
    """What stands in for a law."""
    record = network.to_json()
    width = ",".join(map(str, record["width"]))
    lines = [
        f"\nA network [{width}] predicts better (RMSE / std {number(record['nrmse'])} on held-out rows):"
    ]
    lines += [f"  kansci export {run} --network --to python   (or c, onnx)"]
    lines += [f"  {edge}" for edge in record["resisting_edges"][:RESISTING]]
    return Text("\n".join(lines))


def _formula_panel(discovery: Any, record: Mapping[str, Any]) -> Panel:
    from kansci.export import shorten

    body = [
        Text(f"{record['target']} = {shorten(record['formula'])}", style="bold"),
        Text(""),
        Text(discovery.formula.latex(6), style="dim"),
    ]
    renamed = [f"{symbol} = '{column}'" for symbol, column in record["symbols"].items() if symbol != column]
    if renamed:
        body += [Text(""), Text(f"Columns: {', '.join(renamed)}", style="dim")]
    if not record["law_found"]:
        body += [Text(""), Text(f"No law found: {record['verdict']}.")]
    title = "best so far" if discovery.interrupted else "exact formula" if record["exact"] else "formula"
    mark, style = _mark(record["dimensions"])
    if mark:
        body += [Text(""), Text(f"Units {record['dimensions']}", style=style)]
        title = f"{title}, units {mark}"
    return Panel(Group(*body), title=title, title_align="left", padding=(1, 2), border_style=style or "none")


def _mark(dimensions: str | None) -> tuple[str, str]:
    """The first word about the units of a formula and its style, both empty if they allow it."""
    word = (dimensions or "ok").partition(":")[0]
    return {"ok": ("", ""), "inconsistent": (word, "red")}.get(word, (word, "yellow"))


def _quality(record: Mapping[str, Any]) -> str:
    rows = record.get("held_out_rows", 0)
    where = f"On {rows} held-out rows" if rows else "On all rows (too few to hold some out)"
    text = f"{where}: R2 = {number(record['r2'], 6)}, RMSE / std = {number(record['nrmse'])}"
    return f"{text}, RMSE = {number(record['rmse'])} ({record['seconds']:.1f} s, seed {record['seed']})"


def _constants(constants: Sequence[Mapping[str, Any]]) -> Table:
    with_units = any(row["unit"] for row in constants)
    table = Table(
        "constant", *["unit"] * with_units, "standard error", "exact form", box=None, pad_edge=False
    )
    for row in constants:
        value, stderr, symbolic = row["value"], row["stderr"], row["symbolic"]
        unit = [Text(row["unit"] or "?")] if with_units else []
        error = "exact" if symbolic is not None and not stderr else number(stderr, 2)
        table.add_row(f"{value:.10g}", *unit, error, symbolic or "")
    return table


def _groups(record: Mapping[str, Any]) -> Table:
    """The constants that differ between the groups, with their standard errors."""
    names = [constant["name"] for constant in record["groups"][0]["constants"]]
    table = Table(box=None, pad_edge=False)
    for header in (record["group"], *(f"{name} ± standard error" for name in names), "RMSE / std", "rows"):
        table.add_column(Text(header))
    for row in record["groups"]:
        values = [f"{c['value']:.6g} ± {number(c['stderr'], 2)}" for c in row["constants"]]
        table.add_row(Text(row["group"]), *values, number(row["nrmse"]), str(row["rows"]))
    return table


def _derivations(record: Mapping[str, Any]) -> Table:
    """One row a step, the formula beside its first."""
    from kansci.export import shorten

    table = Table("formula", "how it was found", box=None, pad_edge=False)
    for row in record["front"]:
        formula = Text(shorten(row["formula"]), overflow="fold")
        table.add_row(formula, Text("\n".join(row["derivation"]), overflow="fold"))
    return table


def _front(record: Mapping[str, Any]) -> Table:
    from kansci.export import shorten

    table = Table("", "complexity", "RMSE / std", "R2", "formula", box=None, pad_edge=False)
    with_units = any(row.get("dimensions") for row in record["front"])
    if with_units:
        table.add_column("units")
    for row in record["front"]:
        chosen = row["formula"] == record["formula"]
        units = Text(row["dimensions"] or "", overflow="fold", style=_mark(row["dimensions"])[1])
        table.add_row(
            "*" if chosen else "",
            str(row["complexity"]),
            number(row["nrmse"]),
            number(row["r2"], 6),
            Text(shorten(row["formula"]), overflow="fold"),
            *([units] if with_units else []),
            style="bold" if chosen else None,
        )
    return table
