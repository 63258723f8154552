"""Separable networks of low rank, for more coordinates than a weight for every product allows.

The rank grows from one; each rank is fitted by Gauss-Newton from the solution of the rank before with
further small products (enrichment: Ammar et al., J. Non-Newtonian Fluid Mech. 139, 2006), and from random
starts. A sum of functions of single coordinates comes first: it is linear in its weights.
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from kansci.pde.axes import smooth_functions
from kansci.pde.block import Layout
from kansci.pde.collocation import Points, balanced_blocks, points_for
from kansci.pde.field_model import FieldModel
from kansci.pde.gauss_newton import gauss_newton
from kansci.pde.journal import Outcome, Recall, afresh
from kansci.pde.networks.network import Network
from kansci.pde.networks.separable import Separable, SumOfOnes
from kansci.pde.piece import Piece, layout_of, whole
from kansci.pde.residual_check import Check
from kansci.pde.resolution import needed_sizes
from kansci.pde.system import System

__all__ = ["low_rank_levels"]

_LEAST_SIZE = 12
_GROWTH = 1.4
_RANKS = (0, 1, 2, 3, 5, 8, 13)
_RESTARTS = 6
_STEPS = 80
_ROWS = 1500, 6000
_STALLED = 0.99
_HELPED = 0.3
"""More functions or a higher rank help that bring the residual down to this share."""
_SOLVED = 1e-12
_ROUND_OFF = 1e-28
_PATIENCE = 4
_SMALL = 0.1
_MOST_WEIGHTS = 1600


@dataclass(frozen=True)
class _Shape:
    """Rank, 0 for a sum of functions of single coordinates, and a factor of all sizes."""

    rank: int
    growth: float

    def grown(self) -> "_Shape":
        return replace(self, growth=_GROWTH * self.growth)

    def ranked(self) -> "_Shape":
        return replace(self, rank=_RANKS[_RANKS.index(self.rank) + 1])


def low_rank_levels(
    system: System, should_stop: Callable[[], bool], seed: int = 0, recall: Recall = afresh
) -> Iterator[Piece]:
    """Yield solutions of falling residual, while a higher rank or more functions help."""
    check, least = Check(system), needed_sizes(system, _LEAST_SIZE)
    best, shape, resisted = np.inf, _Shape(_RANKS[0], 1.0), 0
    by_rank = True
    found: Piece | None = None
    while not should_stop() and resisted < _PATIENCE:
        networks = _networks(system, shape, least)
        if found is not None and sum(n.n_weights for n in networks.values()) > _MOST_WEIGHTS:
            return
        piece = _fit(system, networks, found, should_stop, seed, recall)
        residual = check(whole(piece))
        if residual < best:
            found = piece
            yield piece
        resisted = 0 if residual < _HELPED * best else resisted + 1
        best = min(best, residual)
        if best < _SOLVED:
            return
        by_rank = by_rank if resisted == 0 else not by_rank
        last = shape.rank == _RANKS[-1]
        shape = shape.ranked() if by_rank and not last else shape.grown()


def _networks(system: System, shape: _Shape, least: Sequence[int]) -> dict[str, Network]:
    networks: dict[str, Network] = {}
    for field in system.problem.fields:
        own = system.axes_of(field.name)
        sizes = {k: int(shape.growth * least[k]) for k in own}
        axes = [smooth_functions(n, periodic=system.is_periodic(k)) for k, n in sizes.items()]
        expansions = [axis.expansion for axis in axes]
        networks[field.name] = Separable(expansions, shape.rank) if shape.rank else SumOfOnes(expansions)
    return networks


def _fit(
    system: System,
    networks: dict[str, Network],
    before: Piece | None,
    should_stop: Callable[[], bool],
    seed: int,
    recall: Recall,
) -> Piece:
    models = {name: system.model(name, network) for name, network in networks.items()}
    layout = layout_of(models, system.constants)
    starts = [c.start for c in system.problem.unknowns]
    linear = all(network.linear for network in networks.values())
    best: tuple[Piece, float] | None = None
    for restart in range(1 if linear else _RESTARTS):
        rng = np.random.default_rng([seed, restart])
        weights = [n.initial(seed + 101 * restart + k) for k, n in enumerate(networks.values())]
        if restart == 0 and before is not None:
            weights = [
                _enriched(networks[name], w, name, before) for name, w in zip(networks, weights, strict=True)
            ]
        theta = torch.cat([*weights, torch.tensor(starts, dtype=torch.float64)])
        points = points_for(system, layout.size, _ROWS, rng)
        descend = functools.partial(_descend, system, models, layout, theta, points, should_stop)
        end = recall(layout.size, descend)
        loss = end.numbers[0]
        if best is None or loss < best[1]:
            best = Piece(models, layout, end.theta), loss
        if loss < _ROUND_OFF or should_stop():
            break
    assert best is not None
    return best[0]


def _enriched(network: Network, weights: torch.Tensor, name: str, before: Piece) -> torch.Tensor:
    """Put the products of a coarser solution in place of the first ones, and make the others small."""
    old = before.models[name].network
    if not (isinstance(old, Separable) and isinstance(network, Separable)):
        return weights
    parts = []
    for axis, (part, expansion) in enumerate(zip(network.split(weights), old.expansions, strict=True)):
        known = old.split(before.theta[before.layout.slices()[name]])[axis]
        part = part * (_SMALL if axis == 0 else 1.0)
        part[: old.rank] = 0.0
        part[: old.rank, : expansion.size] = known
        parts.append(part.flatten())
    return torch.cat(parts)


def _descend(
    system: System,
    models: Mapping[str, FieldModel],
    layout: Layout,
    theta: torch.Tensor,
    points: Points,
    should_stop: Callable[[], bool],
) -> Outcome:
    """Go down from theta as long as it is of use; beside the end give the loss there."""
    blocks = balanced_blocks(system, models, layout, theta, points)
    losses = [float(sum(float(b.values(theta).square().sum()) for b in blocks))]
    for iterate in gauss_newton(blocks, theta):
        theta = iterate.theta
        losses.append(iterate.loss)
        stalled = len(losses) > 8 and losses[-1] > _STALLED * losses[-8]
        if stalled or iterate.loss < _ROUND_OFF or iterate.steps >= _STEPS or should_stop():
            break
    return Outcome(theta, (losses[-1],))
