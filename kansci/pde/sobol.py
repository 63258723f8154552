"""Evenly spread points."""

import numpy as np
from scipy.stats import qmc

__all__ = ["sobol"]


def sobol(count: int, dimension: int, rng: np.random.Generator) -> np.ndarray:
    """Scrambled Sobol points in the unit cube (Owen 1998), deterministic for a given generator.

    Args:
        count: number of points.
        dimension: of the cube.
        rng: source of the scrambling.

    Returns:
        Shape (count, dimension), the first points of a net of 2^m.
    """
    engine = qmc.Sobol(dimension, scramble=True, seed=int(rng.integers(2**31)))
    return engine.random_base2(max(count - 1, 1).bit_length())[:count]
