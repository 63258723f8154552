"""How well can columns explain a target at all? The leave-one-out error of the best polynomial.

Legendre polynomials of the scaled inputs, ordered by total degree, in one QR factorisation: its
leading columns are an orthonormal basis of every lower degree, so the error of each degree,
leave-one-out by Allen's PRESS (Technometrics 16:125, 1974), costs no further factorisation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from kansci.search.surrogate import design, exponents_up_to

__all__ = ["Leftover", "levelling", "press"]

MAX_DEGREE = 12
EXACT = 1e-6
LEVERAGE = 0.98
"""Rows with a leverage above this are predicted by nothing but themselves."""


@dataclass(frozen=True)
class Leftover:
    """What a polynomial leaves: weighted leave-one-out residuals (N,), and its values (N,)."""

    residual: np.ndarray
    fitted: np.ndarray

    @property
    def mse(self) -> float:
        """Mean square of the residuals."""
        return float((self.residual**2).mean())


def press(columns: Sequence[np.ndarray], t: np.ndarray, weight: np.ndarray, most: int) -> Leftover | None:
    """Fit the best polynomial of the columns.

    Args:
        columns: Inputs, I arrays (N,), none constant.
        t: Target (N,).
        weight: Of each residual (N,).
        most: Bound on the number of terms.

    Returns:
        What is left for the degree and the scale of the inputs (linear, logarithmic) with the smallest mean
        square, or None if nothing is finite.
    """
    tried = [left for degrees in _charts(columns, t, weight, most) for left in degrees]
    return min(tried, key=lambda left: left.mse, default=None)


def levelling(columns: Sequence[np.ndarray], t: np.ndarray, weight: np.ndarray, most: int) -> float:
    """How far polynomials of higher degree have stopped to explain more: the sign of noise.

    Args:
        columns: Inputs, I arrays (N,), none constant.
        t: Target (N,).
        weight: Of each residual (N,), so that residuals are shares of the target's spread.
        most: Bound on the number of terms.

    Returns:
        1 where a degree below the highest has the smallest leave-one-out error; else that of the highest
        degree over that of the last but one; 0 where a polynomial is exact.
    """
    found = [1.0]
    for degrees in _charts(columns, t, weight, most):
        errors = [float(np.sqrt(left.mse)) for left in degrees]
        k = int(np.argmin(errors))
        if errors[k] < EXACT:
            return 0.0
        if k == len(errors) - 1:
            found.append(errors[k] / errors[k - 1] if k else 0.5)
    return min(found)


def _charts(
    columns: Sequence[np.ndarray], t: np.ndarray, weight: np.ndarray, most: int
) -> Iterator[list[Leftover]]:
    """What each degree leaves, in the inputs and in their logarithms."""
    positive = all((x > 0).all() for x in columns)
    for logarithmic in (False, True)[: 1 + positive]:
        with np.errstate(all="ignore"):
            inputs = [np.log(x) if logarithmic else x for x in columns]
        if not all(np.isfinite(x).all() and np.ptp(x) > 0 for x in inputs):
            continue
        U = np.stack([2 * (x - x.min()) / np.ptp(x) - 1 for x in inputs], axis=1)
        yield _by_degree(U, t, weight, most)


def _by_degree(U: np.ndarray, t: np.ndarray, weight: np.ndarray, most: int) -> list[Leftover]:
    """What each degree leaves that has at most ``most`` terms."""
    size = U.shape[1]
    sizes = [comb(size + d, d) for d in range(1, MAX_DEGREE + 1)]
    sizes = [m for d, m in enumerate(sizes) if m <= most or d == 0]
    exponents = exponents_up_to(size, len(sizes))
    Q, R = np.linalg.qr(design(U, exponents) * weight[:, None])
    diagonal = np.abs(np.diag(R))
    Q = Q * (diagonal > 1e-10 * diagonal.max())
    target = weight * t
    along = Q * (Q.T @ target)
    fitted, leverage = np.cumsum(along, axis=1), np.cumsum(Q**2, axis=1)
    safe = np.where(weight > 0, weight, 1.0)
    found = []
    for m in sizes:
        kept = np.minimum(leverage[:, m - 1], LEVERAGE)
        residual = (target - fitted[:, m - 1]) / (1 - kept)
        if np.isfinite(residual).all():
            found.append(Leftover(residual, fitted[:, m - 1] / safe))
    return found
