"""Where residuals are asked to vanish, and how much each counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from kansci.pde.block import Block, Layout
from kansci.pde.compiled import Residual, misfit
from kansci.pde.field_model import FieldModel
from kansci.pde.numeric import grid_of
from kansci.pde.problem import Face, Observations
from kansci.pde.system import System

__all__ = [
    "DATA_SHARE",
    "Points",
    "balanced_blocks",
    "data_weight",
    "grid_points",
    "observed_blocks",
    "points_for",
    "sampled_points",
]

DATA_SHARE = 1e-3
"""How much measured values count beside equations."""
_ROWS_PER_WEIGHT, _LEAST_ON_FACE = 3, 64


@dataclass(frozen=True, eq=False)
class Points:
    """Collocation points.

    Attributes:
        inside: for the equations, (N, d).
        faces: for each soft condition its points and outward normals, both (M, d).
    """

    inside: np.ndarray
    faces: Sequence[tuple[np.ndarray, np.ndarray]]


def grid_points(system: System, nodes: Sequence[np.ndarray], conditions: Sequence[Face]) -> Points:
    """Give all combinations of each coordinate's nodes, in a box, and those of the others on its faces."""
    faces = []
    for face in conditions:
        axis = system.problem.coordinates.index(str(face.axis))
        grid = grid_of([np.array([face.value]) if k == axis else x for k, x in enumerate(nodes)])
        normals = np.zeros_like(grid)
        low, high = system.bounds[axis]
        normals[:, axis] = 1.0 if face.value > (low + high) / 2 else -1.0
        faces.append((grid, normals))
    return Points(grid_of(nodes), faces)


def sampled_points(system: System, count: int, on_face: int, rng: np.random.Generator) -> Points:
    """Give evenly spread points, `count` inside and `on_face` for each soft condition."""
    domain = system.problem.domain
    inside = domain.sample(count, rng)
    faces = [domain.sample_face(c.face.axis, c.face.value, c.face.name, on_face, rng) for c, _ in system.soft]
    return Points(inside, faces)


def points_for(
    system: System, unknowns: int, limits: tuple[int, int], rng: np.random.Generator, pool: int = 1
) -> Points:
    """Give three points for each unknown, within limits, and a quarter as many on all faces together.

    With `pool` there are so many times more inside, to choose from.
    """
    count = int(np.clip(_ROWS_PER_WEIGHT * unknowns, *limits))
    on_face = max(_LEAST_ON_FACE, count // (4 * max(1, len(system.soft))))
    return sampled_points(system, pool * count, on_face, rng)


def balanced_blocks(
    system: System,
    models: Mapping[str, FieldModel],
    layout: Layout,
    theta: torch.Tensor,
    points: Points,
    conditions: Sequence[Residual] | None = None,
    data_share: float = DATA_SHARE,
) -> list[Block]:
    """Give the blocks of all residuals, weighted so that the rows of each have slopes of equal size.

    The weights equal the traces of the blocks' neural tangent kernels (Wang, Yu and Perdikaris, When and why
    PINNs fail to train, 2022, eq. 6.5); equations count as 1. Where there are measured values, equations are
    weighted by their largest coefficient instead, so that they hold as firmly for many functions as for few.

    Args:
        system: the problem.
        models: the fields.
        layout: of the vector of all unknowns.
        theta: where the slopes are taken, (P,).
        points: where the residuals are taken.
        conditions: residuals that go with the points' faces; those of the system's soft ones by default.
        data_share: how much measured values count beside equations.

    Returns:
        The blocks.
    """
    models = dict(models)
    residuals = [r for _, r in system.soft] if conditions is None else list(conditions)
    rows = [(r, points.inside, np.zeros_like(points.inside)) for r in system.equations]
    rows += [(r, where, normals) for r, (where, normals) in zip(residuals, points.faces, strict=True)]
    d = points.inside.shape[1]
    blocks = []
    for number, (residual, where, normals) in enumerate(rows):
        more = [] if number < len(system.equations) else [normals[:, k] for k in range(d)]
        few = Block(residual, models, layout, where[:256], 1.0, [m[:256] for m in more])
        size = few.largest_slope(theta) if system.problem.observations else _slope(few, theta)
        weight = 1 / (np.sqrt(len(where)) * (size if 0 < size < np.inf else 1.0))
        blocks.append(Block(residual, models, layout, where, weight, more))
    return [*blocks, *observed_blocks(system, models, layout, data_share)]


def observed_blocks(
    system: System, models: Mapping[str, FieldModel], layout: Layout, share: float = DATA_SHARE
) -> list[Block]:
    """Give a block for each set of measured values.

    With a small share the equations hold, and among the fields for which they do the data choose. Values of
    the same standard deviation count the same, in whichever set they are.
    """
    sets = system.problem.observations
    least = min((o.sigma for o in sets if o.sigma), default=1.0)
    blocks = []
    for data in sets:
        n_arguments = len(system.axes_of(data.field))
        residual = misfit(data.field, n_arguments)
        weight = data_weight(sets, share) * (least / data.sigma if data.sigma else 1.0)
        blocks.append(Block(residual, dict(models), layout, data.points, weight, [data.values]))
    return blocks


def data_weight(sets: Sequence[Observations], share: float = DATA_SHARE) -> float:
    """Give the weight of a value in the most accurate of the sets."""
    return share / float(np.sqrt(np.mean([len(data.values) for data in sets])))


def _slope(block: Block, theta: torch.Tensor) -> float:
    """Root mean square length of the rows of a block's Jacobian."""
    _, jacobian = block.linearised(theta)
    return float(jacobian.square().sum(1).mean().sqrt())
