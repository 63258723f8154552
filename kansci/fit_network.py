"""The whole way from a table to a small, accurate KAN, in stages that can be resumed.

    start     many random starts on a coarse grid, the best by validation
    sparsify  the best one again under a group penalty that pushes idle edges to zero
    prune     idle nodes and edges go; the rest is trained without the penalty
    refine    a finer grid, kept only if the held-out error falls

Each stage needs nothing but the network that the one before left, the data and the settings, so a run
that is taken up after any stage ends with the same network as one that was never interrupted.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kansci import metrics
from kansci.basis import basis_names
from kansci.data import Dataset
from kansci.errors import SettingsError
from kansci.models import KAN
from kansci.models.surgery import drop_dead_nodes
from kansci.training import StepEvent, Trained, TrainSettings, fit_population, train_population

__all__ = ["STAGES", "FitSettings", "NetworkFit", "fit_network"]

STAGES = ("start", "sparsify", "prune", "refine")
FEWEST_TO_HOLD_OUT = 20
WORSE = 1.25
"""A smaller network may have this many times the held-out error of the larger one."""

OnStep = Callable[[str, StepEvent], None]
OnStage = Callable[[int, KAN, list[dict[str, Any]]], None]


@dataclass(frozen=True)
class FitSettings:
    """Options of `fit_network`.

    Attributes:
        width: nodes on each level; None takes (1, 1) for one input and (I, 5, 1) for more.
        basis: family of functions on the edges, or one for each layer.
        grid: intervals of the edges' grid.
        k: degree of the splines.
        base_fun: base function of every edge.
        seed: of the starts and of the held-out rows.
        restarts: random starts.
        steps: Levenberg-Marquardt steps on each grid.
        lamb: weight of the sparsity penalty; 0 leaves sparsifying and pruning out.
    """

    width: tuple[int, ...] | None = None
    basis: str | tuple[str, ...] = "bspline"
    grid: int = 5
    k: int = 3
    base_fun: str = "silu"
    seed: int = 0
    restarts: int = 6
    steps: int = 50
    lamb: float = 3e-2

    def __post_init__(self) -> None:
        """Check what can be checked without data.

        Raises:
            SettingsError: There is no such basis.
        """
        for name in (self.basis,) if isinstance(self.basis, str) else self.basis:
            if name not in basis_names():
                raise SettingsError(f"basis={name!r}: choose among {', '.join(basis_names())}")
        self.train(lamb=self.lamb)

    def train(self, *, lamb: float = 0.0, grids: tuple[int, ...] = ()) -> TrainSettings:
        """The same as settings of one training stage."""
        return TrainSettings(
            restarts=self.restarts,
            steps=self.steps,
            grids=grids or (self.grid,),
            k=self.k,
            basis=self.basis,
            base_fun=self.base_fun,
            lamb=lamb,
        )


@dataclass(frozen=True, eq=False)
class NetworkFit:
    """A trained network.

    ``history`` has one record a step; the errors are on held-out rows, or on the training rows if
    ``held_out`` is false.
    """

    model: KAN
    history: list[dict[str, Any]]
    rmse: float
    nrmse: float
    r2: float
    held_out: bool


def fit_network(
    dataset: Dataset,
    settings: FitSettings | None = None,
    on_step: OnStep | None = None,
    on_stage: OnStage | None = None,
    resume: tuple[int, KAN, list[dict[str, Any]]] | None = None,
) -> NetworkFit:
    """Train, sparsify, prune and refine a KAN.

    Args:
        dataset: N rows; a fifth is held out to judge by if there are 20 or more.
        settings: Options.
        on_step: Called after each step with the name of the stage.
        on_stage: Called after each stage with the number of stages done, the network and the history.
        resume: What ``on_stage`` was last given, to go on from there.

    Returns:
        The network and its errors.

    Raises:
        SettingsError: The width does not fit the data.
    """
    settings = settings or FitSettings()
    width = settings.width or default_width(len(dataset.inputs))
    if len(width) < 2 or width[0] != len(dataset.inputs) or width[-1] != 1:
        shape = f"{len(dataset.inputs)},...,1"
        raise SettingsError(f"width {','.join(map(str, width))} does not fit the data: it must read {shape}")
    train, held_out = _split(dataset, settings.seed)
    done, model, history = resume or (0, None, [])
    history = list(history)
    for number, stage in enumerate(STAGES[done:], done + 1):
        tail: list[dict[str, Any]] = []
        model = _run_stage(stage, model, (train, held_out), settings, width, _recorder(stage, tail, on_step))
        history += tail
        if on_stage is not None:
            on_stage(number, model, history)
    assert model is not None
    predicted = model.predict(held_out.X)[:, 0]
    error = metrics.nrmse(held_out.y, predicted)
    judged = held_out is not train
    return NetworkFit(model, history, metrics.rmse(held_out.y, predicted), error, 1 - error**2, judged)


def default_width(n_inputs: int) -> tuple[int, ...]:
    """One edge is every function of one variable; five hidden nodes are a start for more."""
    return (1, 1) if n_inputs == 1 else (n_inputs, 5, 1)


def _run_stage(
    stage: str,
    model: KAN | None,
    rows: tuple[Dataset, Dataset],
    settings: FitSettings,
    width: tuple[int, ...],
    on_step: Callable[[StepEvent], None],
) -> KAN:
    train, held_out = rows
    validation = (held_out.X, held_out.y)

    def go_on(start: KAN, options: TrainSettings) -> Trained:
        return train_population([start], train.X, train.y, options, on_step, validation)

    if stage == "start" or model is None:
        options = settings.train()
        return fit_population(train.X, train.y, width, options, settings.seed, on_step, validation).model
    if stage == "sparsify":
        return go_on(model, settings.train(lamb=settings.lamb)).model if settings.lamb > 0 else model
    if stage == "prune":
        trained = go_on(model, settings.train())
        if settings.lamb == 0:
            return trained.model
        pruned = go_on(drop_dead_nodes(model.prune(x=train.X)), settings.train())
        good_enough = pruned.validation_rmse[0] <= WORSE * trained.validation_rmse[0]
        return pruned.model if good_enough else trained.model
    finer = go_on(model, settings.train(grids=(2 * settings.grid,)))
    return finer.model if finer.validation_rmse[0] < _rmse(model, held_out) else model


def _rmse(model: KAN, rows: Dataset) -> float:
    return metrics.rmse(rows.y, model.predict(rows.X)[:, 0])


def _split(dataset: Dataset, seed: int) -> tuple[Dataset, Dataset]:
    """A fifth held out; with few rows every one is needed, and judges too."""
    # torch warns of arrays that it must not write to.
    dataset = replace(dataset, X=np.array(dataset.X), y=np.array(dataset.y))
    return dataset.split(0.2, seed) if len(dataset) >= FEWEST_TO_HOLD_OUT else (dataset, dataset)


def _recorder(stage: str, rows: list[dict[str, Any]], on_step: OnStep | None) -> Callable[[StepEvent], None]:
    def record(event: StepEvent) -> None:
        rows.append(
            {
                "stage": stage,
                "step": event.step,
                "grid": event.grid,
                "train_rmse": event.train_rmse,
                "held_out_rmse": event.validation_rmse,
            }
        )
        if on_step is not None:
            on_step(stage, event)

    return record
