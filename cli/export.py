"""``kansci export``: the formula of a run in another language."""

from typing import Annotated

import typer

from .options import OutFile, RunFolder, write_text

__all__ = ["export"]


def export(
    run: RunFolder,
    to: Annotated[str, typer.Option("--to", help="latex, sympy, python, c or json.", show_default=False)],
    digits: Annotated[
        int | None, typer.Option("--digits", help="Significant digits; all by default.")
    ] = None,
    out: OutFile = None,
) -> None:
    """Write the formula as LaTeX, sympy, Python, C or JSON."""
    from kansci.export import export as render
    from kansci.storage import open_run

    write_text(render(open_run(run).formula(), to, digits), out)
