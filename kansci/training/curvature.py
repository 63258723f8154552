"""What methods of descent remember of the curvature: L-BFGS and the self-scaled Broyden family.

L-BFGS: Nocedal 1980. Self-scaled Broyden: Al-Baali 1998; the choice of its two numbers here is that of Urban,
Stefanou and Pons 2025, which makes networks solve differential equations to many more digits than BFGS does.
"""

import math
from collections import deque
from typing import Protocol

import torch

from kansci.errors import SettingsError
from kansci.training.line_search import Point

State = dict[str, torch.Tensor]
"""Tensors by name that say where a minimisation stands."""

_LARGEST_DENSE = 10_000


class Direction(Protocol):
    """What a method remembers of the curvature."""

    def along(self, gradient: torch.Tensor) -> torch.Tensor:
        """Multiply a gradient (n,) by minus the inverse Hessian's estimate."""

    def update(self, step: torch.Tensor, change: torch.Tensor, before: Point, length: float) -> None:
        """Learn from a step (n,), the gradient's change (n,), where it began and its length."""

    def forget(self) -> None:
        """Start afresh."""

    def state(self) -> State:
        """Copy what is remembered."""

    def restore(self, state: State) -> None:
        """Remember what `state` gave."""


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

    def state(self) -> State:
        """See `Direction`."""
        return {f"pair {n}/{part}": t for n, pair in enumerate(self._pairs) for part, t in enumerate(pair)}

    def restore(self, state: State) -> None:
        """See `Direction`."""
        self.forget()
        for n in range(len(state) // 3):
            step, change, curvature = (state[f"pair {n}/{part}"] for part in range(3))
            self._pairs.append((step, change, curvature))


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

    def state(self) -> State:
        """See `Direction`."""
        return {} if self._inverse is None else {"inverse": self._inverse.clone()}

    def restore(self, state: State) -> None:
        """See `Direction`."""
        self._inverse = state["inverse"].clone() if state else None


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
