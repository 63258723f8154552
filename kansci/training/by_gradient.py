"""One network trained by a gradient method, where Levenberg-Marquardt would be too slow."""

import math
from typing import Any

from kansci.errors import SettingsError
from kansci.models import KAN
from kansci.models.nodes import Width
from kansci.training.checkpoint import OnCheckpoint, Snapshot
from kansci.training.fit_model import fit_model
from kansci.training.fit_options import FitOptions
from kansci.training.rows import Sample
from kansci.training.run import OnStep
from kansci.training.settings import FitInterrupted, StepEvent, Trained, TrainSettings
from kansci.training.watch import History

MORE_STEPS = {"LBFGS": 10, "SSBroyden": 10, "Adam": 100}
"""Steps for one of Levenberg-Marquardt."""


def chosen_optimiser(opt: str, width: Width, rows: Sample, settings: TrainSettings) -> str:
    """Choose by size, see `FitOptions.chosen`.

    Args:
        opt: "auto" or the one asked for.
        width: nodes on each level.
        rows: training rows.
        settings: of the training.

    Returns:
        "LM", "LBFGS", "SSBroyden" or "Adam".
    """
    start = _start(width, settings, 0)
    curved = settings.loss.by_row
    n_weights = sum(parameter.numel() for parameter in start.parameters() if parameter.requires_grad)
    return FitOptions(opt=opt).chosen(n_weights, len(rows.x), rows.y.shape[1], curved=curved)


def train_by_gradient(  # noqa: PLR0913
    opt: str,
    width: Width,
    rows: tuple[Sample, Sample],
    settings: TrainSettings,
    seed: int,
    on_step: OnStep | None = None,
    *,
    on_checkpoint: OnCheckpoint | None = None,
    resume: Snapshot | None = None,
) -> Trained:
    """Train one network.

    Args:
        opt: "LBFGS", "SSBroyden" or "Adam".
        width: nodes on each level.
        rows: training rows and those that judge.
        settings: options; a single grid, no automatic one.
        seed: of the start.
        on_step: called after each step.
        on_checkpoint: called wherever the run can be taken up again.
        resume: what `on_checkpoint` made in a run with the same arguments; it goes on with the same bits.

    Returns:
        The network.

    Raises:
        FitInterrupted: by Ctrl-C; it holds the best so far.
        SettingsError: several grids are asked for.
    """
    if settings.grids != "auto" and len(settings.grids) > 1:
        raise SettingsError(f"grids {settings.grids}: {opt} trains on one grid; give one number")
    train, held_out = rows
    model = _start(width, settings, seed)
    data: dict[str, Any] = {"train_input": train.x, "train_label": train.y}
    data |= {"test_input": held_out.x, "test_label": held_out.y}
    options = {"steps": MORE_STEPS[opt] * settings.steps, "loss_fn": settings.loss, "weights": train.weight}
    stop = settings.stopper()
    seen: History = {"train_loss": [], "test_loss": []}

    def watch(event: StepEvent) -> None:
        seen["train_loss"].append(event.train_rmse)
        seen["test_loss"].append(event.validation_rmse)
        if on_step is not None:
            on_step(event)

    try:
        history = fit_model(
            model,
            data,
            opt=opt,
            on_step=watch,
            should_stop=stop,
            on_checkpoint=on_checkpoint,
            resume=resume,
            **options,
        )
    except KeyboardInterrupt:
        raise FitInterrupted(_trained(model, seen, stopped=True)) from None
    return _trained(model, history, stopped=stop())


def _trained(model: KAN, history: History, *, stopped: bool) -> Trained:
    pairs = zip(history["test_loss"], history["train_loss"], strict=True)
    validation, train = min(pairs, default=(math.inf, math.inf))
    grid = [float(model.grid)] * len(history["train_loss"])
    return Trained(model, [model], [train], [validation], {**history, "grid": grid}, stopped)


def _start(width: Width, settings: TrainSettings, seed: int) -> KAN:
    return KAN(width, settings.sizes[0], settings.k, settings.base_fun, basis=settings.basis, seed=seed)
