"""How many functions each coordinate needs for sources, boundary and initial values."""

import numpy as np
import scipy.fft

from kansci.pde.field_model import Known
from kansci.pde.jets import JetPlan
from kansci.pde.system import System

__all__ = ["needed_sizes"]

_NODES = 257
_LINES = 5
_RESOLVED = 1e-9
_MARGIN = 6


def needed_sizes(system: System, least: int) -> list[int]:
    """Give for each coordinate the number of Chebyshev polynomials that resolve the known functions on lines.

    Args:
        system: the problem.
        least: at least so many; and so many where a known function cannot be resolved.

    Returns:
        One number for each coordinate.
    """
    rng = np.random.default_rng(0)
    return [max([least, *_sizes_along(system, k, rng)]) for k in range(len(system.bounds))]


def _sizes_along(system: System, axis: int, rng: np.random.Generator) -> list[int]:
    low, high = system.bounds.T
    nodes = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
    lines = np.repeat(rng.uniform(low, high, (_LINES, len(low))), _NODES, axis=0)
    lines[:, axis] = np.tile((low[axis] + high[axis]) / 2 + (high[axis] - low[axis]) / 2 * nodes, _LINES)
    return [_size(values.reshape(_LINES, _NODES)) for values in _known(system, lines)]


def _known(system: System, points: np.ndarray) -> list[np.ndarray]:
    functions = []
    for name, g in system.particular.items():
        own = system.axes_of(name)
        known = Known(g, [system.problem.symbols[k] for k in own])
        functions.append(known.jet(points[:, list(own)], JetPlan.of([], len(own)))[0].numpy())
    for residual in system.equations:
        zeros = [np.zeros(len(points))] * len(residual.components)
        starts = [c.start for c in system.problem.unknowns if c.name in residual.constants]
        with np.errstate(all="ignore"):
            source = residual.value(*points.T, *zeros, *starts)
        functions.append(np.broadcast_to(np.asarray(source, dtype=np.float64), len(points)))
    return [values for values in functions if np.isfinite(values).all()]


def _size(lines: np.ndarray) -> int:
    """Number of polynomials that hold all but a billionth of every line; 0 where too many are needed."""
    weights = np.abs(scipy.fft.dct(lines, axis=1)).max(axis=0)
    if weights.max() == 0:
        return 0
    needed = int(np.flatnonzero(weights > _RESOLVED * weights.max())[-1]) + 1
    return needed + _MARGIN if needed < _NODES // 2 else 0
