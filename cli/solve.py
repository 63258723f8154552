"""``kansci solve``: a differential equation in, its solution out, with errors, a formula and its proof."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .options import Json, OutRun, Seed

__all__ = ["solve"]

Given = Annotated[
    str | None,
    typer.Argument(
        metavar="[NAME|PROBLEM.toml]",
        help="A built-in problem (--list shows them), or a file that states one (see --show).",
        show_default=False,
    ),
]
Model = Annotated[str, typer.Option("--model", help="auto, separable, kan, mlp, siren or fkan.")]
Seconds = Annotated[
    float,
    typer.Option("--seconds", help="Time for the numerical solution; stops earlier when it has converged."),
]
Width = Annotated[
    str | None,
    typer.Option("--width", help="Hidden nodes of a kan, mlp, siren or fkan, such as 24,24.", metavar="N,N"),
]
Basis = Annotated[str, typer.Option("--basis", help="Of a kan: bspline, chebyshev, fourier, ...")]
Grid = Annotated[int, typer.Option("--grid", help="Resolution of the basis of a kan or fkan.")]
Degree = Annotated[int, typer.Option("--k", help="Degree of splines.")]
Optimizer = Annotated[str, typer.Option("--optimizer", help="Of a kan, mlp, siren or fkan; auto chooses.")]
Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "--parameter", "-p", metavar="NAME=VALUE", help="Another value, a number or formula; may be repeated."
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Go on with the solve kept in --out RUN: its problem and settings, --seconds more."
    ),
]
NoFormula = Annotated[bool, typer.Option("--no-formula", help="Do not look for a closed form.")]
NoReference = Annotated[bool, typer.Option("--no-reference", help="Do not run a classical solver beside it.")]
List = Annotated[bool, typer.Option("--list", help="Show the built-in problems.")]
Show = Annotated[bool, typer.Option("--show", help="Print the problem's file, to start your own from.")]


def solve(
    context: typer.Context,
    problem: Given = None,
    model: Model = "auto",
    seconds: Seconds = 60.0,
    seed: Seed = 0,
    width: Width = None,
    basis: Basis = "bspline",
    grid: Grid = 10,
    k: Degree = 5,
    optimizer: Optimizer = "auto",
    parameter: Parameters = None,
    no_formula: NoFormula = False,
    no_reference: NoReference = False,
    out: OutRun = None,
    resume: Resume = False,
    as_json: Json = False,
    show_list: List = False,
    show: Show = False,
) -> None:
    """Solve a differential equation with networks; find its closed form and prove it.

    Ctrl-C stops and gives the best solution so far. With --out RUN that is kept while the solve goes on:
    killed at any moment, or out of time, `kansci solve --resume --out RUN` goes on from there.
    """  # noqa: DOC501  the help of the command
    from kansci.errors import SettingsError

    if show_list:
        _list()
        return
    resumed = _run_to_resume(out, named=problem is not None) if resume else None
    if problem is None and resumed is None:
        raise SettingsError("name a problem, such as `kansci solve poisson`: `kansci solve --list` shows all")
    if show and problem is not None:
        _show(problem)
        return
    from kansci.storage import check_free, json_text

    from .discover import leave_if
    from .solve_views import describe, show_solution
    from .views import live_line, note

    if out is not None:
        check_free(out)
    settings = {
        "model": model,
        "seconds": seconds,
        "seed": seed,
        "width": _width(width),
        "basis": basis,
        "grid": grid,
        "k": k,
        "optimizer": optimizer,
        "parameters": _parameters(parameter),
    }
    if resumed is not None:  # the settings in RUN hold
        settings = {name: value for name, value in settings.items() if _typed(context, name)}
    with live_line() as tell:
        solution = _solved(
            problem,
            resumed,
            out=out,
            closed_form=not no_formula,
            reference=not no_reference,
            on_event=lambda event: tell(describe(event)),
            **settings,
        )
    if as_json:
        for line in solution.notes:
            note(line)
        typer.echo(json_text(solution.to_json()))
    else:
        show_solution(solution, out)
    leave_if(solution.interrupted)


def _run_to_resume(out: Path | None, *, named: bool) -> Path | None:
    """The RUN folder to go on with, or None to begin one."""
    from kansci.errors import SettingsError
    from kansci.storage import is_run

    if out is None:
        raise SettingsError("--resume goes on with a RUN folder: say which by --out RUN")
    if is_run(out):
        return out
    if not named:
        raise SettingsError(f"there is no RUN folder {out} to go on with: name a problem to begin one")
    return None


def _typed(context: typer.Context, name: str) -> bool:
    """Whether the user typed an option."""
    source = context.get_parameter_source("parameter" if name == "parameters" else name)
    return source is not None and source.name == "COMMANDLINE"


def _solved(problem: str | None, resumed: Path | None, *, out: Path | None, **settings: Any) -> Any:
    """Solve the problem, or go on with the run."""
    from kansci.solution.solve import resume_solve, solve

    given = problem if problem is None or problem.endswith(".toml") or "=" not in problem else Path(problem)
    if resumed is not None:
        return resume_solve(resumed, given, **settings)
    assert given is not None
    return solve(given, out=out, **settings)


def _list() -> None:
    from kansci.pde import library
    from kansci.pde.toml_file import read_toml

    from .views import show_rows

    settings = {name: read_toml(library.text(name)) for name in library.names()}
    rows = [(name, str(known.get("title", "")), _equations(known)) for name, known in settings.items()]
    show_rows("Built-in differential equations", ("name", "title", "equation"), rows)


def _equations(settings: dict[str, Any]) -> str:
    return "; ".join([settings["equation"]] if "equation" in settings else settings["equations"])


def _show(problem: str) -> None:
    from kansci.pde import library
    from kansci.pde.toml_file import read_problem

    file = Path(problem)
    if file.is_file():
        read_problem(file)  # its errors, if it has any
        typer.echo(file.read_text(encoding="utf-8-sig"), nl=False)
    else:
        typer.echo(library.text(problem), nl=False)


def _width(text: str | None) -> list[int] | None:
    from kansci.errors import SettingsError

    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise SettingsError(f"--width {text}: give numbers of hidden nodes, such as 24,24") from None


def _parameters(texts: list[str] | None) -> dict[str, str]:
    from kansci.errors import SettingsError

    given = {}
    for text in texts or []:
        name, equals, value = text.partition("=")
        if not (equals and name.strip() and value.strip()):
            raise SettingsError(f"--parameter {text}: write NAME=VALUE, such as nu=0.02")
        given[name.strip()] = value.strip()
    return given
