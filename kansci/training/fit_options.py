"""The options of `KAN.fit`, which optimisers they act on, and which optimiser is chosen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from kansci.errors import SettingsError
from kansci.training.settings import StepEvent

OPTIMISERS = ("LM", "LBFGS", "SSBroyden", "Adam")
SCHEDULES = ("constant", "cosine", "onecycle")
_GRADIENT = frozenset({"LBFGS", "SSBroyden", "Adam"})
_ACTS_ON = {
    "grids": frozenset({"LM"}),
    "smooth": frozenset({"LM"}),
    "grid_eps": frozenset({"LM"}),
    "tolerance": frozenset({"LM"}),
    "lamb_l1": _GRADIENT,
    "lamb_entropy": _GRADIENT,
    "lamb_coef": _GRADIENT,
    "lamb_coefdiff": _GRADIENT,
    "lr": frozenset({"Adam"}),
    "batch": frozenset({"Adam"}),
    "schedule": frozenset({"Adam"}),
    "clip": frozenset({"Adam"}),
    "polish": frozenset({"Adam"}),
    "seed": frozenset({"Adam"}),
}
"""Options that act on some optimisers only; the others act on all."""

DEFAULT_STEPS = {"LM": 100, "LBFGS": 300, "SSBroyden": 300, "Adam": 5000}
# Where each gets furthest in equal time: measured on one core with 8 inputs, 600 to 25000 weights and 2000 to
# 50000 rows.
MOST_LM_WEIGHTS = 2000
MOST_LM_WORK = 1.5e10
MOST_LBFGS_ROWS = 20_000


@dataclass(frozen=True)
class FitOptions:
    """Options of `KAN.fit`; None means that an option was not given and has the value said here.

    Attributes:
        opt: "auto", "LM", "LBFGS", "SSBroyden" or "Adam".
        steps: of the optimiser; batches for Adam (100 for LM, 300 for LBFGS and SSBroyden, 5000 for Adam).
        lamb: weight of the sparsity penalty: for LM the group penalty, relative to the variance of y; else
            pykan's, of y with unit variance.
        lamb_l1: see `EdgePenalty` (1), as the following three.
        lamb_entropy: (2).
        lamb_coef: (0).
        lamb_coefdiff: (0).
        loss_fn: see `as_loss` (least squares); for "logistic" and "softmax" classes without weights are
            trained on as if each had been seen once more, so that outputs stay finite.
        metrics: functions without arguments, called after each step with the network up to date.
        update_grid: whether hidden grids follow their activations.
        grid_update_num: how often (10; LM has times of its own).
        start_grid_update_step: not before this step (-1).
        stop_grid_update_step: nor from this step on (50).
        weights: how much each row counts, (N,).
        seconds: time allowed.
        should_stop: asked before each step; True ends the run.
        on_step: called after each step with a `StepEvent`.
        grids: grid sizes to go on to, from coarse to fine.
        smooth: weight of the penalty on the edges' curvature (0).
        grid_eps: below 1, knots at quantiles are tried after the steps, see `TrainSettings` (1).
        tolerance: ends when the loss falls by less than this share over ten steps (0).
        lr: largest learning rate (0.01).
        batch: rows in a batch, -1 for all (1024).
        schedule: "constant", "cosine" or "onecycle" (cosine).
        clip: largest norm of the gradient (unbounded).
        polish: L-BFGS steps at the end, on at most 100000 rows (0).
        seed: of the order of the rows (0).
    """

    opt: str = "auto"
    steps: int | None = None
    lamb: float = 0.0
    lamb_l1: float | None = None
    lamb_entropy: float | None = None
    lamb_coef: float | None = None
    lamb_coefdiff: float | None = None
    loss_fn: Any = None
    metrics: Sequence[Callable[[], Any]] = ()
    update_grid: bool = True
    grid_update_num: int | None = None
    start_grid_update_step: int | None = None
    stop_grid_update_step: int | None = None
    weights: Any = None
    seconds: float | None = None
    should_stop: Callable[[], bool] | None = None
    on_step: Callable[[StepEvent], None] | None = None
    grids: tuple[int, ...] | None = None
    smooth: float | None = None
    grid_eps: float | None = None
    tolerance: float | None = None
    lr: float | None = None
    batch: int | None = None
    schedule: str | None = None
    clip: float | None = None
    polish: int | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            SettingsError: a value is not allowed.
        """
        if self.opt not in {"auto", *OPTIMISERS}:
            raise SettingsError(f"opt={self.opt!r}: choose among auto, {', '.join(OPTIMISERS)}")
        if self.schedule not in {None, *SCHEDULES}:
            raise SettingsError(f"schedule={self.schedule!r}: choose among {', '.join(SCHEDULES)}")
        for name in ("lamb", "lamb_l1", "lamb_entropy", "lamb_coef", "lamb_coefdiff", "polish"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise SettingsError(f"{name}={value}: may not be negative")
        for name in ("lr", "clip", "grid_update_num"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise SettingsError(f"{name}={value}: must be positive")
        if self.given("steps", 0) < 0 or self.given("batch", 1) < -1 or self.batch == 0:
            raise SettingsError(f"steps={self.steps}, batch={self.batch}: need at least 0 and 1 (-1 is all)")
        if self.opt != "auto":
            self._check_for(self.opt)

    @classmethod
    def of(cls, options: dict[str, Any]) -> "FitOptions":
        """Build options out of what the user named.

        Args:
            options: name -> value.

        Returns:
            The options.

        Raises:
            SettingsError: there is no option of a name.
        """
        known = [field.name for field in fields(cls)]
        unknown = [name for name in options if name not in known]
        if unknown:
            raise SettingsError(f"fit has no option {', '.join(unknown)}: choose among {', '.join(known)}")
        return cls(**options)

    def given(self, name: str, default: Any) -> Any:
        """Give an option's value, or a default where none was given."""
        value = getattr(self, name)
        return default if value is None else value

    def _check_for(self, opt: str) -> None:
        for name, optimisers in _ACTS_ON.items():
            if getattr(self, name) is not None and opt not in optimisers:
                wanted = ", ".join(sorted(optimisers))
                raise SettingsError(f"{name} does nothing with opt={opt!r}: it is for {wanted}")
        parts = [name for name in _ACTS_ON if name.startswith("lamb_") and getattr(self, name) is not None]
        if self.lamb == 0 and parts:
            raise SettingsError(f"lamb=0 switches {', '.join(parts)} off: set lamb too")

    def chosen(self, n_weights: int, n_rows: int | None, n_out: int, *, curved: bool) -> str:
        """Choose the optimiser by what a step costs.

        Args:
            n_weights: of the network, P.
            n_rows: N; None where rows are not in memory.
            n_out: O.
            curved: the loss has a curvature by rows.

        Returns:
            The one asked for, if there is one. Else Adam where rows are not in memory; LM for a curved loss
            with P up to 2000 and N * O * P^2 up to 1.5e10 (about a second a step); LBFGS for N up to 20000;
            Adam above. An option that only acts on some optimisers leaves the choice among them.

        Raises:
            SettingsError: no optimiser takes all the options given, or the one asked for needs all rows.
        """
        possible = set(OPTIMISERS) if self.opt == "auto" else {self.opt}
        if n_rows is None:
            possible &= {"Adam"}
        for name, optimisers in _ACTS_ON.items():
            if getattr(self, name) is not None:
                possible &= optimisers
        rows = n_rows or 0
        small = n_weights <= MOST_LM_WEIGHTS and rows * n_out * n_weights**2 <= MOST_LM_WORK
        preferred = ["LM"] if curved and small else []
        preferred += ["LBFGS", "Adam"] if rows <= MOST_LBFGS_ROWS else ["Adam", "LBFGS"]
        best = next((opt for opt in [*preferred, "LM", "SSBroyden"] if opt in possible), None)
        if best is None:
            advice = "rows that come in batches need opt='Adam'" if n_rows is None else "leave some out"
            raise SettingsError(f"no optimiser takes these data and all the options given: {advice}")
        self._check_for(best)
        return best

    @property
    def names_grid_updates(self) -> bool:
        """Whether the times of grid updates were given."""
        names = ("grid_update_num", "start_grid_update_step", "stop_grid_update_step")
        return not self.update_grid or any(getattr(self, name) is not None for name in names)

    def grid_update_steps(self) -> tuple[int, ...]:
        """List the steps before which the grids adapt, as pykan does."""
        if not self.update_grid:
            return ()
        start = self.given("start_grid_update_step", -1)
        stop = self.given("stop_grid_update_step", 50)
        every = max(1, stop // self.given("grid_update_num", 10))
        return tuple(step for step in range(0, min(stop, self.given("steps", stop)), every) if step > start)
