"""Exact numbers behind fitted ones: integers, fractions, powers of pi, square roots, e, short decimals.

A number known to a relative precision 2^-b carries b bits. An exact number inside the interval
whose own description takes clearly fewer bits is the better explanation (minimum description
length; Rissanen 1978; for rationals the same idea as the "snap" of Udrescu & Tegmark 2020).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import sympy
from scipy import stats

from kansci.symbolic.least_squares import covariance
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
LARGEST = 1e100
"""Numbers beyond this, or as small, are left alone."""


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
    if not 1 / LARGEST < abs(value) < LARGEST:
        return None
    tolerance = max(tolerance, ROUND_OFF * abs(value))
    precision = math.log2(abs(value) / tolerance)
    best: tuple[float, sympy.Expr] | None = None
    for number, bits in (*_rational_multiples(value, tolerance), *_decimals(value, tolerance)):
        if best is None or bits < best[0]:
            best = bits, number
    if best is None or precision - best[0] < MARGIN_BITS:
        return None
    return best[1], precision - best[0]


def _rational_multiples(value: float, tolerance: float) -> Iterator[tuple[sympy.Expr, float]]:
    for factor, size, bits in _UNITS:
        ratio, width = value / size, tolerance / size
        fraction = _simplest_fraction(abs(ratio) - width, abs(ratio) + width)
        if fraction is None:
            continue
        number = sympy.Rational(fraction.numerator, fraction.denominator) * factor
        length = bits + math.log2(fraction.numerator) + 1.5 * math.log2(fraction.denominator) + 1
        yield number if value > 0 else -number, length


def _decimals(value: float, tolerance: float) -> Iterator[tuple[sympy.Expr, float]]:
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
    return _Snapping(model, columns, y, weight).run()


class _Snapping:
    """The loop's state: the model, its free parameters by index, and the numbers found so far."""

    def __init__(
        self, model: Parametric, columns: Sequence[np.ndarray], y: np.ndarray, weight: np.ndarray | None
    ):
        self.columns, self.y, self.weight = columns, y, weight
        self.size = float(np.linalg.norm(y if weight is None else weight * y))
        self.free = list(range(len(model.parameters)))
        self.numbers: dict[int, sympy.Expr] = {}
        self.refused: set[int] = set()
        self.model, self.rss = model, 0.0
        self.model, self.rss = self._refit(model, self.free)

    def run(self) -> tuple[Parametric, tuple[Snapped, ...]]:
        self._fix_gauge()
        snapped = []
        while (choice := self._surest()) is not None:
            k, replacement = choice
            freedom = max(len(self.y) - len(self.free), 1)
            if self._replace(k, replacement.number, _deviations(freedom) ** 2 / freedom):
                snapped.append(replacement)
            else:
                self.refused.add(k)
        names = self.model.parameters
        return self.model.fixed({names[k]: number for k, number in self.numbers.items()}), tuple(snapped)

    def _refit(self, model: Parametric, free: list[int]) -> tuple[Parametric, float]:
        fitted, fit = model.refit(self.columns, self.y, self.weight, free=np.array(free, int))
        return fitted, fit.rss

    def _replace(self, k: int, number: sympy.Expr, allowance: float) -> bool:
        """Fix parameter k if the residual sum of squares grows by at most this share (or is at round-off)."""
        values = self.model.values.copy()
        values[k] = float(number)
        free = [m for m in self.free if m != k]
        trial, rss = self._refit(self.model.with_values(values), free)
        if not rss <= self.rss * (1 + allowance) + (ROUND_OFF * self.size) ** 2:
            return False
        self.model, self.rss, self.free = trial, rss, free
        self.numbers[k] = number
        return True

    def _jacobian(self) -> np.ndarray:
        J = self.model.jacobian(self.columns)[:, self.free]
        return J if self.weight is None else J * self.weight[:, None]

    def _fix_gauge(self) -> None:
        """Set parameters that the data cannot determine to 1, 0 or -1 as long as nothing is lost."""
        for k in tuple(self.free):
            J = self._jacobian()
            if not np.isfinite(J).all() or np.isfinite(np.diag(covariance(J, 1.0))).all():
                return
            any(self._replace(k, number, 1e-6) for number in (sympy.S.One, sympy.S.Zero, sympy.S.NegativeOne))

    def _surest(self) -> tuple[int, Snapped] | None:
        """The free parameter whose exact form saves the most bits."""
        J = self._jacobian()
        if not np.isfinite(J).all():
            return None
        errors = np.sqrt(np.diag(covariance(J, self.rss)))
        effects = np.abs(self.model.values[self.free]) * np.linalg.norm(J, axis=0)
        width = _deviations(max(len(J) - len(self.free), 1))
        best: tuple[float, int, Snapped] | None = None
        for k, error, effect in zip(self.free, errors, effects, strict=True):
            if k in self.refused or not math.isfinite(error):
                continue
            value = float(self.model.values[k])
            nothing = effect <= ROUND_OFF * self.size
            found = (sympy.S.Zero, math.inf) if nothing else recognise(value, width * float(error))
            if found is not None and (best is None or found[1] > best[0]):
                best = found[1], k, Snapped(value, float(error), found[0])
        return None if best is None else best[1:]


def _deviations(freedom: int) -> float:
    """Student's t quantile of LEVEL, two-sided: how many standard errors an interval is wide."""
    return float(stats.t.ppf(0.5 + LEVEL / 2, freedom))
