"""Train a population: restarts as one batch, grids from coarse to fine, the best member by validation."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from kansci.errors import DataError, SettingsError
from kansci.models import KAN
from kansci.training import grids, penalty
from kansci.training.initialise import data_domain, initial_population
from kansci.training.levenberg import LevenbergMarquardt, half_mean_square
from kansci.training.normal_equations import NormalEquations, Rows
from kansci.training.population import Population
from kansci.training.settings import StepEvent, Trained, TrainSettings

Array = np.ndarray | torch.Tensor
OnStep = Callable[[StepEvent], None]

_FEWEST_TO_HOLD_OUT = 20
_ADAPT_AT = (3, 8, 15, 25)


def fit_population(
    X: Array,  # noqa: N803
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
        DataError: X and y do not fit together or are not finite.
        SettingsError: the width does not fit the data.
    """
    settings = settings or TrainSettings()
    x, targets = as_rows(X, y)
    if width[0] != x.shape[1] or width[-1] != targets.shape[1]:
        raise SettingsError(f"width={list(width)}: the data have {x.shape[1]} inputs and {targets.shape[1]} outputs")
    generator = torch.Generator().manual_seed(seed)
    train, held_out = _split((x, targets), validation, settings, generator)
    scale = _Scale(train[1])
    start = initial_population(train[0], scale.apply(train[1]), width, settings, generator)
    return _Run(start, train, held_out, scale, settings, on_step).trained()


def train_population(
    models: Sequence[KAN],
    X: Array,  # noqa: N803
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
    scale = _Scale(train[1])
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
        dataset: a dict with train_input, train_label and, if wanted, test_input, test_label; something with X and y;
            or a pair (X, y).
        opt: "LM".
        on_step: called after each step.
        **settings: fields of `TrainSettings`.

    Returns:
        Root mean squared errors after each step: {"train_loss": [...], "test_loss": [...]}.

    Raises:
        SettingsError: another optimiser is asked for.
    """
    if opt != "LM":
        raise SettingsError(f'opt={opt!r}: this version trains by opt="LM" (Levenberg-Marquardt)')
    train, test = _training_rows(dataset)
    options = TrainSettings(**{"grids": (model.grid,), "tolerance": 0.0, **settings})
    start = _on_range(model, as_rows(*train)[0])
    trained = train_population([start], *train, options, on_step, test)
    model.load_layers(trained.model)
    return trained.history


def as_rows(X: Array, y: Array) -> tuple[torch.Tensor, torch.Tensor]:  # noqa: N803
    """Bring data into tensors (N, I) and (N, O).

    Args:
        X: rows (N, I) or (N,).
        y: targets (N,) or (N, O).

    Returns:
        The tensors.

    Raises:
        DataError: they do not fit together, are empty or not finite.
    """
    x, targets = (torch.as_tensor(a, dtype=torch.float64).detach() for a in (X, y))
    x = x.unsqueeze(-1) if x.ndim == 1 else x
    targets = targets.unsqueeze(-1) if targets.ndim == 1 else targets
    if x.ndim != 2 or targets.ndim != 2 or len(x) != len(targets) or len(x) == 0:  # noqa: PLR2004
        raise DataError(f"X {tuple(x.shape)} and y {tuple(targets.shape)}: need N rows each, N at least 1")
    if not (bool(x.isfinite().all()) and bool(targets.isfinite().all())):
        raise DataError("X or y holds values that are not finite: drop those rows")
    return x, targets


class _Scale:
    """Brings y to mean 0 and variance 1 for training, exactly undone in the last layer."""

    def __init__(self, y: torch.Tensor):
        self.mean, self.std = y.mean(dim=0), y.std(dim=0, correction=0).mean()
        if not self.std > 1e-14 * y.abs().max():  # noqa: PLR2004
            self.std = torch.ones_like(self.std)

    def apply(self, y: torch.Tensor) -> torch.Tensor:
        return (y - self.mean) / self.std

    def standardised(self, population: Population) -> Population:
        return self._rescaled(population, 1 / self.std, -self.mean / self.std)

    def undone(self, population: Population) -> Population:
        return self._rescaled(population, self.std, self.mean)

    @staticmethod
    def _rescaled(population: Population, scale: torch.Tensor, shift: torch.Tensor) -> Population:
        last = population.layers[-1]
        size = (population.size, last.weight.shape[1])
        layer = last.rescaled(scale.expand(size), shift.expand(size))
        return population.with_layer(len(population.layers) - 1, layer)


class _Run:
    """One training run: the loop over grids and steps, and the best weights of each member so far."""

    def __init__(
        self,
        start: Population,
        train: tuple[torch.Tensor, torch.Tensor],
        held_out: tuple[torch.Tensor, torch.Tensor],
        scale: _Scale,
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
        self._best_train = self._rmse(half_mean_square(start, self._rows))
        self._best_validation = self._validation(start)

    def trained(self) -> Trained:
        """Run and collect the members, best first."""
        stop = self._settings.stopper()
        for number, size in enumerate(self._settings.grids):
            self._place(self._best if number == 0 else self._best.refine(size))
            self._best = self._population
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


def _split(
    data: tuple[torch.Tensor, torch.Tensor],
    validation: tuple[Array, Array] | None,
    settings: TrainSettings,
    generator: torch.Generator,
) -> tuple[tuple[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]:
    x, y = data
    if validation is not None:
        return data, as_rows(*validation)
    count = int(len(x) * settings.validation_fraction)
    if len(x) < _FEWEST_TO_HOLD_OUT or count == 0:
        return data, data
    order = torch.randperm(len(x), generator=generator)
    held_out, kept = order[:count].sort().values, order[count:].sort().values
    return (x[kept], y[kept]), (x[held_out], y[held_out])


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
