"""Power laws with simple exponents and one constant, for tables too small to fit the exponents.

``T(y) = c prod_i x_i^p_i``, every p_i from a short list, where one column may be the sum or the
difference of two. With all exponents given, the spread of ``log |T(y)| - sum p_i log |x_i|`` is the
error, so that thousands are judged by one product of matrices.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, product

import numpy as np
import sympy

from kansci.search.judge import description_length
from kansci.search.monomials import Feature
from kansci.search.problem import TARGET, Problem, View

__all__ = ["simple_exponents"]

EXPONENTS = tuple(
    sympy.Rational(p) for p in ("0", "1", "-1", "2", "-2", "1/2", "-1/2", "3/2", "-3/2", "3", "-3")
)
WHOLE = EXPONENTS[:5]
MOST_ROWS = 60
MOST_COLUMNS = 4
OFFERED = 6
_VIEWS = ("y", "exp(y)", "exp(-y)")


def simple_exponents(problem: Problem) -> Iterator[sympy.Expr | None]:
    """Power laws, the shortest description first.

    Args:
        problem: Two columns or more.

    Yields:
        Formulas of the table's target; None after each choice of columns.
    """
    if len(problem.y) > MOST_ROWS or not 2 <= problem.size <= MOST_COLUMNS:
        return
    found: list[tuple[float, sympy.Expr]] = []
    for features in _columns(problem):
        for view in (v for v in problem.views if v.name in _VIEWS):
            found += _best(features, view, problem)
        yield None
    found.sort(key=lambda item: item[0])
    yield from (problem.solution(expr) for _, expr in found[:OFFERED])


def _columns(problem: Problem) -> Iterator[list[Feature]]:
    """The columns, and each choice of two that act through their sum or difference."""
    usable = [f for f in problem.features if (f.values != 0).all()]
    yield usable
    for a, b in combinations(problem.features, 2):
        rest = [f for f in usable if f.expr not in (a.expr, b.expr)]
        for values, expr in ((a.values + b.values, a.expr + b.expr), (a.values - b.values, a.expr - b.expr)):
            if (values != 0).all():
                yield [Feature(values, expr), *rest]


def _best(features: Sequence[Feature], view: View, problem: Problem) -> list[tuple[float, sympy.Expr]]:
    """The best few for one choice of columns, with their description lengths."""
    t = view.values
    if not features or (t == 0).any():
        return []
    powers = np.array(
        list(product(EXPONENTS if len(features) < MOST_COLUMNS else WHOLE, repeat=len(features)))
    )
    values = np.log(np.abs([f.values for f in features]))
    with np.errstate(all="ignore"):
        logs = np.log(np.abs(t))[:, None] - values.T @ powers.astype(float).T
        # an error of log T is one of T relative to T
        weight = problem.weight * view.slope * np.abs(t)
        share = weight**2 / (weight**2).sum()
        centre = share @ logs
        errors = np.sqrt(((weight[:, None] * (logs - centre)) ** 2).mean(axis=0))
    nodes = 3 * (powers != 0).sum(axis=1) + (powers != 1).sum(axis=1) + view.cost
    found = []
    for k in np.argsort(np.where(np.isfinite(errors), errors, np.inf), kind="stable")[: 4 * OFFERED].tolist():
        if np.isfinite(errors[k]) and (sign := _sign(features, powers[k], t)):
            length = description_length(float(errors[k]), 0.0, 1, float(nodes[k]), len(t))
            law = sympy.Mul(*(f.expr**p for f, p in zip(features, powers[k], strict=True)))
            constant = sympy.Float(sign * float(np.exp(centre[k])), 17)
            found.append((length, view.inverse.xreplace({TARGET: constant * law})))
    return sorted(found, key=lambda item: item[0])[:OFFERED]


def _sign(features: Sequence[Feature], powers: Sequence[sympy.Rational], t: np.ndarray) -> int:
    """The sign of the constant; 0 if no constant can give all signs of t."""
    with np.errstate(all="ignore"):
        law = np.prod([f.values ** float(p) for f, p in zip(features, powers, strict=True)], axis=0)
    signs = np.sign(t * law)
    return int(signs[0]) if np.isfinite(law).all() and (signs == signs[0]).all() else 0
