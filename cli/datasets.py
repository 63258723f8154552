"""``kansci datasets``: the built-in tables."""

from typing import Annotated

import typer

from .options import OutFile, write_text

__all__ = ["app"]

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]

app = typer.Typer(help="List, show or write the built-in tables.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def default(ctx: typer.Context) -> None:
    """List, show or write the built-in tables."""
    if ctx.invoked_subcommand is None:
        list_tables()


@app.command("list")
def list_tables() -> None:
    """Names, targets and titles."""
    import kansci_datasets

    from .views import show_rows

    entries = [kansci_datasets.info(name) for name in kansci_datasets.names()]
    rows = [(entry.name, f"{entry.target} ({', '.join(entry.inputs)})", entry.title) for entry in entries]
    show_rows("", ("name", "target (inputs)", "what"), rows)


@app.command("show")
def show(name: Name) -> None:
    """Source, columns and accepted law of a table."""
    import kansci_datasets

    entry, dataset = kansci_datasets.info(name), kansci_datasets.load(name)
    columns = [f"{column} ({entry.units[column]})" if entry.units.get(column) else column
               for column in (*dataset.inputs, dataset.target)]  # fmt: skip
    lines = [
        entry.title,
        "",
        f"rows     {len(dataset)}",
        f"columns  {', '.join(columns)}",
        f"target   {entry.target}",
    ]
    lines += [f"law      {entry.equation}"] if entry.law else []
    lines += [f"source   {entry.source}"]
    lines += [f"note     {entry.note}"] if entry.note else []
    typer.echo("\n".join(lines))


@app.command("write")
def write(name: Name, out: OutFile = None) -> None:
    """Write a table as CSV, to NAME.csv in the current folder, or to --out (- for stdout)."""
    from pathlib import Path

    import kansci_datasets

    text = kansci_datasets.path(name).read_text(encoding="utf-8")
    if str(out) == "-":
        write_text(text, None)
        return
    file = Path(f"{name}.csv") if out is None else out
    write_text(text, file)
    typer.echo(str(file), err=True)
