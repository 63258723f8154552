"""``kansci bench``: measurements, which live in a checkout and not in the installed package."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["bench"]


def bench(
    ctx: typer.Context,
    suite: Annotated[str, typer.Argument(metavar="SUITE", help="For example feynman.", show_default=False)],
) -> None:
    """Run a benchmark suite; everything after SUITE goes to it.

    Raises:
        Exit: With the exit code of the suite.
        SettingsError: There is no such suite, or no checkout.
    """
    from kansci.errors import SettingsError

    folder = Path(__file__).resolve().parents[1] / "benchmarks"
    suites = sorted(file.stem for file in folder.glob("[!_]*.py"))
    if not suites:
        raise SettingsError(
            "benchmarks are not part of the installed package: run this in a checkout of kansci"
        )
    if suite not in suites:
        raise SettingsError(f"there is no benchmark suite '{suite}': choose one of {', '.join(suites)}")
    command = [sys.executable, str(folder / f"{suite}.py"), *ctx.args]
    raise typer.Exit(subprocess.run(command, check=False).returncode)
