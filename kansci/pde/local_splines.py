"""Separable networks of full rank on splines, for two coordinates with more detail than polynomials can hold.

Splines overlap with few others, so that tens of thousands of weights can be solved for at once (see
`kansci.pde.banded`). The number of intervals of each coordinate grows while there is time; a solution starts
the next, finer one.
"""

import functools
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from kansci.pde.axes import Axis, splines, stretched
from kansci.pde.banded import band_entries, in_bands
from kansci.pde.block import Block
from kansci.pde.collocation import balanced_blocks, grid_points
from kansci.pde.gauss_newton import gauss_newton
from kansci.pde.journal import Outcome, Recall, afresh
from kansci.pde.networks.local import LocalProduct
from kansci.pde.piece import Piece, layout_of
from kansci.pde.system import System

__all__ = ["has_splines", "spline_levels"]

_DEGREE = 7
_FIRST, _GROWTH = 16, 2.0
_MOST_ENTRIES = 4e7
"""Of the band: 320 MB."""
_COST = 3.0
"""Power of the number of intervals with which the time of a solution grows."""
_MOST_ORDER = 4
_STEPS = 40
_LINEAR_DAMPING, _NONLINEAR_DAMPING = 1e-14, 1e-6
_LEAST_FALL = 1.01


def has_splines(system: System) -> bool:
    """Whether the problem is one of two coordinates on a box, with nothing but its fields sought."""
    problem = system.problem
    order = max((sum(index) for r in system.equations for _, index in r.components), default=0)
    return (
        problem.domain.is_box
        and len(problem.coordinates) == 2
        and not problem.domain.periodic
        and all(len(f.arguments) == 2 for f in problem.fields)
        and not problem.unknowns
        and not problem.observations
        and order <= _MOST_ORDER
    )


def spline_levels(
    system: System, should_stop: Callable[[], bool], left: Callable[[], float], recall: Recall = afresh
) -> Iterator[Piece]:
    """Yield solutions on finer and finer grids, while they are affordable.

    Args:
        system: one that `has_splines`.
        should_stop: asked after every step.
        left: seconds that may still be spent.
        recall: of the iterations' ends.

    Yields:
        The solutions, each with more weights than the one before.
    """
    intervals, before = _FIRST, None
    most = _finest(len(system.problem.fields))
    while not should_stop():
        began = time.monotonic()
        before = _solve(system, intervals, before, should_stop, recall)
        yield before
        finer = min(int(np.ceil(_GROWTH * intervals)), most)
        if finer == intervals or (time.monotonic() - began) * (finer / intervals) ** _COST > left():
            return
        intervals = finer


def _finest(fields: int) -> int:
    """The number of intervals whose band is still affordable."""
    intervals = _FIRST
    while band_entries(fields, [intervals + 1 + _DEGREE] * 2, _DEGREE) <= _MOST_ENTRIES:
        intervals += 1
    return intervals


def _solve(
    system: System, intervals: int, before: Piece | None, should_stop: Callable[[], bool], recall: Recall
) -> Piece:
    axis = splines(np.linspace(-1, 1, intervals + 1), _DEGREE)
    names = [f.name for f in system.problem.fields]
    models = {name: system.model(name, LocalProduct([axis.expansion] * 2)) for name in names}
    layout = layout_of(models, ())
    theta = torch.zeros(layout.size, dtype=torch.float64)
    if before is not None and not system.linear:
        theta = torch.cat([_refined(before, name, axis) for name in names])
    nodes = [stretched(axis.nodes, low, high) for low, high in system.bounds]
    points = grid_points(system, nodes, [c.face for c, _ in system.soft])
    blocks = balanced_blocks(system, models, layout, theta, points)
    descend = functools.partial(_descend, system, blocks, theta, axis.size, should_stop)
    return Piece(models, layout, recall(layout.size, descend).theta)


def _refined(before: Piece, name: str, axis: Axis) -> torch.Tensor:
    """Weights of a coarser solution's network on finer splines, by its values at their nodes."""
    network = before.models[name].network
    assert isinstance(network, LocalProduct)
    (coarse, _) = network.expansions
    values = coarse.values(torch.from_numpy(axis.nodes)[:, None], 0)[0][:, 0]
    along = torch.linalg.pinv(axis.matrix) @ values
    weights = before.theta[before.layout.slices()[name]].view(coarse.size, coarse.size)
    return (along @ weights @ along.mT).flatten()


def _descend(
    system: System, blocks: list[Block], theta: torch.Tensor, size: int, should_stop: Callable[[], bool]
) -> Outcome:
    """Go down from theta as long as it is of use; one step is all that a linear problem needs."""
    linearise = in_bands(len(system.problem.fields), [size, size])
    loss, damping = np.inf, _LINEAR_DAMPING if system.linear else _NONLINEAR_DAMPING
    for iterate in gauss_newton(blocks, theta, damping, linearise):
        fell = loss / max(iterate.loss, 1e-300)
        theta, loss = iterate.theta, iterate.loss
        if system.linear or should_stop() or iterate.steps >= _STEPS or fell < _LEAST_FALL:
            break
    return Outcome(theta, (loss,))
