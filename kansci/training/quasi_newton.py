"""Minimisation of any function that gives its gradient, by a quasi-Newton method and a line search."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from kansci.errors import SettingsError
from kansci.training.curvature import Direction, LimitedMemory, SelfScaledBroyden, State
from kansci.training.line_search import Function, Point, WolfeSearch, evaluate

__all__ = ["METHODS", "Descent", "Function", "Minimum", "Point", "State", "minimise"]

OnPoint = Callable[[int, Point], bool | None]

_CURVED = 1e-14
_STANDSTILL = 5


METHODS: dict[str, Callable[[int], Direction]] = {"LBFGS": LimitedMemory, "SSBroyden": SelfScaledBroyden}


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where a minimisation ended.

    Attributes:
        x: the lowest point met, shape (n,).
        value: there.
        gradient: there, shape (n,).
        steps: taken.
        evaluations: of the function.
        reason: "gradient", "standstill", "steps" or "callback".
    """

    x: torch.Tensor
    value: float
    gradient: torch.Tensor
    steps: int
    evaluations: int
    reason: str


def minimise(
    function: Function,
    start: torch.Tensor,
    method: str = "LBFGS",
    *,
    steps: int = 1000,
    tolerance: float = 1e-10,
    on_point: OnPoint | None = None,
) -> Minimum:
    """Go down from a point; a point where the function is not finite is never taken.

    Args:
        function: x (n,) -> value and gradient (n,), in float64.
        start: shape (n,).
        method: "LBFGS" or "SSBroyden".
        steps: at most so many.
        tolerance: ends where no entry of the gradient is larger.
        on_point: called after each step with its number and the point; returning True ends the run.

    Returns:
        The lowest point.

    Raises:
        SettingsError: there is no such method, or the function is not finite at the start.
    """  # noqa: DOC502  raised by Descent
    return Descent(function, start, method).run(steps, tolerance, on_point)


class Descent:
    """A minimisation: the present point, the lowest one, and what was learned on the way.

    Attributes:
        here: the present point.
        taken: number of steps.
        evaluations: number of times the function was called.
    """

    def __init__(
        self, function: Function, start: torch.Tensor, method: str = "LBFGS", state: State | None = None
    ):
        """Stand at a point, or where an earlier minimisation stood.

        Args:
            function: x (n,) -> value and gradient (n,), in float64.
            start: shape (n,).
            method: "LBFGS" or "SSBroyden".
            state: what `state` gave; then `start` says the number of variables only.

        Raises:
            SettingsError: there is no such method, or the function is not finite at the start.
        """
        if method not in METHODS:
            raise SettingsError(f"method={method!r}: choose among {', '.join(METHODS)}")
        self._function, self._memory = function, METHODS[method](len(start))
        if state is not None:
            self._restore(state, len(start))
            return
        self.here = self._best = evaluate(function, start.detach().clone())
        if not math.isfinite(self.here.value):
            raise SettingsError("the function to minimise is not finite at the start: begin elsewhere")
        self.taken, self.evaluations = 0, 1
        self._fresh, self._still = True, 0

    def run(
        self,
        steps: int,
        tolerance: float,
        on_point: OnPoint | None = None,
        before_step: Callable[[], None] | None = None,
    ) -> Minimum:
        """Go down, see `minimise`.

        Args:
            steps: at most so many, with those taken before.
            tolerance: ends where no entry of the gradient is larger.
            on_point: called after each step.
            before_step: called before each step, when `state` says everything.

        Returns:
            The lowest point.
        """
        reason = "steps"
        while self.taken < steps:
            if float(self.here.gradient.abs().max()) <= tolerance:
                reason = "gradient"
                break
            if before_step is not None:
                before_step()
            if not self._step():
                reason = "standstill"
                break
            self._best = self.here if self.here.value <= self._best.value else self._best
            if on_point is not None and on_point(self.taken, self.here):
                reason = "callback"
                break
        best = self._best
        return Minimum(best.x, best.value, best.gradient, self.taken, self.evaluations, reason)

    def state(self) -> State:
        """Copy everything that further steps depend on."""
        tensors = {f"memory/{name}": tensor for name, tensor in self._memory.state().items()}
        for name, point in (("here", self.here), ("best", self._best)):
            tensors[f"{name}/x"], tensors[f"{name}/gradient"] = point.x.clone(), point.gradient.clone()
            tensors[f"{name}/value"] = torch.tensor(point.value, dtype=torch.float64)
        counts = torch.tensor([self.taken, self.evaluations, self._still, int(self._fresh)])
        return {**tensors, "counts": counts}

    def _restore(self, state: State, size: int) -> None:
        self.here, self._best = (
            Point(state[f"{name}/x"], float(state[f"{name}/value"]), state[f"{name}/gradient"])
            for name in ("here", "best")
        )
        if self.here.x.shape != (size,) or self._best.x.shape != (size,):
            raise ValueError(f"it has {len(self.here.x)} weights where there are {size}")
        self.taken, self.evaluations, self._still, fresh = state["counts"].tolist()
        self._fresh = bool(fresh)
        start = "memory/"
        memory = {name[len(start) :]: t for name, t in state.items() if name.startswith(start)}
        self._memory.restore(memory)

    def _step(self) -> bool:
        """Take a step; say whether there was one to take."""
        there = None if self._fresh else self._search(self._memory.along(self.here.gradient), 1.0)
        if there is None:  # steepest descent, with nothing remembered
            self._memory.forget()
            self._fresh = True
            downhill = -self.here.gradient
            there = self._search(downhill, min(1.0, 1 / float(downhill.abs().sum())))
        if there is None:
            return False
        self._learn(there)
        self._still = self._still + 1 if there.value >= self.here.value else 0
        self.here = there
        self.taken += 1
        return self._still < _STANDSTILL

    def _search(self, direction: torch.Tensor, length: float) -> Point | None:
        slope = float(direction @ self.here.gradient)
        steep = slope < -_CURVED * float(direction.norm() * self.here.gradient.norm())
        if not (steep and math.isfinite(slope)):
            return None
        search = WolfeSearch(self._function, self.here, direction)
        there = search.run(length)
        self.evaluations += search.evaluations
        return there

    def _learn(self, there: Point) -> None:
        step, change = there.x - self.here.x, there.gradient - self.here.gradient
        if float(step @ change) > _CURVED * float(step.norm() * change.norm()):
            self._memory.update(step, change, self.here, there.length)
            self._fresh = False
