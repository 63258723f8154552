"""``kansci discover-pde``: measured fields in, differential equation out."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .discover import leave_if
from .options import Json, OutRun, Seed

__all__ = ["discover_pde"]

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="Table with one row a point (CSV, TSV, Parquet, .npz or .xlsx file, - for stdin), or an .npz "
        "file with the arrays x, t and u of shape (len(x), len(t)).",
        show_default=False,
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        "--target", "-t", help="Fields, separated by commas; all columns but the coordinates by default."
    ),
]
Coordinates = Annotated[
    str | None,
    typer.Option("--coordinates", help="Columns of space and time, separated by commas, such as x,t."),
]
Time = Annotated[
    str | None,
    typer.Option("--time", metavar="COLUMN", help="Which of them is time, unless called t or time."),
]
TimeOrder = Annotated[
    int | None,
    typer.Option("--time-order", help="1 for u_t = ..., 2 for u_tt = ...; both are tried by default."),
]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE", help="Draw held-out data and coefficients, *.pdf, .svg or .png."),
]
Seconds = Annotated[float, typer.Option("--seconds", help="Time to search; stops earlier when done.")]


def discover_pde(
    data: Data,
    target: Target = None,
    coordinates: Coordinates = None,
    time: Time = None,
    time_order: TimeOrder = None,
    seconds: Seconds = 120.0,
    seed: Seed = 0,
    out: OutRun = None,
    plot: Plot = None,
    as_json: Json = False,
) -> None:
    """Find the differential equation behind measured fields.

    Grids and scattered points of partial differential equations, time series of systems of ordinary ones.
    Ctrl-C stops the search and gives the best equation so far.
    """
    from kansci.data.read import named
    from kansci.pde_discovery import Measurements, Settings, discover_equation, read_fields
    from kansci.pde_discovery.store import save_equation
    from kansci.storage import check_free, json_text

    from .tables import source
    from .views import live_line, note

    _check_drawable(plot)
    settings = Settings(seconds=seconds, seed=seed, time_order=time_order)
    if out is not None:
        check_free(out)
    where = source(data)
    frame = read_fields(where)
    with named(where):
        measured = Measurements.from_frame(frame, _listed(target), _listed(coordinates), time)
    for line in measured.notes:
        note(line)
    with live_line() as show:
        found = discover_equation(measured, settings, lambda event: show(_line(event)))
    record = found.to_json()
    if out is not None:
        save_equation(found, settings, out)
    if plot is not None:
        from kansci.plots import equation_figure, save_figure

        save_figure(equation_figure(found), plot)
    if as_json:
        typer.echo(json_text(record))
    else:
        _show(found, record, out)
    leave_if(found.interrupted)


def _check_drawable(plot: Path | None) -> None:
    """Before the search, which takes long."""
    from kansci.errors import SettingsError

    if plot is not None and plot.suffix.lower() not in {".pdf", ".svg", ".png"}:
        raise SettingsError(f"cannot draw {plot.name}: name it *.pdf, *.svg or *.png")


def _listed(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _line(event: Any) -> str:
    best = f"  |  best: {event.best}" if event.best else ""
    return f"{event.seconds:.0f} s  {event.stage}{best}"


def _show(found: Any, record: dict[str, Any], out: Path | None) -> None:
    """The equations, their terms, and how well they predict."""
    from rich.console import Console, Group
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    from .views import number

    console = Console()
    title = "best so far" if found.interrupted else "equations" if len(found.equations) > 1 else "equation"
    lines = [Text(str(equation), style="bold") for equation in found.equations]
    latex = Text(found.latex(), style="dim")
    console.print(Panel(Group(*lines, Text(""), latex), title=title, title_align="left", padding=(1, 2)))
    table = Table("", "term", "coefficient", "standard error", "chosen again", box=None, pad_edge=False)
    for row in record["equations"]:
        for index, term in enumerate(row["terms"]):
            table.add_row(
                Text("" if index else row["left"]),
                Text(term["term"]),
                f"{term['coefficient']:.6g}",
                number(term["stderr"], 2),
                f"{100 * term['stability']:.0f} %",
            )
    console.print(table)
    console.print()
    for line in (*_quality(record), *record["notes"]):
        console.print(Text(line))
    if out is not None:
        console.print(Text(f"Kept in {out}; next: kansci plot {out}"))


def _quality(record: dict[str, Any]) -> list[str]:
    noise = ", ".join(f"{name} {100 * value:.2g} %" for name, value in record["noise"].items())
    lines = [f"Noise (share of the standard deviation): {noise}"]
    if record["heldout_rel_l2"] is not None:
        lines.append(
            f"Solved forward on held-out times: relative L2 error {record['heldout_rel_l2']:.3g}, of which "
            f"noise {record['heldout_noise']:.3g}"
        )
    elif record["heldout_noise"] is not None:
        lines.append("Solved forward on held-out times: the solution does not exist that long")
    return [*lines, f"{record['rows']} rows, {record['seconds']:.1f} s, seed {record['seed']}"]
