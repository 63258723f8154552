"""Separable networks of full rank on a box: every product of the coordinates' functions has a weight.

Least squares at collocation points, exact in one step for a linear problem. The number of functions of each
coordinate grows until the weights fall off (Boyd, Chebyshev and Fourier Spectral Methods, 2001, sections 2.6,
2.12); a solution starts the next, finer one.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from kansci.pde.axes import Axis, smooth_functions, stretched
from kansci.pde.block import Block, Layout
from kansci.pde.collocation import DATA_SHARE, Points, balanced_blocks, grid_points, sampled_points
from kansci.pde.gauss_newton import gauss_newton
from kansci.pde.journal import Outcome, Recall, afresh
from kansci.pde.networks.separable import TensorProduct
from kansci.pde.piece import Piece, layout_of
from kansci.pde.resolution import needed_sizes
from kansci.pde.system import System

__all__ = ["Level", "affordable", "solve_level", "spectral_levels"]

_FIRST_SIZE = 8
_GROWTH = 1.4
_LESS = 0.7
"""A useful solution has this share of the functions that resolve the data to nine digits."""
_MOST_WEIGHTS = 1600
_STEPS = 60
_LINEAR_DAMPING, _NONLINEAR_DAMPING = 1e-14, 1e-6
_TAIL = 1e-13
_LEAST_FALL, _LEAST_FALL_TO_DATA = 1.01, 1 + 1e-7
"""Factors by which the loss falls in a step of use; noise in data hides most of its fall."""
_ALONG = 0.03
"""Coordinates grow together whose tails are within this factor."""


@dataclass(frozen=True, eq=False)
class Level:
    """A solution at one resolution.

    Attributes:
        piece: the fields.
        loss: weighted sum of the squared residuals.
        tails: for each field and argument, how large the last weights are beside the largest.
    """

    piece: Piece
    loss: float
    tails: dict[str, np.ndarray]

    @property
    def resolved(self) -> bool:
        """Whether all weights have fallen to round-off."""
        return all(float(tail.max()) <= _TAIL for tail in self.tails.values())


def affordable(system: System) -> bool:
    """Whether the products of as many functions as the known data ask for are not too many."""
    least = [max(_FIRST_SIZE, int(_LESS * n)) for n in needed_sizes(system, 0)]
    counts = (np.prod([least[k] for k in system.axes_of(f.name)]) for f in system.problem.fields)
    return float(sum(counts)) <= _MOST_WEIGHTS


def spectral_levels(
    system: System, should_stop: Callable[[], bool], seed: int = 0, recall: Recall = afresh
) -> Iterator[Level]:
    """Yield solutions on the whole domain at rising resolution, until they are resolved or too large."""
    sizes = {f.name: np.full(len(f.arguments), _FIRST_SIZE) for f in system.problem.fields}
    before: Level | None = None
    while sum(int(np.prod(s)) for s in sizes.values()) <= _MOST_WEIGHTS and not should_stop():
        level, _ = solve_level(system, sizes, before, should_stop, seed, recall=recall)
        yield level
        if level.resolved:
            return
        before = level
        grown = {name: _grown(size, level.tails[name]) for name, size in sizes.items()}
        if all((grown[name] == sizes[name]).all() for name in sizes):
            return
        sizes = grown


def _grown(size: np.ndarray, tails: np.ndarray) -> np.ndarray:
    """More functions along the coordinates whose weights have fallen off least."""
    worst = tails.max()
    grow = (tails > _TAIL) & (tails >= _ALONG * worst)
    return np.where(grow, np.ceil(_GROWTH * size).astype(int), size)


def solve_level(
    system: System,
    sizes: Mapping[str, np.ndarray],
    before: Level | None,
    should_stop: Callable[[], bool],
    seed: int = 0,
    data_share: float = DATA_SHARE,
    recall: Recall = afresh,
) -> tuple[Level, list[Block]]:
    """Solve with given numbers of functions.

    Args:
        system: the problem.
        sizes: for each field the number of functions of each of its arguments.
        before: a solution to start from, with fewer functions or as many.
        should_stop: asked after every step.
        seed: of the points in shapes.
        data_share: how much measured values count beside equations.
        recall: of the iteration's end.

    Returns:
        The solution, and the residuals that it makes small.
    """
    models, axes = {}, {}
    for name, size in sizes.items():
        pairs = zip(system.axes_of(name), size, strict=True)
        axes[name] = [smooth_functions(int(n), periodic=system.is_periodic(k)) for k, n in pairs]
        models[name] = system.model(name, TensorProduct([axis.expansion for axis in axes[name]]))
    layout = layout_of(models, system.constants)
    theta = _start(system, layout, sizes, axes, before)
    points = _points(system, sizes, axes, layout.size, seed)
    blocks = balanced_blocks(system, models, layout, theta, points, data_share=data_share)
    found = recall(layout.size, lambda: _descend(system, blocks, theta, should_stop))
    piece = Piece(models, layout, found.theta)
    return Level(piece, found.numbers[0], {name: _tails(piece, name) for name in sizes}), blocks


def _descend(
    system: System, blocks: list[Block], theta: torch.Tensor, should_stop: Callable[[], bool]
) -> Outcome:
    """Go down from theta as long as it is of use; beside the end give the loss there."""
    least = _LEAST_FALL_TO_DATA if system.problem.observations else _LEAST_FALL
    loss, damping = np.inf, _LINEAR_DAMPING if system.linear else _NONLINEAR_DAMPING
    for iterate in gauss_newton(blocks, theta, damping):
        fell = loss / max(iterate.loss, 1e-300)
        theta, loss = iterate.theta, iterate.loss
        if should_stop() or iterate.steps >= _STEPS or fell < least or (system.linear and iterate.steps == 2):
            break
    return Outcome(theta, (loss,))


def _points(
    system: System, sizes: Mapping[str, np.ndarray], axes: dict[str, list[Axis]], unknowns: int, seed: int
) -> Points:
    problem = system.problem
    if not problem.domain.is_box:
        count = 3 * unknowns
        rng = np.random.default_rng(seed)
        on_face = int(np.ceil(6 * count ** (1 - 1 / len(problem.coordinates))))
        return sampled_points(system, count, on_face, rng)
    nodes: list[np.ndarray] = []
    for k, (low, high) in enumerate(system.bounds):
        candidates = [
            axis.nodes
            for name in sizes
            for a, axis in zip(system.axes_of(name), axes[name], strict=True)
            if a == k
        ]
        finest = max(candidates, key=len)
        nodes.append(stretched(finest, low, high))
    return grid_points(system, nodes, [c.face for c, _ in system.soft])


def _start(
    system: System,
    layout: Layout,
    sizes: Mapping[str, np.ndarray],
    axes: dict[str, list[Axis]],
    before: Level | None,
) -> torch.Tensor:
    """Take over the coarser solution's weights, or start from zero and the constants' own starts."""
    parts = []
    for name in sizes:
        weights = torch.zeros([axis.size for axis in axes[name]], dtype=torch.float64)
        if before is not None:
            old = _weights(before.piece, name)
            both = tuple(slice(min(n, m)) for n, m in zip(old.shape, weights.shape, strict=True))
            weights[both] = old[both]
        parts.append(weights.flatten())
    if before is None:
        constants = [c.start for c in system.problem.unknowns]
    else:
        constants = list(before.piece.constants().values())
    return torch.cat([*parts, torch.tensor(constants, dtype=torch.float64)])


def _weights(piece: Piece, name: str) -> torch.Tensor:
    network = piece.models[name].network
    assert isinstance(network, TensorProduct)
    return piece.theta[piece.layout.slices()[name]].view([e.size for e in network.expansions])


def _tails(piece: Piece, name: str) -> np.ndarray:
    """For each argument the largest of the last weights beside the largest of all."""
    weights = _weights(piece, name).abs()
    largest = float(weights.max())
    last = [weights.narrow(axis, max(n - 2, 0), min(n, 2)).max() for axis, n in enumerate(weights.shape)]
    return np.array([float(w) / largest if largest > 0 else 0.0 for w in last])
