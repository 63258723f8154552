"""Minimisation by L-BFGS and by the self-scaled Broyden family, of any function that gives its gradient.

L-BFGS: Nocedal 1980. Self-scaled Broyden: Al-Baali 1998; the choice of its two numbers here is that of Urban,
Stefanou and Pons 2025, which makes networks solve differential equations to many more digits than BFGS does.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch

from kansci.errors import SettingsError
from kansci.training.line_search import Function, Point, WolfeSearch, evaluate

__all__ = ["METHODS", "Function", "Minimum", "Point", "minimise"]

OnPoint = Callable[[int, Point], bool | None]

_LARGEST_DENSE = 10_000
_CURVED = 1e-14
_STANDSTILL = 5


class Direction(Protocol):
    """What a method remembers of the curvature."""

    def along(self, gradient: torch.Tensor) -> torch.Tensor:
        """Multiply a gradient (n,) by minus the inverse Hessian's estimate."""

    def update(self, step: torch.Tensor, change: torch.Tensor, before: Point, length: float) -> None:
        """Learn from a step (n,), the gradient's change (n,), where it began and its length."""

    def forget(self) -> None:
        """Start afresh."""


class LimitedMemory:
    """L-BFGS: the last steps and changes of the gradient, by the two-loop recursion."""

    def __init__(self, size: int, memory: int = 20):
        """Remember `memory` steps."""
        self._pairs: deque[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = deque(maxlen=memory)

    def along(self, gradient: torch.Tensor) -> torch.Tensor:
        """See `Direction`."""
        direction, shares = -gradient, []
        for step, change, curvature in reversed(self._pairs):
            share = (step @ direction) / curvature
            direction = direction - share * change
            shares.append(share)
        if self._pairs:
            _, change, curvature = self._pairs[-1]
            direction = direction * (curvature / (change @ change))
        for (step, change, curvature), share in zip(self._pairs, reversed(shares), strict=True):
            direction = direction + (share - (change @ direction) / curvature) * step
        return direction

    def update(self, step: torch.Tensor, change: torch.Tensor, before: Point, length: float) -> None:
        """See `Direction`."""
        self._pairs.append((step, change, step @ change))

    def forget(self) -> None:
        """See `Direction`."""
        self._pairs.clear()


class SelfScaledBroyden:
    """A dense inverse Hessian H (n, n), rescaled at every update to keep its eigenvalues in check."""

    def __init__(self, size: int):
        """Start from the unit matrix, scaled by the first step."""
        if size > _LARGEST_DENSE:
            raise SettingsError(
                f"{size} variables are too many for a dense method (at most {_LARGEST_DENSE}): use LBFGS"
            )
        self._size = size
        self._inverse: torch.Tensor | None = None

    def along(self, gradient: torch.Tensor) -> torch.Tensor:
        """See `Direction`."""
        return -gradient if self._inverse is None else -(self._inverse @ gradient)

    def update(self, step: torch.Tensor, change: torch.Tensor, before: Point, length: float) -> None:
        """H <- (H - Hyy'H / y'Hy + phi vv') / tau + ss' / y's, with v = sqrt(y'Hy) (s / y's - Hy / y'Hy)."""
        curvature = float(step @ change)
        if self._inverse is None:
            scale = curvature / float(change @ change)
            self._inverse = scale * torch.eye(self._size, dtype=step.dtype, device=step.device)
            old = float(step @ step) / scale / curvature
        else:
            old = -length * float(step @ before.gradient) / curvature
        product = self._inverse @ change
        norm = float(change @ product)
        phi, tau = _broyden_numbers(old, norm / curvature, self._size)
        v = math.sqrt(norm) * (step / curvature - product / norm)
        self._inverse.addr_(product, product, alpha=-1 / norm).addr_(v, v, alpha=phi).div_(tau)
        self._inverse.addr_(step, step, alpha=1 / curvature)

    def forget(self) -> None:
        """See `Direction`."""
        self._inverse = None


def _broyden_numbers(b: float, h: float, size: int) -> tuple[float, float]:
    """Give phi and tau from b = s'Bs / y's and h = y'Hy / y's (Urban et al. 2025, equations 10 to 23)."""
    a = max(h * b - 1, 0.0)
    rho = min(1.0, h * (1 - math.sqrt(a / (a + 1))))
    upper = min(1 / rho, (1 - b) / b)
    theta = max((rho - 1) / a, upper) if a > 1e-12 else upper
    sigma = max(1 + a * theta, 1e-12)
    spread = sigma ** (-1 / (size - 1)) if size > 1 else 1.0
    if theta > 0:
        tau = min(1.0, 1 / b) * min(spread, 1 / theta)
    else:
        tau = min(min(1.0, 1 / b) * spread, sigma)
    return (1 - theta) / sigma, tau


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
    """
    if method not in METHODS:
        raise SettingsError(f"method={method!r}: choose among {', '.join(METHODS)}")
    descent = _Descent(function, start.detach().clone(), METHODS[method](len(start)))
    best, reason = descent.here, "steps"
    for number in range(1, steps + 1):
        if float(descent.here.gradient.abs().max()) <= tolerance:
            reason = "gradient"
            break
        if not descent.step():
            reason = "standstill"
            break
        best = descent.here if descent.here.value <= best.value else best
        if on_point is not None and on_point(number, descent.here):
            reason = "callback"
            break
    return Minimum(best.x, best.value, best.gradient, descent.taken, descent.evaluations, reason)


class _Descent:
    """The present point and what was learned on the way to it."""

    def __init__(self, function: Function, start: torch.Tensor, memory: Direction):
        self._function, self._memory = function, memory
        self.here = evaluate(function, start)
        if not math.isfinite(self.here.value):
            raise SettingsError("the function to minimise is not finite at the start: begin elsewhere")
        self.taken, self.evaluations = 0, 1
        self._fresh, self._still = True, 0

    def step(self) -> bool:
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
