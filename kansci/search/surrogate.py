"""A smooth stand-in for the law, with gradients, in closed form: polynomial least squares.

Legendre polynomials of the scaled (and, for wide positive ranges, logarithmic) inputs up to a
total degree chosen on held-out rows, fitted to the target or its logarithm. It costs
milliseconds, has no local minima, and its error is known; the structure tests calibrate
themselves by it. Where it fails, a KAN population takes its place (``kan_surrogate``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from math import comb

import numpy as np
from numpy.polynomial import legendre

__all__ = ["Gradients", "polynomial_surrogate"]

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
    best = None
    for log_inputs in (False, True):
        if log_inputs and not all((x > 0).all() for x in columns):
            continue
        charts = [_Chart.of(x, log=log_inputs) for x in columns]
        U = np.stack([chart(x) for chart, x in zip(charts, columns, strict=True)], axis=1)
        for log_target in (False, True):
            if log_target and not ((y > 0).all() or (y < 0).all()):
                continue
            t = np.log(np.abs(y)) if log_target else y
            for degree in _degrees(U.shape[1], len(train)):
                error, coefficients = _fit(U, t, y, degree, train, held, log_target)
                if best is None or error < best[0]:
                    best = error, degree, coefficients, charts, U, log_target
                elif error > 30 * best[0]:
                    break
    return None if best is None else _gradients(best, columns, y)


def _degrees(size: int, rows: int) -> list[int]:
    cap = min(MAX_TERMS, rows * 2 // 5)
    return [d for d in range(1, 21) if comb(size + d, d) <= cap] or [1]


def _exponents(size: int, degree: int) -> np.ndarray:
    """All exponent vectors (M, I) of total degree at most ``degree``."""
    rows = []
    for d in range(degree + 1):
        for choice in combinations_with_replacement(range(size), d):
            rows.append(np.bincount(np.array(choice, int), minlength=size))
    return np.array(rows)


def _design(U: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    tables = [legendre.legvander(U[:, k], int(exponents.max(initial=0))) for k in range(U.shape[1])]
    A = np.ones((len(U), len(exponents)))
    for k, table in enumerate(tables):
        A *= table[:, exponents[:, k]]
    return A


def _fit(U, t, y, degree, train, held, log_target):
    exponents = _exponents(U.shape[1], degree)
    A = _design(U, exponents)
    coefficients = np.linalg.lstsq(A[train], t[train], rcond=1e-12)[0]
    prediction = A[held] @ coefficients
    if log_target:
        with np.errstate(over="ignore"):
            prediction = np.sign(y[0]) * np.exp(prediction)
    spread = float(y.std()) or 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        error = float(np.sqrt(np.mean((prediction - y[held]) ** 2))) / spread
    return (error if np.isfinite(error) else np.inf), coefficients


def _gradients(best, columns, y) -> Gradients:
    error, degree, coefficients, charts, U, log_target = best
    size = U.shape[1]
    inner = (np.abs(U) < (0.9 if size <= 4 else 0.95)).all(axis=1)
    rows = np.flatnonzero(inner if inner.sum() >= 50 else np.ones(len(U), bool))[:600]
    exponents = _exponents(size, degree)
    f = _design(U[rows], exponents) @ coefficients
    df = np.stack(
        [
            _derivative(U[rows], exponents, k) @ coefficients * charts[k].slope(columns[k][rows])
            for k in range(size)
        ],
        axis=1,
    )
    if log_target:
        f = np.sign(y[0]) * np.exp(f)
        df = df * f[:, None]
    return Gradients(rows, f, df, error)


def _derivative(U: np.ndarray, exponents: np.ndarray, axis: int) -> np.ndarray:
    top = int(exponents.max(initial=0))
    A = np.ones((len(U), len(exponents)))
    for k in range(U.shape[1]):
        table = legendre.legvander(U[:, k], top)
        if k == axis:
            slopes = np.stack(
                [legendre.legval(U[:, k], legendre.legder(np.eye(top + 1)[m])) for m in range(top + 1)],
                axis=1,
            )
            table = slopes
        A *= table[:, exponents[:, k]]
    return A
