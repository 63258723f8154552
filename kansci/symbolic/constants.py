"""Exact numbers behind fitted ones: integers, fractions, powers of pi, square roots, e, short decimals.

A number known to a relative precision 2^-b carries b bits. An exact number inside the interval
whose own description takes clearly fewer bits is the better explanation (minimum description
length; Rissanen 1978; for rationals the same idea as the "snap" of Udrescu & Tegmark 2020).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import sympy
from scipy.special import stdtrit

from kansci.symbolic.least_squares import covariance
from kansci.symbolic.parametric import Parametric

__all__ = ["Constant", "Snapped", "exact_numbers", "interval_width", "recognise", "snap_constants"]


@dataclass(frozen=True)
class Snapped:
    """A fitted number and the exact one that replaced it."""

    value: float
    stderr: float
    number: sympy.Expr


MARGIN_BITS = 6.0
"""An exact number has to be this much shorter than the interval is precise (a chance of 1 in 64)."""
LIKELY_MARGIN_BITS = 2.5
"""The same for an exponent or a phase, which in a law is a small fraction (of pi) more often than not, and
for a factor of 1, which need not be written."""
MOST_DEVIATIONS = 5.0
OMITTED_NATS = 2 * math.log(8)
"""What two nodes of a formula cost."""
LEVEL = 0.99
"""Confidence of the interval in which an exact number is looked for."""
ROUND_OFF = 1e-11
"""A fitted constant is never trusted to better than this, relative to its size."""
LARGEST = 1e100
"""Numbers beyond this, or as small, are left alone."""


@dataclass(frozen=True)
class Constant:
    """A number of a formula: its value, its standard error (0 when exact) and its exact form, if any.

    ``unit``: such as "m/s^2", "1" for a pure number; None if the table has no units or they leave it open.
    """

    value: float
    stderr: float
    symbolic: str | None
    unit: str | None = None

    def to_json(self) -> dict[str, float | str | None]:
        """The constant as plain data; a standard error that is not finite is None."""
        stderr = self.stderr if math.isfinite(self.stderr) else None
        return {"value": self.value, "stderr": stderr, "symbolic": self.symbolic, "unit": self.unit}


def _units() -> list[tuple[sympy.Expr, float, float]]:
    """(exact factor, its value, bits of its description)."""
    units = []
    for half in range(-8, 9):
        for root in (1, 2, 3, 5, 6, 7, 10):
            factor = sympy.pi ** sympy.Rational(half, 2) * sympy.sqrt(root)
            bits = (1.5 + 1.2 * abs(half) / 2 + (half % 2)) * bool(half) + (2 + math.log2(root)) * (root > 1)
            units.append((factor, float(factor), bits))
    degree = (sympy.pi / 180, 6.0)
    more = (sympy.E, 4.0), (1 / sympy.E, 5.0), (sympy.log(2), 5.0), (sympy.log(10), 5.0), degree
    for factor, bits in more:
        units.append((factor, float(factor), bits))
    return units


_UNITS = _units()
_SIZES, _BITS = np.array([unit[1:] for unit in _UNITS]).T
_DENOMINATORS = np.arange(1, 65)


def recognise(value: float, tolerance: float, margin: float = MARGIN_BITS) -> tuple[sympy.Expr, float] | None:
    """The shortest exact number within ``tolerance`` of ``value`` (minimum description length).

    Args:
        value: The fitted number.
        tolerance: Half the width of the interval that it is known to lie in.
        margin: How many bits the exact number has to save.

    Returns:
        The number and how many bits it saves, or None if none saves enough.
    """
    value, tolerance = float(value), float(tolerance)
    if not math.isfinite(value) or not math.isfinite(tolerance):
        return None
    if abs(value) <= tolerance:
        return sympy.S.Zero, 0.0
    if not 1 / LARGEST < abs(value) < LARGEST:
        return None
    tolerance = max(tolerance, ROUND_OFF * abs(value))
    found = [f for f in (_multiple(value, tolerance), _decimal(value, tolerance)) if f is not None]
    if not found:
        return None
    number, bits = min(found, key=lambda f: f[1])
    saved = math.log2(abs(value) / tolerance) - bits
    return (number, saved) if saved >= margin else None


def _multiple(value: float, tolerance: float) -> tuple[sympy.Expr, float] | None:
    """The shortest fraction times a unit, each unit with its smallest denominator, and its bits."""
    ratio, width = abs(value) / _SIZES[:, None], tolerance / _SIZES[:, None]
    numerators = np.maximum(np.ceil((ratio - width) * _DENOMINATORS - 1e-15), 1)
    inside = numerators <= (ratio + width) * _DENOMINATORS
    smallest = inside.argmax(axis=1)
    rows = np.arange(len(_UNITS))
    bits = _BITS + np.log2(numerators[rows, smallest]) + 1.5 * np.log2(_DENOMINATORS[smallest]) + 1
    bits = np.where(inside.any(axis=1), bits, np.inf)
    best = int(bits.argmin())
    if not np.isfinite(bits[best]):
        return None
    k = smallest[best]
    fraction = sympy.Rational(int(numerators[best, k]), int(_DENOMINATORS[k]))
    return _UNITS[best][0] * fraction * int(math.copysign(1, value)), float(bits[best])


def _decimal(value: float, tolerance: float) -> tuple[sympy.Float, float] | None:
    """``k * 10^-d`` with few digits, kept as a decimal, and its bits."""
    exponent = math.floor(math.log10(abs(value)))
    for digits in range(1, 8):
        rounded = round(value, digits - 1 - exponent)
        if abs(rounded - value) <= tolerance:
            return sympy.Float(repr(rounded), 15), 3.4 * digits + 2 + abs(exponent)
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


def exact_numbers(
    model: Parametric, columns: Sequence[np.ndarray], y: np.ndarray, weight: np.ndarray | None = None
) -> tuple[Parametric, dict[int, sympy.Expr]]:
    """The same as ``snap_constants`` for who has to know which parameter became which number.

    Args:
        model: A refitted model.
        columns: One array (N,) a variable.
        y: Target (N,).
        weight: Factor of each residual (N,), 1 by default.

    Returns:
        The refitted model with all its parameters, and the exact numbers by the parameter's index.
    """
    snapping = _Snapping(model, columns, y, weight)
    snapping.run()
    return snapping.model, dict(snapping.numbers)


class _Snapping:
    """The loop's state: the model, its free parameters by index, and the numbers found so far."""

    def __init__(
        self, model: Parametric, columns: Sequence[np.ndarray], y: np.ndarray, weight: np.ndarray | None
    ):
        self.columns, self.y, self.weight = columns, y, weight
        self.size = float(np.linalg.norm(y if weight is None else weight * y))
        self.free = list(range(len(model.parameters)))
        self.numbers: dict[int, sympy.Expr] = {}
        self.refused: set[tuple[int, sympy.Expr]] = set()
        self.likely, self.factors = _exponents(model) | _phases(model), _factors(model)
        self.model, self.rss = model, 0.0
        self.model, self.rss = self._refit(model, self.free)

    def run(self) -> tuple[Parametric, tuple[Snapped, ...]]:
        self._fix_gauge()
        snapped = []
        while (choice := self._surest()) is not None:
            k, replacement = choice
            freedom = max(len(self.y) - len(self.free), 1)
            width = self._reach() if replacement.number == 0 else interval_width(freedom)
            if self._replace(k, replacement.number, width**2 / freedom):
                snapped.append(replacement)
            else:
                self.refused.add((k, replacement.number))
        names = self.model.parameters
        return self.model.fixed({names[k]: number for k, number in self.numbers.items()}), tuple(snapped)

    def _refit(self, model: Parametric, free: list[int]) -> tuple[Parametric, float]:
        fitted, fit = model.refit(self.columns, self.y, self.weight, free=np.array(free, int))
        return fitted, fit.rss

    def _replace(self, k: int, number: sympy.Expr, allowance: float) -> bool:
        """Fix parameter k if the residual sum of squares grows by at most this share (or is at round-off)."""
        if number == 0 and not _still_a_law(self.model, k):
            return False
        values = self.model.values.copy()
        values[k] = float(number)
        free = [m for m in self.free if m != k]
        trial, rss = self._refit(self.model.with_values(values), free)
        if not rss <= self.rss * (1 + allowance) + (ROUND_OFF * self.size) ** 2:
            return False
        self.model, self.rss, self.free = trial, rss, free
        self.numbers[k] = number
        return True

    def _reach(self) -> float:
        """Standard errors within which a constant is better left out.

        What it explains, z^2 / 2 nats, is less there than what it and its operator take to tell.
        """
        return math.sqrt(2 * OMITTED_NATS + math.log(len(self.y)))

    def _jacobian(self) -> np.ndarray:
        J = self.model.jacobian(self.columns)[:, self.free]
        return J if self.weight is None else J * self.weight[:, None]

    def _fix_gauge(self) -> None:
        """Set parameters that the data cannot determine to 1, 0 or -1 as long as nothing is lost."""
        for k in tuple(self.free):
            J = self._jacobian()
            if not np.isfinite(J).all():
                return
            at = self.free.index(k)
            if np.isinf(covariance(J, 1.0)[at, at]):
                numbers = (sympy.S.One, sympy.S.Zero, sympy.S.NegativeOne)
                any(self._replace(k, number, 1e-6) for number in numbers)

    def _surest(self) -> tuple[int, Snapped] | None:
        """The free parameter whose exact form saves the most bits."""
        J = self._jacobian()
        if not np.isfinite(J).all():
            return None
        errors = np.sqrt(np.diag(covariance(J, self.rss)))
        with np.errstate(over="ignore"):
            effects = np.abs(self.model.values[self.free]) * np.linalg.norm(J, axis=0)
        width = interval_width(max(len(J) - len(self.free), 1))
        best: tuple[float, int, Snapped] | None = None
        for k, error, effect in zip(self.free, errors, effects, strict=True):
            if not math.isfinite(error):
                continue
            value = float(self.model.values[k])
            nothing = effect <= ROUND_OFF * self.size
            for number, saved in self._numbers(k, value, float(error), width, nothing=nothing):
                if (k, number) not in self.refused and (best is None or saved > best[0]):
                    best = saved, k, Snapped(value, float(error), number)
        return None if best is None else best[1:]

    def _numbers(
        self, k: int, value: float, error: float, width: float, *, nothing: bool
    ) -> Iterator[tuple[sympy.Expr, float]]:
        """Exact numbers that parameter k may be, and the bits they save."""
        if nothing:
            yield sympy.S.Zero, math.inf
        elif abs(value) <= self._reach() * error:
            yield sympy.S.Zero, 0.0
        one = k in self.factors and abs(abs(value) - 1) <= width * error
        found = recognise(
            value, width * error, LIKELY_MARGIN_BITS if one or k in self.likely else MARGIN_BITS
        )
        if found is not None:
            yield found


def _exponents(model: Parametric) -> set[int]:
    """Indices of the parameters that are exponents of variables, or factors of their logarithms."""
    variables = set(model.variables)
    powers = {p.exp for p in model.expr.atoms(sympy.Pow) if p.base.free_symbols & variables}
    products = (m.as_two_terms() for m in model.expr.atoms(sympy.Mul) if len(m.args) == 2)
    powers |= {a for a, b in products if isinstance(b, sympy.log) and b.free_symbols & variables}
    names = powers | {-power for power in powers}
    return {k for k, parameter in enumerate(model.parameters) if parameter in names}


def _factors(model: Parametric) -> set[int]:
    """Indices of the parameters that multiply something."""
    names = {factor for m in model.expr.atoms(sympy.Mul) for factor in m.args}
    return {k for k, parameter in enumerate(model.parameters) if parameter in names}


def _phases(model: Parametric) -> set[int]:
    """Indices of the parameters that are added to the argument of a sine or a cosine."""
    waves = model.expr.atoms(sympy.sin, sympy.cos)
    added = {term for wave in waves for term in sympy.Add.make_args(wave.args[0])}
    names = added | {-term for term in added}
    return {k for k, parameter in enumerate(model.parameters) if parameter in names}


def _still_a_law(model: Parametric, k: int) -> bool:
    """Whether the formula without parameter k is not zero, nor a constant if it was none."""
    rest = model.expr.xreplace({model.parameters[k]: sympy.S.Zero})
    variables = set(model.variables)
    return rest != 0 and bool(rest.free_symbols & variables) == bool(model.expr.free_symbols & variables)


def interval_width(freedom: int) -> float:
    """Student's t quantile of LEVEL, two-sided: how many standard errors an interval is wide."""
    return min(float(stdtrit(freedom, 0.5 + LEVEL / 2)), MOST_DEVIATIONS)
