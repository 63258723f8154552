"""The ``kansci`` command: its subcommands, and what becomes of errors.

Exit codes: 0 done; 2 the user's input is at fault (one line on stderr); 1 a bug (traceback);
130 interrupted.
"""

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from . import (
    bench,
    compare,
    compress,
    datasets,
    decode,
    discover,
    discover_pde,
    export,
    fit,
    plot,
    predict,
    represent,
    simplify,
    solve,
    trust,
)
from .options import INTERRUPTED, fail

__all__ = ["app", "main"]


class Group(TyperGroup):
    """Turns an error of the user's input into one line and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            fail("interrupted", INTERRUPTED)
        except ValueError as error:
            # KansciError is a ValueError; it is imported only when something went wrong.
            from kansci.errors import KansciError

            if isinstance(error, KansciError):
                fail(str(error), 2)
            raise


# Help without colours starts three times faster.
app = typer.Typer(
    cls=Group,
    help="From a table of measurements to a published formula.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"kansci {version('kansci')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """From a table of measurements to a published formula."""


app.command("discover")(discover.discover)
app.command("discover-pde")(discover_pde.discover_pde)
app.command("fit")(fit.fit)
app.command("simplify")(simplify.simplify)
app.command("solve")(solve.solve)
app.command("represent")(represent.represent)
app.command("compress")(compress.compress)
app.command("decode")(decode.decode)
app.command("compare")(compare.compare)
app.command("trust")(trust.trust)
app.command("export")(export.export)
app.command("predict")(predict.predict)
app.command("plot")(plot.plot)
app.add_typer(datasets.app, name="datasets")
app.command("bench", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(bench.bench)


def main() -> None:
    """Run the command line."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
