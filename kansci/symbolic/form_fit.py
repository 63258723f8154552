"""Fit the parameters of a given form, from given or drawn starts."""

from collections.abc import Mapping, Sequence

import numpy as np
import sympy

from kansci.errors import FormulaError
from kansci.symbolic.constants import Constant
from kansci.symbolic.estimation import Estimation, LeastSquares, Measurements
from kansci.symbolic.fitted import FittedFormula
from kansci.symbolic.formula import Formula
from kansci.symbolic.intervals import replicates
from kansci.symbolic.least_squares import Fit
from kansci.symbolic.odr import Orthogonal
from kansci.symbolic.parametric import Parametric
from kansci.symbolic.robust import Huber

__all__ = ["best_of_starts", "estimate", "estimation_of", "model_of"]

STARTS = 200
"""Starts that are tried when the user gives none."""
FEW, STEPS = 10, 1000
"""Steps from every start, and from those that go on."""
FINISHED = 8
"""Of these, the best are iterated to the end."""
LOSSES = ("least_squares", "huber")
COVARIANCES = ("classical", "robust", "bootstrap")


def estimation_of(rows: Measurements, loss: str, *, absolute: bool) -> Estimation:
    """The way to estimate parameters that the settings ask for.

    Raises:
        FormulaError: There is no such loss, or settings contradict each other.
    """
    if loss not in LOSSES:
        raise FormulaError(f"there is no loss {loss!r}: choose one of {', '.join(LOSSES)}")
    if absolute and rows.weight is None:
        raise FormulaError("absolute_sigma=True takes the standard deviations as they are: pass sigma=")
    if not rows.input_sigma:
        return Huber(rows, absolute) if loss == "huber" else LeastSquares(rows, absolute)
    if rows.weight is None:
        raise FormulaError("errors of the inputs weigh against those of the target: pass sigma= as well")
    if loss == "huber":
        raise FormulaError(
            "errors in the inputs go with loss='least_squares': leave out input_sigma or huber"
        )
    return Orthogonal(rows, absolute)


def model_of(form: Formula, start: Mapping[str, float]) -> Parametric:
    """A form with its free symbols as parameters, their values from ``start`` or 0."""
    names = form.parameters
    variables, parameters = (tuple(sympy.Symbol(n) for n in group) for group in (form.symbols, names))
    return Parametric(form.expr, variables, parameters, np.array([float(start.get(n, 0.0)) for n in names]))


def best_of_starts(
    form: Formula, rows: Measurements, start: Mapping[str, float], seed: int = 0
) -> Parametric:
    """Least-squares parameters of a form.

    Args:
        form: A formula with free parameters.
        rows: What it is fitted to.
        start: First values of some or all parameters; the others are drawn.
        seed: Seed of the draws.

    Returns:
        The model with the best parameters.

    Raises:
        FormulaError: No start gives a finite model, a start names no parameter, or there are
            fewer rows than parameters.
    """
    names = form.parameters
    _check(form, rows, start)
    model = model_of(form, start)
    fits = []
    if all(name in start for name in names):
        fits.append(rows.refit(model, model.values, STEPS))
    if not fits or _ran_away(*fits[0], rows.columns):
        fits += [rows.refit(model, values, STEPS) for values in _starts(model, names, rows, start, seed)]
    best, fit = min(fits, key=lambda pair: pair[1].rss)
    if not np.isfinite(fit.rss):
        raise FormulaError(f"the form {form} is not finite on the data at any start; pass start={{...}}")
    return best


def estimate(
    form: Formula, estimation: Estimation, model: Parametric, covariance: str = "classical", seed: int = 0
) -> FittedFormula:
    """The parameters by any way of estimation from a model near them, with their standard errors.

    Args:
        form: The form whose parameters are fitted.
        estimation: The way, with the measurements.
        model: The form with values to begin from.
        covariance: "classical", "robust" or "bootstrap".
        seed: Of the bootstrap.

    Returns:
        The fitted formula.

    Raises:
        FormulaError: There is no such covariance, too few rows, or the model is not finite.
    """
    if covariance not in COVARIANCES:
        raise FormulaError(f"there is no covariance {covariance!r}: choose one of {', '.join(COVARIANCES)}")
    _check(form, estimation.rows, {})
    model, objective = estimation.refit(model)
    estimation = estimation.settled(model)
    local = estimation.local(model)
    if not np.isfinite(objective) or not np.isfinite(local.J).all():
        raise FormulaError(f"the form {form} or its slopes are not finite on the data; pass start={{...}}")
    drawn = replicates(estimation, model, seed) if covariance == "bootstrap" and model.parameters else None
    if drawn is not None:
        matrix = np.atleast_2d(np.cov(drawn, rowvar=False))
    elif covariance == "robust":
        matrix = local.robust()
    else:
        matrix = local.classical(1.0 if estimation.absolute else local.dispersion)
    errors = np.sqrt(np.diag(matrix))
    pairs = list(zip(map(float, model.values), map(float, errors), strict=True))
    constants = tuple(Constant(value, error, None) for value, error in pairs)
    names = [str(parameter) for parameter in model.parameters]
    return FittedFormula(
        formula=Formula(model.to_expr(), form.symbols, form.target, constants),
        parameters={name: value for name, (value, _) in zip(names, pairs, strict=True)},
        stderr={name: error for name, (_, error) in zip(names, pairs, strict=True)},
        covariance=matrix,
        rss=float(local.residual @ local.residual),
        degrees_of_freedom=len(local.J) - len(names),
        model=model,
        estimation=estimation,
        seed=seed,
        drawn=drawn,
    )


def _check(form: Formula, rows: Measurements, start: Mapping[str, float]) -> None:
    names, n = form.parameters, len(rows.y)
    unknown = [name for name in start if name not in names]
    if unknown:
        raise FormulaError(
            f"start names {unknown[0]!r}, which is no parameter of {form} (parameters: {', '.join(names)})"
        )
    if n < len(names):
        raise FormulaError(f"{n} rows cannot determine the {len(names)} parameters of {form}")


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
    model.predict(rows.columns), model.jacobian(rows.columns)  # compiled here, once for all starts
    few = [rows.refit(model, values, FEW) for values in draws]
    order = np.argsort([fit.rss for _, fit in few], kind="stable")[:FINISHED]
    return [few[k][0].values for k in order]
