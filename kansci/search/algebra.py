"""Exact algebra before any network: power laws, and relations ``T(y) Q(x) = P(x)``.

A relation is the first linear dependence among the columns m(x) and T(y) m(x), for monomials m
of growing degree, found by one QR factorisation without pivoting (a column that depends on the
earlier ones leaves a zero on the diagonal of R). On noise-free rows that is a proof up to
rounding; guards against dense approximants: few terms, residual at machine level on rows that
were not used, all terms significant.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import numpy as np
import scipy.linalg
import sympy

from kansci.search.problem import View

__all__ = ["Feature", "monomial", "relation"]

MAX_TERMS = 16
DENSE = 10
"""With more columns than this, a relation in more than half of them is an approximant, not a law."""
DEPENDENT = 3e-11
"""A column with less than this share outside the span of the earlier ones depends on them."""
MAX_POWERS = 8
"""Different powers of one feature in P and Q together."""
EXACT = 1e-9
"""Largest relative error of an accepted relation on all rows."""
MAX_EXPONENT_DENOMINATOR = 6
GROUP_POWER = 2


@dataclass(frozen=True)
class Feature:
    """A column (N,), what it is, and the highest power it may take in a monomial."""

    values: np.ndarray
    expr: sympy.Expr
    max_power: int = 99
    group: int = -1
    """Features of one group (sine and cosine of one argument) may be multiplied up to GROUP_POWER."""


def monomial(
    columns: Sequence[np.ndarray], exprs: Sequence[sympy.Expr], y: np.ndarray
) -> tuple[sympy.Expr, float] | None:
    """The power law ``y = c * prod x_i^p_i`` by least squares on logarithms.

    Args:
        columns: Positive inputs, I arrays (N,); inputs with zeros or negative values are left out.
        exprs: What the inputs are.
        y: Target (N,) of one sign.

    Returns:
        The law with real exponents (exact small fractions where the fit is exact) and the
        standard deviation of its relative error; None if it cannot be formed.
    """
    usable = [k for k, x in enumerate(columns) if (x > 0).all()]
    if not ((y > 0).all() or (y < 0).all()) or len(y) < len(usable) + 2:
        return None
    A = np.stack([np.ones(len(y)), *(np.log(columns[k]) for k in usable)], axis=1)
    coefficients, _, rank, _ = np.linalg.lstsq(A, np.log(np.abs(y)), rcond=None)
    if rank < A.shape[1]:
        return None
    error = float((np.log(np.abs(y)) - A @ coefficients).std())
    exact = error < EXACT
    expr: sympy.Expr = sympy.Float(np.sign(y[0]) * np.exp(coefficients[0]), 17)
    for k, power in zip(usable, coefficients[1:], strict=True):
        exponent = _exponent(float(power), exact=exact)
        if exponent != 0:
            expr *= exprs[k] ** exponent
    return expr, error


def _exponent(power: float, *, exact: bool) -> sympy.Expr:
    if not exact:
        return sympy.Float(power, 17)
    rational = sympy.Rational(power).limit_denominator(MAX_EXPONENT_DENOMINATOR)
    return rational if abs(float(rational) - power) < 1e-7 else sympy.Float(power, 17)


def relation(
    features: Sequence[Feature],
    view: View,
    max_columns: int,
    max_degree: int = 8,
    *,
    multilinear: bool = False,
) -> sympy.Expr | None:
    """The lowest relation ``T(y) Q(features) = P(features)``, solved for T(y).

    Args:
        features: What monomials are made of.
        view: T(y), and how y follows from it.
        max_columns: Bound on the number of columns, and so on the cost.
        max_degree: Bound on the degree of the monomials.
        multilinear: Whether features without a group are taken to the first power only.

    Returns:
        An expression for T(y), or None.
    """
    if multilinear:
        features = [f if f.group >= 0 else replace(f, max_power=1) for f in features]
    t = view.values / np.abs(view.values).max()
    scales = [float(np.abs(f.values).max()) or 1.0 for f in features]
    exponents = list(_monomials(features, max_columns // 2, min(max_columns // 2, len(t) // 3), max_degree))
    values = np.stack([_product(features, scales, e) for e in exponents], axis=1)
    n = min(len(t), 2 * values.shape[1] + 60)
    if 2 * values.shape[1] > n - 5:
        return None
    rows = np.unique(np.linspace(0, len(t) - 1, n).astype(int))
    columns, labels = _interleave(values, t, [sum(e) for e in exponents])
    R = scipy.linalg.qr(columns[rows], mode="r", check_finite=False)[0]
    sizes = np.linalg.norm(columns[rows], axis=0)
    diagonal = np.abs(np.diag(R)) / np.where(sizes > 0, sizes, 1.0)
    dependent = [int(j) for j in np.flatnonzero(diagonal < DEPENDENT)]
    dropped: list[int] = []
    for j in dependent[:4]:
        keep = [k for k in range(j + 1) if k not in dropped]
        found = _significant(columns[:, keep], [labels[k] for k in keep])
        if found is None or not any(label[1] for label, _ in found):
            dropped.append(j)
            continue
        if _dense(found, exponents):
            return None
        return _solve(found, exponents, features, scales, view)
    return None


def _dense(found, exponents) -> bool:
    """Whether one feature occurs in so many powers that this is an approximant of another function."""
    powers = {(k, with_t, exponents[m][k]) for (m, with_t), _ in found for k in range(len(exponents[0]))}
    counts = np.bincount([k for k, _, _ in powers])
    return bool(counts.max() > MAX_POWERS)


def _monomials(
    features: Sequence[Feature], most: int, cap: int, max_degree: int
) -> Iterator[tuple[int, ...]]:
    """Exponent vectors by degree, whole degrees only, as many as fit under ``cap``."""
    count = 0
    for degree in range(max_degree + 1):
        level = []
        for choice in combinations_with_replacement(range(len(features)), degree):
            exponent = [0] * len(features)
            for k in choice:
                exponent[k] += 1
            if _allowed(exponent, features):
                level.append(tuple(exponent))
        if count + len(level) > cap and degree > 1:
            return
        count += len(level)
        yield from level


def _allowed(exponent: list[int], features: Sequence[Feature]) -> bool:
    totals: dict[int, int] = {}
    for power, feature in zip(exponent, features, strict=True):
        if power > feature.max_power:
            return False
        if feature.group >= 0:
            totals[feature.group] = totals.get(feature.group, 0) + power
    return all(total <= GROUP_POWER for total in totals.values())


def _product(features: Sequence[Feature], scales: Sequence[float], exponent: tuple[int, ...]) -> np.ndarray:
    value = np.ones_like(features[0].values)
    for feature, scale, power in zip(features, scales, exponent, strict=True):
        if power:
            value = value * (feature.values / scale) ** power
    return value


def _interleave(
    values: np.ndarray, t: np.ndarray, degrees: list[int]
) -> tuple[np.ndarray, list[tuple[int, bool]]]:
    """Columns m and t*m by degree, those with t after those without; labels (monomial, with t)."""
    labels = sorted(
        [(k, with_t) for k in range(values.shape[1]) for with_t in (False, True)],
        key=lambda label: (degrees[label[0]], label[1], label[0]),
    )
    columns = np.stack([values[:, k] * t if with_t else values[:, k] for k, with_t in labels], axis=1)
    return columns, labels


def _significant(columns: np.ndarray, labels) -> list[tuple[tuple[int, bool], float]] | None:
    """The null vector of the columns without its negligible entries, re-solved until all count."""
    keep, large = np.arange(columns.shape[1]), np.zeros(1, bool)
    while not large.all():
        keep = keep[large] if large.size == keep.size else keep
        vector = _null_vector(columns[:, keep])
        size = np.abs(vector) * np.linalg.norm(columns[:, keep], axis=0)
        large = size > 1e-6 * size.max()
    residual = columns[:, keep] @ vector
    dense = len(keep) > MAX_TERMS or (columns.shape[1] > DENSE and len(keep) > columns.shape[1] / 2)
    if dense or np.abs(residual).max() > 1e-10 * size.max() / np.sqrt(len(residual)):
        return None
    return [(labels[k], float(v)) for k, v in zip(keep, vector, strict=True)]


def _null_vector(A: np.ndarray) -> np.ndarray:
    sizes = np.linalg.norm(A, axis=0)
    sizes[sizes == 0] = 1.0
    R = scipy.linalg.qr(A / sizes, mode="r", check_finite=False)[0][: A.shape[1]]
    return np.linalg.svd(R)[2][-1] / sizes


def _solve(found, exponents, features, scales, view: View) -> sympy.Expr | None:
    """T(y) = P / Q from the significant terms, its largest coefficient of Q scaled to one."""
    t_scale = float(np.abs(view.values).max())
    P, Q = sympy.S.Zero, sympy.S.Zero
    p_values, q_values = np.zeros_like(view.values), np.zeros_like(view.values)
    pivot = max((abs(v), v) for (_, with_t), v in found if with_t)[1]
    for (k, with_t), v in found:
        scale = np.prod([s**e for s, e in zip(scales, exponents[k], strict=True)])
        term = sympy.prod([f.expr**e for f, e in zip(features, exponents[k], strict=True)])
        values = _product(features, scales, exponents[k]) * v / pivot
        coefficient = v / pivot / scale
        if with_t:
            Q += sympy.Float(coefficient / t_scale, 17) * term
            q_values = q_values + values
        else:
            P -= sympy.Float(coefficient, 17) * term
            p_values = p_values - values
    with np.errstate(all="ignore"):
        error = np.abs(p_values / q_values - view.values / t_scale)
    if not np.isfinite(error).all() or np.quantile(error, 0.95) > EXACT:
        return None
    return _normalised(P, Q)


def _normalised(P: sympy.Expr, Q: sympy.Expr) -> sympy.Expr:
    """P/Q with one coefficient made exactly 1, so that no constant is redundant."""
    terms = sympy.Add.make_args(Q)
    lead = terms[0].as_coeff_Mul()[0]
    P, Q = sympy.expand(P / lead), sympy.expand(Q / lead)
    near_one = [t for t in sympy.Add.make_args(Q) if abs(t.as_coeff_Mul()[0] - 1) < 1e-9]
    if near_one:
        Q = Q - near_one[0] + near_one[0].as_coeff_Mul()[1]
    return P / Q
