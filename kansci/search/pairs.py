"""One variable, two terms: ``y = w(x) (c1 f1(x) + c2 f2(x) + d)``.

All pairs of curves from a dictionary (powers, exponentials, sines and cosines, logarithms, poles,
Gaussians on grids of their inner constants) are judged at once through their Gram matrix, for
several prefactors w; the refit of all constants then moves the inner ones off their grids.
Sums of exponentials, damped and beating oscillations, and power laws with two exponents are of
this form.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import sympy

from kansci.search.problem import Problem

__all__ = ["two_terms"]

POINTS = 240
OFFERED = 4
"""Pairs handed on for each prefactor, if they are promising."""
PROMISING = 0.15
"""Largest relative error before the inner constants have moved."""


@dataclass(frozen=True)
class _Curve:
    values: np.ndarray
    expr: sympy.Expr
    kind: str


def two_terms(problem: Problem) -> Iterator[sympy.Expr | None]:
    """Formulas with two terms for a problem with one column.

    Args:
        problem: One column.

    Yields:
        Formulas of the table's target, the most accurate prefactor first; None after each prefactor.
    """
    x, e = problem.columns[0], problem.exprs[0]
    sample = np.argsort(x, kind="stable")[np.unique(np.linspace(0, len(x) - 1, POINTS).astype(int))]
    xs, ys = x[sample], problem.y[sample]
    curves = list(_curves(xs, e))
    ranked = []
    for weight in _prefactors(xs, e):
        ranked += [(error, weight, pair) for error, pair in _best_pairs(curves, weight.values, ys)]
        yield None
    ranked.sort(key=lambda item: item[0])
    for error, weight, pair in ranked[: 3 * OFFERED]:
        if error < PROMISING:
            yield problem.solution(_fitted(weight, pair, ys))


def _curves(x: np.ndarray, e: sympy.Expr) -> Iterator[_Curve]:
    low, high = float(x.min()), float(x.max())
    span, size = high - low, max(abs(low), abs(high))
    for p in range(1, 9):
        yield _Curve(x**p, e**p, f"x^{p}")
    if low > 0:
        for half in (*range(-24, 0), *range(1, 25)):
            power = sympy.Rational(half, 2)
            if (power.is_integer and abs(half) <= 24 and not 0 < half <= 16) or abs(half) in (1, 3, 5):
                yield _Curve(x ** float(power), e**power, f"x^{power}")
        yield _Curve(np.log(x), sympy.log(e), "log")
    for scale in np.geomspace(0.1, 40, 20) / size:
        for a in (scale, -scale):
            yield _exponential(x, e, a)
    for k in np.arange(0.5, 40, 0.5):
        w = sympy.Float(k * np.pi / span, 17)
        yield _Curve(np.sin(float(w) * x), sympy.sin(w * e), "sin")
        yield _Curve(np.cos(float(w) * x), sympy.cos(w * e), "cos")
    for shift in span * np.array([0.03, 0.1, 0.3, 1.0, 3.0]):
        b = float(shift - low)
        yield _Curve(np.log(x + b), sympy.log(e + sympy.Float(b, 17)), "log(x+b)")
        yield _Curve(1 / (x + b), 1 / (e + sympy.Float(b, 17)), "1/(x+b)")
    for centre in np.linspace(low, high, 9):
        for width in span * np.array([0.05, 0.12, 0.3]):
            c, s = sympy.Float(centre, 17), sympy.Float(1 / width, 17)
            yield _Curve(np.exp(-(((x - centre) / width) ** 2)), sympy.exp(-((s * (e - c)) ** 2)), "gaussian")


def _exponential(x: np.ndarray, e: sympy.Expr, a: float) -> _Curve:
    """exp(a x) scaled to at most 1, as it may be very large."""
    top = float((a * x).max())
    return _Curve(np.exp(a * x - top), sympy.exp(-top) * sympy.exp(sympy.Float(a, 17) * e), "exp")


def _prefactors(x: np.ndarray, e: sympy.Expr) -> Iterator[_Curve]:
    yield _Curve(np.ones_like(x), sympy.S.One, "1")
    size = float(np.abs(x).max())
    for scale in np.geomspace(0.3, 30, 9) / size:
        for a in (-scale, scale):
            yield _exponential(x, e, a)
    for power in (1, 2, -1, -2):
        if power > 0 or (x > 0).all():
            yield _Curve(x ** float(power), e**power, f"x^{power}")


def _best_pairs(
    curves: list[_Curve], w: np.ndarray, y: np.ndarray
) -> list[tuple[float, tuple[_Curve, _Curve]]]:
    """The pairs with the smallest relative error of ``y ~ w (c1 f1 + c2 f2 + d)``, of different kinds."""
    A = np.stack([curve.values * w for curve in curves], axis=1)
    A = A - np.outer(w, w @ A) / (w @ w)
    rest = y - w * (w @ y) / (w @ w)
    sizes = np.linalg.norm(A, axis=0)
    usable = sizes > 1e-9 * np.linalg.norm([curve.values * w for curve in curves], axis=1)
    A = A / np.where(usable, sizes, 1.0)
    r, G = A.T @ rest * usable, A.T @ A
    with np.errstate(all="ignore"):
        explained = (r[:, None] ** 2 + r[None] ** 2 - 2 * np.outer(r, r) * G) / (1 - G**2)
    explained[(G**2 > 1 - 1e-9) | ~np.isfinite(explained)] = 0.0
    explained = np.triu(explained, 1)
    total = float(((y - y.mean()) ** 2).sum()) or 1.0
    missing = float(rest @ rest) - explained
    found: dict[tuple[str, str], tuple[float, tuple[_Curve, _Curve]]] = {}
    for flat in np.argsort(missing, axis=None, kind="stable")[:400]:
        i, j = divmod(int(flat), len(curves))
        error = float(np.sqrt(max(missing[i, j], 0.0) / total))
        found.setdefault((curves[i].kind, curves[j].kind), (error, (curves[i], curves[j])))
        if len(found) == OFFERED:
            break
    return list(found.values())


def _fitted(weight: _Curve, pair: tuple[_Curve, _Curve], y: np.ndarray) -> sympy.Expr:
    """The expression with its linear constants by least squares."""
    A = np.stack([pair[0].values * weight.values, pair[1].values * weight.values, weight.values], axis=1)
    c = np.linalg.lstsq(A, y, rcond=None)[0]
    a, b, d = (sympy.Float(v, 17) for v in c)
    return weight.expr * (a * pair[0].expr + b * pair[1].expr + d)
