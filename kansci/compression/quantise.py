"""Rounding that weighs the error against the bits, and the values that the whole numbers stand for.

Each coefficient takes the whole number that minimises error + lambda * bits (Sullivan and Wiegand,
"Rate-distortion optimization for video compression", 1998), the bits being those of the adaptive
distribution at that very moment. At high rates a step of 1 gives an error of 1/12 and each bit
divides it by 4, so lambda is (ln 4) / 12 = 0.116; a bit less allows for the contexts of the neighbours,
which a coefficient set to 0 makes poorer.
"""

import numpy as np

from kansci.compression.magnitudes import LONGEST, SHIFTS, Distributions

__all__ = ["centres", "dequantise", "rate_distortion_rounding"]

LAMBDA = 0.1
SHIFT_UNIT = 200
"""Shifts of the centres are whole numbers of 1/200."""


def rate_distortion_rounding(
    scaled: np.ndarray, classes: np.ndarray, distributions: Distributions
) -> np.ndarray:
    """Round (N,) coefficients of (N,) classes towards zero where that is worth it."""
    sizes = np.abs(scaled)
    rounded = np.floor(sizes + 0.5).astype(np.int64)
    open_ = np.flatnonzero((rounded > 0) & (rounded < LONGEST) & (SHIFTS[classes] == 0))
    if len(open_):
        costs, own, size, start = distributions.costs(), classes[open_], sizes[open_], rounded[open_]
        candidates = np.stack([start, start - 1, np.zeros_like(start)])
        bits = costs[own, candidates] + (candidates > 0)
        best = np.argmin((size - candidates) ** 2 + LAMBDA * bits, axis=0)
        rounded[open_] = candidates[best, np.arange(len(open_))]
    return np.where(scaled < 0, -rounded, rounded)


def centres(scaled: np.ndarray, numbers: np.ndarray) -> bytes:
    """Where the coefficients of magnitude 1, 2 and more than 2 lie in the mean, one byte each."""
    magnitudes, excess = np.abs(numbers), np.abs(scaled) - np.abs(numbers)
    found = []
    for kind in (magnitudes == 1, magnitudes == 2, magnitudes > 2):
        shift = float(excess[kind].mean()) if kind.any() else 0.0
        found.append(int(np.clip(round(shift * SHIFT_UNIT), -127, 127)) + 128)
    return bytes(found)


def dequantise(numbers: np.ndarray, shifts: bytes) -> np.ndarray:
    """The coefficients, in units of the step, that whole numbers stand for; see `centres`."""
    table = np.array([0.0, *((shift - 128) / SHIFT_UNIT for shift in shifts)])
    return np.sign(numbers) * (np.abs(numbers) + table[np.minimum(np.abs(numbers), 3)])
