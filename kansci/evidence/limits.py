"""Whether a formula has a limit at a point where its text divides by zero, such as sin(x)/x at 0."""

from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np
import sympy

__all__ = ["has_limit"]

DISTANCES = (1e-3, 1e-5, 1e-7, 1e-9)
DIGITS = 60
DIRECTIONS = 6
SLOWEST = 0.7
"""Steps towards a limit shrink at least like this; those of a logarithm stay as they are."""
SAME, ONE_LIMIT = 1e-12, 1e-5
"""What counts as no change, and as no difference between two sides."""


def has_limit(expr: sympy.Expr, symbols: Sequence[sympy.Symbol], point: np.ndarray, unit: np.ndarray) -> bool:
    """Approach a point from several sides, in 60 digits.

    Args:
        expr: The formula.
        symbols: Its symbols.
        point: Where to go, (I,).
        unit: Of distance, such as the widths of the ranges, (I,).

    Returns:
        Whether the values settle down from every side, and to one value.
    """
    function = sympy.lambdify(list(symbols), expr, "mpmath")
    generator = np.random.default_rng(0)
    steps = generator.standard_normal((DIRECTIONS, len(point))) * unit
    values = np.array([[_value(function, point, d * step) for d in DISTANCES] for step in steps])
    if not np.isfinite(values).all():
        return False
    changes, sizes = np.abs(np.diff(values, axis=1)), np.abs(values)
    settled = (changes[:, -1] <= SLOWEST * changes[:, -2]) | (changes[:, -1] <= SAME * sizes[:, -1])
    spread = np.abs(values[:, -1] - values[0, -1]).max()
    return bool(settled.all() and spread <= ONE_LIMIT * sizes.max())


def _value(function: Callable[..., Any], point: np.ndarray, step: np.ndarray) -> complex:
    with mpmath.workdps(DIGITS):
        try:
            return complex(
                function(*(mpmath.mpf(p) + mpmath.mpf(s) for p, s in zip(point, step, strict=True)))
            )
        except (ArithmeticError, ValueError, TypeError):
            return complex(np.nan)
