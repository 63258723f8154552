"""Exact algebra before any network: power laws, and relations ``T(y) Q(x) = P(x)``.

A relation is the first linear dependence among the columns m(x) and T(y) m(x), for monomials m
of growing degree, found by one QR factorisation without pivoting (a column that depends on the
earlier ones leaves a zero on the diagonal of R). On noise-free rows that is a proof up to
rounding; guards against dense approximants: few terms, residual at machine level, all terms
significant, no feature in many different powers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg
import sympy

from kansci.search.monomials import Feature, Monomials
from kansci.search.problem import View

__all__ = ["power_law", "relation"]

MAX_TERMS = 16
DENSE = 10
"""With more columns than this, a relation in more than half of them is an approximant, not a law."""
MAX_POWERS = 8
"""Different powers of one feature in P and Q together, where Q is no constant."""
SPARE_ROWS = 4
"""Rows beyond the columns; each makes an accident less likely by many orders of magnitude."""
DEPENDENT = 3e-11
"""A column with less than this share outside the span of the earlier ones depends on them."""
EXACT = 1e-9
"""Largest relative error of an accepted relation."""
MAX_EXPONENT_DENOMINATOR = 6
NOT_FINITE = (sympy.nan, sympy.zoo, sympy.oo, -sympy.oo)


def power_law(
    columns: Sequence[np.ndarray], exprs: Sequence[sympy.Expr], y: np.ndarray
) -> tuple[sympy.Expr, float] | None:
    """The law ``y = c * prod x_i^p_i`` by least squares on logarithms.

    Args:
        columns: Inputs, I arrays (N,); those with zeros are left out.
        exprs: What the inputs are.
        y: Target (N,) without zeros.

    Returns:
        The law with real exponents (exact small fractions where the fit is exact) and the
        standard deviation of its relative error; None if it cannot be formed.
    """
    usable = [k for k, x in enumerate(columns) if (x != 0).all()]
    if (y == 0).any() or len(y) < len(usable) + 2:
        return None
    A = np.stack([np.ones(len(y)), *(np.log(np.abs(columns[k])) for k in usable)], axis=1)
    coefficients, _, rank, _ = np.linalg.lstsq(A, np.log(np.abs(y)), rcond=None)
    if rank < A.shape[1]:
        return None
    error = float((np.log(np.abs(y)) - A @ coefficients).std())
    sign, expr = np.sign(y), sympy.Float(np.exp(coefficients[0]), 17)
    for k, power in zip(usable, coefficients[1:], strict=True):
        exponent = _exponent(float(power), exact=error < EXACT)
        if (columns[k] < 0).any():
            if not exponent.is_Integer:
                return None
            sign = sign * np.sign(columns[k]) ** int(exponent)
        expr *= exprs[k] ** exponent
    return (expr * int(sign[0]), error) if (sign == sign[0]).all() else None


def _exponent(power: float, *, exact: bool) -> sympy.Expr:
    if not exact:
        return sympy.Float(power, 17)
    rational = sympy.Rational(power).limit_denominator(MAX_EXPONENT_DENOMINATOR)
    return rational if abs(float(rational) - power) < 1e-7 else sympy.Float(power, 17)


@dataclass(frozen=True)
class _Term:
    """``coefficient`` times monomial ``index``, times T(y) if ``with_t``."""

    index: int
    with_t: bool
    coefficient: float = 1.0


def relation(
    features: Sequence[Feature],
    view: View,
    max_columns: int,
    max_degree: int = 8,
    *,
    multilinear: bool = False,
    quotient: bool = True,
    max_terms: int = MAX_TERMS,
) -> sympy.Expr | None:
    """The lowest relation ``T(y) Q(features) = P(features)``, solved for T(y).

    Args:
        features: What monomials are made of.
        view: T(y), and how y follows from it.
        max_columns: Bound on the number of columns, and so on the cost.
        max_degree: Bound on the degree of the monomials.
        multilinear: Whether features without a group are taken to the first power only.
        quotient: Whether Q may be more than a constant; without it half as many rows are needed.
        max_terms: A relation with more terms is an approximant, not a law.

    Returns:
        An expression for T(y), or None.
    """
    if multilinear:
        features = [f if f.group >= 0 else replace(f, max_power=1) for f in features]
    scale = float(np.abs(view.values).max())
    t = view.values / scale
    share = 2 if quotient else 1
    monomials = Monomials(features, min(max_columns, len(t) - SPARE_ROWS) // share, max_degree)
    rows = min(len(t), 2 * share * monomials.values.shape[1] + 60)
    if share * monomials.values.shape[1] > rows - SPARE_ROWS:
        return None
    terms = _by_degree(monomials) if quotient else _polynomial(monomials)
    columns = np.stack([monomials.values[:, m.index] * (t if m.with_t else 1.0) for m in terms], axis=1)
    found = _first_dependence(columns, terms, rows)
    if found is None or len(found) > max_terms or _dense(found, monomials):
        return None
    return _solved(found, monomials, t, scale)


def _by_degree(monomials: Monomials) -> list[_Term]:
    """Monomials m and T m by degree, those with T after those without."""
    terms = [_Term(k, with_t) for k in range(len(monomials.exponents)) for with_t in (False, True)]
    return sorted(terms, key=lambda m: (monomials.degrees[m.index], m.with_t, m.index))


def _polynomial(monomials: Monomials) -> list[_Term]:
    """All monomials m, then T alone."""
    return [*(_Term(k, with_t=False) for k in range(len(monomials.exponents))), _Term(0, with_t=True)]


def _first_dependence(columns: np.ndarray, terms: Sequence[_Term], rows: int) -> list[_Term] | None:
    """The significant terms of the first column that depends on those before it, T among them."""
    some = columns[np.unique(np.linspace(0, len(columns) - 1, rows).astype(int))]
    R = scipy.linalg.qr(some, mode="r", check_finite=False)[0]
    sizes = np.linalg.norm(some, axis=0)
    share = np.abs(np.diag(R)) / np.where(sizes > 0, sizes, 1.0)
    dropped: list[int] = []
    for j in np.flatnonzero(share < DEPENDENT)[:4].tolist():
        keep = [k for k in range(j + 1) if k not in dropped]
        found = _significant(columns[:, keep], [terms[k] for k in keep])
        if found is not None and any(term.with_t for term in found):
            return found
        dropped.append(j)
    return None


def _significant(columns: np.ndarray, terms: Sequence[_Term]) -> list[_Term] | None:
    """The null vector of the columns without its negligible entries, re-solved until all count."""
    keep = np.arange(columns.shape[1])
    while True:
        vector = _null_vector(columns[:, keep])
        size = np.abs(vector) * np.linalg.norm(columns[:, keep], axis=0)
        large = size > 1e-6 * size.max()
        if large.all():
            break
        keep = keep[large]
    residual = columns[:, keep] @ vector
    quotient = sum(terms[k].with_t for k in keep.tolist()) > 1
    dense = quotient and columns.shape[1] > DENSE and len(keep) > columns.shape[1] / 2
    if len(keep) > MAX_TERMS or dense or np.abs(residual).max() > 1e-10 * size.max() / np.sqrt(len(residual)):
        return None
    return [replace(terms[k], coefficient=float(v)) for k, v in zip(keep.tolist(), vector, strict=True)]


def _null_vector(A: np.ndarray) -> np.ndarray:
    sizes = np.linalg.norm(A, axis=0)
    sizes[sizes == 0] = 1.0
    R = scipy.linalg.qr(A / sizes, mode="r", check_finite=False)[0][: A.shape[1]]
    return np.linalg.svd(R)[2][-1] / sizes


def _dense(found: Sequence[_Term], monomials: Monomials) -> bool:
    """Whether one feature occurs in so many powers that this approximates another function."""
    powers = {
        (k, term.with_t, monomials.exponents[term.index][k])
        for term in found
        for k in range(len(monomials.features))
    }
    quotient = sum(term.with_t for term in found) > 1
    return quotient and bool(np.bincount([k for k, _, _ in powers]).max() > MAX_POWERS)


def _solved(found: Sequence[_Term], monomials: Monomials, t: np.ndarray, scale: float) -> sympy.Expr | None:
    """T(y) = P / Q, checked on all rows; one coefficient of Q is made exactly 1."""
    pivot = max((term.coefficient for term in found if term.with_t), key=abs)
    P, Q = sympy.S.Zero, sympy.S.Zero
    p, q = np.zeros_like(t), np.zeros_like(t)
    for term in found:
        share = term.coefficient / pivot
        if term.with_t:
            Q += monomials.term(term.index, share / scale)
            q = q + share * monomials.values[:, term.index]
        else:
            P -= monomials.term(term.index, share)
            p = p - share * monomials.values[:, term.index]
    with np.errstate(all="ignore"):
        error = np.abs(p / q - t)
    if not np.isfinite(error).all() or np.quantile(error, 0.95) > EXACT:
        return None
    return _normalised(P, Q)


def _normalised(P: sympy.Expr, Q: sympy.Expr) -> sympy.Expr | None:
    """P / Q with a coefficient 1; None where the columns' sizes leave the range of floating point."""
    lead = sympy.Add.make_args(Q)[0].as_coeff_Mul()[0]
    if lead == 0 or (P + Q).has(*NOT_FINITE):
        return None
    P, Q = sympy.expand(P / lead), sympy.expand(Q / lead)
    if (P + Q).has(*NOT_FINITE):
        return None
    near_one = [term for term in sympy.Add.make_args(Q) if abs(term.as_coeff_Mul()[0] - 1) < 1e-9]
    if near_one:
        Q = Q - near_one[0] + near_one[0].as_coeff_Mul()[1]
    return P / Q
