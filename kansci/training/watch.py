"""What goes on around a gradient method: histories, the best weights so far, callbacks, the clock."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch

from kansci.models import KAN
from kansci.training.checkpoint import Snapshot
from kansci.training.fit_options import FitOptions
from kansci.training.losses import Loss
from kansci.training.objective import mean_loss_of
from kansci.training.population import Population
from kansci.training.rows import Sample, Scale
from kansci.training.settings import StepEvent, TrainSettings

History = dict[str, list[float]]


class Watch:
    """Follows the training of a network of the scaled targets.

    Attributes:
        history: {"train_loss": [...], "test_loss": [...], and the metrics'}.
    """

    def __init__(self, target: KAN, scale: Scale, loss: Loss, test: Sample | None, options: FitOptions):
        """Stand by.

        Args:
            target: the user's network, which gets the weights.
            scale: of the targets.
            loss: of the scaled targets.
            test: scaled test rows.
            options: callbacks and limits.
        """
        self._target, self._scale, self._loss, self._test = target, scale, loss, test
        self._options = options
        self._stop = TrainSettings(seconds=options.seconds, should_stop=options.should_stop).stopper()
        self._best: KAN | None = None
        self._lowest = float("inf")
        self.history: History = {"train_loss": [], "test_loss": []}
        self._metrics = Metrics(options.metrics)

    def begin(self, model: KAN) -> None:
        """Take the network to start from as the best so far, where test rows can tell."""
        if self._test is not None:
            self._lowest = self._test_figure(model)
            self._keep(model)

    def record(self, model: KAN, train_mean: float) -> bool:
        """Take note of the state after a step.

        Args:
            model: of the scaled targets.
            train_mean: its mean loss on the training rows.

        Returns:
            Whether to stop now.
        """
        train = self._figure(torch.tensor(train_mean))
        test = train if self._test is None else self._test_figure(model)
        if test < self._lowest or (self._options.lamb > 0 and test < float("inf")):
            self._lowest = test
            self._keep(model)
        self.history["train_loss"].append(train)
        self.history["test_loss"].append(test)
        if self._options.metrics:
            self._target.load_layers(self._undone(model))
            self._metrics.measure(self.history)
        if self._options.on_step is not None:
            best = functools.partial(self._undone, self._best or model)
            step = len(self.history["train_loss"])
            self._options.on_step(StepEvent(step, model.grid, train, test, 1, best))
        return self._stop()

    def leave_best(self) -> None:
        """Put the best weights so far into the user's network."""
        if self._best is not None:
            self._target.load_layers(self._undone(self._best))

    def snapshot(self) -> Snapshot:
        """Keep what was noted."""
        best = [] if self._best is None else [self._best]
        history = {name: list(values) for name, values in self.history.items()}
        return Snapshot.joined({"best": Snapshot.of_models(best)}, lowest=self._lowest, history=history)

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from what `snapshot` kept."""
        self._lowest = float(snapshot["lowest"])
        self.history = {name: list(values) for name, values in snapshot["history"].items()}
        self._best = next(iter(snapshot.part("best").models()), None)

    def _keep(self, model: KAN) -> None:
        if self._best is None:
            self._best = model.copy()
        else:  # grids may have moved, but the form is the same
            self._best.load_state_dict(model.state_dict())

    def _figure(self, mean: torch.Tensor) -> float:
        return float(self._loss.figure(mean, self._scale.std))

    def _test_figure(self, model: KAN) -> float:
        assert self._test is not None
        return self._figure(mean_loss_of(model, self._test, self._loss))

    def _undone(self, model: KAN) -> KAN:
        return self._scale.undone(Population.of([model])).model(0)


class Metrics:
    """A user's functions without arguments, kept in the history under their names."""

    def __init__(self, functions: Sequence[Callable[[], Any]]):
        """Take over functions."""
        self._functions = functions

    def measure(self, history: History) -> None:
        """Call each and append what it gives."""
        for function in self._functions:
            history.setdefault(getattr(function, "__name__", "metric"), []).append(float(function()))
