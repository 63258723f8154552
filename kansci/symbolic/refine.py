"""From a start to the best inner constants, the outer ones projected out at every step.

Variable projection (Golub & Pereyra 1973, SIAM J. Numer. Anal. 10:413) with the step of the
full Gauss-Newton problem in (a, b, c, d), of which only (a, b) is kept.
"""

import numpy as np

from kansci.expressions.primitives import Primitive
from kansci.symbolic.curve import Curve, Projection

__all__ = ["polish", "refine"]

LARGEST = 1e150
"""Values whose squares would overflow."""


def polish(primitive: Primitive, curves: Curve, points: np.ndarray, steps: int = 12) -> Projection:
    """A few damped steps for M starts at once: good enough to choose among primitives.

    Args:
        primitive: The function.
        curves: M views, ``z`` and ``w`` of shape (M, n).
        points: A start (a, b) for each view (M, 2).
        steps: How many steps.

    Returns:
        The best points seen.
    """
    best = curves.project(primitive, points)
    free = [0] * primitive.scale + [1] * primitive.shift
    damping = np.full(len(points), 1e-3)
    for _ in range(steps if free else 0):
        step = _damped_steps(curves.jacobian(primitive, best), curves.residual(best), damping)
        trial = best.points.copy()
        trial[:, free] += step[:, : len(free)]
        result = curves.project(primitive, trial)
        better = result.mse < best.mse
        best = best.where(better, result)
        damping = np.where(better, damping * 0.1, damping * 10)
    return best


def _damped_steps(J: np.ndarray, r: np.ndarray, damping: np.ndarray) -> np.ndarray:
    """Levenberg-Marquardt steps (M, P) of M small problems J (M, n, P), r (M, n)."""
    with np.errstate(all="ignore"):
        J = np.where(np.isfinite(J).all(axis=(1, 2), keepdims=True), J, 0.0)
        scale = np.linalg.norm(J, axis=1)
        scale = np.where((scale > 0) & np.isfinite(scale), scale, 1.0)
        J = J / scale[:, None, :]
        A = J.transpose(0, 2, 1) @ J + (damping[:, None, None] + 1e-13) * np.eye(J.shape[2])
        g = J.transpose(0, 2, 1) @ np.where(np.isfinite(r), r, 0.0)[:, :, None]
        return np.linalg.solve(A, g)[:, :, 0] / scale


def refine(primitive: Primitive, curve: Curve, point: np.ndarray, steps: int = 30) -> Projection:
    """Gauss-Newton steps, shortened where they lead uphill, to round-off.

    Args:
        primitive: The function.
        curve: One view, ``z`` and ``w`` of shape (1, n).
        point: Start (a, b), shape (2,).
        steps: The most steps.

    Returns:
        The best point seen (M = 1).
    """
    best = curve.project(primitive, point[None])
    moves = primitive.scale or primitive.shift
    for _ in range(steps if moves and np.isfinite(best.mse[0]) else 0):
        step = _gauss_newton_step(primitive, curve, best)
        result = None if step is None else _search_line(primitive, curve, best, step)
        if result is None:
            break
        small = best.mse[0] - result.mse[0] < 1e-10 * best.mse[0]
        best = result
        if small or best.mse[0] < (1e-15 * curve.spread) ** 2:
            break
    return best


def _search_line(primitive: Primitive, curve: Curve, best: Projection, step: np.ndarray) -> Projection | None:
    """The first of ever shorter steps that leads downhill."""
    for length in 0.25 ** np.arange(5):
        result = curve.project(primitive, best.points + length * step)
        if result.mse[0] < best.mse[0]:
            return result
    return None


def _gauss_newton_step(primitive: Primitive, curve: Curve, best: Projection) -> np.ndarray | None:
    """Step (2,) in (a, b) of the full problem in (a, b, c, d), by orthogonal factorisation."""
    J = curve.jacobian(primitive, best)[0]
    if not np.abs(J).max() < LARGEST:  # or not finite
        return None
    scale = np.linalg.norm(J, axis=0)
    scale[scale == 0] = 1.0
    solution = np.linalg.lstsq(J / scale, curve.residual(best)[0], rcond=1e-12)[0] / scale
    free = np.array([primitive.scale, primitive.shift])
    step = np.zeros(2)
    step[free] = solution[: int(free.sum())]
    return step
