"""What a training run is told, what it reports, and what it returns."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from kansci.basis import BasisSpec, base_function
from kansci.errors import SettingsError
from kansci.models import KAN
from kansci.models.nodes import Arity
from kansci.training.losses import LeastSquares, Loss

AUTO_START = 5
"""The grid size that an automatic schedule begins with."""
AUTO_SHARE = 0.1


@dataclass(frozen=True)
class TrainSettings:
    """Options of `fit_population`.

    Attributes:
        restarts: members of the population, P.
        survivors: pairs (step, members): after that many steps only the best members go on.
        steps: Levenberg-Marquardt steps on each grid; at most so many on each of an automatic schedule, see
            `Schedule.leaves`.
        grids: grid sizes, from coarse to fine; "auto" begins with 5 and doubles as long as the validation
            error falls, see `Schedule`.
        patience: extensions of an automatic grid in a row that may bring nothing before it ends.
        k: degree of the splines.
        mult_arity: number of factors of the products, see `read_width`.
        basis: family of the edges' functions, or one for each layer.
        base_fun: base function of every edge; "zero" trains best.
        loss: what is minimised; its targets are what `Loss.targets` says.
        lamb: weight of the group sparsity penalty, relative to the variance of y.
        smooth: weight of the penalty on the edges' curvature; it fills gaps in the data.
        smooth_share: further weight of that penalty, for each member this share of its present loss; it fades
            as the fit gets better and, on each grid, with the steps. None takes 0.1 with an automatic grid,
            whose finer splines start from smoother coarse ones then, and 0 else.
        adapt_at: steps on each grid before which hidden grids move to the range of their activations.
        grid_eps: below 1, knots at quantiles are tried after the steps on each grid, where some input's rows
            are unevenly spread: 0 are the quantiles, towards 1 the knots become equally spaced. They stay if
            the best member's validation error is not worse.
        validation_fraction: share of the rows held out to choose the best member; none below 20 rows.
        tolerance: a member retires when its loss falls by less than this share over ten steps.
        seconds: time allowed, or None.
        deadline: value of time.monotonic() to stop at, or None.
        should_stop: asked before each step; True ends the run with what it has.
    """

    restarts: int = 6
    survivors: tuple[tuple[int, int], ...] = ()
    steps: int = 50
    grids: tuple[int, ...] | Literal["auto"] = (5,)
    patience: int = 1
    k: int = 3
    mult_arity: Arity = 2
    basis: BasisSpec | Sequence[BasisSpec] = "bspline"
    base_fun: str = "zero"
    loss: Loss = field(default_factory=LeastSquares)
    lamb: float = 0.0
    smooth: float = 0.0
    smooth_share: float | None = None
    adapt_at: tuple[int, ...] = (3, 8, 15, 25)
    grid_eps: float = 1.0
    validation_fraction: float = 0.2
    tolerance: float = 1e-3
    seconds: float | None = None
    deadline: float | None = None
    should_stop: Callable[[], bool] | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            SettingsError: a value is out of range.
        """
        if self.restarts < 1 or self.steps < 0:
            raise SettingsError(f"restarts={self.restarts}, steps={self.steps}: need at least 1 and 0")
        if not self.sizes or min(self.sizes) < 1 or list(self.sizes) != sorted(self.sizes):
            raise SettingsError(f"grids={self.grids}: give grid sizes from coarse to fine, each at least 1")
        if self.patience < 0 or any(members < 1 for _, members in self.survivors):
            raise SettingsError(
                f"patience={self.patience}, survivors={self.survivors}: need 0 and 1 member at least"
            )
        for name in ("k", "lamb", "smooth", "smooth_share"):
            if (getattr(self, name) or 0) < 0:
                raise SettingsError(f"{name}={getattr(self, name)}: may not be negative")
        if not 0 <= self.grid_eps <= 1:
            raise SettingsError(f"grid_eps={self.grid_eps}: must be from 0 (quantiles) to 1 (equally spaced)")
        if not 0 <= self.validation_fraction < 1:
            raise SettingsError(f"validation_fraction={self.validation_fraction}: must be from 0 to below 1")
        base_function(self.base_fun)

    @property
    def share(self) -> float:
        """The value of `smooth_share`, also where it was left open."""
        if self.smooth_share is None:
            return AUTO_SHARE if self.grids == "auto" else 0.0
        return self.smooth_share

    @property
    def sizes(self) -> tuple[int, ...]:
        """The grid sizes that are known beforehand."""
        return (AUTO_START,) if self.grids == "auto" else self.grids

    def end(self) -> float | None:
        """Give the value of time.monotonic() at which a run that starts now must end."""
        limits = [] if self.deadline is None else [self.deadline]
        if self.seconds is not None:
            limits.append(time.monotonic() + self.seconds)
        return min(limits, default=None)

    def stopper(self) -> Callable[[], bool]:
        """Start the clock: the function returned says whether to stop now."""
        end = self.end()

        def stop() -> bool:
            late = end is not None and time.monotonic() >= end
            return late or (self.should_stop is not None and self.should_stop())

        return stop


@dataclass(frozen=True)
class StepEvent:
    """The state of a run after a step.

    Attributes:
        step: number of steps so far, over all grids.
        grid: grid size now.
        train_rmse: the best member's root mean squared error.
        validation_rmse: the same on held-out rows.
        active: members still training.
        best: builds the best network so far.
    """

    step: int
    grid: int
    train_rmse: float
    validation_rmse: float
    active: int
    best: Callable[[], KAN]


@dataclass(frozen=True, eq=False)
class Trained:
    """What a run leaves.

    Attributes:
        model: the best member by validation error.
        models: all members, best first.
        train_rmse: root mean squared error of each of `models`, in the units of y; for another loss than
            least squares what `Loss.figure` gives, here and everywhere.
        validation_rmse: the same on held-out rows (on all rows where none were held out).
        history: for each step the best member's errors, {"train_loss": [...], "test_loss": [...]}, and the
            "grid" they were reached on.
        stopped: the run was ended by time, by `should_stop` or by Ctrl-C.
        interrupted: by Ctrl-C.
    """

    model: KAN
    models: list[KAN]
    train_rmse: list[float]
    validation_rmse: list[float]
    history: dict[str, list[float]] = field(default_factory=dict)
    stopped: bool = False
    interrupted: bool = False

    def summary(self) -> dict[str, Any]:
        """Give the shape and errors in JSON's types."""
        return {
            "width": list(self.model.width),
            "grid": self.model.grid,
            "train_rmse": self.train_rmse[0],
            "validation_rmse": self.validation_rmse[0],
            "steps": len(self.history.get("train_loss", [])),
            "stopped": self.stopped,
        }


class FitInterrupted(KeyboardInterrupt):
    """Ctrl-C during training; whoever catches it still has the best so far.

    Attributes:
        trained: what there was.
    """

    def __init__(self, trained: Trained):
        """Carry what was trained."""
        super().__init__()
        self.trained = replace(trained, stopped=True, interrupted=True)
