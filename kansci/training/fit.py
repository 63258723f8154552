"""Train a population: restarts as one batch, grids from coarse to fine, the best member by validation."""

from collections.abc import Sequence

import torch

from kansci.errors import SettingsError
from kansci.models import KAN, Nodes
from kansci.models.nodes import Width, read_width
from kansci.training.checkpoint import OnCheckpoint, Snapshot
from kansci.training.initialise import initial_population
from kansci.training.losses import Loss
from kansci.training.population import Population
from kansci.training.rows import Array, Held, Sample, Scale, as_rows, hold_out
from kansci.training.run import Hooks, OnStep, Run
from kansci.training.settings import Trained, TrainSettings


@torch.no_grad()
def fit_population(  # noqa: PLR0913
    X: Array,
    y: Array,
    width: Width,
    settings: TrainSettings | None = None,
    seed: int = 0,
    on_step: OnStep | None = None,
    validation: Held | None = None,
    *,
    weights: Array | None = None,
    on_checkpoint: OnCheckpoint | None = None,
    resume: Snapshot | None = None,
) -> Trained:
    """Train several random starts at once and sort them by their error on held-out rows.

    Args:
        X: rows (N, I).
        y: targets (N,) or (N, O).
        width: nodes on each level; the first is I, the last O.
        settings: options.
        seed: of the starts and of the choice of held-out rows.
        on_step: called after each step.
        validation: rows to hold out, instead of choosing them from X.
        weights: how much each row counts, (N,).
        on_checkpoint: called wherever the run can be taken up again.
        resume: what `on_checkpoint` made in a run with the same arguments; it goes on with the same bits.

    Returns:
        The networks, best first.

    Raises:
        SettingsError: the width does not fit the data.
    """
    settings = settings or TrainSettings()
    loss = settings.loss
    levels = [Nodes(*level) for level in read_width(width, settings.mult_arity)]
    n_out = levels[-1].n_nodes
    rows = _sample(loss, n_out, X, y, weights)
    sizes = (rows[0].shape[1], rows[1].shape[1])
    if (levels[0].n_nodes, n_out) != sizes:
        raise SettingsError(f"width={list(width)}: the data have {sizes[0]} inputs and {sizes[1]} outputs")
    generator = torch.Generator().manual_seed(seed)
    if validation is not None:
        train, held_out = rows, _sample(loss, n_out, *validation)
    else:
        train, held_out = hold_out(rows, settings, generator)
    scale = Scale.of(train.y, loss).for_outputs(levels[-1])
    aim = loss.scaled(float(scale.std)).start(scale.apply(train.y))

    def start() -> Population:
        return initial_population(train.x, aim, width, settings, generator)

    hooks = Hooks(on_step, on_checkpoint, resume)
    return Run(start, (train, held_out), settings.sizes[0], scale, settings, hooks).trained()


@torch.no_grad()
def train_population(  # noqa: PLR0913
    models: Sequence[KAN],
    X: Array,
    y: Array,
    settings: TrainSettings,
    on_step: OnStep | None = None,
    validation: Held | None = None,
    *,
    weights: Array | None = None,
    on_checkpoint: OnCheckpoint | None = None,
    resume: Snapshot | None = None,
) -> Trained:
    """Go on training networks of one shape; as `fit_population`, but from where they are.

    Args:
        models: networks of equal width and grid, whose inputs' grids are the same.
        X: rows (N, I).
        y: targets (N,) or (N, O).
        settings: options; grids below the networks' own are skipped.
        on_step: called after each step.
        validation: held-out rows; without them the training rows judge.
        weights: how much each row counts, (N,).
        on_checkpoint: called wherever the run can be taken up again.
        resume: what `on_checkpoint` made in a run with the same arguments; it goes on with the same bits.

    Returns:
        The networks, best first.
    """
    loss, n_out = settings.loss, models[0].width[-1]
    train = _sample(loss, n_out, X, y, weights)
    scale = Scale.of(train.y, loss).for_outputs(models[0].layers[-1].nodes)
    held_out = _sample(loss, n_out, *validation) if validation is not None else train

    def start() -> Population:
        return scale.standardised(Population.of(models))

    hooks = Hooks(on_step, on_checkpoint, resume)
    return Run(start, (train, held_out), models[0].grid, scale, settings, hooks).trained()


def _sample(loss: Loss, n_out: int, X: Array, y: Array, weights: Array | None = None) -> Sample:
    rows = as_rows(X, y, weights)
    return rows._replace(y=loss.targets(rows.y, n_out))
