"""Huber's estimate: least squares for the bulk of the rows, least deviations for the outliers.

Huber (1964), Ann. Math. Stat. 35:73, by iteratively reweighted least squares.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from kansci.symbolic.estimation import Local, Measurements, resampled_rows
from kansci.symbolic.parametric import Parametric

__all__ = ["OUTLIER", "Huber", "spread"]

THRESHOLD = 1.345
"""Standard deviations from where on a residual pulls no harder; 95 % efficient if all are normal."""
OUTLIER = 3.5
"""Standard deviations from where on a row is flagged (Iglewicz & Hoaglin 1993); 1 of 2000 normal ones is."""
ROUNDS, STEPS = 100, 2
"""Changes of the weights, and Levenberg-Marquardt steps between them."""
SETTLED = 1e-9
"""Of a standard deviation: residuals that move less between two rounds are at rest."""


def spread(residual: np.ndarray) -> float:
    """Standard deviation of normal errors with the median absolute value of ``residual`` (N,)."""
    return float(np.median(np.abs(residual))) / 0.6744897501960817


@dataclass(frozen=True)
class Huber:
    """Huber's loss of the weighted residuals.

    ``given``: the standard deviations of the measurements are taken as they are. ``known``: that of the
    weighted residuals, None to estimate it together with the parameters, from the median absolute residual.
    """

    rows: Measurements
    given: bool = False
    known: float | None = None
    absolute: ClassVar[bool] = False
    """Outliers are no part of the given standard deviations: errors of parameters come from the scores."""

    def refit(self, model: Parametric, free: np.ndarray | None = None) -> tuple[Parametric, float]:
        """See ``Estimation``; the objective is twice Huber's loss, the sum of squares if none is cut."""
        rows, residual = self.rows, self.rows.residual(model)
        for _ in range(ROUNDS):
            scale = self.scale(model)
            weight = rows.factor * np.sqrt(
                np.minimum(1, THRESHOLD * scale / np.maximum(np.abs(residual), 1e-300))
            )
            model, fit = model.refit(rows.columns, rows.y, weight, steps=STEPS, free=free)
            if not np.isfinite(fit.rss):
                return model, fit.rss
            before, residual = residual, rows.residual(model)
            if np.abs(residual - before).max() <= SETTLED * scale:
                break
        size, limit = np.abs(residual), THRESHOLD * self.scale(model)
        return model, float(np.sum(np.where(size <= limit, size**2, limit * (2 * size - limit))))

    def local(self, model: Parametric) -> Local:
        """See ``Estimation``."""
        residual, limit = self.rows.residual(model), THRESHOLD * self.scale(model)
        J = model.jacobian(self.rows.columns) * self.rows.factor[:, None]
        return Local(J, residual, np.clip(residual, -limit, limit), (np.abs(residual) <= limit).astype(float))

    def scale(self, model: Parametric) -> float:
        """See ``Estimation``; above round-off where most rows are met exactly."""
        if self.given or self.known is not None:
            return 1.0 if self.given else float(self.known or 0.0)
        rows = self.rows
        return max(spread(rows.residual(model)), 1e-14 * float(np.abs(rows.factor * rows.y).max()), 1e-300)

    def resampled(self, model: Parametric, rng: np.random.Generator) -> "Huber":
        """Residuals drawn with replacement, outliers among them."""
        return replace(self, rows=resampled_rows(self.rows, model, rng), known=None)

    def settled(self, model: Parametric) -> "Huber":
        """With the standard deviation of the residuals that was found together with the parameters."""
        return replace(self, known=self.scale(model))
