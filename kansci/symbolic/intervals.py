"""Confidence intervals of parameters: profile likelihood and bootstrap."""

from dataclasses import dataclass, field

import numpy as np

from kansci.errors import FormulaError
from kansci.symbolic.estimation import Estimation
from kansci.symbolic.parametric import Parametric

__all__ = ["bca_interval", "profile_interval", "quantile", "replicates"]

DOUBLINGS = 40
"""A parameter that may move by a million million standard errors is not bounded on that side."""
RESAMPLES = 1000


def quantile(level: float, freedom: float) -> float:
    """Student's t that the middle share ``level`` stays below; the normal one for infinite freedom."""
    from scipy.special import ndtri, stdtrit

    p = 0.5 + level / 2
    return float(ndtri(p) if np.isinf(freedom) else stdtrit(freedom, p))


def profile_interval(
    estimation: Estimation, model: Parametric, k: int, covariance: np.ndarray, limit: float
) -> tuple[float, float]:
    """Where the signed root of the profile reaches ``limit`` on both sides.

    Bates & Watts, Nonlinear Regression Analysis (1988), section 6.1: tau(b) is the root of the rise of
    the objective over the residual variance when parameter k is held at b and the others are refitted.

    Args:
        estimation: How the parameters were estimated.
        model: The fitted model.
        k: The parameter.
        covariance: Of all parameters (P, P), for the first step.
        limit: Student's t.

    Returns:
        Both ends, infinite where tau stays below the limit however far the parameter goes.
    """
    dispersion = 1.0 if estimation.absolute else estimation.local(model).dispersion
    if dispersion == 0:
        return float(model.values[k]), float(model.values[k])
    least = estimation.refit(model)[1]
    low, high = (
        _Profile(estimation, model, k, sign, least, dispersion).crossing(limit, covariance)
        for sign in (-1.0, 1.0)
    )
    return low, high


@dataclass
class _Profile:
    """One side of the profile: fits with parameter k held ever further away, each from the one before."""

    estimation: Estimation
    model: Parametric
    k: int
    sign: float
    least: float
    dispersion: float
    path: dict[float, tuple[np.ndarray, float]] = field(default_factory=dict)
    """Distance from the estimate -> all parameters (P,) with the others refitted, and tau."""

    def crossing(self, limit: float, covariance: np.ndarray) -> float:
        """The value of the parameter at which tau is ``limit``."""
        from scipy.optimize import brentq

        best, variance = self.model.values[self.k], covariance[self.k, self.k]
        known = bool(np.isfinite(variance) and variance > 0)
        far = limit * float(np.sqrt(variance)) if known else abs(best) or 1.0
        direction = covariance[:, self.k] / variance if known else np.zeros(len(covariance))
        direction = np.where(np.isfinite(direction), direction, 0.0)
        behind = self.model.values - self.sign * far * direction
        self.path = {-far: (behind, 0.0), 0.0: (self.model.values, 0.0)}
        near = 0.0
        for _ in range(DOUBLINGS):
            if self.tau(far) > limit:
                break
            near, far = far, 2 * far
        else:
            return self.sign * np.inf
        distance = brentq(lambda d: min(self.tau(d), 1e3 * limit) - limit, near, far, rtol=1e-9, xtol=1e-300)
        return float(best + self.sign * distance)

    def tau(self, distance: float) -> float:
        """Root of the profile's rise over the residual variance; infinite where the model is not finite."""
        if distance in self.path:
            return self.path[distance][1]
        others = np.delete(np.arange(len(self.model.values)), self.k)
        d0, d1 = sorted(d for d in self.path if d < distance)[-2:]
        v0, v1 = self.path[d0][0], self.path[d1][0]
        for start in (v1 + (distance - d1) / (d1 - d0) * (v1 - v0), v1.copy()):
            start[self.k] = self.model.values[self.k] + self.sign * distance
            fitted, objective = self.estimation.refit(self.model.with_values(start), others)
            if np.isfinite(objective):
                tau = float(np.sqrt(max(objective - self.least, 0.0) / self.dispersion))
                self.path[distance] = fitted.values, tau
                return tau
        return float("inf")


def replicates(estimation: Estimation, model: Parametric, seed: int) -> np.ndarray:
    """Parameters (B, P) fitted to resampled measurements.

    Efron & Tibshirani, An Introduction to the Bootstrap (1993): chapter 9 for regression, 1000
    resamples as advised for intervals in chapter 14.

    Args:
        estimation: How the parameters were estimated.
        model: The fitted model.
        seed: Of the resamples.

    Returns:
        The parameters of the resamples that could be fitted.

    Raises:
        FormulaError: There are no more rows than parameters, so that the residuals are none.
    """
    rows, count = len(estimation.rows.y), len(model.parameters)
    if rows <= count:
        raise FormulaError(f"{rows} rows leave {count} parameters no residuals to draw from")
    rng = np.random.default_rng(seed)
    fits = [estimation.resampled(model, rng).refit(model) for _ in range(RESAMPLES)]
    return np.array([fitted.values for fitted, objective in fits if np.isfinite(objective)])


def bca_interval(drawn: np.ndarray, value: float, influence: np.ndarray, level: float) -> tuple[float, float]:
    """Bias-corrected and accelerated percentiles: Efron & Tibshirani (1993), section 14.3.

    Args:
        drawn: The parameter in each resample (B,).
        value: Its estimate.
        influence: What each row moves it by (N,), the jackknife to first order.
        level: Coverage.

    Returns:
        Both ends.
    """
    from scipy.special import ndtr, ndtri

    below = (np.sum(drawn < value) + np.sum(drawn == value) / 2) / len(drawn)
    bias = ndtri(np.clip(below, 1 / len(drawn), 1 - 1 / len(drawn)))
    pull = influence - influence.mean()
    acceleration = np.sum(pull**3) / (6 * np.sum(pull**2) ** 1.5) if pull.any() else 0.0
    z = bias + ndtri([0.5 - level / 2, 0.5 + level / 2])
    low, high = np.quantile(drawn, ndtr(bias + z / (1 - acceleration * z)))
    return float(low), float(high)
