"""``kansci fit``: a table becomes a trained KAN."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import INTERRUPTED, Data, Inputs, Seed, Target, Units

if TYPE_CHECKING:
    from kansci.fit_network import FitSettings
    from kansci.models import KAN

__all__ = ["fit"]


def fit(
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.", show_default=False)],
    target: Target = None,
    inputs: Inputs = None,
    units: Units = None,
    width: Annotated[
        str | None, typer.Option("--width", help="Nodes on each level, for example 2,5,1; chosen by default.")
    ] = None,
    basis: Annotated[
        str,
        typer.Option(
            "--basis",
            help="Functions on the edges: bspline, hat, chebyshev, fourier, rbf, rational or sine; "
            "one for each layer separated by commas.",
        ),
    ] = "bspline",
    grid: Annotated[int, typer.Option("--grid", help="Intervals of each edge's grid.")] = 5,
    k: Annotated[int, typer.Option("--k", help="Degree of the splines.")] = 3,
    lamb: Annotated[float, typer.Option("--lamb", help="Sparsity penalty; 0 keeps every edge.")] = 3e-2,
    seed: Seed = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
) -> None:
    """Train a KAN: many starts, sparsity, pruning, a finer grid."""
    from dataclasses import asdict

    from kansci.fit_network import FitSettings
    from kansci.storage import check_free, create_run

    from .tables import load_dataset
    from .views import note

    settings = FitSettings(_width(width), basis=_basis(basis), grid=grid, k=k, seed=seed, lamb=lamb)
    check_free(out)
    dataset = load_dataset(data, target, inputs, units)
    for line in dataset.notes:
        note(line)
    start = _checkpoint(out, dataset, settings) if resume else None
    if start is None:
        create_run(out, "fit", asdict(settings), dataset)
    _train(out, dataset, settings, start)


def _train(out: Path, dataset: Any, settings: "FitSettings", start: Any) -> None:
    """Run the stages, keeping each; on Ctrl-C the best network so far, if none is kept yet."""
    from kansci.fit_network import fit_network
    from kansci.storage import open_run, update_run

    from .views import live_line, note, show_rows

    best: list[Any] = []

    def keep(done: int, model: "KAN", history: list[dict[str, Any]]) -> None:
        update_run(out, model=model, stage=done, history=history)

    try:
        with live_line() as show:

            def step(stage: str, event: Any) -> None:
                best[:] = [event.best]
                error = f"held-out RMSE {event.validation_rmse:.3g}"
                show(f"{stage}: step {event.step}, grid {event.grid}, {error}")

            result = fit_network(dataset, settings, step, keep, start)
    except KeyboardInterrupt:
        if best and not open_run(out).has("model.safetensors"):
            update_run(out, model=best[0](), stage=0)
        note(f"interrupted: {out} holds the best network so far; go on with --resume")
        raise typer.Exit(INTERRUPTED) from None
    model = result.model
    judges = "held-out rows" if result.held_out else "all rows"
    rows = [
        ("width", ", ".join(map(str, model.width))),
        ("edges", str(len(model.edges()))),
        ("grid", str(model.grid)),
        (f"RMSE / std on {judges}", f"{result.nrmse:.3g}"),
        (f"R2 on {judges}", f"{result.r2:.6g}"),
    ]
    show_rows("", ("network", ""), rows)
    typer.echo(f"Kept in {out}; next: kansci simplify {out}, kansci plot {out}")


def _checkpoint(out: Path, dataset: Any, settings: "FitSettings") -> Any:
    """Stages done, network and history of an interrupted run, or None to begin.

    Raises:
        RunError: The run was made with other settings or from another table.
    """
    from dataclasses import asdict

    import numpy as np

    from kansci.errors import RunError
    from kansci.fit_network import STAGES
    from kansci.storage import is_run, json_text, open_run

    if not is_run(out):
        return None
    run = open_run(out)
    if run.config["command"] != "fit" or json_text(run.config["settings"]) != json_text(asdict(settings)):
        raise RunError(f"{out} was made with other settings: leave --resume out to begin anew")
    table = run.dataset()
    same = table.inputs == dataset.inputs and table.target == dataset.target
    if not (same and np.array_equal(table.X, dataset.X) and np.array_equal(table.y, dataset.y)):
        raise RunError(f"{out} was made from another table: leave --resume out to begin anew")
    if not run.has("model.safetensors"):
        return None
    model, done = run.checkpoint()
    if not 1 <= done <= len(STAGES):
        return None
    finished = set(STAGES[:done])
    return done, model, [row for row in run.history() if row.get("stage") in finished]


def _basis(text: str) -> str | tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    return names[0] if len(names) == 1 else names


def _width(text: str | None) -> tuple[int, ...] | None:
    """``2,5,1`` as numbers.

    Raises:
        SettingsError: It is no such list.
    """
    from kansci.errors import SettingsError

    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise SettingsError(
            f"--width {text}: give whole numbers separated by commas, for example 2,5,1"
        ) from None
