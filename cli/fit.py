"""``kansci fit``: a table becomes a trained KAN."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import INTERRUPTED, Data, Inputs, InputSigma, Json, Seed, Sigma, Target, Units

if TYPE_CHECKING:
    from kansci.data import Dataset
    from kansci.fit_network import FitSettings, NetworkFit
    from kansci.training.checkpoint import Checkpoint, Snapshot

__all__ = ["fit"]


def fit(
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.", show_default=False)],
    target: Target = None,
    inputs: Inputs = None,
    units: Units = None,
    sigma: Sigma = None,
    input_sigma: InputSigma = None,
    width: Annotated[
        str | None,
        typer.Option(
            "--width",
            help="Nodes on each level, for example 2,5,1, or 2,[3,2],1 with 3 sums and 2 products; chosen "
            "by default.",
        ),
    ] = None,
    basis: Annotated[
        str,
        typer.Option(
            "--basis",
            help="Functions on the edges: bspline, hat, chebyshev, fourier, rbf, rational or sine; "
            "one for each layer separated by commas.",
        ),
    ] = "bspline",
    grid: Annotated[
        str,
        typer.Option(
            "--grid",
            help="Intervals of each edge's grid; several from coarse to fine separated by commas; auto "
            "refines as long as the held-out error falls.",
        ),
    ] = "auto",
    k: Annotated[int, typer.Option("--k", help="Degree of the splines.")] = 3,
    loss: Annotated[
        str, typer.Option("--loss", help="least_squares, huber, logistic, softmax or poisson.")
    ] = "least_squares",
    opt: Annotated[
        str, typer.Option("--opt", help="LM, LBFGS, SSBroyden or Adam; auto chooses by size.")
    ] = "auto",
    restarts: Annotated[int, typer.Option("--restarts", help="Random starts.")] = 18,
    steps: Annotated[int, typer.Option("--steps", help="Steps on each grid.")] = 60,
    lamb: Annotated[float, typer.Option("--lamb", help="Sparsity penalty; 0 keeps every edge.")] = 3e-2,
    grid_eps: Annotated[
        float,
        typer.Option(
            "--grid-eps",
            help="Where rows are unevenly spread, knots at their quantiles are tried too: 0 exactly there, "
            "towards 1 equally spaced, 1 never.",
        ),
    ] = 0.02,
    seed: Seed = 0,
    seconds: Annotated[
        float | None, typer.Option("--seconds", help="Time to train; --resume goes on from there.")
    ] = None,
    keep_every: Annotated[
        float, typer.Option("--keep-every", help="Seconds between checkpoints, beside those after stages.")
    ] = 30.0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    as_json: Json = False,
) -> None:
    """Train a KAN: many starts, sparsity, pruning, finer grids.

    Ctrl-C stops it and leaves the best network so far in the folder.
    """
    from dataclasses import asdict

    from kansci.fit_network import FitSettings
    from kansci.storage import check_free, create_run

    from .tables import load_dataset
    from .views import note

    settings = FitSettings(
        width=_width(width),
        basis=_basis(basis),
        grid=_grid(grid),
        k=k,
        loss=loss,
        opt=opt,
        restarts=restarts,
        steps=steps,
        lamb=lamb,
        grid_eps=grid_eps,
        seed=seed,
    )
    settings.train(seconds)
    check_free(out)
    dataset = load_dataset(data, target, inputs, units, sigma, input_sigma)
    for line in dataset.notes:
        note(line)
    start = _taken_up(out, dataset, settings) if resume else None
    if start is None:
        create_run(out, "fit", asdict(settings), dataset)
    begin = time.monotonic()
    if seconds is not None:  # what is trained in that time must not be lost
        keep_every = min(keep_every, seconds / 4)
    result = _train(dataset, settings, seconds, _Keeper(out, keep_every), start)
    record = _record(result, dataset, settings, time.monotonic() - begin)
    _finish(out, result, record, as_json=as_json)


class _Keeper:
    """Keeps checkpoints in the folder of a run, and with each the best network so far."""

    def __init__(self, out: Path, seconds: float):
        """Keep nothing before the first interval is over."""
        self.out, self._seconds, self._kept_at = out, seconds, time.monotonic()
        self._best: Any = None
        self._error = float("inf")

    def step(self, event: Any) -> None:
        """Remember the best network."""
        if event.validation_rmse < self._error:
            self._best, self._error = event.best, event.validation_rmse

    def checkpoint(self, point: "Checkpoint") -> None:
        """Write one, if it is time."""
        from kansci.storage import update_run

        if not point.run_ended and time.monotonic() - self._kept_at < self._seconds:
            return
        best = None if self._best is None else self._best()
        update_run(self.out, model=best, snapshot=point.snapshot())
        self._kept_at = time.monotonic()


def _train(
    dataset: "Dataset",
    settings: "FitSettings",
    seconds: float | None,
    keeper: _Keeper,
    start: "Snapshot | None",
) -> "NetworkFit":
    """Run the stages; on Ctrl-C give the best network so far.

    Raises:
        Exit: Ctrl-C came before there was one.
    """
    from kansci.fit_network import STAGES, fit_network, measured
    from kansci.storage import update_run
    from kansci.training import FitInterrupted

    from .progress import fit_progress
    from .views import note

    out = keeper.out
    try:
        with fit_progress(dataset.X) as show:

            def step(stage: str, event: Any) -> None:
                keeper.step(event)
                show(stage, event)

            result = fit_network(
                dataset, settings, step, seconds=seconds, on_checkpoint=keeper.checkpoint, resume=start
            )
    except FitInterrupted as interrupt:
        result = measured(interrupt.trained, dataset, settings)
        update_run(out, model=result.model)
        note(f"interrupted: {out} holds the best network so far; go on with --resume")
        return result
    except KeyboardInterrupt:
        note("interrupted before there was a network")
        raise typer.Exit(INTERRUPTED) from None
    update_run(out, model=result.model, stage=0 if result.stopped else len(STAGES), history=result.history)
    return result


def _record(
    result: "NetworkFit", dataset: "Dataset", settings: "FitSettings", seconds: float
) -> dict[str, Any]:
    """What ``--json`` prints."""
    from importlib.metadata import version

    model = result.model
    return {
        "target": dataset.target,
        "inputs": list(dataset.inputs),
        "width": model.structure,
        "edges": len(model.edges()),
        "grid": model.grid,
        "parameters": model.n_parameters,
        "loss_name": settings.loss,
        "loss": result.loss,
        "rmse": result.rmse,
        "nrmse": result.nrmse,
        "r2": result.r2,
        "held_out": result.held_out,
        "steps": len(result.history),
        "complete": not result.stopped,
        "interrupted": result.interrupted,
        "seconds": seconds,
        "seed": settings.seed,
        "version": version("kansci"),
    }


def _finish(out: Path, result: "NetworkFit", record: dict[str, Any], *, as_json: bool) -> None:
    """Show what was trained; leave with 130 if it was interrupted.

    Raises:
        Exit: It was interrupted.
    """
    from kansci.storage import json_text

    from .views import note, show_rows

    if as_json:
        typer.echo(json_text({**record, "run": str(out)}))
    else:
        judges = "held-out rows" if result.held_out else "all rows"
        rows = [
            ("width", ",".join(map(_level, record["width"]))),
            ("edges", str(record["edges"])),
            ("grid", str(record["grid"])),
            (f"RMSE / std on {judges}", f"{result.nrmse:.3g}"),
            (f"R2 on {judges}", f"{result.r2:.6g}"),
        ]
        show_rows("", ("network", ""), rows)
        typer.echo(f"Kept in {out}; next: kansci simplify {out}, kansci plot {out}")
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)
    if result.stopped:
        note("the time was up: go on with --resume")


def _taken_up(out: Path, dataset: "Dataset", settings: "FitSettings") -> "Snapshot | None":
    """Where an interrupted run stood, or None to begin.

    Raises:
        RunError: The run was made with other settings or from another table.
    """
    from dataclasses import asdict

    import numpy as np

    from kansci.errors import RunError
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
    return run.snapshot()


def _basis(text: str) -> str | tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    return names[0] if len(names) == 1 else names


def _grid(text: str) -> Any:
    """``5``, ``5,10,20`` or ``auto``.

    Raises:
        SettingsError: It is none of them.
    """
    from kansci.errors import SettingsError

    if text == "auto":
        return text
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise SettingsError(f"--grid {text}: give a whole number, several like 5,10,20, or auto") from None
    return sizes[0] if len(sizes) == 1 else sizes


def _width(text: str | None) -> tuple[int | tuple[int, int], ...] | None:
    """``2,5,1`` or ``2,[3,2],1`` as numbers.

    Raises:
        SettingsError: It is no such list.
    """
    import json

    from kansci.errors import SettingsError

    if text is None:
        return None
    try:
        levels = json.loads(f"[{text}]")
    except ValueError:
        levels = []
    right = [_is_number(level) or _is_pair(level) for level in levels]
    if not right or not all(right):
        raise SettingsError(
            f"--width {text}: give whole numbers separated by commas, for example 2,5,1 or 2,[3,2],1"
        )
    return tuple(tuple(level) if isinstance(level, list) else level for level in levels)


def _level(structure: tuple[int, int]) -> str:
    """Sums and products of a level as ``--width`` takes them."""
    sums, products = structure
    return f"[{sums},{products}]" if products else str(sums)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(_is_number(n) for n in value)
