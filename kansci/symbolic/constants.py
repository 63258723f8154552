"""Exact numbers behind fitted ones: integers, fractions, powers of pi, square roots, e, short decimals.

A number known to a relative precision 2^-b carries b bits. An exact number inside the interval
whose own description takes clearly fewer bits is the better explanation (minimum description
length; Rissanen 1978; for rationals the same idea as the "snap" of Udrescu & Tegmark 2020).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import sympy
from scipy import stats

from kansci.symbolic.least_squares import Fit, covariance
from kansci.symbolic.parametric import Parametric

__all__ = ["Constant", "Snapped", "recognise", "snap_constants"]

@dataclass(frozen=True)
class Snapped:
    """A fitted number and the exact one that replaced it."""

    value: float
    stderr: float
    number: sympy.Expr


MARGIN_BITS = 3.0
"""An exact number has to be this much shorter than the interval is precise."""
LEVEL = 0.99
"""Confidence of the interval in which an exact number is looked for."""
ROUND_OFF = 1e-11
"""A fitted constant is never trusted to better than this, relative to its size."""


@dataclass(frozen=True)
class Constant:
    """A number of a formula: its value, its standard error (0 when exact) and its exact form, if any."""

    value: float
    stderr: float
    symbolic: str | None


def _units() -> list[tuple[sympy.Expr, float, float]]:
    """(exact factor, its value, bits of its description)."""
    units = []
    for half in range(-8, 9):
        for root in (1, 2, 3, 5, 6, 7, 10):
            factor = sympy.pi ** sympy.Rational(half, 2) * sympy.sqrt(root)
            bits = (1.5 + 1.2 * abs(half) / 2 + (half % 2)) * bool(half) + (2 + math.log2(root)) * (root > 1)
            units.append((factor, float(factor), bits))
    for factor, bits in ((sympy.E, 4.0), (1 / sympy.E, 5.0), (sympy.log(2), 5.0), (sympy.log(10), 5.0)):
        units.append((factor, float(factor), bits))
    return units


_UNITS = _units()


def recognise(value: float, tolerance: float) -> tuple[sympy.Expr, float] | None:
    """The shortest exact number within ``tolerance`` of ``value``.

    Args:
        value: The fitted number.
        tolerance: Half the width of the interval that it is known to lie in.

    Returns:
        The number and how many bits it saves, or None if none saves enough.
    """
    if not math.isfinite(value) or not math.isfinite(tolerance):
        return None
    if abs(value) <= tolerance:
        return sympy.S.Zero, 0.0
    tolerance = max(tolerance, ROUND_OFF * abs(value))
    precision = math.log2(abs(value) / tolerance)
    best: tuple[float, sympy.Expr] | None = None
    for number, bits in (*_rational_multiples(value, tolerance), *_decimals(value, tolerance)):
        if best is None or bits < best[0]:
            best = bits, number
    if best is None or precision - best[0] < MARGIN_BITS:
        return None
    return best[1], precision - best[0]


def _rational_multiples(value: float, tolerance: float):
    for factor, size, bits in _UNITS:
        ratio, width = value / size, tolerance / size
        fraction = _simplest_fraction(abs(ratio) - width, abs(ratio) + width)
        if fraction is None:
            continue
        number = sympy.Rational(fraction.numerator, fraction.denominator) * factor
        length = bits + math.log2(fraction.numerator) + 1.5 * math.log2(fraction.denominator) + 1
        yield number if value > 0 else -number, length


def _decimals(value: float, tolerance: float):
    """``k * 10^-d`` with few digits, kept as a decimal."""
    exponent = math.floor(math.log10(abs(value)))
    for digits in range(1, 8):
        rounded = round(value, digits - 1 - exponent)
        if abs(rounded - value) <= tolerance:
            yield sympy.Float(repr(rounded), 15), 3.4 * digits + 2 + abs(exponent)
            return


def _simplest_fraction(low: float, high: float) -> Fraction | None:
    """The fraction with the smallest denominator in [low, high], denominators up to 64 (Stern-Brocot)."""
    if high <= 0:
        return None
    low = max(low, 0.0)
    for denominator in range(1, 65):
        numerator = math.ceil(low * denominator - 1e-15)
        if numerator >= 1 and numerator <= high * denominator:
            return Fraction(numerator, denominator)
    return None


def snap_constants(
    model: Parametric, columns: Sequence[np.ndarray], y: np.ndarray, weight: np.ndarray | None = None
) -> tuple[Parametric, tuple[Snapped, ...]]:
    """Replace fitted constants by exact ones, the surest first, refitting the others each time.

    A number is looked for within Student's t interval of the fitted one, and stays only if the
    residuals do not grow by more than the same level allows (an F test on one degree of freedom).

    Args:
        model: A refitted model.
        columns: One array (N,) a variable.
        y: Target (N,).
        weight: Factor of each residual (N,), 1 by default.

    Returns:
        The model with fewer free parameters, and what was replaced, the surest first.
    """
    model, fit = model.refit(columns, y, weight)
    model, fit = _fix_gauge(model, fit, columns, y, weight)
    size = float(np.linalg.norm(y if weight is None else weight * y))
    floor = (ROUND_OFF * size) ** 2
    snapped: list[Snapped] = []
    refused: set[sympy.Symbol] = set()
    while True:
        choice = _surest(model, columns, weight, fit.rss, refused, size)
        if choice is None:
            return model, tuple(snapped)
        parameter, replacement = choice
        trial, trial_fit = model.fixed({parameter: replacement.number}).refit(columns, y, weight)
        freedom = max(len(y) - len(model.parameters), 1)
        if trial_fit.rss <= fit.rss * (1 + _deviations(freedom) ** 2 / freedom) + floor:
            model, fit = trial, trial_fit
            snapped.append(replacement)
        else:
            refused.add(parameter)


def _deviations(freedom: int) -> float:
    """Student's t quantile of LEVEL, two-sided: how many standard errors an interval is wide."""
    return float(stats.t.ppf(0.5 + LEVEL / 2, freedom))


def _fix_gauge(model: Parametric, fit: Fit, columns, y: np.ndarray, weight):
    """Set parameters that the data cannot determine to 1, 0 or -1 as long as nothing is lost."""
    floor = (ROUND_OFF * float(np.linalg.norm(y if weight is None else weight * y))) ** 2
    for parameter in model.parameters:
        J = model.jacobian(columns) * (1.0 if weight is None else np.reshape(weight, (-1, 1)))
        if not np.isfinite(J).all() or np.isfinite(np.diag(covariance(J, 1.0))).all():
            break
        for number in (sympy.S.One, sympy.S.Zero, sympy.S.NegativeOne):
            trial, trial_fit = model.fixed({parameter: number}).refit(columns, y, weight)
            if not trial.expr.has(sympy.zoo, sympy.nan) and trial_fit.rss <= fit.rss * (1 + 1e-6) + floor:
                model, fit = trial, trial_fit
                break
    return model, fit


def _surest(model, columns, weight, rss, refused, size):
    """The free parameter whose exact form saves the most bits."""
    J = model.jacobian(columns) * (1.0 if weight is None else np.reshape(weight, (-1, 1)))
    if not np.isfinite(J).all():
        return None
    variances = np.diag(covariance(J, rss))
    deviations = _deviations(max(len(J) - len(model.parameters), 1))
    effects = np.abs(model.values) * np.linalg.norm(J, axis=0)
    choices = []
    for parameter, value, variance in zip(model.parameters, model.values, variances, strict=True):
        if parameter in refused or not math.isfinite(variance):
            continue
        nothing = effects[model.parameters.index(parameter)] <= ROUND_OFF * size
        found = (sympy.S.Zero, math.inf) if nothing else recognise(float(value), deviations * math.sqrt(variance))
        if found is not None:
            choices.append((found[1], parameter, Snapped(float(value), math.sqrt(variance), found[0])))
    if not choices:
        return None
    _, parameter, replacement = max(choices, key=lambda choice: choice[0])
    return parameter, replacement
