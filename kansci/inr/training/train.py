"""Training of coordinate networks by Adam on mini-batches."""

import math
import time
from dataclasses import astuple, replace

import torch

from kansci.errors import RunError, SettingsError
from kansci.inr.measurements import Measurements
from kansci.inr.networks import CoordinateNetwork
from kansci.inr.training.looks import Looks, output_layer
from kansci.inr.training.objective import Objective
from kansci.inr.training.ranks import Ranks, join_ranks
from kansci.inr.training.rates import learning_rate
from kansci.inr.training.samples import Samples
from kansci.inr.training.sampling import Sampler, make_sampler
from kansci.inr.training.settings import (
    Cancelled,
    OnProgress,
    OnState,
    Progress,
    State,
    TrainResult,
    TrainSettings,
)
from kansci.inr.training.weights import Weights

__all__ = ["train"]

_LOOKS = 50
"""So often the check rows are looked at."""
_CHECK_ROWS = 8192
_WARM_UP = 50
_LAST_RATE = 0.01
_MOST_ROLLBACKS = 20


def train(
    network: CoordinateNetwork,
    data: Measurements,
    settings: TrainSettings,
    *,
    on_progress: OnProgress | None = None,
    cancelled: Cancelled | None = None,
    on_state: OnState | None = None,
    resume: State | None = None,
) -> TrainResult:
    """Fit a network to data.

    The learning rate rises over the first 50 steps and then falls along half a cosine to a hundredth, over
    the given seconds or steps. Where the loss is not a number any more or four times the best one, training
    goes back to the best weights with half the rate. With `steps` the result is the same to the bit on the
    same machine with as many threads; with `seconds` the clock decides how many steps there are.

    Under torchrun each process takes a part of every batch, which gives the same up to rounding; the first
    one alone reports.

    Args:
        network: trained in place, ends with the best weights.
        data: what is known of the function.
        settings: how to train.
        on_progress: called after each step.
        cancelled: asked before each step.
        on_state: called every `checkpoint_every` steps with tensors to store.
        resume: such tensors, or `TrainResult.state`, of a run with the same arguments.

    Returns:
        How it ended.

    Raises:
        SettingsError: the loss does not suit the data.
        DataError: the data contradict themselves.
        RunError: `resume` is of another run.
    """  # noqa: DOC502  DataError is raised by Samples
    ranks = join_ranks(next(network.parameters()).device)
    run = _Run(network, data, settings, ranks)
    if resume is not None:
        run.restore(resume)
    first = ranks.rank == 0
    return run.go(on_progress if first else None, cancelled, on_state if first else None)


class _Run:
    """A training run: its parts, and how far it is."""

    def __init__(self, network: CoordinateNetwork, data: Measurements, settings: TrainSettings, ranks: Ranks):
        like = next(network.parameters()).detach()
        self.settings, self.ranks = settings, ranks
        self.samples = Samples(data, like)
        _check(network, self.samples, settings)
        objective = Objective(network, self.samples, settings)
        self.looks = Looks(objective, self.samples, settings, ranks)
        self.trained = ranks.wrapped(objective, derivative=self.samples.derivative != "value")
        self.weights = Weights(network, settings.learning_rate or learning_rate(network))
        count, batch = self.samples.count, settings.batch
        self.sampler: Sampler = make_sampler(
            settings.sampling, count, batch, settings.seed, self.looks.scores
        )
        chosen = torch.randperm(count, generator=torch.Generator().manual_seed(settings.seed))[:_CHECK_ROWS]
        self.check_rows = chosen.to(like.device)
        self.steps, self.seconds = 0, 0.0
        self.history: list[Progress] = []

    def go(
        self, on_progress: OnProgress | None, cancelled: Cancelled | None, on_state: OnState | None
    ) -> TrainResult:
        """Train to the end."""
        began = time.monotonic() - self.seconds
        if not self.history:
            self._look(Progress(0, 0.0, 0.0, math.nan, math.nan, 0.0))
        while True:
            self.seconds = time.monotonic() - began
            wish = cancelled is not None and cancelled()
            fraction, stop = self.ranks.agreed(self._fraction(), float(wish))
            diverged = self.weights.rollbacks > _MOST_ROLLBACKS
            if stop or diverged or fraction >= 1:
                clock = "seconds" if self.settings.steps is None else "steps"
                return self._result("cancelled" if stop else "diverged" if diverged else clock)
            progress = self._step(fraction)
            if fraction * _LOOKS >= len(self.history):
                self._look(progress)
            if on_progress is not None:
                on_progress(replace(progress, psnr=self.history[-1].psnr))
            every = self.settings.checkpoint_every
            if on_state is not None and every is not None and self.steps % every == 0:
                on_state(self.state())

    def state(self) -> State:
        """Copy everything that further steps depend on."""
        parts = {"weights": self.weights.state(), "sampler": self.sampler.state()}
        looks = [astuple(progress) for progress in self.history]
        return {
            "clock": torch.tensor([self.steps, self.seconds], dtype=torch.float64),
            "history": torch.tensor(looks, dtype=torch.float64),
            **{f"{part}/{key}": t for part, state in parts.items() for key, t in state.items()},
        }

    def restore(self, state: State) -> None:
        """Go on where `state` was called.

        Raises:
            RunError: it is of another run.
        """
        parts: dict[str, State] = {"weights": {}, "sampler": {}}
        try:
            for name, tensor in state.items():
                part, _, key = name.partition("/")
                if key:
                    parts[part][key] = tensor
            steps, self.seconds = state["clock"].tolist()
            self.steps = int(steps)
            self.history = [Progress(int(row[0]), *row[1:]) for row in state["history"].tolist()]
            self.weights.restore(parts["weights"])
            self.sampler.restore(parts["sampler"])
        except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
            raise RunError(f"the state does not fit this training ({error}): begin anew") from error

    def _fraction(self) -> float:
        if self.settings.steps is not None:
            return self.steps / self.settings.steps
        return self.seconds / self.settings.seconds

    def _step(self, fraction: float) -> Progress:
        rows = self.sampler.next(fraction)
        free = self.looks.free_points(len(rows), self.sampler.generator)
        mine = self.ranks.part(torch.arange(len(rows)))
        batch = self.samples.batch(rows[mine].to(self.check_rows.device))
        losses = self.trained(batch, None if free is None else free[mine])
        everyone = torch.zeros(len(rows), device=losses.device)
        everyone[mine] = losses.detach().float()
        self.sampler.learn(rows, self.ranks.sum(everyone).cpu())
        loss, rate = float(everyone.mean()), 0.0
        if math.isfinite(loss):
            factor = min(1.0, (self.steps + 1) / _WARM_UP) * _annealed(fraction)
            # the processes' gradients are averaged, hence the number of them
            rate = self.weights.step(losses.sum() * (self.ranks.count / len(rows)), factor)
        else:
            self.weights.roll_back()
        self.steps += 1
        return Progress(self.steps, fraction, self.seconds, loss, math.nan, rate)

    def _look(self, progress: Progress) -> None:
        loss = float(self.looks.losses(self.check_rows).mean())
        self.history.append(replace(progress, loss=loss, psnr=self.looks.psnr(loss)))
        self.weights.judge(loss)

    def _result(self, reason: str) -> TrainResult:
        state = self.state()
        self.weights.judge(float(self.looks.losses(self.check_rows).mean()))
        self.weights.take_best()
        everything = torch.arange(self.samples.count, device=self.check_rows.device)
        loss = float(self.looks.losses(everything).double().mean())
        return TrainResult(
            loss=loss,
            psnr=self.looks.psnr(loss),
            steps=self.steps,
            seconds=self.seconds,
            reason=reason,
            rollbacks=self.weights.rollbacks,
            history=self.history,
            state=state,
        )


def _annealed(fraction: float) -> float:
    return _LAST_RATE + (1 - _LAST_RATE) * (1 + math.cos(math.pi * fraction)) / 2


def _check(network: CoordinateNetwork, samples: Samples, settings: TrainSettings) -> None:
    """Refuse what cannot be trained.

    Raises:
        SettingsError: the loss or the sampling does not suit the data or the network.
    """
    targets, d = samples.targets, network.n_inputs
    if settings.loss == "bce" and not bool(((targets >= 0) & (targets <= 1)).all()):
        raise SettingsError('loss="bce" needs values between 0 and 1')
    if settings.loss != "mse" and samples.derivative != "value":
        raise SettingsError(f'loss="{settings.loss}" does not go with derivative="{samples.derivative}"')
    if settings.loss == "sdf" and (targets.shape[1:] != (d,) or network.n_outputs != 1):
        raise SettingsError(f'loss="sdf" needs one output and, as values, {d} components of a normal')
    width = d if samples.derivative == "gradient" else 1
    if settings.loss != "sdf" and targets[0].numel() != network.n_outputs * width:
        raise SettingsError(
            f"a row has {targets[0].numel()} values where the network gives {network.n_outputs * width}"
        )
    if settings.sampling == "nint":
        output_layer(network)
