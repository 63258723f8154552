"""One training run: the loop over grids and steps, the best weights of each member, and where it stands."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from kansci.models import KAN
from kansci.training import grids, penalty
from kansci.training.checkpoint import Checkpoint, OnCheckpoint, Snapshot, restoring
from kansci.training.dual import RowEquations
from kansci.training.levenberg import LevenbergMarquardt, MakePenalty, mean_loss
from kansci.training.normal_equations import NormalEquations, Rows
from kansci.training.population import Population
from kansci.training.rows import Sample, Scale
from kansci.training.schedule import Schedule
from kansci.training.settings import FitInterrupted, StepEvent, Trained, TrainSettings

OnStep = Callable[[StepEvent], None]

# At these steps all members are linearised anew, so that their weights say everything. What a step does
# must not depend on whether a checkpoint is written.
_EVERY = 8
_MOST_SMOOTH = 1e-3
_FADING = 0.85
_CLEARLY, _CLEARLY_IF_MANY = 0.9, 0.25


@dataclass(frozen=True, eq=False)
class Hooks:
    """Who is told about a run, and where it goes on.

    Attributes:
        on_step: called after each step.
        on_checkpoint: called wherever the run can be taken up again.
        resume: what `on_checkpoint` made in an earlier run of the same data, settings and start.
    """

    on_step: OnStep | None = None
    on_checkpoint: OnCheckpoint | None = None
    resume: Snapshot | None = None


class Run:
    """One training run of a population."""

    _best: Population
    _kept: Population
    _best_train: torch.Tensor
    _best_validation: torch.Tensor
    _optimiser: LevenbergMarquardt | None

    def __init__(
        self,
        start: Callable[[], Population],
        rows: tuple[Sample, Sample],
        size: int,
        scale: Scale,
        settings: TrainSettings,
        hooks: Hooks,
    ):
        """Prepare.

        Args:
            start: builds the population to start from, of networks of the scaled targets.
            rows: training rows and those that judge.
            size: of the population's grid; those of the settings that are not finer are left out.
            scale: of the targets.
            settings: options.
            hooks: callbacks and where to go on.
        """
        train, held_out = self._given = rows
        self._scale, self._settings, self._hooks = scale, settings, hooks
        self._loss = settings.loss.scaled(float(scale.std))
        self._train = train._replace(y=scale.apply(train.y))
        self._held_out = held_out._replace(y=scale.apply(held_out.y))
        self._same = held_out.x is train.x
        self._stopped = False
        if hooks.resume is not None:
            self._restore(hooks.resume)
            return
        self._history: dict[str, list[float]] = {"train_loss": [], "test_loss": [], "grid": []}
        self._schedule = Schedule(settings, len(train.x))
        self._enter(start(), size)
        self._kept = self._best
        self._going_on = torch.ones(self._best.size, dtype=torch.bool)

    def trained(self) -> Trained:
        """Run and collect the members, best first.

        Raises:
            FitInterrupted: by Ctrl-C; it holds the best so far.
        """
        stop = self._settings.stopper()
        try:
            self._all_grids(stop)
        except KeyboardInterrupt:
            self._stopped = True
            self._place(self._best)
            self._measure()
            raise FitInterrupted(self._collected()) from None
        return self._collected()

    def _all_grids(self, stop: Callable[[], bool]) -> None:
        while True:
            self._stage(stop)
            self._try_quantiles(stop)
            if self._stopped:
                return
            first = int(self._best_validation.argmin())
            n_parameters = self._best.model(first).n_parameters
            finer = self._schedule.next(self._size, float(self._best_validation[first]), n_parameters)
            if self._schedule.best == len(self._schedule.past) - 1:
                self._kept = self._best
            if finer is None:
                break
            training = self._best_validation.where(self._going_on, torch.inf)
            self._going_on &= self._schedule.go_on(training)
            self._enter(self._best.refine(finer), finer)
        if self._kept is not self._best:
            self._best = self._kept
            self._place(self._best)
            self._measure()

    def _collected(self) -> Trained:
        order = self._best_validation.argsort(stable=True).tolist()
        final = self._scale.undone(self._best)
        models = [final.model(member) for member in order]
        errors = (self._best_train[order].tolist(), self._best_validation[order].tolist())
        return Trained(models[0], models, *errors, self._history, self._stopped)

    def _enter(self, population: Population, size: int) -> None:
        """Begin a grid; a refined one need not hold the same function to the last digit."""
        self._size, self._step = size, 0
        self._optimiser = None
        # Sums run through memory in its order: a population from a file must not differ in that.
        self._best = _contiguous(population)
        self._place(self._best)
        self._measure()
        self._bar = self._first_bar()

    def _first_bar(self) -> torch.Tensor:
        """Give the validation error below which a member is changed.

        A refined grid has to help clearly, above all where its splines outnumber the rows they need: a
        slightly lower error on some rows then says nothing about others.
        """
        if not self._schedule.past or self._same or self._settings.lamb > 0:
            return torch.full_like(self._best_validation, torch.inf)
        many = self._best.n_parameters > len(self._train.x) / 2
        return self._best_validation * (_CLEARLY_IF_MANY if many else _CLEARLY)

    def _measure(self) -> None:
        self._best_train = self._figure(mean_loss(self._best, self._rows))
        self._best_validation = self._validation(self._best)

    def _place(self, population: Population) -> None:
        """Evaluate the functions of a population's first grid at the rows."""
        self._rows = self._at(population, self._train)
        self._held_out_rows = self._rows if self._same else self._at(population, self._held_out)

    def _at(self, population: Population, sample: Sample) -> Rows:
        return Rows(population.inputs(sample.x), sample.y, sample.weight, self._loss)

    def _stage(self, stop: Callable[[], bool]) -> None:
        if self._optimiser is None:
            self._optimiser = self._new_optimiser(self._best)
            self._optimiser.active &= self._going_on
        optimiser, settings = self._optimiser, self._settings
        while self._step < settings.steps and bool(optimiser.active.any()) and not self._leaves():
            if stop():
                self._stopped = True
                return
            self._tell()
            self._cut(optimiser)
            if self._step in settings.adapt_at:
                optimiser.adapt(functools.partial(grids.adapt, rows=self._rows))
            moved = optimiser.step().nonzero().flatten()
            self._keep_better(optimiser, moved)
            self._step += 1
            if self._step % _EVERY == 0:
                optimiser.refresh()
            self._report(int(optimiser.active.sum()))

    def _leaves(self) -> bool:
        errors = self._history["test_loss"][len(self._history["test_loss"]) - self._step :]
        return self._schedule.leaves(errors, self._best.n_parameters)

    def _try_quantiles(self, stop: Callable[[], bool]) -> None:
        """Train with knots at quantiles, where the rows are unevenly spread.

        They stay if the best network gets no worse: one decision for all, as they share the inputs' grids.
        """
        settings, x = self._settings, self._train.x
        if self._stopped or settings.grid_eps == 1 or settings.lamb > 0:
            return
        if not grids.uneven(self._best, x, settings.grid_eps):
            return

        def start() -> Population:
            return grids.at_quantiles(self._best, x, settings.grid_eps)

        alike = replace(settings, survivors=())
        trial = Run(start, self._given, self._size, self._scale, alike, Hooks())
        trial._going_on = self._going_on
        trial._stage(stop)
        self._stopped = trial._stopped
        if float(trial._best_validation.min()) <= float(self._best_validation.min()):
            self._best = trial._best
            self._place(self._best)
            self._measure()
            self._report(0)

    def _new_optimiser(self, population: Population) -> LevenbergMarquardt:
        settings = self._settings
        return LevenbergMarquardt(
            population,
            self._rows,
            _penalty_maker(settings, lambda: self._step),
            statistics=settings.lamb > 0,
            tolerance=settings.tolerance,
        )

    def _cut(self, optimiser: LevenbergMarquardt) -> None:
        """Let only the best members go on, where the settings say so."""
        for step, members in self._settings.survivors:
            if step == self._step:
                self._going_on = torch.zeros_like(self._going_on)
                self._going_on[self._best_validation.argsort(stable=True)[:members]] = True
                optimiser.active &= self._going_on

    def _keep_better(self, optimiser: LevenbergMarquardt, moved: torch.Tensor) -> None:
        if len(moved) == 0:
            return
        candidates = optimiser.population.members(moved)
        train = self._figure(optimiser.loss[moved])
        validation = train if self._same else self._validation(candidates)
        penalised = self._same and self._settings.smooth > 0
        if self._settings.lamb > 0 or penalised:  # the penalty counts too: the latest is the best
            better = torch.ones_like(validation, dtype=torch.bool)
        else:
            better = validation < torch.minimum(self._best_validation, self._bar)[moved]
        chosen = better.nonzero().flatten()
        winners = moved[chosen]
        self._best = self._best.updated(winners, candidates.members(chosen))
        self._best_train[winners] = train[chosen]
        self._best_validation[winners] = validation[chosen]

    def _report(self, active: int) -> None:
        first = int(self._best_validation.argmin())
        train, validation = float(self._best_train[first]), float(self._best_validation[first])
        for name, value in (("train_loss", train), ("test_loss", validation), ("grid", float(self._size))):
            self._history[name].append(value)
        if self._hooks.on_step is not None:
            best = functools.partial(self._model, self._best, first)
            step = len(self._history["train_loss"])
            self._hooks.on_step(StepEvent(step, self._size, train, validation, active, best))

    def _model(self, population: Population, member: int) -> KAN:
        return self._scale.undone(population).model(member)

    def _validation(self, population: Population) -> torch.Tensor:
        return self._figure(mean_loss(population, self._held_out_rows))

    def _figure(self, loss: torch.Tensor) -> torch.Tensor:
        return self._loss.figure(loss, self._scale.std)

    def _tell(self) -> None:
        assert self._optimiser is not None
        if self._hooks.on_checkpoint is not None and self._optimiser.resumable:
            self._hooks.on_checkpoint(Checkpoint(self._snapshot))

    def _snapshot(self) -> Snapshot:
        assert self._optimiser is not None
        parts = {
            "now": _snapshot_of(self._optimiser.population),
            "best": _snapshot_of(self._best),
            "kept": _snapshot_of(self._kept),
            "optimiser": Snapshot(tensors=self._optimiser.state()),
            "run": Snapshot(
                tensors={
                    "best_train": self._best_train.clone(),
                    "best_validation": self._best_validation.clone(),
                    "bar": self._bar.clone(),
                    "going_on": self._going_on.clone(),
                }
            ),
        }
        return Snapshot.joined(
            parts,
            size=self._size,
            step=self._step,
            past=[list(stage) for stage in self._schedule.past],
            history={name: list(values) for name, values in self._history.items()},
        )

    def _restore(self, snapshot: Snapshot) -> None:
        with restoring():
            self._size, self._step = int(snapshot["size"]), int(snapshot["step"])
            self._schedule = Schedule(self._settings, len(self._train.x), snapshot["past"])
            self._history = {name: list(values) for name, values in snapshot["history"].items()}
            self._best, self._kept = (Population.of(snapshot.part(n).models()) for n in ("best", "kept"))
            tensors = snapshot.part("run").tensors
            self._best_train, self._best_validation = tensors["best_train"], tensors["best_validation"]
            self._bar, self._going_on = tensors["bar"], tensors["going_on"]
            self._place(self._best)
            self._optimiser = self._new_optimiser(Population.of(snapshot.part("now").models()))
            self._optimiser.restore(snapshot.part("optimiser").tensors)


def _contiguous(population: Population) -> Population:
    return Population(
        tuple(
            layer.mapped(lambda tensor: tensor.clone(memory_format=torch.contiguous_format))
            for layer in population.layers
        )
    )


def _snapshot_of(population: Population) -> Snapshot:
    return Snapshot.of_models([population.model(member) for member in range(population.size)])


def _penalty_maker(settings: TrainSettings, step: Callable[[], int]) -> MakePenalty | None:
    if settings.lamb == 0 and settings.smooth == 0 and settings.share == 0:
        return None

    def make(population: Population, equations: NormalEquations | RowEquations) -> penalty.Penalty | None:
        parts = []
        if settings.lamb > 0 and isinstance(equations, NormalEquations):
            parts.append(penalty.group_sparsity(population, equations, settings.lamb))
        if settings.smooth > 0:
            parts.append(penalty.smoothness(population, settings.smooth))
        if settings.share > 0:
            share = settings.share * _FADING ** step()
            weight = (share * equations.loss).clamp(min=0, max=_MOST_SMOOTH)
            parts.append(penalty.smoothness(population, weight))
        return penalty.combined(parts)

    return make
