"""The whole way from rows to a small, accurate network, in stages.

start     many random starts on a coarse grid; few of them are trained to the end
sparsify  the best go on under a group penalty that pushes idle edges to zero
prune     idle nodes and edges go, the rest is trained without the penalty; the smaller network is taken
          only if its held-out error is nearly as low
refine    finer grids, as long as the held-out error falls, or those that were asked for
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from kansci.models import KAN
from kansci.models.nodes import Width
from kansci.models.surgery import drop_dead_nodes
from kansci.training import grids
from kansci.training.checkpoint import Journal, OnCheckpoint, Snapshot
from kansci.training.fit import fit_population, train_population
from kansci.training.population import Population
from kansci.training.rows import Sample
from kansci.training.schedule import LEAST_FALL
from kansci.training.settings import StepEvent, Trained, TrainSettings

STAGES = ("start", "sparsify", "prune", "refine")
OnStage = Callable[[str, StepEvent], None]

_WORSE = {True: 1.25, False: 1.02}
"""A smaller network may have so many times the held-out RMSE, or another loss."""
_TO_SPARSIFY = 2
_SURVIVORS = ((12, 3), (36, 6))
"""After so many steps so small a part of the starts goes on."""


@dataclass(frozen=True, eq=False)
class Staged:
    """What the stages end with.

    Attributes:
        trained: the network and its errors.
        runs: each run with the name of its stage.
    """

    trained: Trained
    runs: list[tuple[str, Trained]]


def train_in_stages(
    width: Width,
    rows: tuple[Sample, Sample],
    settings: TrainSettings,
    seed: int = 0,
    on_step: OnStage | None = None,
    journal: Journal | None = None,
) -> Staged:
    """Train, sparsify, prune and refine.

    Args:
        width: nodes on each level to start from.
        rows: training rows and those that judge.
        settings: options; a `lamb` of zero leaves sparsifying and pruning out, a single grid refining.
        seed: of the starts.
        on_step: called after each step with the name of the stage.
        journal: remembers the runs, to be taken up again.

    Returns:
        The network, and all the runs.
    """
    stages = _Stages(rows, settings, on_step, journal or Journal())
    best = stages.start(width, seed)
    if settings.lamb > 0:
        best = stages.smaller(best)
    if len(settings.sizes) > 1 or settings.grids == "auto":
        best = stages.finer(best)
    return Staged(stages.best_so_far(best), stages.runs)


class _Stages:
    def __init__(
        self,
        rows: tuple[Sample, Sample],
        settings: TrainSettings,
        on_step: OnStage | None,
        journal: Journal,
    ):
        # One clock for all runs.
        self._settings = replace(
            settings, seconds=None, deadline=settings.end(), lamb=0.0, validation_fraction=0.0
        )
        self._lamb = settings.lamb
        self._train, held_out = rows
        self._held_out = None if held_out is self._train else held_out
        self._on_step, self._journal = on_step, journal
        self._stopped = False
        self.runs: list[tuple[str, Trained]] = []

    def start(self, width: Width, seed: int) -> Trained:
        """Many starts, few of which go on."""
        train = self._train
        settings = replace(self._settings, grids=self._settings.sizes[:1])
        if not settings.survivors:
            left = tuple((step, -(-settings.restarts // part)) for step, part in _SURVIVORS)
            settings = replace(settings, survivors=left)

        def run(resume: Snapshot | None, tell: OnCheckpoint | None) -> Trained:
            return fit_population(
                train.x,
                train.y,
                width,
                settings,
                seed,
                self._watch("start"),
                self._held_out,
                weights=train.weight,
                on_checkpoint=tell,
                resume=resume,
            )

        return self._done("start", run)

    def smaller(self, dense: Trained) -> Trained:
        """Sparsify and prune; give the smallest network that is nearly as good."""
        settings = replace(self._settings, grids=self._settings.sizes[:1])
        sparse = self._go_on("sparsify", dense.models[:_TO_SPARSIFY], replace(settings, lamb=self._lamb))
        allowed = _WORSE[settings.loss.of_residuals] * dense.validation_rmse[0]
        smaller = []
        for model in sparse.models:
            pruned = drop_dead_nodes(model.prune(x=self._train.x))
            smaller.append(self._go_on("prune", [pruned], settings))
        good = [trained for trained in smaller if trained.validation_rmse[0] <= allowed]
        return min([*good, dense], key=lambda trained: (trained.model.n_parameters, trained.validation_rmse))

    def finer(self, coarse: Trained) -> Trained:
        """Extend the grid; an automatic schedule has to earn it."""
        first = coarse.model.grid
        automatic = self._settings.grids == "auto"
        size = 2 * first if automatic else min(n for n in self._settings.sizes if n > first)
        fine = self._refined(coarse.model.refine(size), size)
        if automatic and not _earned(fine, coarse):
            return coarse
        if not automatic and self._settings.sizes[-1] == size:
            return fine
        later = 2 * size if automatic else min(n for n in self._settings.sizes if n > size)
        finer = self._go_on("refine", [fine.model.refine(later)], self._settings)
        return finer if not automatic or _earned(finer, fine) else fine

    def _refined(self, model: KAN, size: int) -> Trained:
        """Train a refined network as it is and with wider hidden grids, which may be a little worse."""
        settings = replace(self._settings, grids=(size,))
        exact = self._go_on("refine", [model], settings)
        if model.depth == 1:
            return exact
        wider = grids.widened(Population.of([model]), self._train.x).model(0)
        wide = self._go_on("refine", [wider], settings)
        allowed = _WORSE[settings.loss.of_residuals] * exact.validation_rmse[0]
        return wide if wide.validation_rmse[0] <= allowed else exact

    def best_so_far(self, chosen: Trained) -> Trained:
        """Give what was chosen, or where the stages were stopped the best of all that was trained."""
        if not self._stopped:
            return chosen
        ended = [trained for _, trained in self.runs]
        return replace(min(ended, key=lambda trained: trained.validation_rmse[0]), stopped=True)

    def _go_on(self, stage: str, models: Sequence[KAN], settings: TrainSettings) -> Trained:
        train = self._train

        def run(resume: Snapshot | None, tell: OnCheckpoint | None) -> Trained:
            return train_population(
                models,
                train.x,
                train.y,
                settings,
                self._watch(stage),
                self._held_out,
                weights=train.weight,
                on_checkpoint=tell,
                resume=resume,
            )

        return self._done(stage, run)

    def _done(self, stage: str, run: Callable[[Snapshot | None, OnCheckpoint | None], Trained]) -> Trained:
        trained = self._journal.run(lambda resume, tell: _first(run(resume, tell)))
        self._stopped |= trained.stopped
        self.runs.append((stage, trained))
        return trained

    def _watch(self, stage: str) -> Callable[[StepEvent], None] | None:
        tell = self._on_step
        return None if tell is None else lambda event: tell(stage, event)


def _earned(fine: Trained, coarse: Trained) -> bool:
    return fine.validation_rmse[0] < (1 - LEAST_FALL) * coarse.validation_rmse[0]


def _first(trained: Trained) -> Trained:
    """Keep no more networks than a later stage asks for."""
    train, validation = trained.train_rmse[:_TO_SPARSIFY], trained.validation_rmse[:_TO_SPARSIFY]
    models = trained.models[:_TO_SPARSIFY]
    return replace(trained, models=models, train_rmse=train, validation_rmse=validation)
