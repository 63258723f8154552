"""How far predictions are from measurements: one definition each.

    rmse  = sqrt(mean((p - y)^2))
    nrmse = rmse / std(y)
    r2    = 1 - nrmse^2, the coefficient of determination

A prediction that is not finite anywhere has infinite error; nothing here warns or returns NaN.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["max_relative_error", "nrmse", "r2", "rmse"]

Array = NDArray[np.float64]


def rmse(y: ArrayLike, predicted: ArrayLike) -> float:
    """Root mean squared error of predictions (N,) of measurements y (N,)."""
    return _root_mean_square(_error(y, predicted))


def nrmse(y: ArrayLike, predicted: ArrayLike) -> float:
    """Root mean squared error in units of the standard deviation of y; infinite when y is constant."""
    error = rmse(y, predicted)
    if error == 0.0:
        return 0.0
    measured = _vector(y)
    spread = _root_mean_square(measured - np.mean(measured))
    return error / spread if spread > 0.0 else float("inf")


def r2(y: ArrayLike, predicted: ArrayLike) -> float:
    """Share of the variance of y that the predictions explain: 1 is perfect, 0 is the mean, no floor."""
    unexplained = nrmse(y, predicted)
    return 1.0 - unexplained * unexplained


def max_relative_error(y: ArrayLike, predicted: ArrayLike, floor: float = 1e-9) -> float:
    """Largest |p - y| / |y|, where |y| counts as at least floor * max|y|.

    The floor keeps a zero crossing of y, where round-off is all there is, from deciding.
    """
    error, size = np.abs(_error(y, predicted)), np.abs(_vector(y))
    if not error.size or error.max() == 0.0:
        return 0.0
    least = max(floor * float(size.max()), float(np.finfo(np.float64).tiny))
    return float(np.max(error / np.maximum(size, least)))


def _vector(values: ArrayLike) -> Array:
    return np.asarray(values, dtype=np.float64).ravel()


def _error(y: ArrayLike, predicted: ArrayLike) -> Array:
    measured, guess = _vector(y), _vector(predicted)
    if measured.shape != guess.shape:
        raise ValueError(f"{guess.size} predictions for {measured.size} measurements")
    error = np.full(measured.shape, np.inf)
    good = np.isfinite(guess)
    error[good] = guess[good] - measured[good]
    return error


def _root_mean_square(values: Array) -> float:
    """Scaled by the largest value, so that nothing overflows or underflows on squaring."""
    largest = float(np.max(np.abs(values), initial=0.0))
    if largest == 0.0 or not np.isfinite(largest):
        return largest
    return largest * float(np.sqrt(np.mean((values / largest) ** 2)))
