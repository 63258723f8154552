"""How parameters are estimated from measurements, and how well: least squares and what all ways share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from kansci.symbolic.least_squares import SINGULAR, Fit, covariance
from kansci.symbolic.parametric import Parametric

__all__ = ["Estimation", "LeastSquares", "Local", "Measurements"]

STEPS = 200
"""The most Levenberg-Marquardt steps of a fit that begins near its end."""


@dataclass(frozen=True)
class Measurements:
    """What a form is fitted to.

    ``columns``: arrays (N,) in the order of the form's inputs; ``y`` (N,); ``weight`` (N,): one over the
    standard deviation of each y, None for equal ones; ``input_sigma``: standard deviations (N,) of each
    column, None where it is exact, empty if all are.
    """

    columns: Sequence[np.ndarray]
    y: np.ndarray
    weight: np.ndarray | None = None
    input_sigma: tuple[np.ndarray | None, ...] = ()

    def refit(self, model: Parametric, values: np.ndarray, steps: int) -> tuple[Parametric, Fit]:
        """The model fitted by least squares from ``values`` (P,)."""
        return model.with_values(values).refit(self.columns, self.y, self.weight, steps=steps)

    @property
    def factor(self) -> np.ndarray:
        """The weight as an array (N,)."""
        return np.ones_like(self.y) if self.weight is None else self.weight

    def residual(self, model: Parametric) -> np.ndarray:
        """Weighted residuals (N,), measured less predicted."""
        return self.factor * (self.y - model.predict(self.columns))


@dataclass(frozen=True)
class Local:
    """An estimate near its solution, its rows scaled so that their errors are alike.

    ``J`` (N, P): slopes of the model; ``residual`` (N,): weighted; ``score`` (N,): how each row pulls, its
    residual for least squares; ``slope`` (N,): derivative of the score with respect to the residual.
    """

    J: np.ndarray
    residual: np.ndarray
    score: np.ndarray
    slope: np.ndarray

    @property
    def freedom(self) -> int:
        """Rows less parameters, at least 1."""
        return max(self.J.shape[0] - self.J.shape[1], 1)

    @property
    def dispersion(self) -> float:
        """What a rise of the objective is measured against: the residual variance for least squares.

        Infinite without degrees of freedom, for nothing tells the errors then.

        For scores that level off with Huber's correction for few rows, Robust Statistics (1981),
        equation 7.6.14.
        """
        mean, (n, p) = float(self.slope.mean()), self.J.shape
        if mean == 0 or n <= p:
            return float("inf")
        correction = 1 + p / n * float(self.slope.var()) / mean**2
        return correction**2 * float(self.score @ self.score) / self.freedom / mean

    @cached_property
    def jackknife(self) -> np.ndarray:
        """What each row moves the parameters by (N, P), to first order, with its leverage."""
        A = self.J * np.sqrt(self.slope)[:, None]
        size = np.linalg.norm(A, axis=0)
        size = np.where(size > 0, size, 1.0)
        inverse = np.linalg.pinv(A / size, rcond=SINGULAR) / size[:, None]
        pull = self.J @ inverse @ inverse.T
        leverage = self.slope * np.einsum("np,np->n", pull, self.J)
        return pull * (self.score / np.maximum(1 - leverage, 1e-12))[:, None]

    def classical(self, dispersion: float) -> np.ndarray:
        """Covariance (P, P) if all rows have errors alike."""
        if not np.isfinite(dispersion):
            return np.full((self.J.shape[1],) * 2, np.inf)
        mean = float(self.slope.mean()) or 1.0
        return covariance(self.J, dispersion / mean * self.freedom)

    def robust(self) -> np.ndarray:
        """Covariance (P, P) whatever the variance of each row: the sandwich HC3.

        MacKinnon & White (1985), J. Econometrics 29:305; with scores in the place of residuals for
        estimates that are not least squares.
        """
        determined = np.isfinite(self.classical(self.dispersion))
        return np.where(determined, self.jackknife.T @ self.jackknife, np.inf)


class Estimation(Protocol):
    """A way to estimate parameters, with its measurements."""

    @property
    def rows(self) -> Measurements:
        """The measurements."""

    @property
    def absolute(self) -> bool:
        """Whether the variance of the errors is known, not estimated from the residuals."""

    def refit(self, model: Parametric, free: np.ndarray | None = None) -> tuple[Parametric, float]:
        """The best values of the parameters ``free`` (indices, all by default), and the objective there."""

    def local(self, model: Parametric) -> Local:
        """The linearised problem at the solution."""

    def scale(self, model: Parametric) -> float:
        """Standard deviation of a weighted residual."""

    def resampled(self, model: Parametric, rng: np.random.Generator) -> "Estimation":
        """The same with measurements as they might have been."""

    def settled(self, model: Parametric) -> "Estimation":
        """The same with what was estimated beside the parameters held fixed."""


@dataclass(frozen=True)
class LeastSquares:
    """Least squares, weighted by ``rows.weight``."""

    rows: Measurements
    absolute: bool = False

    def refit(self, model: Parametric, free: np.ndarray | None = None) -> tuple[Parametric, float]:
        """See ``Estimation``; the objective is the residual sum of squares."""
        rows = self.rows
        fitted, fit = model.refit(rows.columns, rows.y, rows.weight, steps=STEPS, free=free)
        return fitted, fit.rss

    def local(self, model: Parametric) -> Local:
        """See ``Estimation``."""
        J = model.jacobian(self.rows.columns) * self.rows.factor[:, None]
        residual = self.rows.residual(model)
        return Local(J, residual, residual, np.ones(len(J)))

    def scale(self, model: Parametric) -> float:
        """Root of the residual variance, or 1 if the standard deviations are taken as they are."""
        return 1.0 if self.absolute else float(np.sqrt(self.local(model).dispersion))

    def resampled(self, model: Parametric, rng: np.random.Generator) -> "LeastSquares":
        """Residuals drawn with replacement, see ``resampled_rows``."""
        return replace(self, rows=resampled_rows(self.rows, model, rng))

    def settled(self, model: Parametric) -> "LeastSquares":
        """Nothing is estimated beside the parameters."""
        return self


def resampled_rows(rows: Measurements, model: Parametric, rng: np.random.Generator) -> Measurements:
    """Predictions with residuals drawn with replacement, each divided by the root of one less its leverage.

    Efron & Tibshirani, An Introduction to the Bootstrap (1993), section 9.4; the leverages after
    Davison & Hinkley, Bootstrap Methods (1997), equation 6.9.

    Args:
        rows: The measurements.
        model: The fitted model.
        rng: For the draws.

    Returns:
        The same inputs with another target.
    """
    J = model.jacobian(rows.columns) * rows.factor[:, None]
    Q = np.linalg.qr(J / np.maximum(np.linalg.norm(J, axis=0), 1e-300))[0]
    residual = rows.residual(model) / np.sqrt(np.maximum(1 - np.sum(Q**2, axis=1), 1e-12))
    drawn = rng.choice(residual - residual.mean(), len(residual))
    return replace(rows, y=model.predict(rows.columns) + drawn / rows.factor)
