"""Smoothing splines in several coordinates, the amount of smoothing chosen by cross-validation.

Minimises |y - B b|^2 + sum_a lambda_a |d^3 u / da^3|^2 (a penalised spline: Eilers and Marx, Statistical
Science 11, 1996) with the lambda_a of the smallest generalised cross-validation score (Craven and Wahba,
1979); the trace in the score is estimated from random signs (Girard, 1989).
"""

from dataclasses import dataclass

import numpy as np

from kansci.pde_discovery.spline_space import Band, SplineSpace

__all__ = ["Smooth", "smooth"]

PENALTY = 3
PROBES = 8


@dataclass(frozen=True, eq=False)
class Smooth:
    """A smoothed field.

    Attributes:
        space: of splines.
        coefficients: shape (size, fields).
        sigma: standard deviation of the noise of each field, shape (fields,).
        freedom: effective number of parameters of each field, shape (fields,).
    """

    space: SplineSpace
    coefficients: np.ndarray
    sigma: np.ndarray
    freedom: np.ndarray


def smooth(space: SplineSpace, points: np.ndarray, values: np.ndarray, rng: np.random.Generator) -> Smooth:
    """Smooth each field by itself.

    Args:
        space: of splines.
        points: shape (N, d).
        values: shape (N, fields).
        rng: for the trace.

    Returns:
        The smoothed fields.
    """
    gram = space.normal(points)
    penalties = [_penalty(space, axis) for axis in range(len(space.axes))]
    right = space.moments(points, values)
    signs = rng.choice([-1.0, 1.0], (len(points), PROBES))
    probes = space.moments(points, signs)
    problem = _Problem(gram, penalties, probes, len(points))
    parts = [problem.best(right[:, f], float(values[:, f] @ values[:, f])) for f in range(values.shape[1])]
    coefficients = np.stack([part[0] for part in parts], axis=1)
    freedom = np.array([part[1] for part in parts])
    fitted = space.evaluate(coefficients, points, (0,) * len(space.axes))
    rss = ((values - fitted) ** 2).sum(axis=0)
    sigma = np.sqrt(rss / np.maximum(len(points) - freedom, 1.0))
    return Smooth(space, coefficients, sigma, freedom)


def _penalty(space: SplineSpace, axis: int) -> Band:
    """The integral of the squared third derivative along an axis, in units of its knots."""
    orders = tuple(PENALTY * (i == axis) for i in range(len(space.axes)))
    rows = space.cell_rows(orders) * space.axes[axis].step ** PENALTY
    block = rows.T @ (space.quadrature[1][:, None] * rows)
    band = space.band()
    blocks = np.broadcast_to(block, (len(space.cell_columns), *block.shape))
    shape = tuple(axis.intervals for axis in space.axes)
    band.add_cells(blocks, space.cell_columns[0], shape, space.strides)
    return band


class _Problem:
    """The same matrices for every field and every amount of smoothing."""

    def __init__(self, gram: Band, penalties: list[Band], probes: np.ndarray, rows: int) -> None:
        self.gram, self.penalties, self.probes, self.rows = gram, penalties, probes, rows

    def solve(self, logs: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, float]:
        """Coefficients and degrees of freedom."""
        matrix = Band(0, 1)
        matrix.diagonals = self.gram.diagonals + sum(
            10.0**log * penalty.diagonals for log, penalty in zip(logs, self.penalties, strict=True)
        )
        solutions = matrix.solver()(np.column_stack([right, self.probes]))
        freedom = float((solutions[:, 1:] * self.probes).sum() / PROBES)
        return solutions[:, 0], min(max(freedom, 1.0), self.rows - 1.0)

    def score(self, logs: np.ndarray, right: np.ndarray, total: float) -> float:
        """Generalised cross-validation, its logarithm."""
        b, freedom = self.solve(logs, right)
        # |y - B b|^2 by the normal matrix alone.
        rss = max(total - 2 * b @ right + b @ _times(self.gram, b), 1e-14 * total)
        return float(np.log(rss) - 2 * np.log(1 - freedom / self.rows))

    def best(self, right: np.ndarray, total: float) -> tuple[np.ndarray, float]:
        """A search along each axis in turn, steps halved when none helps."""
        logs = np.full(len(self.penalties), -2.0)
        best, step = self.score(logs, right, total), 2.0
        while step >= 0.5:
            moved = False
            for axis in range(len(logs)):
                for sign in (-1.0, 1.0):
                    trial = logs.copy()
                    trial[axis] = np.clip(trial[axis] + sign * step, -9.0, 8.0)
                    score = self.score(trial, right, total)
                    if score < best - 1e-6:
                        best, logs, moved = score, trial, True
                        break
            if not moved:
                step /= 2
        return self.solve(logs, right)


def _times(band: Band, vector: np.ndarray) -> np.ndarray:
    """The product of a banded matrix with a vector."""
    out = band.diagonals[0] * vector
    for k in range(1, len(band.diagonals)):
        diagonal = band.diagonals[k, : len(vector) - k]
        if diagonal.any():
            out[k:] += diagonal * vector[:-k]
            out[:-k] += diagonal * vector[k:]
    return out
