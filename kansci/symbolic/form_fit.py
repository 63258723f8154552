"""Fit the parameters of a given form, from given or drawn starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sympy

from kansci.errors import FormulaError
from kansci.symbolic.formula import FittedFormula, Formula
from kansci.symbolic.least_squares import Fit
from kansci.symbolic.parametric import Parametric

__all__ = ["Measurements", "fit_form"]

STARTS = 200
"""Starts that are tried when the user gives none."""
FEW, STEPS = 10, 1000
"""Steps from every start, and from those that go on."""
FINISHED = 8
"""Of these, the best are iterated to the end."""


@dataclass(frozen=True)
class Measurements:
    """Columns of the form (N,), target (N,), and the factor of each residual (N,) or None for 1."""

    columns: Sequence[np.ndarray]
    y: np.ndarray
    weight: np.ndarray | None = None

    def refit(self, model: Parametric, values: np.ndarray, steps: int) -> tuple[Parametric, Fit]:
        """The model fitted from ``values`` (P,)."""
        return model.with_values(values).refit(self.columns, self.y, self.weight, steps=steps)


def fit_form(form: Formula, rows: Measurements, start: Mapping[str, float], seed: int = 0) -> FittedFormula:
    """Least-squares parameters of a form, with their standard errors.

    Args:
        form: A formula with free parameters.
        rows: What it is fitted to.
        start: First values of some or all parameters; the others are drawn.
        seed: Seed of the draws.

    Returns:
        The fitted formula.

    Raises:
        FormulaError: No start gives a finite model, a start names no parameter, or there are
            fewer rows than parameters.
    """
    names = form.parameters
    _check(form, rows, start)
    variables, parameters = (tuple(sympy.Symbol(n) for n in group) for group in (form.symbols, names))
    model = Parametric(form.expr, variables, parameters, np.zeros(len(names)))
    fits = []
    if all(name in start for name in names):
        fits.append(rows.refit(model, np.array([float(start[name]) for name in names]), STEPS))
    if not fits or _ran_away(*fits[0], rows.columns):
        fits += [rows.refit(model, values, STEPS) for values in _starts(model, names, rows, start, seed)]
    best, fit = min(fits, key=lambda pair: pair[1].rss)
    if not np.isfinite(fit.rss):
        raise FormulaError(f"the form {form} is not finite on the data at any start; pass start={{...}}")
    return FittedFormula.build(form, best, rows.columns, fit.rss, rows.weight)


def _check(form: Formula, rows: Measurements, start: Mapping[str, float]) -> None:
    names, n = form.parameters, len(rows.y)
    unknown = [name for name in start if name not in names]
    if unknown:
        raise FormulaError(
            f"start names {unknown[0]!r}, which is no parameter of {form} (parameters: {', '.join(names)})"
        )
    if n < len(names):
        raise FormulaError(f"{n} rows cannot determine the {len(names)} parameters of {form}")
    if any(len(column) != n for column in rows.columns):
        raise FormulaError(f"the inputs have {len(rows.columns[0])} rows, the target has {n}")


def _ran_away(model: Parametric, fit: Fit, columns: Sequence[np.ndarray]) -> bool:
    """Whether a fit is not finite, has not converged, or ended where a parameter does nothing."""
    if not np.isfinite(fit.rss) or fit.steps >= STEPS:
        return True
    J = model.jacobian(columns)
    sizes = np.linalg.norm(J, axis=0) * np.abs(model.values)
    return bool(not np.isfinite(J).all() or (sizes < 1e-10 * sizes.max(initial=0.0)).any())


def _starts(
    model: Parametric, names: Sequence[str], rows: Measurements, start: Mapping[str, float], seed: int
) -> list[np.ndarray]:
    """The most promising of many drawn starts (log-uniform sizes, both signs).

    Values that the user gives are kept, unless they are all given (and have failed).
    """
    rng = np.random.default_rng(seed)
    draws = 10.0 ** rng.uniform(-4, 3, (STARTS, len(names))) * rng.choice([-1.0, 1.0], (STARTS, len(names)))
    draws[0] = 1.0
    if not all(name in start for name in names):
        for k, name in enumerate(names):
            draws[:, k] = start.get(name, draws[:, k])
    few = [rows.refit(model, values, FEW) for values in draws]
    order = np.argsort([fit.rss for _, fit in few], kind="stable")[:FINISHED]
    return [few[k][0].values for k in order]
