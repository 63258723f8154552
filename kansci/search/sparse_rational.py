"""Sparse rational functions ``t ~ A p / (B q)`` by least squares, where noise forbids exact algebra.

Sanathanan & Koerner's iteration (IEEE Trans. Automat. Control 8:56, 1963) gives a start: the
equation is multiplied by the denominator and divided by the last one. Gauss-Newton steps on
the quotient itself remove its bias. Then the term that earns least (half its squared t
value less its price) goes, and all others are fitted again: backward elimination, which gives
models of every size.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

__all__ = ["Quotient", "backward_elimination", "fit_quotient"]

ITERATIONS = 4
STEPS = 12
FALL = 1e-3
"""Gauss-Newton ends when the sum of squares falls by less than this share."""
BRANCHES = 3
"""Terms whose omission is tried, and fits that are kept of one size."""
HURRY = 16
"""Above this number of terms the worst tenth goes at once."""
NEAR_POLE = 1e-4
"""A denominator that falls below this share of its largest value on the rows has a pole there."""


@dataclass(frozen=True)
class Quotient:
    """``t ~ A[:, top] p / (B[:, bottom] q)``; p and q may have a common factor.

    ``top``, ``bottom``: indices of the terms that are left. ``p``, ``q``: their coefficients.
    ``mse``: weighted mean square of the residuals.
    """

    top: np.ndarray
    bottom: np.ndarray
    p: np.ndarray
    q: np.ndarray
    mse: float

    @property
    def size(self) -> int:
        """Number of free coefficients."""
        return len(self.p) + len(self.q) - 1


@dataclass(frozen=True)
class Rows:
    """Designs A (N, P) and B (N, Q), targets t (N,), weights of the residuals w (N,), prices (P + Q,)."""

    A: np.ndarray
    B: np.ndarray
    t: np.ndarray
    w: np.ndarray
    prices: np.ndarray


def fit_quotient(A: np.ndarray, B: np.ndarray, t: np.ndarray, w: np.ndarray) -> Quotient | None:
    """Fit all coefficients.

    Args:
        A: Terms of the numerator (N, P), of size about one.
        B: Terms of the denominator (N, Q), the first without zeros.
        t: Target (N,).
        w: Weight of each residual (N,).

    Returns:
        The fit, or None if it is not finite or its denominator nearly vanishes on the rows.
    """
    rows = Rows(A, B, t, w, np.zeros(A.shape[1] + B.shape[1]))
    best: Quotient | None = None
    for p, q in _starts(rows):
        start = Quotient(np.arange(A.shape[1]), np.arange(B.shape[1]), p, q, np.inf)
        if B.shape[1] == 1:
            mse = _mse(rows, start)
            return replace(start, mse=mse) if np.isfinite(mse) else None
        found = _refined(rows, start)
        if found is not None and (best is None or found.mse < best.mse):
            best = found
    return best


def _starts(rows: Rows) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Coefficients p, q: without a denominator, and by Sanathanan & Koerner's iteration."""
    A, B, t, w = rows.A, rows.B, rows.t, rows.w
    one = np.zeros(B.shape[1])
    one[0] = 1.0
    over = (w / B[:, 0])[:, None]
    yield np.linalg.lstsq(A * over, w * t, rcond=1e-12)[0], one
    if B.shape[1] == 1:
        return
    denominator = np.ones_like(t)
    for _ in range(ITERATIONS):
        weighted = (w / np.maximum(np.abs(denominator), NEAR_POLE))[:, None]
        joint = np.linalg.qr(np.column_stack([A, -t[:, None] * B]) * weighted, mode="r")
        vector = np.linalg.svd(joint)[2][-1]
        q = vector[A.shape[1] :]
        denominator = B @ q
        scale = np.abs(denominator).max()
        if scale == 0:
            return
        denominator = denominator / scale
    yield vector[: A.shape[1]] / scale, q / scale


def backward_elimination(
    A: np.ndarray, B: np.ndarray, t: np.ndarray, w: np.ndarray, full: Quotient, prices: np.ndarray
) -> list[Quotient]:
    """Leave out one term after the other, the least significant first.

    Args:
        A: Terms of the numerator (N, P).
        B: Terms of the denominator (N, Q).
        t: Target (N,).
        w: Weight of each residual (N,).
        full: The fit with all terms.
        prices: Nats that each term must earn (P + Q,).

    Returns:
        Fits with fewer and fewer terms, ``full`` first; the few best of each small size.
    """
    rows, found, beam = Rows(A, B, t, w, prices), [full], [full]
    while beam:
        branches = BRANCHES if beam[0].size <= HURRY else 1
        smaller: dict[tuple, Quotient] = {}
        for fit in beam:
            for trial in _without_least(rows, fit, branches):
                smaller.setdefault((tuple(trial.top), tuple(trial.bottom)), trial)
        beam = sorted(smaller.values(), key=lambda fit: fit.mse)[:branches]
        found += beam
    return found


def _values(rows: Rows, fit: Quotient) -> tuple[np.ndarray, np.ndarray]:
    """The quotient's values and its denominator, each (N,)."""
    denominator = rows.B[:, fit.bottom] @ fit.q
    with np.errstate(all="ignore"):
        return (rows.A[:, fit.top] @ fit.p) / denominator, denominator


def _jacobian(rows: Rows, fit: Quotient) -> np.ndarray:
    """Weighted derivatives (N, P + Q) of the quotient by p and q."""
    values, denominator = _values(rows, fit)
    slopes = [rows.A[:, fit.top], -values[:, None] * rows.B[:, fit.bottom]]
    return np.concatenate(slopes, axis=1) * (rows.w / denominator)[:, None]


def _mse(rows: Rows, fit: Quotient) -> float:
    values, denominator = _values(rows, fit)
    one_sign = (denominator > 0).all() or (denominator < 0).all()
    if not one_sign or np.abs(denominator).min() < NEAR_POLE * np.abs(denominator).max():
        return float("inf")
    return float(np.mean((rows.w * (values - rows.t)) ** 2))


def _refined(rows: Rows, fit: Quotient) -> Quotient | None:
    """Levenberg-Marquardt on the quotient; its damping also holds the common factor of p and q."""
    fit = replace(fit, mse=_mse(rows, fit))
    if not np.isfinite(fit.mse):
        return None
    damping = 1e-3
    for _ in range(STEPS):
        residual = rows.w * (rows.t - _values(rows, fit)[0])
        step = _damped(_jacobian(rows, fit), residual, damping)
        trial = replace(fit, p=fit.p + step[: len(fit.p)], q=fit.q + step[len(fit.p) :])
        trial = replace(trial, mse=_mse(rows, trial))
        if trial.mse < fit.mse:
            fall, fit = 1 - trial.mse / fit.mse, trial
            damping /= 10
            if fall < FALL:
                break
        else:
            damping = 10 * max(damping, 1e-4)
    return fit


def _damped(J: np.ndarray, residual: np.ndarray, damping: float) -> np.ndarray:
    """The step of least squares with a ridge relative to each column's size."""
    gram = J.T @ J
    sizes = np.sqrt(np.maximum(np.diag(gram), 1e-300))
    scaled = gram / np.outer(sizes, sizes) + (damping + 1e-13) * np.eye(len(gram))
    return np.linalg.lstsq(scaled, J.T @ residual / sizes, rcond=1e-13)[0] / sizes


def _without_least(rows: Rows, fit: Quotient, branches: int) -> Iterator[Quotient]:
    """Fits without one of the ``branches`` terms that earn least; without several, of many."""
    if fit.size <= 1:
        return
    lead = len(fit.p) + int(np.abs(fit.q * np.linalg.norm(rows.B[:, fit.bottom], axis=0)).argmax())
    J = np.delete(_jacobian(rows, fit), lead, axis=1)
    sizes = np.linalg.norm(J, axis=0)
    sizes[sizes == 0] = 1.0
    variance = np.diag(np.linalg.pinv((J / sizes).T @ (J / sizes), rcond=1e-12))
    coefficients = np.delete(np.concatenate([fit.p, fit.q]), lead)
    deviance = len(rows.t) * fit.mse / max(len(rows.t) - fit.size, 1)
    t_squared = coefficients**2 * sizes**2 / np.maximum(variance * deviance, 1e-300)
    price = rows.prices[np.concatenate([fit.top, rows.A.shape[1] + fit.bottom])]
    earned = 0.5 * np.insert(t_squared, lead, np.inf) - price
    order = np.argsort(earned, kind="stable")
    several = [order[: fit.size // 10]] if fit.size > HURRY else []
    for gone in [*several, *order[:branches, None]]:
        keep = np.ones(len(order), bool)
        keep[gone] = False
        keep_p, keep_q = keep[: len(fit.p)], keep[len(fit.p) :]
        if keep_p.any() and keep_q.any():
            smaller = Quotient(fit.top[keep_p], fit.bottom[keep_q], fit.p[keep_p], fit.q[keep_q], np.inf)
            found = _refined(rows, smaller)
            if found is not None:
                yield found
                if len(gone) > 1:
                    return
