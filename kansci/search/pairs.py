"""One variable, two terms: ``y = w(x) (c1 f1(x) + c2 f2(x)) + d v(x)``, v being w or 1.

All pairs of curves from a dictionary (powers, exponentials, sines and cosines, logarithms, poles,
Gaussians on grids of their inner constants) are judged at once through their Gram matrix, for
several prefactors w; the refit of all constants then moves the inner ones off their grids.
Sums of exponentials, damped and beating oscillations, and power laws with two exponents are of
this form.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import sympy

from kansci.search.curves import Curve, allowed, dictionary, exponential
from kansci.search.problem import Problem

__all__ = ["two_terms"]

POINTS = 240
FEWEST_ROWS = 12
OFFERED = 4
"""Pairs handed on for each prefactor, if they are promising."""
LARGEST = 1e60
"""A curve beyond this would overflow beside a prefactor."""
PROMISING = 0.5
"""Largest relative error before the inner constants have moved: half a step in two frequencies costs 0.4."""


def two_terms(problem: Problem) -> Iterator[sympy.Expr | None]:
    """Formulas with two terms for a problem with one column.

    Args:
        problem: One column.

    Yields:
        Formulas of the table's target, the most accurate prefactor first; None after each prefactor.
    """
    x, e = problem.columns[0], problem.exprs[0]
    if len(x) < FEWEST_ROWS:
        return
    sample = np.argsort(x, kind="stable")[np.unique(np.linspace(0, len(x) - 1, POINTS).astype(int))]
    xs, errors = x[sample], problem.weight[sample]
    ys = errors * problem.y[sample]
    with np.errstate(all="ignore"):
        curves = allowed(dictionary(xs, e), problem.grammar)
        curves = [c for c in curves if np.abs(c.values).max() < LARGEST]
    ranked = []
    one, *others = _prefactors(xs, e)
    for weight, offset in [(one, one), *((w, v) for w in others for v in (w, one))]:
        best = _best_pairs(curves, errors * weight.values, errors * offset.values, ys)
        ranked += [(error, (weight, offset), pair) for error, pair in best]
        yield None
    ranked.sort(key=lambda item: item[0])
    for error, frame, pair in ranked[: 3 * OFFERED]:
        if error < PROMISING:
            yield problem.solution(_fitted(frame, pair, errors, ys))


def _prefactors(x: np.ndarray, e: sympy.Expr) -> Iterator[Curve]:
    yield Curve(np.ones_like(x), lambda: sympy.S.One, "1")
    size = float(np.abs(x).max())
    for scale in np.geomspace(0.3, 30, 9) / size:
        for a in (-scale, scale):
            yield exponential(x, e, a)
    for power in (1, 2, -1, -2):
        if power > 0 or (x > 0).all():
            yield Curve(x ** float(power), partial(pow, e, sympy.Integer(power)), f"x^{power}")


def _best_pairs(
    curves: list[Curve], w: np.ndarray, v: np.ndarray, y: np.ndarray
) -> list[tuple[float, tuple[Curve, Curve]]]:
    """The pairs with the smallest relative error of ``y ~ w (c1 f1 + c2 f2) + d v``, of different kinds."""
    A = np.stack([curve.values * w for curve in curves], axis=1)
    largest = np.abs(A).max(axis=0)
    A, v = A / np.where(largest > 0, largest, 1.0), v / np.abs(v).max()  # squares must not overflow
    before = np.linalg.norm(A, axis=0)
    A = A - np.outer(v, v @ A) / (v @ v)
    rest = y - v * (v @ y) / (v @ v)
    sizes = np.linalg.norm(A, axis=0)
    usable = sizes > 1e-9 * before
    A = A / np.where(usable, sizes, 1.0)
    r, G = A.T @ rest * usable, A.T @ A
    with np.errstate(all="ignore"):
        explained = (r[:, None] ** 2 + r[None] ** 2 - 2 * np.outer(r, r) * G) / (1 - G**2)
    explained[(G**2 > 1 - 1e-9) | ~np.isfinite(explained)] = 0.0
    explained = np.triu(explained, 1)
    total = float(((y - y.mean()) ** 2).sum()) or 1.0
    missing = float(rest @ rest) - explained
    found: dict[tuple[str, str], tuple[float, tuple[Curve, Curve]]] = {}
    for flat in np.argsort(missing, axis=None, kind="stable")[:400]:
        i, j = divmod(int(flat), len(curves))
        error = float(np.sqrt(max(missing[i, j], 0.0) / total))
        found.setdefault((curves[i].kind, curves[j].kind), (error, (curves[i], curves[j])))
        if len(found) == OFFERED:
            break
    return list(found.values())


def _fitted(
    frame: tuple[Curve, Curve], pair: tuple[Curve, Curve], errors: np.ndarray, y: np.ndarray
) -> sympy.Expr:
    """The expression with its linear constants by least squares; errors and y are weighted alike."""
    weight, offset = frame
    terms = [pair[0].values * weight.values, pair[1].values * weight.values, offset.values]
    c = np.linalg.lstsq(np.stack(terms, axis=1) * errors[:, None], y, rcond=None)[0]
    a, b, d = (sympy.Float(v, 17) for v in c)
    inside = a * pair[0].expr + b * pair[1].expr
    if offset is weight:
        return weight.expr * (inside + d)
    return weight.expr * inside + d
