"""Fit the parameters of a given form, from given or drawn starts."""

import numpy as np
import sympy

from kansci.errors import FormulaError
from kansci.symbolic.formula import FittedFormula, Formula
from kansci.symbolic.least_squares import Fit
from kansci.symbolic.parametric import Parametric

__all__ = ["fit_form"]

STARTS = 200
"""Starts that are tried when the user gives none."""
STEPS = 1000
FINISHED = 8
"""Of these, the best are iterated to the end."""


def fit_form(
    form: Formula, columns, y: np.ndarray, start: dict[str, float], sigma, seed: int
) -> FittedFormula:
    """See ``Formula.fit``; ``columns`` holds one array (N,) a column of the form."""
    names = form.parameters
    _check(form, names, columns, y, start)
    weight = None if sigma is None else 1 / np.broadcast_to(np.asarray(sigma, float), y.shape)
    variables = [sympy.Symbol(name) for name in form.symbols]
    model = Parametric(
        form.expr, tuple(variables), tuple(sympy.Symbol(n) for n in names), np.zeros(len(names))
    )
    fits = []
    if all(name in start for name in names):
        given = np.array([float(start[name]) for name in names])
        fits.append(model.with_values(given).refit(columns, y, weight, steps=STEPS))
    if not fits or _undetermined(fits[0][0], columns, fits[0][1]):
        fits += [
            model.with_values(values).refit(columns, y, weight, steps=STEPS)
            for values in _starts(model, names, columns, y, start, seed)
        ]
    best, fit = min(fits, key=lambda pair: pair[1].rss)
    if not np.isfinite(fit.rss):
        raise FormulaError(f"the form {form} is not finite on the data at any start; pass start={{...}}")
    return FittedFormula.build(form, best, columns, fit.rss, weight)


def _check(form: Formula, names, columns, y: np.ndarray, start: dict[str, float]) -> None:
    unknown = [name for name in start if name not in names]
    if unknown:
        raise FormulaError(
            f"start names {unknown[0]!r}, which is no parameter of {form} (parameters: {', '.join(names)})"
        )
    if len(y) < len(names):
        raise FormulaError(f"{len(y)} rows cannot determine the {len(names)} parameters of {form}")
    if any(len(column) != len(y) for column in columns):
        raise FormulaError(f"the inputs have {len(columns[0])} rows, the target has {len(y)}")


def _undetermined(model: Parametric, columns, fit: Fit) -> bool:
    """Whether the iteration ran away: not finite, not converged, or a parameter that no row determines."""
    if not np.isfinite(fit.rss) or fit.steps >= STEPS:
        return True
    J = model.jacobian(columns)
    sizes = np.linalg.norm(J, axis=0) * np.abs(model.values)
    return bool(not np.isfinite(J).all() or (sizes < 1e-10 * sizes.max(initial=0.0)).any())


def _starts(
    model: Parametric, names, columns, y: np.ndarray, start: dict[str, float], seed: int
) -> list[np.ndarray]:
    """The most promising of many drawn starts (log-uniform sizes, both signs), kept where the user's are given."""
    rng = np.random.default_rng(seed)
    draws = 10.0 ** rng.uniform(-4, 3, (STARTS, len(names))) * rng.choice([-1.0, 1.0], (STARTS, len(names)))
    draws[0] = 1.0
    if not all(name in start for name in names):
        for k, name in enumerate(names):
            draws[:, k] = start.get(name, draws[:, k])
    few = [model.with_values(values).refit(columns, y, steps=10) for values in draws]
    order = np.argsort([fit.rss for _, fit in few], kind="stable")[:FINISHED]
    return [few[k][0].values for k in order]
