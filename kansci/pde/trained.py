"""Networks that are not linear in their weights, trained on sampled points.

Gauss-Newton up to a few thousand weights, self-scaled Broyden after a warm-up by Adam beyond. The points are
drawn anew as often as the residual stays large somewhere: with a probability proportional to
|r| / mean|r| + 1 (residual-based adaptive distribution, Wu et al., CMAME 403, 2023, eq. 2 with k = c = 1).
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from kansci.errors import SettingsError
from kansci.pde.block import Block
from kansci.pde.collocation import Points, balanced_blocks, points_for
from kansci.pde.gauss_newton import gauss_newton
from kansci.pde.networks.network import Network
from kansci.pde.piece import Piece, layout_of
from kansci.pde.system import System
from kansci.training.quasi_newton import minimise

__all__ = ["OPTIMIZERS", "Standing", "Training", "training_levels"]

OPTIMIZERS = ("auto", "gauss-newton", "SSBroyden", "LBFGS", "Adam")
_MOST_FOR_GAUSS_NEWTON = 3000
_ROWS = 1000, 8000
_POOL = 8
"""Candidates for each point that is drawn."""
_BETWEEN_DRAWS = 40
_STALLED = 0.999
_WARM_UP, _RATE = 300, 5e-3
_FIRST_DAMPING = 1e-2


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


@dataclass(frozen=True, eq=False)
class Standing:
    """Where training stands: with the seed, all that further steps depend on.

    Attributes:
        theta: the unknowns, (P,).
        anchor: the unknowns when the present points were drawn, (P,); residuals are balanced there.
        draw: number of draws before this one.
        steps: taken since this draw.
        damping: of the next Gauss-Newton step.
        loss: after the last one.
    """

    theta: torch.Tensor
    anchor: torch.Tensor
    draw: int = 0
    steps: int = 0
    damping: float = _FIRST_DAMPING
    loss: float = np.inf

    def redrawn(self) -> "Standing":
        """Go to the next draw of points."""
        return Standing(self.theta, self.theta, self.draw + 1, damping=self.damping)


def training_levels(
    system: System,
    networks: Mapping[str, Network],
    training: Training,
    should_stop: Callable[[], bool],
    start: Standing | None = None,
) -> Iterator[tuple[Piece, Standing | None]]:
    """Yield the fields again and again while they are trained.

    Args:
        system: the problem.
        networks: one for each field.
        training: how.
        should_stop: asked after every step.
        start: where an earlier training stood.

    Yields:
        The present fields, the caller says which are best; and where training stands, None where a step was
        cut short that cannot be taken up again.

    Raises:
        SettingsError: the earlier training was of other networks.
    """
    models = {name: system.model(name, network) for name, network in networks.items()}
    layout = layout_of(models, system.constants)
    if start is None:
        theta = _start(system, networks, training.seed)
        start = Standing(theta, theta)
    elif start.theta.shape != (layout.size,):
        raise SettingsError(f"{len(start.theta)} stored weights for networks that have {layout.size}")
    method = _method(training.optimizer, layout.size)
    stands, draw = start, -1
    while stands.draw != draw and not should_stop():
        draw = stands.draw
        points = _points(system, Piece(models, layout, stands.anchor), draw, training.seed)
        blocks = balanced_blocks(system, models, layout, stands.anchor, points)
        for theta, after in method(blocks, stands, should_stop):
            yield Piece(models, layout, theta), after
            stands = after or stands


def _start(system: System, networks: Mapping[str, Network], seed: int) -> torch.Tensor:
    weights = [network.initial(seed + k) for k, network in enumerate(networks.values())]
    starts = torch.tensor([c.start for c in system.problem.unknowns], dtype=torch.float64)
    return torch.cat([*weights, starts])


def _points(system: System, piece: Piece, draw: int, seed: int) -> Points:
    """Draw points, from the second draw on more of them where the residual is large."""
    rng = np.random.default_rng([seed, 7, draw])
    points = points_for(system, piece.layout.size, _ROWS, rng, _POOL if draw else 1)
    if draw == 0:
        return points
    pool = points.inside
    size = np.zeros(len(pool))
    for residual in system.equations:
        block = Block(residual, dict(piece.models), piece.layout, pool, 1.0)
        values = np.nan_to_num(np.abs(block.values(piece.theta).numpy()), nan=0.0, posinf=0.0)
        size += values / max(values.mean(), 1e-300)
    share = size / max(size.mean(), 1e-300) + 1
    inside = pool[rng.choice(len(pool), len(pool) // _POOL, replace=False, p=share / share.sum())]
    return replace(points, inside=inside)


Steps = Iterator[tuple[torch.Tensor, Standing | None]]
Method = Callable[[list[Block], Standing, Callable[[], bool]], Steps]
"""Trains on one draw of points; gives the unknowns on the way, and where training stands."""


def _method(optimizer: str, size: int) -> Method:
    if optimizer == "auto":
        optimizer = "gauss-newton" if size <= _MOST_FOR_GAUSS_NEWTON else "SSBroyden"
    return _by_gauss_newton if optimizer == "gauss-newton" else functools.partial(_by_gradients, optimizer)


def _by_gauss_newton(blocks: list[Block], stands: Standing, should_stop: Callable[[], bool]) -> Steps:
    """Keep the damping from one draw of points to the next."""
    for iterate in gauss_newton(blocks, stands.theta, stands.damping):
        stalled = iterate.loss > _STALLED * stands.loss
        stands = replace(
            stands,
            theta=iterate.theta,
            damping=iterate.damping,
            loss=iterate.loss,
            steps=stands.steps + 1,
        )
        if stands.steps >= _BETWEEN_DRAWS or stalled:
            break
        yield stands.theta, stands
        if should_stop():
            return
    if stands.steps:
        yield stands.theta, stands.redrawn()


def _by_gradients(
    optimizer: str, blocks: list[Block], stands: Standing, should_stop: Callable[[], bool]
) -> Steps:
    """Warm up by Adam on the first draw's points, for a quasi-Newton method."""
    theta, moved = stands.theta, True
    if optimizer == "Adam" or stands.draw == 0:
        theta = _adam(blocks, theta, should_stop, _WARM_UP)
    if optimizer != "Adam":
        found = minimise(
            lambda x: _loss(blocks, x),
            theta,
            optimizer,
            steps=5 * _BETWEEN_DRAWS,
            tolerance=0.0,
            on_point=lambda *_: should_stop(),
        )
        theta, moved = found.x, found.steps > 0
    if should_stop():
        yield theta, None
    elif moved:
        yield theta, replace(stands, theta=theta).redrawn()


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
