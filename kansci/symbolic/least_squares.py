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

DAMPING, LARGEST_DAMPING = 1e-3, 1e20
"""At the start, and where a step is so short that it leads nowhere."""
UNSEEN = 1e-15
"""A change of the sum of squares below this share is round-off."""
SINGULAR = 1e-13
"""A direction (of scaled parameters) with an effect this much smaller than another's is undetermined."""
PART = 1e-8
"""A parameter has a part in a direction if its share of the unit vector is above round-off."""


@dataclass(frozen=True)
class Fit:
    """Where the iteration ended: the parameters (P,), their residual sum of squares, the steps taken."""

    values: np.ndarray
    rss: float
    steps: int


def levenberg_marquardt(
    residual: Residual, jacobian: Jacobian, start: np.ndarray, steps: int = 200, tolerance: float = 1e-15
) -> Fit:
    """Minimise the sum of squares of ``residual`` (Moré 1978, Nielsen 1999).

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
    J, scale, last = jacobian(values), np.zeros(values.size), np.inf
    damping, growth, taken = DAMPING, 2.0, 0
    while taken < steps and np.isfinite(J).all() and damping <= LARGEST_DAMPING:
        taken += 1
        with np.errstate(over="ignore", invalid="ignore"):
            scale = np.minimum(np.maximum(scale, np.linalg.norm(J, axis=0)), 1e150)
            safe = np.where(scale > 0, scale, 1.0)
            step = _damped_step(J / safe, r, damping) / safe
        if not np.isfinite(step).all() or np.all(np.abs(step) <= tolerance * np.abs(values)):
            break
        trial = values + step
        r_trial, ahead = residual(trial), r + J @ step
        rss_trial, effect = _sum_of_squares(r_trial), float(np.linalg.norm(ahead - r))
        # The last digits of the parameters do not show in the sum: there the step is trusted.
        unseen = damping <= DAMPING and effect**2 <= UNSEEN * rss
        if rss_trial < rss or (unseen and rss_trial <= rss * (1 + 100 * UNSEEN)):
            gain = 1.0 if unseen else (rss - rss_trial) / max(rss - _sum_of_squares(ahead), 1e-300)
            values, r, rss, J = trial, r_trial, rss_trial, jacobian(trial)
            damping, growth = damping * max(0.1, 1 - (2 * min(gain, 2.0) - 1) ** 3), 2.0
            if unseen and effect > last / 2:
                break
            last = effect
        else:
            damping, growth = damping * growth, growth * 2
    return Fit(values, rss, taken)


def covariance(J: np.ndarray, rss: float) -> np.ndarray:
    """Covariance (P, P) of least-squares parameters: ``s^2 (J'J)^-1`` with ``s^2 = rss / (N - P)``.

    A parameter with a part in a direction that the data do not determine has an infinite variance.

    Args:
        J: Derivatives of the model at the solution (N, P).
        rss: Residual sum of squares at the solution.

    Returns:
        The matrix (P, P).
    """
    n, p = J.shape
    if p == 0:
        return np.zeros((0, 0))
    largest = np.abs(J).max(axis=0)
    largest = np.where(largest > 0, largest, 1.0)  # squares of the largest values would overflow
    norms = np.linalg.norm(J / largest, axis=0)
    scale = largest * np.where(norms > 0, norms, 1.0)
    _, singular, vt = np.linalg.svd(np.linalg.qr(J / scale, mode="r"))
    singular = np.concatenate([singular, np.zeros(p - len(singular))])
    known = singular > singular[0] * SINGULAR
    half = vt[known].T / singular[known]
    with np.errstate(over="ignore", under="ignore"):
        matrix = half @ half.T / scale[:, None] / scale * (rss / max(n - p, 1))
    loose = (np.abs(vt[~known]) > PART).any(axis=0)
    matrix[loose] = matrix[:, loose] = np.inf
    return matrix


def _sum_of_squares(r: np.ndarray) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        value = float(r @ r)
    return value if np.isfinite(value) else float("inf")


def _damped_step(J: np.ndarray, r: np.ndarray, damping: float) -> np.ndarray:
    p = J.shape[1]
    Q, R = np.linalg.qr(J)
    stacked = np.vstack([R, np.sqrt(damping) * np.eye(p)])
    return np.linalg.lstsq(stacked, np.concatenate([-(Q.T @ r), np.zeros(p)]), rcond=None)[0]
