"""Levenberg-Marquardt for a handful of parameters, to round-off.

The step solves the augmented least-squares problem by orthogonal factorisation (never the
normal equations, which lose half of the digits), with the scaling of Moré (1978), "The
Levenberg-Marquardt algorithm", and the damping update of Nielsen (1999), IMM-REP-1999-05.
Steps into a region where the model is not finite are rejected like steps uphill.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Fit", "covariance", "levenberg_marquardt"]

Residual = Callable[[np.ndarray], np.ndarray]
Jacobian = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Fit:
    """Where the iteration ended: the parameters (P,), their residual sum of squares, the steps taken."""

    values: np.ndarray
    rss: float
    steps: int


def levenberg_marquardt(
    residual: Residual, jacobian: Jacobian, start: np.ndarray, steps: int = 200, tolerance: float = 1e-15
) -> Fit:
    """Minimise the sum of squares of ``residual``.

    Args:
        residual: Parameters (P,) -> residuals (N,).
        jacobian: Parameters (P,) -> derivatives (N, P).
        start: First parameters (P,).
        steps: The most steps, accepted or not.
        tolerance: Stop when no parameter moves by more than this, relative to its size.

    Returns:
        The best point seen. ``rss`` is infinite when the model is not finite at the start.
    """
    values = np.asarray(start, float)
    r = residual(values)
    rss = _sum_of_squares(r)
    if not np.isfinite(rss) or values.size == 0:
        return Fit(values, rss, 0)
    J, scale = jacobian(values), np.zeros(values.size)
    damping, growth, taken = 1e-3, 2.0, 0
    for taken in range(1, steps + 1):
        if not np.isfinite(J).all():
            break
        with np.errstate(over="ignore"):
            scale = np.minimum(np.maximum(scale, np.linalg.norm(J, axis=0)), 1e150)
        safe = np.where(scale > 0, scale, 1.0)
        with np.errstate(over="ignore", invalid="ignore"):
            step = _damped_step(J / safe, r, damping) / safe
        if not np.isfinite(step).all():
            break
        if np.all(np.abs(step) <= tolerance * np.abs(values)):
            break
        trial = values + step
        r_trial = residual(trial)
        rss_trial = _sum_of_squares(r_trial)
        if rss_trial < rss:
            gain = (rss - rss_trial) / max(rss - _sum_of_squares(r + J @ step), 1e-300)
            values, r, rss, J = trial, r_trial, rss_trial, jacobian(trial)
            damping, growth = damping * max(0.1, 1 - (2 * min(gain, 2.0) - 1) ** 3), 2.0
        else:
            damping, growth = damping * growth, growth * 2
            if damping > 1e20:
                break
    return Fit(values, rss, taken)


def covariance(J: np.ndarray, rss: float) -> np.ndarray:
    """Covariance (P, P) of least-squares parameters: ``s^2 (J'J)^-1`` with ``s^2 = rss / (N - P)``.

    A direction that the data do not determine gets an infinite variance.

    Args:
        J: Derivatives of the model at the solution (N, P).
        rss: Residual sum of squares at the solution.

    Returns:
        The matrix (P, P).
    """
    n, p = J.shape
    scale = np.linalg.norm(J, axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    _, singular, vt = np.linalg.svd(J / scale, full_matrices=False)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inverse = np.where(singular > singular.max(initial=0.0) * 1e-13, 1 / singular, np.inf)
        half = (vt.T / scale[:, None]) * inverse
        half = np.where(np.isnan(half), 0.0, half)
        matrix = half @ half.T * (rss / max(n - p, 1))
    return np.where(np.isnan(matrix), np.inf, matrix)


def _sum_of_squares(r: np.ndarray) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        value = float(r @ r)
    return value if np.isfinite(value) else float("inf")


def _damped_step(J: np.ndarray, r: np.ndarray, damping: float) -> np.ndarray:
    p = J.shape[1]
    Q, R = np.linalg.qr(J)
    stacked = np.vstack([R, np.sqrt(damping) * np.eye(p)])
    return np.linalg.lstsq(stacked, np.concatenate([-(Q.T @ r), np.zeros(p)]), rcond=None)[0]
