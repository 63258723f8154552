"""Training one network by L-BFGS or self-scaled Broyden on all rows at once."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext

import torch

from kansci.models import KAN
from kansci.training import grids
from kansci.training.checkpoint import Snapshot, restoring
from kansci.training.edge_penalty import EdgePenalty
from kansci.training.levenberg import mean_loss
from kansci.training.losses import Loss
from kansci.training.normal_equations import Rows
from kansci.training.objective import Objective, mean_loss_of, trainable
from kansci.training.population import Population
from kansci.training.quasi_newton import Descent, Point, State
from kansci.training.rows import Sample

_ROWS_TO_ADAPT = 2048
_FLAT = 1e-12

Record = Callable[[KAN, float], bool]
Tell = Callable[[Callable[[], Snapshot]], None]
"""Told before each step how to make a snapshot of the optimiser."""


class FullBatch:
    """Training of one network in place."""

    def __init__(self, model: KAN, sample: Sample, loss: Loss, penalty: EdgePenalty | None = None):
        """Prepare.

        Args:
            model: the network.
            sample: training rows.
            loss: of the rows.
            penalty: added to it.
        """
        self._model, self._sample, self._loss, self._penalty = model, sample, loss, penalty

    def run(
        self,
        method: str,
        steps: int,
        record: Record,
        adapt_at: Sequence[int] = (),
        *,
        tell: Tell | None = None,
        resume: Snapshot | None = None,
    ) -> None:
        """Take the steps.

        Args:
            method: of `minimise`.
            steps: at most so many.
            record: called with the network and its mean loss after each step; True ends the run.
            adapt_at: steps before which hidden grids move, where that does no harm; the method starts afresh.
            tell: called before each step.
            resume: what `tell` was offered; the network is as it was then.
        """
        starts = sorted({0, *adapt_at})
        ends = dict(zip(starts, [*starts[1:], steps], strict=True))
        if resume is not None:
            with restoring():
                starts = starts[starts.index(resume["start"]) :]
        for start in starts:
            state = None if resume is None else resume.tensors
            resume = None
            if start in adapt_at and state is None:
                adapt_grids(self._model, self._sample, self._loss)
            if self._minimise(method, (start, ends[start]), record, tell, state):
                return

    def _minimise(
        self, method: str, span: tuple[int, int], record: Record, tell: Tell | None, state: State | None
    ) -> bool:
        """Train on fixed grids from one step to another; say whether the caller ended the run."""
        objective = Objective(self._model, self._sample, self._loss, self._penalty)
        parameters = trainable(self._model)
        first, end = span

        def note(_: int, point: Point) -> bool:
            torch.nn.utils.vector_to_parameters(point.x, parameters)
            value = point.value
            if self._penalty is not None:
                value = float(mean_loss_of(self._model, self._sample, self._loss))
            return record(self._model, value)

        start = torch.nn.utils.parameters_to_vector(parameters).detach()
        with restoring() if state is not None else nullcontext():
            descent = Descent(objective, start, method, state)

        def before_step() -> None:
            if tell is not None:
                tell(lambda: Snapshot({"start": first}, descent.state()))

        minimum = descent.run(end - first, _FLAT, note, before_step)
        torch.nn.utils.vector_to_parameters(minimum.x, parameters)
        return minimum.reason == "callback"


@torch.no_grad()
def adapt_grids(model: KAN, sample: Sample, loss: Loss) -> None:
    """Move hidden grids to the range of their activations where that raises the loss by no more than 1 %."""
    every = -(-len(sample.x) // _ROWS_TO_ADAPT)
    weight = None if sample.weight is None else sample.weight[::every]
    population = Population.of([model])
    rows = Rows(population.inputs(sample.x[::every]), sample.y[::every], weight, loss)
    adapted, changed = grids.adapt(population, rows, mean_loss(population, rows))
    if len(changed):
        model.load_layers(adapted.model(0))
