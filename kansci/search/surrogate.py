"""A smooth stand-in for the law, with gradients, in closed form: polynomial least squares.

Legendre polynomials of the scaled (and, for wide positive ranges, logarithmic) inputs up to a
total degree chosen on held-out rows, fitted to the target or its logarithm. It costs
milliseconds, has no local minima, and its error is known; the structure tests calibrate
themselves by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement
from math import comb

import numpy as np
from numpy.polynomial import legendre

__all__ = ["Gradients", "design", "exponents_up_to", "polynomial_surrogate"]

MAX_TERMS = 700


@dataclass(frozen=True)
class Gradients:
    """What the structure tests see: at some rows, the surrogate's values and gradients.

    ``rows`` (M,): indices of the rows. ``f`` (M,), ``df`` (M, I). ``error``: error on held-out
    rows relative to the standard deviation of the target.
    """

    rows: np.ndarray
    f: np.ndarray
    df: np.ndarray
    error: float


@dataclass(frozen=True)
class _Chart:
    """One input scaled to [-1, 1], through its logarithm if ``log``."""

    low: float
    high: float
    log: bool

    @classmethod
    def of(cls, x: np.ndarray, *, log: bool) -> "_Chart":
        u = np.log(x) if log else x
        return cls(float(u.min()), float(u.max()), log)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        u = np.log(x) if self.log else x
        return 2 * (u - self.low) / (self.high - self.low) - 1

    def slope(self, x: np.ndarray) -> np.ndarray:
        return 2 / (self.high - self.low) / (x if self.log else np.ones_like(x))


@dataclass(frozen=True)
class _Polynomial:
    """``t = sum_m coefficients_m P_m(charts(x))``, t = log|y| if ``log_target``, else y."""

    charts: tuple[_Chart, ...]
    exponents: np.ndarray  # (M, I)
    coefficients: np.ndarray  # (M,)
    log_target: bool
    error: float


def polynomial_surrogate(columns: Sequence[np.ndarray], y: np.ndarray, seed: int = 0) -> Gradients | None:
    """The best polynomial stand-in, by error on a fifth of the rows.

    Args:
        columns: Inputs, I arrays (N,), none constant.
        y: Target (N,).
        seed: Seed of the split.

    Returns:
        Values and gradients at the rows in the inner part of the data, or None with fewer than
        20 rows or no inputs.
    """
    n = len(y)
    if n < 20 or not columns:
        return None
    order = np.random.default_rng(seed).permutation(n)
    held, train = order[: n // 5], order[n // 5 :]
    best: _Polynomial | None = None
    for log_inputs in (False, True)[: 1 + all((x > 0).all() for x in columns)]:
        charts = tuple(_Chart.of(x, log=log_inputs) for x in columns)
        U = np.stack([chart(x) for chart, x in zip(charts, columns, strict=True)], axis=1)
        for log_target in (False, True)[: 1 + ((y > 0).all() or (y < 0).all())]:
            for degree in _degrees(U.shape[1], len(train)):
                fit = _fit(charts, U, y, (train, held), degree, log_target=log_target)
                if best is None or fit.error < best.error:
                    best = fit
                elif fit.error > 30 * best.error:
                    break
    return None if best is None else _gradients(best, columns, y)


def _degrees(size: int, rows: int) -> list[int]:
    cap = min(MAX_TERMS, rows * 2 // 5)
    return [d for d in range(1, 21) if comb(size + d, d) <= cap] or [1]


@lru_cache(maxsize=128)
def exponents_up_to(size: int, degree: int) -> np.ndarray:
    """All exponent vectors (M, I) of total degree at most ``degree``."""
    choices = (c for d in range(degree + 1) for c in combinations_with_replacement(range(size), d))
    return np.array([np.bincount(np.array(choice, int), minlength=size) for choice in choices])


def design(U: np.ndarray, exponents: np.ndarray, slope: int | None = None) -> np.ndarray:
    """Products of Legendre polynomials (N, M); of their derivative in input ``slope``, if given."""
    top = int(exponents.max(initial=0))
    A = np.ones((len(U), len(exponents)))
    for k in range(U.shape[1]):
        table = legendre.legvander(U[:, k], top)
        if k == slope:
            derivatives = legendre.legder(np.eye(top + 1)) if top else np.zeros((1, 1))
            table = table[:, : len(derivatives)] @ derivatives
        A *= table[:, exponents[:, k]]
    return A


def _fit(
    charts: tuple[_Chart, ...],
    U: np.ndarray,
    y: np.ndarray,
    rows: tuple[np.ndarray, np.ndarray],
    degree: int,
    *,
    log_target: bool,
) -> _Polynomial:
    train, held = rows
    exponents = exponents_up_to(U.shape[1], degree)
    A = design(U, exponents)
    t = np.log(np.abs(y)) if log_target else y
    coefficients = np.linalg.lstsq(A[train], t[train], rcond=1e-12)[0]
    prediction = A[held] @ coefficients
    with np.errstate(over="ignore", invalid="ignore"):
        if log_target:
            prediction = np.sign(y[0]) * np.exp(prediction)
        error = float(np.sqrt(np.mean((prediction - y[held]) ** 2))) / (float(y.std()) or 1.0)
    return _Polynomial(charts, exponents, coefficients, log_target, error if np.isfinite(error) else np.inf)


def _gradients(p: _Polynomial, columns: Sequence[np.ndarray], y: np.ndarray) -> Gradients:
    """At the inner rows, where a polynomial's derivative can be trusted most."""
    U = np.stack([chart(x) for chart, x in zip(p.charts, columns, strict=True)], axis=1)
    inner = (np.abs(U) < (0.9 if U.shape[1] <= 4 else 0.95)).all(axis=1)
    rows = np.flatnonzero(inner if inner.sum() >= 50 else np.ones(len(U), bool))[:600]
    f = design(U[rows], p.exponents) @ p.coefficients
    slopes = [
        design(U[rows], p.exponents, slope=k) @ p.coefficients * chart.slope(columns[k][rows])
        for k, chart in enumerate(p.charts)
    ]
    df = np.stack(slopes, axis=1)
    if p.log_target:
        f = np.sign(y[0]) * np.exp(f)
        df = df * f[:, None]
    return Gradients(rows, f, df, p.error)
