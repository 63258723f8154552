"""Laws ``y = g(sum_i f_i(x_i))``: the shapes [n, 1] and [n, 1, 1] of a KAN, in closed form.

With g given (a view T of the target) the f_i are one linear least-squares problem in spline
coefficients. With g free, g^-1(y) and sum f_i are the first pair of canonical variates of the
spline bases of y and of the inputs: alternating conditional expectations (Breiman & Friedman,
JASA 80:580, 1985) solved as one singular value decomposition.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import BSpline

__all__ = ["Additive", "additive", "canonical", "multiplicative"]

STARTS = 4
SWEEPS = 30
PRODUCT_ROWS = 600
WIDE = 100.0
"""A column that spans more than this factor is cut into intervals of its logarithm."""


@dataclass(frozen=True)
class Additive:
    """``target ~ sum of parts``: target (N,), parts (I arrays (N,)), error relative to its spread."""

    target: np.ndarray
    parts: tuple[np.ndarray, ...]
    error: float

    @property
    def left(self) -> np.ndarray:
        """What the parts leave of the target (N,), of mean zero."""
        left = self.target - np.sum(self.parts, axis=0)
        return left - left.mean()


def additive(
    columns: Sequence[np.ndarray], t: np.ndarray, intervals: int = 8, weight: np.ndarray | None = None
) -> Additive:
    """Least-squares sum of one cubic spline an input.

    Args:
        columns: Inputs, I arrays (N,).
        t: Target (N,).
        intervals: Grid intervals of each spline, fewer when rows are few.
        weight: Weight of each residual (N,), equal by default.

    Returns:
        The parts, each of mean zero but the first, and the relative error.
    """
    blocks = _blocks(columns, len(t), intervals)
    A = np.column_stack([np.ones(len(t)), *blocks])
    w = np.ones_like(t) if weight is None else weight
    coefficients = np.linalg.lstsq(A * w[:, None], w * t, rcond=1e-11)[0]
    parts, start = [], 1
    for block in blocks:
        parts.append(block @ coefficients[start : start + block.shape[1]])
        start += block.shape[1]
    residual = w * (t - A @ coefficients)
    freedom = max(len(t) - A.shape[1], 1)
    spread = float(np.sqrt(((w * (t - np.average(t, weights=w**2))) ** 2).mean())) or 1.0
    error = float(np.sqrt((residual**2).sum() / freedom)) / spread
    return Additive(t, tuple(parts), error)


def canonical(columns: Sequence[np.ndarray], y: np.ndarray, intervals: int = 8) -> Additive:
    """The transform of y that a sum of one-variable functions explains best.

    Args:
        columns: Inputs, I arrays (N,).
        y: Target (N,).
        intervals: Grid intervals of each spline.

    Returns:
        The transformed target and the parts; the error is ``sqrt(1 - r^2)`` for the canonical
        correlation r.
    """
    blocks = _blocks(columns, len(y), intervals)
    (y_block,) = _blocks([y], len(y), 2 * intervals)
    A, B = np.column_stack(blocks), y_block
    Qa, Ra = _orthonormal(A)
    Qb, _ = _orthonormal(B)
    U, singular, Vt = np.linalg.svd(Qb.T @ Qa)
    correlation = min(float(singular[0]), 1.0)
    coefficients = np.linalg.lstsq(Ra, Vt[0] * correlation, rcond=1e-11)[0]
    parts, start = [], 0
    for block in blocks:
        parts.append(block @ coefficients[start : start + block.shape[1]])
        start += block.shape[1]
    return Additive(Qb @ U[:, 0], tuple(parts), float(np.sqrt(max(1 - correlation**2, 0.0))))


def multiplicative(
    columns: Sequence[np.ndarray], y: np.ndarray, seed: int = 0, intervals: int = 8
) -> Additive:
    """Least-squares product of one cubic spline an input, by alternating linear least squares.

    Works where the target changes sign, where a logarithm does not; several random starts,
    since the problem is not convex (a rank-one case of CP decomposition, Harshman 1970).

    Args:
        columns: Inputs, I arrays (N,).
        y: Target (N,).
        seed: Seed of the starts.
        intervals: Grid intervals of each spline.

    Returns:
        The target and the factors (as parts) on the first PRODUCT_ROWS rows, with the relative error.
    """
    columns, y = [x[:PRODUCT_ROWS] for x in columns], y[:PRODUCT_ROWS]
    blocks = [np.column_stack([np.ones(len(y)), b]) for b in _blocks(columns, len(y), intervals)]
    rng = np.random.default_rng(seed)
    best: Additive | None = None
    for _ in range(STARTS):
        factors = [block @ rng.normal(size=block.shape[1]) for block in blocks]
        error = float("inf")
        for sweep in range(SWEEPS):
            for i, block in enumerate(blocks):
                others = np.prod([f for k, f in enumerate(factors) if k != i], axis=0)
                factors[i] = block @ np.linalg.lstsq(block * others[:, None], y, rcond=1e-10)[0]
            before, error = error, float((y - np.prod(factors, axis=0)).std()) / (float(y.std()) or 1.0)
            if error > 0.98 * before or (sweep >= 4 and error > 0.5):
                break
            factors = [f / (np.abs(f).max() or 1.0) for f in factors[:-1]] + [factors[-1]]
        if best is None or error < best.error:
            best = Additive(y, tuple(factors), error)
    assert best is not None
    return best


def _orthonormal(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    Q, R = np.linalg.qr(A)
    keep = np.abs(np.diag(R)) > 1e-9 * np.abs(np.diag(R)).max()
    return Q[:, keep], R[keep]


def _blocks(columns: Sequence[np.ndarray], rows: int, intervals: int) -> list[np.ndarray]:
    """Centred cubic B-spline values (N, K) of each column, knots at quantiles."""
    most = max(1, min(intervals, (rows // (3 * max(len(columns), 1))) - 3))
    return [_centred_spline(x, most) for x in columns]


def _centred_spline(x: np.ndarray, intervals: int) -> np.ndarray:
    if x.min() > 0 and x.max() > WIDE * x.min():
        x = np.log(x)
    distinct = np.unique(x)
    if len(distinct) <= 4:
        values = np.stack([x**p for p in range(1, len(distinct))], axis=1)
        return values - values.mean(axis=0)
    inner = np.unique(np.quantile(distinct, np.linspace(0, 1, min(intervals, len(distinct) // 2) + 1)))
    knots = np.concatenate([[inner[0]] * 3, inner, [inner[-1]] * 3])
    values = BSpline.design_matrix(x, knots, 3).toarray()[:, :-1]
    return values - values.mean(axis=0)
