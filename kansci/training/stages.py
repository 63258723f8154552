"""The whole way from rows to a small, accurate network, in stages.

    start     many random starts on a coarse grid; few of them are trained to the end
    sparsify  the best go on under a group penalty that pushes idle edges to zero, a strong and a weak one
    prune     idle nodes and edges go, the rest is trained without the penalty
    refine    the best full and pruned networks get finer grids, as long as the held-out error falls, or those
              that were asked for

At the end the smallest network wins whose held-out error is nearly as low as the best one. That is asked
after refining, as on a coarse grid idle edges make up for what the others cannot follow.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from kansci.models import KAN
from kansci.models.nodes import Width
from kansci.models.surgery import drop_dead_nodes
from kansci.training.checkpoint import Journal, OnCheckpoint, Snapshot
from kansci.training.fit import fit_population, train_population
from kansci.training.rows import Sample
from kansci.training.schedule import LEAST_FALL
from kansci.training.settings import StepEvent, Trained, TrainSettings

STAGES = ("start", "sparsify", "prune", "refine")
OnStage = Callable[[str, StepEvent], None]

_WORSE = {True: 1.25, False: 1.02}
"""A smaller network may have so many times the held-out RMSE, or another loss."""
_WORSE_BY_GRID = 4.0
"""The same where a finer grid still helped: then the error is the grid's, and doubling it gains more."""
_PENALTIES = (1.0, 0.1)
_HOPEFUL = 10.0
_ROUND_OFF = 1e-9
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
    dense = stages.start(width, seed)
    candidates = [dense]
    if settings.lamb > 0:
        candidates += stages.smaller(dense)
    if len(settings.sizes) > 1 or settings.grids == "auto":
        candidates = [stages.finer(trained) for trained in candidates]
    return Staged(stages.chosen(candidates), stages.runs)


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

    def smaller(self, dense: Trained) -> list[Trained]:
        """Sparsify and prune, strongly and weakly; give the networks that are not hopeless."""
        settings = replace(self._settings, grids=self._settings.sizes[:1])
        hopeful: dict[tuple, Trained] = {}
        for share in _PENALTIES:
            sparse = self._go_on("sparsify", dense.models, replace(settings, lamb=share * self._lamb))
            smaller = drop_dead_nodes(sparse.model.prune(x=self._train.x))
            pruned = self._go_on("prune", [smaller], settings)
            if _error(pruned) <= _HOPEFUL * _error(dense):
                hopeful.setdefault(tuple(smaller.edges()), pruned)
        return list(hopeful.values())

    def finer(self, coarse: Trained) -> Trained:
        """Extend the grid; an automatic schedule has to earn it."""
        first = coarse.model.grid
        if self._settings.grids != "auto":
            size = min(n for n in self._settings.sizes if n > first)
            return self._go_on("refine", [coarse.model.refine(size)], self._settings)
        finer = coarse.model.refine(2 * first)
        if finer.n_parameters > len(self._train.x):
            return coarse
        fine = self._go_on("refine", [finer], self._settings)
        return fine if _error(fine) < (1 - LEAST_FALL) * _error(coarse) else coarse

    def chosen(self, candidates: Sequence[Trained]) -> Trained:
        """Give the smallest that is nearly as good as the best; of a stopped run the best of all."""
        if self._stopped:
            best = min((trained for _, trained in self.runs), key=_error)
            return replace(best, stopped=True)
        best = min(candidates, key=_error)
        lowest, of_residuals = _error(best), self._settings.loss.of_residuals
        allowed = _WORSE[of_residuals] * lowest
        if of_residuals:
            if best.model.grid > self._settings.sizes[0]:
                allowed = _WORSE_BY_GRID * lowest
            # Of an exact fit the error is round-off, which says nothing.
            allowed = max(allowed, _ROUND_OFF * float(self._train.y.std(correction=0)))
        return min((c for c in candidates if _error(c) <= allowed), key=_size)

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
        trained = self._journal.run(lambda resume, tell: _best(run(resume, tell)))
        self._stopped |= trained.stopped
        self.runs.append((stage, trained))
        return trained

    def _watch(self, stage: str) -> Callable[[StepEvent], None] | None:
        tell = self._on_step
        return None if tell is None else lambda event: tell(stage, event)


def _error(trained: Trained) -> float:
    return trained.validation_rmse[0]


def _size(trained: Trained) -> tuple[int, float]:
    return len(trained.model.edges()), _error(trained)


def _best(trained: Trained) -> Trained:
    """Keep the best network only: no later stage asks for another."""
    errors = trained.train_rmse[:1], trained.validation_rmse[:1]
    return replace(trained, models=trained.models[:1], train_rmse=errors[0], validation_rmse=errors[1])
