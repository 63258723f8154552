"""Errors in the inputs: orthogonal distance regression.

The true inputs are estimated together with the parameters, all distances in units of their standard
deviations: Boggs, Byrd & Schnabel (1987), SIAM J. Sci. Stat. Comput. 8:1052. The true inputs of a row
depend on no other row, so they are solved for inside every residual (variable projection, Golub &
Pereyra 1973): what is left is least squares in the parameters alone.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from kansci.symbolic.estimation import STEPS, Local, Measurements
from kansci.symbolic.least_squares import levenberg_marquardt
from kansci.symbolic.parametric import Parametric

__all__ = ["Orthogonal"]

ROUNDS, HALVINGS = 100, 8
ROUND_OFF = 1 + 1e-13
SETTLED = 1e-9
"""Of an input's standard deviation: its estimate moves no more."""


@dataclass(frozen=True)
class Orthogonal:
    """Squared distances of the points from the curve, in standard deviations of inputs and target."""

    rows: Measurements
    absolute: bool = False

    @cached_property
    def _noisy(self) -> list[int]:
        """Positions of the columns that have errors."""
        return [k for k, sigma in enumerate(self.rows.input_sigma) if sigma is not None]

    @cached_property
    def _measured(self) -> np.ndarray:
        """Those columns (m, N)."""
        return np.array([self.rows.columns[k] for k in self._noisy])

    @cached_property
    def _sigma(self) -> np.ndarray:
        """Their standard deviations (m, N)."""
        return np.array([self.rows.input_sigma[k] for k in self._noisy])

    def _with(self, inputs: np.ndarray) -> list[np.ndarray]:
        """All columns, those with errors from ``inputs`` (m, N)."""
        columns = list(self.rows.columns)
        for k, values in zip(self._noisy, inputs, strict=True):
            columns[k] = values
        return columns

    def refit(self, model: Parametric, free: np.ndarray | None = None) -> tuple[Parametric, float]:
        """See ``Estimation``; the objective is the sum of squared distances of target and inputs."""
        moving = np.arange(len(model.values)) if free is None else free
        # the residual and its slopes are asked for at the same point
        near = {model.values[moving].tobytes(): self._nearest(model)}

        def at(p: np.ndarray) -> _Nearest:
            if p.tobytes() not in near:
                near.clear()
                values = model.values.copy()
                values[moving] = p
                near[p.tobytes()] = self._nearest(model.with_values(values))
            return near[p.tobytes()]

        fit = levenberg_marquardt(
            lambda p: -at(p).distance,
            lambda p: at(p).J[:, moving],
            model.values[moving],
            steps=STEPS,
        )
        values = model.values.copy()
        values[moving] = fit.values
        return model.with_values(values), fit.rss

    def local(self, model: Parametric) -> Local:
        """See ``Estimation``: at the true inputs, whose errors are added to those of the target."""
        near = self._nearest(model)
        return Local(near.J, near.distance, near.distance, np.ones(len(near.J)))

    def scale(self, model: Parametric) -> float:
        """See ``Estimation``."""
        return 1.0 if self.absolute else float(np.sqrt(self.local(model).dispersion))

    def resampled(self, model: Parametric, rng: np.random.Generator) -> "Orthogonal":
        """Normal errors about the true inputs and what the model gives there.

        The parametric bootstrap: Efron & Tibshirani, An Introduction to the Bootstrap (1993), section 6.5.
        """
        scale, rows = self.scale(model), self.rows
        true = self._nearest(model).inputs
        y = model.predict(self._with(true)) + scale * rng.standard_normal(len(rows.y)) / rows.factor
        x = true + scale * rng.standard_normal(true.shape) * self._sigma
        return replace(self, rows=replace(rows, y=y, columns=self._with(x)))

    def settled(self, model: Parametric) -> "Orthogonal":
        """Nothing is estimated beside the parameters."""
        return self

    def _nearest(self, model: Parametric) -> "_Nearest":
        """The nearest point of the curve to each row, by Gauss-Newton steps that are halved if uphill."""
        y, factor, x, sigma = self.rows.y, self.rows.factor, self._measured, self._sigma

        def squared(inputs: np.ndarray) -> np.ndarray:
            with np.errstate(all="ignore"):
                away = factor * (y - model.predict(self._with(inputs)))
                square = away**2 + np.sum(((inputs - x) / sigma) ** 2, axis=0)
            return np.where(np.isfinite(square), square, np.inf)

        true, best = x, squared(x)
        for _ in range(ROUNDS):
            error, residual, slopes = self._linear(model, true)
            with np.errstate(all="ignore"):
                step = x + sigma**2 * slopes * residual / error**2 - true
            step, before = np.where(np.isfinite(step), step, 0.0), true
            uphill = np.ones(len(y), bool)
            for _ in range(HALVINGS):
                trial = before + step
                square = squared(trial)
                better = uphill & (square <= best * ROUND_OFF)
                true, best = np.where(better, trial, true), np.where(better, square, best)
                uphill, step = uphill & ~better, step / 2
                if not uphill.any():
                    break
            if (np.abs(true - before) <= SETTLED * sigma).all():
                break
        error, residual, _ = self._linear(model, true)
        with np.errstate(all="ignore"):
            J = model.jacobian(self._with(true)) / error[:, None]
            return _Nearest(true, np.sign(residual) * np.sqrt(best), J)

    def _linear(self, model: Parametric, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The curve at inputs (m, N): deviation (N,) and value (N,) of the linear residual, slopes (m, N)."""
        columns = self._with(inputs)
        slopes = model.input_slopes(columns)[:, self._noisy].T
        with np.errstate(all="ignore"):
            error = np.sqrt(self.rows.factor**-2.0 + np.sum((slopes * self._sigma) ** 2, axis=0))
            across = np.sum(slopes * (self._measured - inputs), axis=0)
            return error, self.rows.y - model.predict(columns) - across, slopes


@dataclass(frozen=True)
class _Nearest:
    """The nearest points: inputs (m, N), signed distances (N,), and less their slopes J (N, P)."""

    inputs: np.ndarray
    distance: np.ndarray
    J: np.ndarray
