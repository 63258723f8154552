"""A formula with fitted parameters: how well they are known, and what it predicts."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from kansci.data import Dataset
from kansci.data.dataset import standard_deviations
from kansci.errors import FormulaError
from kansci.symbolic.columns import columns_of
from kansci.symbolic.estimation import Estimation
from kansci.symbolic.intervals import bca_interval, profile_interval, quantile, replicates
from kansci.symbolic.parametric import Parametric
from kansci.symbolic.robust import OUTLIER, spread

if TYPE_CHECKING:
    from kansci.symbolic.formula import Formula

__all__ = ["FittedFormula"]

METHODS = ("wald", "profile", "bootstrap")
KINDS = ("mean", "prediction")


@dataclass(frozen=True)
class FittedFormula:
    """A formula with fitted parameters.

    ``formula``: parameters filled in. ``parameters``, ``stderr``: by name. ``covariance`` (P, P):
    in the order of ``parameters``. ``rss``: residual sum of squares, weighted as in the fit, that of the
    distances where inputs have errors; ``residual_std``: its root per degree of freedom. ``model``,
    ``estimation``, ``seed``, ``drawn``: how the parameters were found, and those of resamples (B, P).
    """

    formula: "Formula"
    parameters: dict[str, float]
    stderr: dict[str, float]
    covariance: np.ndarray
    rss: float
    degrees_of_freedom: int
    model: Parametric = field(repr=False)
    estimation: Estimation = field(repr=False)
    seed: int = field(default=0, repr=False)
    drawn: np.ndarray | None = field(default=None, repr=False)

    @property
    def residual_std(self) -> float:
        """``sqrt(rss / degrees_of_freedom)``."""
        return float(np.sqrt(self.rss / max(self.degrees_of_freedom, 1)))

    @property
    def flagged(self) -> np.ndarray:
        """Rows (indices) whose residual is larger than 3.5 robust standard deviations.

        The standard deviation comes from the median absolute residual, so that outliers hide neither
        themselves nor each other once the fit is robust too (``loss="huber"``).
        """
        residual = self.estimation.local(self.model).residual
        return np.flatnonzero(np.abs(residual) > OUTLIER * (spread(residual) or np.inf))

    def predict(self, X: Any) -> np.ndarray:
        """Values (N,) of the fitted formula."""
        return self.formula.predict(X)

    @overload
    def interval(self, parameter: None = None, level: float = ..., method: str = ...) -> dict: ...
    @overload
    def interval(self, parameter: str, level: float = ..., method: str = ...) -> tuple[float, float]: ...
    def interval(self, parameter: str | None = None, level: float = 0.95, method: str = "wald") -> Any:
        """Confidence interval of a parameter, or of all of them by name.

        Args:
            parameter: Its name; None for all.
            level: Coverage.
            method: "wald": standard errors times Student's t. "profile": values at which the best fit
                of the others is not yet significantly worse; asymmetric, and infinite on a side where
                it never is. "bootstrap": percentiles of resamples, corrected for bias and skewness.

        Returns:
            Lower and upper end; for all parameters a dictionary of them.

        Raises:
            FormulaError: There is no such parameter or method, or no such level.
        """
        names = list(self.parameters)
        if parameter is None:
            return {name: self.interval(name, level, method) for name in names}
        if parameter not in names:
            raise FormulaError(f"there is no parameter {parameter!r} (parameters: {', '.join(names)})")
        if method not in METHODS:
            raise FormulaError(f"there is no method {method!r}: choose one of {', '.join(METHODS)}")
        k, value = names.index(parameter), self.parameters[parameter]
        t = self._quantile(level)
        if method == "profile":
            return profile_interval(self.estimation, self.model, k, self.covariance, t)
        if method == "bootstrap":
            influence = self.estimation.local(self.model).jackknife[:, k]
            return bca_interval(self._resamples[:, k], value, influence, level)
        return value - t * self.stderr[parameter], value + t * self.stderr[parameter]

    def band(
        self, X: Any, level: float = 0.95, kind: str = "mean", sigma: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Interval at each row of ``X`` for the formula's value, or for a new measurement there.

        The delta method: slopes with respect to the parameters times their covariance (Bates & Watts
        1988, section 2.3). Inputs are taken as exact.

        Args:
            X: Rows, as in ``predict``.
            level: Coverage of each interval.
            kind: "mean" for the value, "prediction" for a new measurement.
            sigma: Standard deviation of new measurements, in the units of the ``sigma`` of the fit, if
                there was one; that of a Dataset by default.

        Returns:
            Lower and upper ends, (N,) each.

        Raises:
            FormulaError: There is no such kind or level, or ``sigma`` is missing.
        """
        if kind not in KINDS:
            raise FormulaError(f"there is no band {kind!r}: choose one of {', '.join(KINDS)}")
        t, middle = self._quantile(level), self.predict(X)
        J = self.model.jacobian(columns_of(X, self.formula.inputs))
        with np.errstate(invalid="ignore"):
            terms = J[:, :, None] * self.covariance * J[:, None, :]
        variance = np.where(J[:, :, None] * J[:, None, :] == 0, 0.0, terms).sum(axis=(1, 2))
        if kind == "prediction":
            variance = variance + self._noise(X, sigma, len(middle)) ** 2
        half = t * np.sqrt(variance)
        return middle - half, middle + half

    def _noise(self, X: Any, sigma: Any, rows: int) -> np.ndarray:
        """Standard deviations (N,) of new measurements."""
        weight = self.estimation.rows.weight
        if sigma is None and isinstance(X, Dataset):
            sigma = X.sigma
        if sigma is None and weight is not None:
            if np.ptp(weight) > 0:
                raise FormulaError("the fit had a sigma for each row: pass sigma= of the new measurements")
            sigma = 1 / weight[0]
        unit = np.ones(rows) if sigma is None else standard_deviations(sigma, rows)
        return unit * self.estimation.scale(self.model)

    def _quantile(self, level: float) -> float:
        if not 0 < level < 1:
            raise FormulaError(f"level={level} must lie between 0 and 1, such as 0.95")
        return quantile(level, np.inf if self.estimation.absolute else max(self.degrees_of_freedom, 1))

    @cached_property
    def _resamples(self) -> np.ndarray:
        return self.drawn if self.drawn is not None else replicates(self.estimation, self.model, self.seed)
