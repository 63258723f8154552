"""Networks that are not linear in their weights, trained on sampled points.

Gauss-Newton up to a few thousand weights, self-scaled Broyden after a warm-up by Adam beyond. The points are
drawn anew as often as the residual stays large somewhere: with a probability proportional to
|r| / mean|r| + 1 (residual-based adaptive distribution, Wu et al., CMAME 403, 2023, eq. 2 with k = c = 1).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from kansci.errors import SettingsError
from kansci.pde.block import Block
from kansci.pde.collocation import balanced_blocks, points_for
from kansci.pde.gauss_newton import gauss_newton
from kansci.pde.networks.network import Network
from kansci.pde.piece import Piece, layout_of
from kansci.pde.system import System
from kansci.training.quasi_newton import minimise

__all__ = ["OPTIMIZERS", "Training", "training_levels"]

OPTIMIZERS = ("auto", "gauss-newton", "SSBroyden", "LBFGS", "Adam")
_MOST_FOR_GAUSS_NEWTON = 3000
_ROWS = 1000, 8000
_POOL = 8
"""Candidates for each point that is drawn."""
_BETWEEN_DRAWS = 40
_STALLED = 0.999
_WARM_UP, _RATE = 300, 5e-3


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Attributes:
        optimizer: one of `OPTIMIZERS`.
        seed: of the first weights and the points.
    """

    optimizer: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the choice."""
        if self.optimizer not in OPTIMIZERS:
            raise SettingsError(f"optimizer={self.optimizer!r}: choose one of {', '.join(OPTIMIZERS)}")


def training_levels(
    system: System,
    networks: Mapping[str, Network],
    training: Training,
    should_stop: Callable[[], bool],
) -> Iterator[Piece]:
    """Yield the fields after each round between two draws of points.

    Args:
        system: the problem.
        networks: one for each field.
        training: how.
        should_stop: asked after every step.

    Yields:
        The present state; the caller says which is best.
    """
    rng = np.random.default_rng([training.seed, 7])
    models = {name: system.model(name, network) for name, network in networks.items()}
    layout = layout_of(models, system.constants)
    theta = _start(system, networks, training.seed)
    run = _method(training.optimizer, layout.size)
    points = points_for(system, layout.size, _ROWS, rng)
    count = len(points.inside)
    while not should_stop():
        blocks = balanced_blocks(system, models, layout, theta, points)
        after, moved = run(blocks, theta, should_stop)
        if not moved:
            return
        theta = after
        piece = Piece(models, layout, theta)
        yield piece
        fresh = points_for(system, layout.size, _ROWS, rng, _POOL)
        points = replace(fresh, inside=_drawn(system, piece, fresh.inside, count, rng))


def _start(system: System, networks: Mapping[str, Network], seed: int) -> torch.Tensor:
    weights = [network.initial(seed + k) for k, network in enumerate(networks.values())]
    starts = torch.tensor([c.start for c in system.problem.unknowns], dtype=torch.float64)
    return torch.cat([*weights, starts])


def _drawn(
    system: System, piece: Piece, pool: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw points, more of them where the residual is large."""
    size = np.zeros(len(pool))
    for residual in system.equations:
        block = Block(residual, dict(piece.models), piece.layout, pool, 1.0)
        values = np.nan_to_num(np.abs(block.values(piece.theta).numpy()), nan=0.0, posinf=0.0)
        size += values / max(values.mean(), 1e-300)
    share = size / max(size.mean(), 1e-300) + 1
    return pool[rng.choice(len(pool), count, replace=False, p=share / share.sum())]


Run = Callable[[list[Block], torch.Tensor, Callable[[], bool]], tuple[torch.Tensor, bool]]


def _method(optimizer: str, size: int) -> Run:
    if optimizer == "auto":
        optimizer = "gauss-newton" if size <= _MOST_FOR_GAUSS_NEWTON else "SSBroyden"
    if optimizer == "gauss-newton":
        return _GaussNewton()
    if optimizer == "Adam":
        return lambda blocks, theta, stop: (_adam(blocks, theta, stop, _WARM_UP), True)
    return _QuasiNewton(optimizer)


class _GaussNewton:
    """Keeps the damping from one draw of points to the next."""

    def __init__(self) -> None:
        self._damping = 1e-2

    def __call__(
        self, blocks: list[Block], theta: torch.Tensor, should_stop: Callable[[], bool]
    ) -> tuple[torch.Tensor, bool]:
        moved, before = False, np.inf
        for iterate in gauss_newton(blocks, theta, self._damping):
            theta, self._damping, moved = iterate.theta, iterate.damping, True
            if iterate.steps >= _BETWEEN_DRAWS or iterate.loss > _STALLED * before or should_stop():
                break
            before = iterate.loss
        return theta, moved


class _QuasiNewton:
    """Warms up by Adam on the first draw's points."""

    def __init__(self, method: str):
        self._method, self._cold = method, True

    def __call__(
        self, blocks: list[Block], theta: torch.Tensor, should_stop: Callable[[], bool]
    ) -> tuple[torch.Tensor, bool]:
        if self._cold:
            theta, self._cold = _adam(blocks, theta, should_stop, _WARM_UP), False
        found = minimise(
            lambda x: _loss(blocks, x),
            theta,
            self._method,
            steps=5 * _BETWEEN_DRAWS,
            tolerance=0.0,
            on_point=lambda *_: should_stop(),
        )
        return found.x, found.steps > 0


def _loss(blocks: list[Block], theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    value, gradient = theta.new_zeros(()), torch.zeros_like(theta)
    for block in blocks:
        r, J = block.linearised(theta)
        value = value + r @ r
        gradient += 2 * (J.mT @ r)
    return value, gradient


def _adam(
    blocks: list[Block], theta: torch.Tensor, should_stop: Callable[[], bool], steps: int
) -> torch.Tensor:
    weights = theta.clone()
    optimizer = torch.optim.Adam([weights], lr=_RATE)
    best, lowest = theta, np.inf
    for _ in range(steps):
        value, weights.grad = _loss(blocks, weights.detach())
        if not bool(value.isfinite()):
            weights.data = best.clone()  # back to where it was finite
            optimizer = torch.optim.Adam([weights], lr=optimizer.param_groups[0]["lr"] / 3)
            continue
        if value < lowest:
            best, lowest = weights.detach().clone(), float(value)
        if should_stop():
            break
        optimizer.step()
    return best
