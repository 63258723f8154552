"""Whether a formula has the form of the law, whatever the noise did to its constants."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sympy

from kansci.data import Dataset
from kansci.errors import FormulaError
from kansci.metrics import max_relative_error
from kansci.symbolic.constants import Constant
from kansci.symbolic.least_squares import covariance
from kansci.symbolic.parametric import Parametric

EXACT = 1e-6
"""Largest relative error of an exact formula on rows without noise."""
DEVIATIONS = 3.0
"""How many standard errors a constant may be off."""
NOTHING = 1e-6
"""A constant whose effect is this small a share of the target is not needed."""
STEPS = 1000


@dataclass(frozen=True)
class Form:
    """``right``: the law lies in the family, and the formula has no more terms than the law.

    ``within``: and every constant is near its true value. ``relative_error``: of the refitted formula.
    ``deviations``: of the worst constant, in standard errors. ``constants``: how many are free.
    ``superfluous``: how many of them vanish when the formula becomes the law.
    """

    right: bool
    within: bool
    relative_error: float
    deviations: float
    constants: int
    superfluous: int


def right_form(expr: sympy.Expr, table: Dataset, clean: Dataset, published: Sequence[Constant] = ()) -> Form:
    """Judge the form of a formula and its constants apart.

    The free constants (the floating-point numbers; integers, fractions and pi are the form) are
    refitted to rows of the law without noise. The form is right if the relative error falls below
    EXACT there and no constant vanishes (its term is not the law's). The constants are right if each
    published value is within DEVIATIONS standard errors of the refitted one; exact numbers are not
    refitted, so that they have to be the law's.

    Args:
        expr: The formula as published.
        table: The noisy rows it was fitted to, from which the standard errors follow.
        clean: Rows of the law without noise, with the same columns.
        published: Constants with standard errors of their own, which then count.

    Returns:
        The judgement; a formula that cannot be evaluated has the wrong form.
    """
    model = free_constants(expr, clean)
    true, error = refit_to(model, clean)
    family = error < EXACT
    superfluous = _superfluous(true, clean) if family else 0
    deviations = _deviations(model, true, _errors(model, table, published)) if family else float("inf")
    right = family and superfluous == 0
    return Form(
        right=right,
        within=right and deviations <= DEVIATIONS,
        relative_error=error,
        deviations=deviations,
        constants=len(model.parameters),
        superfluous=superfluous,
    )


def contains(expr: sympy.Expr, clean: Dataset, most: int) -> bool:
    """Whether the law that gave ``clean`` is in the formula's family, with at most so many constants."""
    # a factor that came out as exactly 1 may be what the law leaves to be fitted
    scaled = sympy.Float(1.0625) * expr
    models = [free_constants(form, clean) for form in (expr, scaled)]
    return any(len(m.parameters) <= most and refit_to(m, clean)[1] < EXACT for m in models)


def free_constants(expr: sympy.Expr, table: Dataset) -> Parametric:
    """The formula with its floating-point numbers free, as a function of the table's columns."""
    plain = expr.xreplace({symbol: sympy.Symbol(symbol.name) for symbol in expr.free_symbols})
    return Parametric.of(plain, [sympy.Symbol(name) for name in table.symbols])


def refit_to(model: Parametric, clean: Dataset) -> tuple[Parametric, float]:
    """The model fitted to rows without noise, and its relative error there.

    Rows outside its domain as published do not take part in the fit, but count for the error. Absolute
    and relative residuals are tried, as the target may span many orders of magnitude.
    """
    columns = list(clean.X.T)
    inside = np.isfinite(model.predict(columns))
    fits = [(model, max_relative_error(clean.y, model.predict(columns)))]
    if model.parameters and inside.any():
        some, y = [column[inside] for column in columns], clean.y[inside]
        relative = 1 / np.maximum(np.abs(y), 1e-9 * np.abs(clean.y).max(initial=1e-300))
        for weight in (None, relative):
            try:
                fitted = model.refit(some, y, weight, steps=STEPS)[0]
            except (FormulaError, np.linalg.LinAlgError):
                continue
            fits.append((fitted, max_relative_error(clean.y, fitted.predict(columns))))
    return min(fits[::-1], key=lambda fit: fit[1])


def _errors(model: Parametric, table: Dataset, published: Sequence[Constant]) -> np.ndarray:
    """Standard error (P,) of each free constant: the published one if there is one; nan if none exists."""
    columns = list(table.X.T)
    J, residual = model.jacobian(columns), model.predict(columns) - table.y
    if np.isfinite(J).all() and np.isfinite(residual).all():
        errors = np.sqrt(np.diag(covariance(J, float(residual @ residual))))
    else:
        errors = np.full(len(model.parameters), np.nan)
    known = {abs(c.value): c.stderr for c in published if c.symbolic is None}
    return np.array([known.get(abs(v), e) for v, e in zip(model.values, errors, strict=True)])


def _deviations(model: Parametric, true: Parametric, errors: np.ndarray) -> float:
    """How far the worst constant is off, in standard errors; round-off does not count."""
    off = np.abs(model.values - true.values)
    off[off <= 1e-10 * np.abs(true.values)] = 0.0
    with np.errstate(all="ignore"):
        ratios = np.where(off == 0.0, 0.0, off / errors)
    return float(np.where(np.isnan(ratios), np.inf, ratios).max(initial=0.0))


def _superfluous(true: Parametric, clean: Dataset) -> int:
    effects = np.abs(true.values) * np.linalg.norm(true.jacobian(list(clean.X.T)), axis=0)
    return int(np.sum(effects <= NOTHING * np.linalg.norm(clean.y)))
