"""Options that several commands share, and the way out for errors."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

__all__ = [
    "INTERRUPTED",
    "Data",
    "Explain",
    "GroupColumn",
    "InputSigma",
    "Inputs",
    "Jobs",
    "Json",
    "OutFile",
    "OutRun",
    "RunFolder",
    "Seconds",
    "Seed",
    "Sigma",
    "Target",
    "Targets",
    "Units",
    "fail",
    "write_text",
]

INTERRUPTED = 130

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="CSV, TSV, Parquet, .npz or .xlsx file, - for stdin, or the name of a built-in table.",
        show_default=False,
    ),
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.", show_default=False)]
Target = Annotated[
    str | None, typer.Option("--target", "-t", help="Column to explain (built-in tables know theirs).")
]
Targets = Annotated[
    str | None,
    typer.Option(
        "--target",
        "-t",
        help="Column to explain (built-in tables know theirs); several, separated by commas, get a law each, "
        "and what these share is shown.",
    ),
]
GroupColumn = Annotated[
    str | None,
    typer.Option(
        "--group",
        "-g",
        metavar="COLUMN",
        help="Column of text or whole numbers: one law for all its groups, with constants of their own where "
        "the data need them.",
    ),
]
Inputs = Annotated[
    str | None,
    typer.Option("--inputs", help="Columns to explain it by, separated by commas; all by default."),
]
Units = Annotated[
    Path | None, typer.Option("--units", help="JSON object or two-column CSV: column name and unit.")
]
Sigma = Annotated[
    str | None,
    typer.Option(
        "--sigma", metavar="COLUMN", help="Column with the standard deviation of each target value."
    ),
]
InputSigma = Annotated[
    list[str] | None,
    typer.Option(
        "--input-sigma",
        metavar="INPUT=COLUMN",
        help="Column with the standard deviation of each value of an input; repeat it for every such input. "
        "The search takes inputs as exact, fits to a given form do not.",
    ),
]
Seconds = Annotated[float, typer.Option("--seconds", help="Time to search; stops earlier when exact.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same result.")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", help="Processes to use.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, everything else on stderr.")]
Explain = Annotated[bool, typer.Option("--explain", help="How each formula of the front was found.")]
OutRun = Annotated[Path | None, typer.Option("--out", "-o", help="Folder to keep the run in.")]
OutFile = Annotated[Path | None, typer.Option("--out", "-o", help="File to write instead of stdout.")]


def fail(message: str, code: int) -> NoReturn:
    """Say in one line what is wrong, and leave."""
    line = " ".join(message.split())
    typer.echo(line if code == INTERRUPTED else f"error: {line}", err=True)
    sys.exit(code)


def write_text(text: str, file: Path | None) -> None:
    """Write to a file, or to stdout.

    Args:
        text: What to write.
        file: Where to, or None for stdout.

    Raises:
        SettingsError: The file cannot be written.
    """
    if file is None:
        typer.echo(text, nl=False)
        return
    from kansci.errors import SettingsError

    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"cannot write {file}: {error.strerror or error}") from error
