"""The table as the search sees it: which rows are held out, and what an error weighs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kansci.search.surrogate import polynomial_surrogate

__all__ = ["LARGEST_RELATIVE", "MARGIN", "Rows", "error_weight", "inverse", "relative_gain"]

EXACT_FIT = 1e-9
LARGEST_RELATIVE = 0.3
"""A reference that misses by more than this says nothing of the errors."""
MARGIN = 2.0
"""Nats by which errors proportional to the target must explain the residuals better than equal ones."""


@dataclass(frozen=True)
class Rows:
    """Columns (I arrays (N,)), target (N,), weight of each residual (N,), rows fitted and held out."""

    columns: tuple[np.ndarray, ...]
    y: np.ndarray
    weight: np.ndarray
    train: np.ndarray
    held: np.ndarray

    @property
    def spread(self) -> float:
        """Standard deviation of the target."""
        return float(self.y.std()) or 1.0

    def spread_of(self, rows: np.ndarray) -> float:
        """Standard deviation of the target on ``rows``; of the whole target if it is constant there."""
        return float(self.y[rows].std()) or self.spread

    def loss(self, values: np.ndarray, rows: np.ndarray) -> float:
        """Root mean square of the weighted errors on ``rows`` over the target's spread; inf if not finite."""
        with np.errstate(all="ignore"):
            error = float(np.sqrt(np.mean((self.weight[rows] * (values[rows] - self.y[rows])) ** 2)))
        return error / self.spread if np.isfinite(error) else float("inf")

    def nrmse(self, values: np.ndarray, rows: np.ndarray) -> float:
        """Root mean square of the errors on ``rows`` over the target's spread there (``metrics.nrmse``)."""
        with np.errstate(all="ignore"):
            error = float(np.sqrt(np.mean((values[rows] - self.y[rows]) ** 2)))
        return error / self.spread_of(rows) if np.isfinite(error) else float("inf")


def error_weight(columns: Sequence[np.ndarray], y: np.ndarray, seed: int = 0) -> np.ndarray:
    """Weights 1, or proportional to 1/|y| where the likelihood says that errors grow with the target.

    The residuals of a power law or a polynomial, whichever fits better, are explained by a
    Gaussian of one width and by one of constant relative width; the Jacobian of the logarithm
    makes the two likelihoods comparable. The weights have geometric mean one, so that weighted
    sums of squares stay comparable too.

    Args:
        columns: Inputs, I arrays (N,).
        y: Target (N,).
        seed: Seed of the polynomial's split.

    Returns:
        Weights (N,).
    """
    equal = np.ones_like(y)
    if not ((y > 0).all() or (y < 0).all()) or np.abs(y).max() < 3 * np.abs(y).min():
        return equal
    log_y = np.log(np.abs(y))
    residuals = [r for r in (_power_law(columns, log_y), _polynomial(columns, y, seed)) if r is not None]
    if not residuals:
        return equal
    relative, rows = min(residuals, key=lambda item: float(item[0].std()))
    if not EXACT_FIT < relative.std() < LARGEST_RELATIVE:
        return equal
    return inverse(np.abs(y)) if relative_gain(relative, y[rows]) >= MARGIN else equal


def relative_gain(relative: np.ndarray, y: np.ndarray) -> float:
    """By how many nats relative errors (N,) of one width explain residuals better than absolute ones do.

    Args:
        relative: Residuals over the target (N,).
        y: The target (N,), without zeros.

    Returns:
        The difference of the logarithms of the two likelihoods, each at its best width.
    """
    sizes = np.abs(y)
    widths = (float(np.sqrt(np.mean(r**2))) for r in (relative * sizes, relative))
    absolute, proportional = (np.log(max(width, 1e-300)) for width in widths)
    return float(len(y) * (absolute - proportional) - np.log(sizes).sum())


def inverse(sizes: np.ndarray) -> np.ndarray:
    """Weights (N,) that go as one over the sizes of the errors (N,) and have geometric mean one."""
    logs = np.log(sizes)
    return np.exp(logs.mean() - logs)


def _power_law(columns: Sequence[np.ndarray], log_y: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    logs = [np.log(x) for x in columns if (x > 0).all()]
    if len(logs) < len(columns) or len(log_y) < len(logs) + 3:
        return None
    A = np.column_stack([np.ones_like(log_y), *logs])
    return log_y - A @ np.linalg.lstsq(A, log_y, rcond=None)[0], np.arange(len(log_y))


def _polynomial(
    columns: Sequence[np.ndarray], y: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray] | None:
    g = polynomial_surrogate(columns, y, seed) if len(y) >= 50 else None
    if g is None:
        return None
    with np.errstate(all="ignore"):
        relative = (y[g.rows] - g.f) / y[g.rows]
    return (relative, g.rows) if np.isfinite(relative).all() else None
