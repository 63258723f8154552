"""Noise of samples on a grid, by what their differences show."""

from math import comb

import numpy as np

__all__ = ["sample_noise"]

_ORDER = 4


def sample_noise(values: np.ndarray) -> float | None:
    """Estimate the standard deviation of noise by differences, which smooth functions hardly have.

    They are of fourth order, along the axis where they are smallest; too large where a signal is sampled
    coarsely (von Neumann, Annals of Mathematical Statistics 12, 1941; here with a higher order).

    Args:
        values: of one channel, (n_1, ..., n_d).

    Returns:
        The estimate; None where there are at most 8 samples along every axis.
    """
    weight = np.sqrt(sum(comb(_ORDER, j) ** 2 for j in range(_ORDER + 1)))
    along = [axis for axis, n in enumerate(values.shape) if n > 2 * _ORDER]
    return min(
        (float(np.sqrt(np.mean(np.diff(values, _ORDER, axis) ** 2)) / weight) for axis in along), default=None
    )
