"""From a table to a small, accurate KAN: `kansci.training.stages` on rows of a `Dataset`.

What a run does depends on the data and the settings alone, so one that is taken up again ends with the same
network, bit for bit, as one that was never interrupted.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch

from kansci import metrics
from kansci.basis import basis_names
from kansci.data import Dataset
from kansci.errors import DataError, SettingsError
from kansci.models import KAN
from kansci.models.nodes import read_width
from kansci.training import StepEvent, Trained, TrainSettings
from kansci.training.by_gradient import chosen_optimiser, train_by_gradient
from kansci.training.checkpoint import Journal, OnCheckpoint, Snapshot
from kansci.training.class_losses import Softmax, count_ones
from kansci.training.fit_options import FitOptions
from kansci.training.losses import Loss
from kansci.training.rows import Sample, as_rows
from kansci.training.stages import STAGES, OnStage, Staged, train_in_stages
from kansci.training.user_loss import LOSSES, as_loss

__all__ = ["STAGES", "FitSettings", "NetworkFit", "fit_network", "measured"]

FEWEST_TO_HOLD_OUT = 20
MOST_CLASSES = 100
Level = int | tuple[int, int]


@dataclass(frozen=True)
class FitSettings:
    """Options of `fit_network`.

    Attributes:
        width: nodes on each level, [n_sum, n_mult] where there are products; None takes (1, 1) for one input
            and (I, 5, 1) for more.
        basis: family of functions on the edges, or one for each layer.
        grid: intervals of the edges' grid; several are gone through from coarse to fine; "auto" begins with
            5 and doubles as long as the held-out error falls.
        k: degree of the splines.
        base_fun: base function of every edge.
        loss: name of what is minimised, see `LOSSES`; classes are trained on as if each had been seen once
            more, so that outputs stay finite.
        opt: "LM" goes through the stages; "LBFGS", "SSBroyden" and "Adam" train one network, for large ones;
            "auto" chooses by size, see `FitOptions.chosen`.
        seed: of the starts and of the held-out rows.
        restarts: random starts.
        steps: Levenberg-Marquardt steps on each grid.
        lamb: weight of the sparsity penalty; 0 leaves sparsifying and pruning out.
        smooth: weight of the penalty on curvature, as a share of the present loss.
        grid_eps: see `TrainSettings`: 0 tries knots at quantiles of unevenly spread rows, 1 does not.
    """

    width: tuple[Level, ...] | None = None
    basis: str | tuple[str, ...] = "bspline"
    grid: int | tuple[int, ...] | Literal["auto"] = "auto"
    k: int = 3
    base_fun: str = "silu"
    loss: str = "least_squares"
    opt: str = "auto"
    seed: int = 0
    restarts: int = 18
    steps: int = 60
    lamb: float = 3e-2
    smooth: float = 0.1
    grid_eps: float = 0.02

    def __post_init__(self) -> None:
        """Check what can be checked without data.

        Raises:
            SettingsError: There is no such basis or loss, or a number is out of range.
        """
        for name in (self.basis,) if isinstance(self.basis, str) else self.basis:
            if name not in basis_names():
                raise SettingsError(f"basis={name!r}: choose among {', '.join(basis_names())}")
        if self.loss not in LOSSES:
            raise SettingsError(f"loss={self.loss!r}: choose among {', '.join(LOSSES)}")
        if isinstance(self.grid, str) and self.grid != "auto":
            raise SettingsError(f'grid={self.grid!r}: give a number, several from coarse to fine, or "auto"')
        FitOptions(opt=self.opt)
        self.train()

    def train(self, seconds: float | None = None) -> TrainSettings:
        """The same as settings of training."""
        return TrainSettings(
            restarts=self.restarts,
            steps=self.steps,
            grids=(self.grid,) if isinstance(self.grid, int) else self.grid,
            k=self.k,
            basis=self.basis,
            base_fun=self.base_fun,
            loss=as_loss(self.loss),
            lamb=self.lamb,
            smooth_share=self.smooth,
            grid_eps=self.grid_eps,
            seconds=seconds,
        )


@dataclass(frozen=True, eq=False)
class NetworkFit:
    """A trained network.

    Attributes:
        model: the network.
        history: one record a step.
        loss: of the held-out rows, as `Loss.figure` gives it.
        rmse: root mean squared error of its predictions (for classes, of their probabilities).
        nrmse: the same in units of the standard deviation of what is predicted.
        r2: coefficient of determination.
        held_out: the errors are on held-out rows; on the training rows where false.
        stopped: the time was up, or Ctrl-C ended it.
        interrupted: the latter.
    """

    model: KAN
    history: list[dict[str, Any]] = field(repr=False)
    loss: float
    rmse: float
    nrmse: float
    r2: float
    held_out: bool
    stopped: bool = False
    interrupted: bool = False


def fit_network(
    dataset: Dataset,
    settings: FitSettings | None = None,
    on_step: OnStage | None = None,
    *,
    seconds: float | None = None,
    on_checkpoint: OnCheckpoint | None = None,
    resume: Snapshot | None = None,
) -> NetworkFit:
    """Train, sparsify, prune and refine a KAN.

    Args:
        dataset: N rows; a fifth is held out to judge by if there are 20 or more.
        settings: Options.
        on_step: Called after each step with the name of the stage.
        seconds: Time allowed; then the best network so far is returned.
        on_checkpoint: Called wherever the run can be taken up again, with what makes a `Snapshot` of it.
        resume: What was made in an earlier run with the same data and settings.

    Returns:
        The network and its errors.

    Raises:
        SettingsError: The width does not fit the data.
        KeyboardInterrupt: By Ctrl-C, as FitInterrupted, which holds the best network so far.
    """  # noqa: DOC502  the last is raised by training
    settings = settings or FitSettings()
    loss = as_loss(settings.loss)
    train, held_out = _split(dataset, settings.seed)
    n_out = _n_outputs(dataset, loss)
    width = settings.width or default_width(len(dataset.inputs), n_out)
    levels = read_width(width)
    if (levels[0][0], levels[-1][0] + len(levels[-1][1])) != (len(dataset.inputs), n_out):
        shape = f"{len(dataset.inputs)},...,{n_out}"
        raise SettingsError(f"width {','.join(map(str, width))} does not fit the data: it must read {shape}")
    loss = loss.smoothed(count_ones(_sample(train, loss, n_out).y), len(train))
    rows = _sample(train, loss, n_out)
    judges = rows if held_out is train else _sample(held_out, loss, n_out)
    journal, options = Journal(resume, on_checkpoint), replace(settings.train(seconds), loss=loss)
    opt = chosen_optimiser(settings.opt, width, rows, options)
    if opt == "LM":
        staged = train_in_stages(width, (rows, judges), options, settings.seed, on_step, journal)
    else:
        staged = _one_stage(opt, width, (rows, judges), options, settings.seed, on_step, journal)
    return replace(measured(staged.trained, dataset, settings), history=_history(staged))


def measured(trained: Trained, dataset: Dataset, settings: FitSettings) -> NetworkFit:
    """Measure a network of a run, for instance one that Ctrl-C left.

    Args:
        trained: What was trained.
        dataset: The rows, as `fit_network` was given them.
        settings: The same.

    Returns:
        The network and its errors on the rows that were held out.
    """
    loss, model = as_loss(settings.loss), trained.model
    train, held_out = _split(dataset, settings.seed)
    judges = _sample(held_out, loss, model.width[-1])
    outputs = torch.as_tensor(model.predict(judges.x))
    y, predicted = judges.y.numpy(), loss.predict(outputs).numpy()
    error = metrics.nrmse(y, predicted)
    return NetworkFit(
        model,
        [],
        float(loss.figure(loss.mean(outputs, judges.y))),
        metrics.rmse(y, predicted),
        error,
        1 - error**2,
        held_out is not train,
        trained.stopped,
        trained.interrupted,
    )


def _one_stage(
    opt: str,
    width: tuple[Level, ...],
    rows: tuple[Sample, Sample],
    options: TrainSettings,
    seed: int,
    on_step: OnStage | None,
    journal: Journal,
) -> Staged:
    def watch(event: StepEvent) -> None:
        if on_step is not None:
            on_step("train", event)

    def run(resume: Snapshot | None, tell: OnCheckpoint | None) -> Trained:
        return train_by_gradient(opt, width, rows, options, seed, watch, on_checkpoint=tell, resume=resume)

    trained = journal.run(run)
    return Staged(trained, [("train", trained)])


def default_width(n_inputs: int, n_outputs: int = 1) -> tuple[int, ...]:
    """One edge is every function of one variable; five hidden nodes are a start for more."""
    return (1, n_outputs) if n_inputs == 1 else (n_inputs, 5, n_outputs)


def _history(staged: Staged) -> list[dict[str, Any]]:
    rows = []
    for stage, trained in staged.runs:
        columns = (trained.history[name] for name in ("train_loss", "test_loss", "grid"))
        for step, (train, test, grid) in enumerate(zip(*columns, strict=True), 1):
            row = {"stage": stage, "step": step, "grid": int(grid), "train_rmse": train}
            rows.append({**row, "held_out_rmse": test})
    return rows


def _n_outputs(dataset: Dataset, loss: Loss) -> int:
    if not isinstance(loss, Softmax):
        return 1
    classes = int(dataset.y.max()) + 1
    if not 2 <= classes <= MOST_CLASSES:
        raise DataError(
            f"the softmax loss needs classes 0, 1, ... in {dataset.target}, {MOST_CLASSES} at most"
        )
    return classes


def _sample(dataset: Dataset, loss: Loss, n_out: int) -> Sample:
    rows = as_rows(dataset.X, dataset.y)
    return rows._replace(y=loss.targets(rows.y, n_out))


def _split(dataset: Dataset, seed: int) -> tuple[Dataset, Dataset]:
    """A fifth held out; with few rows every one is needed, and judges too."""
    # torch warns of arrays that it must not write to.
    dataset = replace(dataset, X=np.array(dataset.X), y=np.array(dataset.y))
    return dataset.split(0.2, seed) if len(dataset) >= FEWEST_TO_HOLD_OUT else (dataset, dataset)
