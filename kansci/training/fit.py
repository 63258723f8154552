"""Train a population: restarts as one batch, grids from coarse to fine, the best member by validation."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import torch

from kansci.errors import SettingsError
from kansci.models import KAN
from kansci.training import grids, penalty
from kansci.training.initialise import data_domain, initial_population
from kansci.training.levenberg import LevenbergMarquardt, half_mean_square
from kansci.training.normal_equations import NormalEquations, Rows
from kansci.training.population import Population
from kansci.training.rows import Array, Pair, Scale, as_rows, hold_out
from kansci.training.settings import StepEvent, Trained, TrainSettings

OnStep = Callable[[StepEvent], None]

_ADAPT_AT = (3, 8, 15, 25)


@torch.no_grad()
def fit_population(
    X: Array,
    y: Array,
    width: Sequence[int],
    settings: TrainSettings | None = None,
    seed: int = 0,
    on_step: OnStep | None = None,
    validation: tuple[Array, Array] | None = None,
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

    Returns:
        The networks, best first.

    Raises:
        SettingsError: the width does not fit the data.
    """
    settings = settings or TrainSettings()
    rows = as_rows(X, y)
    sizes = (rows[0].shape[1], rows[1].shape[1])
    if (width[0], width[-1]) != sizes:
        raise SettingsError(f"width={list(width)}: the data have {sizes[0]} inputs and {sizes[1]} outputs")
    generator = torch.Generator().manual_seed(seed)
    if validation is not None:
        train, held_out = rows, as_rows(*validation)
    else:
        train, held_out = hold_out(rows, settings, generator)
    scale = Scale(train[1])
    start = initial_population(train[0], scale.apply(train[1]), width, settings, generator)
    return _Run(start, train, held_out, scale, settings, on_step).trained()


@torch.no_grad()
def train_population(
    models: Sequence[KAN],
    X: Array,
    y: Array,
    settings: TrainSettings,
    on_step: OnStep | None = None,
    validation: tuple[Array, Array] | None = None,
) -> Trained:
    """Go on training networks of one shape; as `fit_population`, but from where they are.

    Args:
        models: networks of equal width and grid, whose inputs' grids are the same.
        X: rows (N, I).
        y: targets (N,) or (N, O).
        settings: options; grids below the networks' own are skipped.
        on_step: called after each step.
        validation: held-out rows; without them the training rows judge.

    Returns:
        The networks, best first.
    """
    train = as_rows(X, y)
    scale = Scale(train[1])
    held_out = as_rows(*validation) if validation is not None else train
    start = scale.standardised(Population.of(models))
    size = models[0].grid
    settings = replace(settings, grids=(size, *(g for g in settings.grids if g > size)))
    return _Run(start, train, held_out, scale, settings, on_step).trained()


def fit_model(
    model: KAN, dataset: Any, *, opt: str = "LM", on_step: OnStep | None = None, **settings: Any
) -> dict[str, list[float]]:
    """Train one network in place.

    Args:
        model: the network.
        dataset: a dict with train_input, train_label and, if wanted, test_input, test_label; something with X
            and y; or a pair (X, y).
        opt: "LM".
        on_step: called after each step.
        **settings: fields of `TrainSettings`.

    Returns:
        Root mean squared errors after each step: {"train_loss": [...], "test_loss": [...]}.

    Raises:
        SettingsError: another optimiser is asked for, or an option that does not exist.
    """
    if opt != "LM":
        raise SettingsError(f'opt={opt!r}: this version trains by opt="LM" (Levenberg-Marquardt)')
    train, test = _training_rows(dataset)
    try:
        options = TrainSettings(**{"grids": (model.grid,), "tolerance": 0.0, **settings})
    except TypeError as error:
        known = ", ".join(field.name for field in fields(TrainSettings))
        raise SettingsError(f"fit has no option of that name ({error}): choose among {known}") from error
    start = _on_range(model, as_rows(*train)[0])
    trained = train_population([start], *train, options, on_step, test)
    model.load_layers(trained.model)
    return trained.history


class _Run:
    """One training run: the loop over grids and steps, and the best weights of each member so far."""

    def __init__(
        self,
        start: Population,
        train: Pair,
        held_out: Pair,
        scale: Scale,
        settings: TrainSettings,
        on_step: OnStep | None,
    ):
        self._scale, self._settings, self._on_step = scale, settings, on_step
        self._train = (train[0], scale.apply(train[1]))
        self._held_out = (held_out[0], scale.apply(held_out[1]))
        self._same = held_out[0] is train[0]
        self._history: dict[str, list[float]] = {"train_loss": [], "test_loss": []}
        self._stopped = False
        self._place(start)
        self._best = start
        self._measure()

    def trained(self) -> Trained:
        """Run and collect the members, best first."""
        stop = self._settings.stopper()
        for number, size in enumerate(self._settings.grids):
            self._place(self._best if number == 0 else self._best.refine(size))
            self._best = self._population
            if number > 0:  # a refined grid need not hold the same function to the last digit
                self._measure()
            self._stage(size, stop)
            if self._stopped:
                break
        order = self._best_validation.argsort(stable=True).tolist()
        final = self._scale.undone(self._best)
        models = [final.model(member) for member in order]
        return Trained(
            models[0],
            models,
            self._best_train[order].tolist(),
            self._best_validation[order].tolist(),
            self._history,
            self._stopped,
        )

    def _measure(self) -> None:
        self._best_train = self._rmse(half_mean_square(self._best, self._rows))
        self._best_validation = self._validation(self._best)

    def _place(self, population: Population) -> None:
        """Start from a population whose first grid may be new."""
        self._population = population
        self._rows = Rows(population.inputs(self._train[0]), self._train[1])
        self._held_out_rows = self._rows
        if not self._same:
            self._held_out_rows = Rows(population.inputs(self._held_out[0]), self._held_out[1])

    def _stage(self, size: int, stop: Callable[[], bool]) -> None:
        optimiser = LevenbergMarquardt(
            self._population, self._rows, _penalty_maker(self._settings), tolerance=self._settings.tolerance
        )
        for step in range(self._settings.steps):
            if stop():
                self._stopped = True
                return
            if step in _ADAPT_AT:
                optimiser.adapt(functools.partial(grids.adapt, rows=self._rows))
            moved = optimiser.step().nonzero().flatten()
            self._keep_better(optimiser, moved)
            self._report(size, int(optimiser.active.sum()))
            if not bool(optimiser.active.any()):
                return

    def _keep_better(self, optimiser: LevenbergMarquardt, moved: torch.Tensor) -> None:
        if len(moved) == 0:
            return
        candidates = optimiser.population.members(moved)
        train = self._rmse(optimiser.loss[moved])
        validation = train if self._same else self._validation(candidates)
        if self._settings.lamb > 0:  # sparser comes first: the latest is the best
            better = torch.ones_like(validation, dtype=torch.bool)
        else:
            better = validation < self._best_validation[moved]
        chosen = better.nonzero().flatten()
        winners = moved[chosen]
        self._best = self._best.updated(winners, candidates.members(chosen))
        self._best_train[winners] = train[chosen]
        self._best_validation[winners] = validation[chosen]

    def _report(self, size: int, active: int) -> None:
        first = int(self._best_validation.argmin())
        train, validation = float(self._best_train[first]), float(self._best_validation[first])
        self._history["train_loss"].append(train)
        self._history["test_loss"].append(validation)
        if self._on_step is not None:
            best = functools.partial(self._model, self._best, first)
            self._on_step(StepEvent(len(self._history["train_loss"]), size, train, validation, active, best))

    def _model(self, population: Population, member: int) -> KAN:
        return self._scale.undone(population).model(member)

    def _validation(self, population: Population) -> torch.Tensor:
        return self._rmse(half_mean_square(population, self._held_out_rows))

    def _rmse(self, loss: torch.Tensor) -> torch.Tensor:
        return (2 * loss).sqrt() * self._scale.std


def _penalty_maker(
    settings: TrainSettings,
) -> Callable[[Population, NormalEquations], penalty.Penalty | None] | None:
    if settings.lamb == 0 and settings.smooth == 0:
        return None

    def make(population: Population, equations: NormalEquations) -> penalty.Penalty | None:
        parts = []
        if settings.lamb > 0:
            parts.append(penalty.group_sparsity(population, equations, settings.lamb))
        if settings.smooth > 0:
            parts.append(penalty.smoothness(population, settings.smooth))
        return penalty.combined(parts)

    return make


def _training_rows(dataset: Any) -> tuple[tuple[Array, Array], tuple[Array, Array] | None]:
    if isinstance(dataset, dict):
        test = None
        if "test_input" in dataset:
            test = (dataset["test_input"], dataset["test_label"])
        return (dataset["train_input"], dataset["train_label"]), test
    if hasattr(dataset, "X") and hasattr(dataset, "y"):
        return (dataset.X, dataset.y), None
    x, y = dataset
    return (x, y), None


@torch.no_grad()
def _on_range(model: KAN, x: torch.Tensor) -> KAN:
    """Move the inputs' grids to the rows' range, unless they hold it already and are not much wider."""
    domain, wanted = model.layers[0].basis.domain, data_domain(x)
    inside = (wanted[:, 0] >= domain[:, 0]) & (wanted[:, 1] <= domain[:, 1])
    wide = (domain[:, 1] - domain[:, 0]) > 2 * (wanted[:, 1] - wanted[:, 0])
    keep = (inside & ~wide).unsqueeze(-1)
    if bool(keep.all()):
        return model
    population = Population.of([model])
    layer = grids.moved(population.layers[0], torch.where(keep, domain, wanted))
    return population.with_layer(0, layer).model(0)
