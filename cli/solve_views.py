"""What a person sees of a solved differential equation."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .views import number

__all__ = ["describe", "show_solution"]


def describe(event: Any) -> str:
    """One line about the state of solving."""
    parts = [f"{event.seconds:.0f} s  {event.stage}"]
    if event.parameters:
        parts.append(f"{event.parameters} parameters")
    if math.isfinite(event.residual):
        parts.append(f"residual {event.residual:.1e}")
    if math.isfinite(event.change):
        parts.append(f"change {event.change:.1e}")
    return "  |  ".join(parts)


def show_solution(solution: Any, run: Path | None) -> None:
    """The equations, the closed form, how good it all is, constants, notes and where it is kept."""
    console, record = Console(), solution.to_json()
    console.print(_panel(solution, record))
    console.print(_quality(record))
    if record["constants"]:
        console.print()
        console.print(_constants(record["constants"]))
    for line in record["notes"]:
        console.print(Text(line, style="dim"))
    if run is not None:
        uses = [f"kansci solve --resume --out {run}"] if solution.interrupted else []
        uses += [f"kansci plot {run}", f"kansci predict {run} POINTS"]
        uses += [f"kansci export {run} --to latex"] if record["formula"] else []
        console.print(Text(f"\nKept in {run}; next: {', '.join(uses)}"))


def _panel(solution: Any, record: dict[str, Any]) -> Panel:
    lines = [Text(text) for text in record["equations"]]
    lines += [Text(""), *_closed_form(record)]
    title = "best so far" if solution.interrupted else record["title"] or record["problem"]
    return Panel(Group(*lines), title=Text(title), title_align="left", padding=(1, 2))


def _closed_form(record: dict[str, Any]) -> Iterator[Text]:
    found = {name: row for name, row in record["fields"].items() if row["formula"] is not None}
    if not found:
        yield Text("no closed form: the solution is a network", style="dim")
        return
    for name, row in found.items():
        yield Text(f"{name} = {row['formula']}", style="bold")
    for row in found.values():
        yield Text(row["latex"], style="dim")
    yield Text("")
    yield Text(record["proof"], style="bold green" if record["proved"] else "yellow")


def _quality(record: dict[str, Any]) -> Table:
    """Rows of what is known of the error, the classical solver beside the networks."""
    table = Table(box=None, show_header=False, pad_edge=False)
    rows = [
        ("method", f"{record['method']}, {record['parameters']} parameters, {record['seconds']:.2f} s"),
        ("relative residual", number(record["residual"], 2)),
    ]
    if record["change"] is not None and math.isfinite(record["change"]):
        rows.append(("change from the coarser solution", number(record["change"], 2)))
    if record["reference"] is not None:
        against = "the exact solution" if record["reference"] == "exact" else record["reference"]
        for name, row in record["fields"].items():
            if row["rel_l2"] is not None:
                rows.append((f"error of {name} against {against}", _error(row)))
    if record["reference_method"] is not None:
        text = f"{record['reference_method']}: {record['reference_seconds']:.2f} s, largest error "
        rows.append(("classical solver", text + number(_finite(record["reference_error"]), 2)))
    if record["bound"] is not None:
        rows.append(("largest error is at most", f"{number(record['bound'], 2)} ({record['bound_how']})"))
    rows.append(("in all", f"{record['total_seconds']:.1f} s, seed {record['seed']}"))
    for name, value in rows:
        table.add_row(Text(name), Text(value))
    return table


def _error(row: dict[str, Any]) -> str:
    return f"relative L2 {number(row['rel_l2'], 2)}, RMSE {number(row['rmse'], 2)}"


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _constants(constants: list[dict[str, Any]]) -> Table:
    table = Table("constant", "value", "standard error", "95 % interval", "true", box=None, pad_edge=False)
    for row in constants:
        low, high = row["interval"]
        known = math.isfinite(row["stderr"])
        table.add_row(
            Text(row["name"]),
            f"{row['value']:.8g}",
            number(_finite(row["stderr"]), 2),
            f"{low:.6g} to {high:.6g}" if known else "-",
            number(row["exact"], 8),
        )
    return table
