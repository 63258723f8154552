"""Adam on batches of rows, for data that are many or do not fit into memory (Kingma and Ba 2015)."""

import math
from collections.abc import Callable

import torch

from kansci.models import KAN
from kansci.training.checkpoint import Snapshot, restoring
from kansci.training.edge_penalty import EdgePenalty
from kansci.training.fit_options import FitOptions
from kansci.training.full_batch import FullBatch, Record, Tell, adapt_grids
from kansci.training.losses import Loss
from kansci.training.objective import trainable
from kansci.training.rows import Sample
from kansci.training.sources import Source

_RECORDS = 100
_ROWS_TO_POLISH = 100_000
_WARM_UP = 0.1
_LAST = 1e-3  # of the learning rate


def learning_rate(step: int, steps: int, schedule: str) -> float:
    """Give the share of the largest learning rate at a step.

    Args:
        step: from 0.
        steps: in all.
        schedule: "constant"; "cosine", half a wave down; or "onecycle", up in the first tenth, then down
            (Smith and Topin 2019).

    Returns:
        From 0.001 to 1.
    """
    if schedule == "constant":
        return 1.0
    rise = _WARM_UP * steps if schedule == "onecycle" else 0.0
    if step < rise:
        return 0.04 + 0.96 * step / rise
    return _LAST + (1 - _LAST) * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(steps - rise, 1)))


class Adam:
    """A run of Adam over batches."""

    def __init__(self, model: KAN, loss: Loss, options: FitOptions, penalty: EdgePenalty | None = None):
        """Prepare to train a network in place."""
        self._model, self._loss, self._options, self._penalty = model, loss, options, penalty
        self._steps = options.given("steps", 0)
        self._optimiser = self._fresh()
        self._done, self._total, self._rows = 0, 0.0, 0

    def run(
        self,
        source: Source,
        prepared: Callable[[Sample], Sample],
        record: Record,
        *,
        tell: Tell | None = None,
        resume: Snapshot | None = None,
    ) -> None:
        """Take the steps.

        Args:
            source: of the rows.
            prepared: brings rows to the loss's and the network's units.
            record: called about a hundred times in a run, with the network and the mean loss of the batches
                since the last time; True ends the run.
            tell: called before each step.
            resume: what `tell` was offered; the network is as it was then.
        """
        if resume is not None:
            with restoring():
                self._restore(resume)
        ended = self._follow(source, prepared, record, tell)
        polish = self._options.given("polish", 0)
        if ended or not polish:
            return
        sample = prepared(source.spread(_ROWS_TO_POLISH))
        FullBatch(self._model, sample, self._loss, self._penalty).run(
            "LBFGS",
            polish,
            record,
            tell=None if tell is None else lambda make: tell(lambda: self._snapshot(make())),
            resume=resume.part("polish") if resume is not None and resume["polishing"] else None,
        )

    def _follow(
        self,
        source: Source,
        prepared: Callable[[Sample], Sample],
        record: Record,
        tell: Tell | None,
    ) -> bool:
        """Follow the batches; say whether the caller ended the run."""
        options = self._options
        generator = torch.Generator().manual_seed(options.given("seed", 0))
        batches = source.batches(options.given("batch", 1024), generator, self._done)
        adapt_at, every = options.grid_update_steps(), max(1, self._steps // _RECORDS)
        for step, batch in zip(range(self._done, self._steps), batches, strict=False):
            if tell is not None:
                tell(self._snapshot)
            part = prepared(batch)
            if step in adapt_at:
                adapt_grids(self._model, part, self._loss)
                self._optimiser = self._fresh()
            self._total += self._step(part, step) * len(part.x)
            self._rows += len(part.x)
            self._done = step + 1
            if self._done % every == 0 or self._done == self._steps:
                if record(self._model, self._total / self._rows):
                    return True
                self._total, self._rows = 0.0, 0
        return False

    def _snapshot(self, polish: Snapshot | None = None) -> Snapshot:
        state = self._optimiser.state
        moments = {
            f"{number}/{name}": tensor.clone()
            for number, parameter in enumerate(trainable(self._model))
            for name, tensor in state.get(parameter, {}).items()
        }
        return Snapshot.joined(
            {"moments": Snapshot(tensors=moments)} | ({} if polish is None else {"polish": polish}),
            done=self._done,
            total=self._total,
            rows=self._rows,
            polishing=polish is not None,
        )

    def _restore(self, snapshot: Snapshot) -> None:
        self._done, self._total, self._rows = (snapshot[name] for name in ("done", "total", "rows"))
        parameters = trainable(self._model)
        for key, tensor in snapshot.part("moments").tensors.items():
            number, name = key.split("/")
            parameter = parameters[int(number)]
            if tensor.shape not in {torch.Size(), parameter.shape}:
                raise ValueError(f"{key} has the shape {tuple(tensor.shape)}")
            self._optimiser.state[parameter][name] = tensor.clone()

    def _fresh(self) -> torch.optim.Adam:
        return torch.optim.Adam(trainable(self._model), lr=self._options.given("lr", 1e-2))

    @torch.enable_grad()
    def _step(self, part: Sample, step: int) -> float:
        options = self._options
        for group in self._optimiser.param_groups:
            share = learning_rate(step, self._steps, options.given("schedule", "cosine"))
            group["lr"] = options.given("lr", 1e-2) * share
        self._optimiser.zero_grad()
        value = self._loss.mean(self._model(part.x), part.y, part.weight)
        total = value if self._penalty is None else value + self._penalty.value(self._model, part.x)
        total.backward()
        norm = torch.nn.utils.clip_grad_norm_(trainable(self._model), options.given("clip", math.inf))
        if bool(norm.isfinite()):  # a batch that is off the scale is left out
            self._optimiser.step()
        return float(value.detach())
