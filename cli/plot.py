"""``kansci plot``: the figures of a run, the animation of a solution."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .answers import network_answer
from .options import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kansci.storage import Run

__all__ = ["plot"]


def plot(
    run: RunFolder,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the figures; RUN/plots by default.")
    ] = None,
    suffix: Annotated[str, typer.Option("--format", help="pdf, svg or png.")] = "pdf",
    what: Annotated[
        str,
        typer.Option(
            help="Of a solved equation: solution, error, residual, comparison, convergence or estimates."
        ),
    ] = "all",
    animate: Annotated[
        Path | None,
        typer.Option(metavar="FILE.gif", help="Write a solution that moves in time as an animation."),
    ] = None,
) -> None:
    """Draw the fit with its residuals, the front, the network; a solved or found equation; a signal."""
    from kansci.errors import SettingsError
    from kansci.plots import save_figure
    from kansci.storage import open_run

    opened = open_run(run)
    folder = run / "plots" if out is None else out
    if suffix not in {"pdf", "svg", "png"}:
        raise SettingsError(f"--format {suffix}: choose pdf, svg or png")
    solved = opened.config["command"] == "solve"
    if animate is not None or (what != "all" and not solved):
        _check_solved(run, solved)
    if animate is not None:
        _animate(run, animate)
        return
    figures = _solution(run, what) if solved else _figures(opened)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"cannot make the folder {folder}: {error.strerror or error}") from error
    for name, figure in figures.items():
        file = folder / f"{name}.{suffix}"
        save_figure(figure, file)
        typer.echo(str(file))


def _check_solved(run: Path, solved: bool) -> None:
    from kansci.errors import SettingsError

    if not solved:
        raise SettingsError(f"{run} holds no solution of an equation: --what and --animate need one")


def _animate(run: Path, file: Path) -> None:
    from kansci.plots import animate
    from kansci.solution.store import open_solution

    animate(open_solution(run), file)
    typer.echo(str(file))


def _solution(run: Path, what: str) -> dict[str, "Figure"]:
    from kansci.plots import plot_solution
    from kansci.solution.store import open_solution

    return {"overview" if what == "all" else what: plot_solution(open_solution(run), what)}


def _figures(run: "Run") -> dict[str, "Figure"]:
    """What the run has the data for: at least the fit."""
    from kansci.plots import equation_figure, fit_figure, kan_figure, pareto_figure, plot_representation

    if run.config["command"] == "represent":
        from kansci.representation.store import open_representation

        return {"overview": plot_representation(open_representation(run.path))}
    if run.config["command"] == "discover-pde":
        from kansci.pde_discovery.store import open_equation

        return {"equation": equation_figure(open_equation(run.path))}
    dataset = run.dataset()
    figures = {}
    groups = run.group_formulas() if run.has("formula.json") else None
    if groups is not None:
        from .grouped import coded_predictor

        result = run.result()
        figures["fit"] = fit_figure(dataset, coded_predictor(*groups, dataset), f"${result['latex']}$")
        figures["front"] = pareto_figure(result["front"], result["formula"])
    elif run.has("formula.json"):
        formula, result = run.formula(), run.result()
        select = dataset.select(formula.inputs)
        figures["fit"] = fit_figure(select, formula.predict, f"${formula.latex(4)}$")
        figures["front"] = pareto_figure(result["front"], result["formula"])
    if run.has("model.safetensors"):
        model = run.model()
        n_out, target = model.width[-1], dataset.target
        outputs = [target] if n_out == 1 else [f"{target}={number}" for number in range(n_out)]
        figures["network"] = kan_figure(model, dataset.X, dataset.inputs, outputs)
        if "fit" not in figures:
            figures["fit"] = fit_figure(dataset, network_answer(run))
    return figures
