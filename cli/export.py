"""``kansci export``: the formula or the network of a run in another language."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import OutFile, RunFolder, write_text

if TYPE_CHECKING:
    from kansci.storage import Run

__all__ = ["export"]


def export(
    run: RunFolder,
    to: Annotated[
        str, typer.Option("--to", help="latex, sympy, python, c, json, or onnx.", show_default=False)
    ],
    digits: Annotated[
        int | None, typer.Option("--digits", help="Significant digits; all by default.")
    ] = None,
    siunitx: Annotated[
        bool, typer.Option("--siunitx", help="LaTeX with units and errors, for siunitx version 3.")
    ] = False,
    network: Annotated[
        bool, typer.Option("--network", help="The network (python, c, onnx) even if there is a formula.")
    ] = False,
    out: OutFile = None,
) -> None:
    """Write the formula as LaTeX, sympy, Python, C, JSON or ONNX.

    A run without a formula gives its network, as Python, C or ONNX.
    """
    from kansci.export import export as render
    from kansci.export_network import NETWORK_TARGETS
    from kansci.storage import open_run

    opened = open_run(run)
    no_formula = opened.has("model.safetensors") and not opened.has("formula.json")
    if network or (no_formula and to in NETWORK_TARGETS):
        _refuse(digits, siunitx=siunitx)
        _write(_network(opened, to), out)
    elif to == "onnx":
        from kansci.network_source.onnx_symbolic import formula_onnx

        _refuse(digits, siunitx=siunitx)
        _write(formula_onnx(opened.formula()), out)
    elif opened.config["command"] == "solve":
        _write(_fields(opened, to, digits), out)
    elif opened.config["command"] == "discover-pde":
        _write(_equations(opened, to, digits), out)
    else:
        units = {column["name"]: column["unit"] for column in opened.config["columns"]}
        _write(render(opened.formula(), to, digits, siunitx=siunitx, units=units), out)


def _fields(run: "Run", to: str, digits: int | None) -> str:
    """The closed form of every field of a solved differential equation, one after the other."""
    import json

    from kansci.errors import RunError
    from kansci.export import export as render
    from kansci.solution.store import open_solution

    solution = open_solution(run.path)
    if solution.formulas is None:
        raise RunError(f"{run.path} holds no closed form: use `kansci predict {run.path} POINTS`")
    texts = [render(solution.formula(name), to, digits) for name in solution.formulas]
    if to == "json" and len(texts) > 1:
        return json.dumps([json.loads(text) for text in texts], indent=2, ensure_ascii=False) + "\n"
    return "".join(texts)


def _equations(run: "Run", to: str, digits: int | None) -> str:
    """Differential equations that were found."""
    from kansci.errors import SettingsError
    from kansci.pde_discovery.store import open_equation
    from kansci.storage import json_text

    found = open_equation(run.path)
    if to == "latex":
        return f"{found.latex() if digits is None else found.latex(digits)}\n"
    if to == "json" and digits is None:
        return f"{json_text(found.to_json())}\n"
    raise SettingsError(
        f"--to {to}: differential equations are written as latex or, with all digits, as json"
    )


def _refuse(digits: int | None, *, siunitx: bool) -> None:
    from kansci.errors import SettingsError

    if siunitx or digits is not None:
        raise SettingsError("--digits and --siunitx are for formulas as text: leave them out here")


def _network(run: "Run", to: str) -> str | bytes:
    from kansci.export_network import export_network

    loss = run.config["settings"].get("loss", "least_squares")
    return export_network(run.model(), run.config["inputs"], run.config["target"], to, loss)


def _write(content: str | bytes, file: Path | None) -> None:
    """Write text, or bytes to a file or to a stdout that is no terminal."""
    from kansci.errors import SettingsError

    if isinstance(content, str):
        write_text(content, file)
        return
    if file is None and sys.stdout.isatty():
        raise SettingsError("ONNX is binary: name a file with --out")
    if file is None:
        typer.echo(content, nl=False)
        return
    try:
        file.write_bytes(content)
    except OSError as error:
        raise SettingsError(f"cannot write {file}: {error.strerror or error}") from error
