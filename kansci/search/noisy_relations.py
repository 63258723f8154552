"""Relations ``T(y) = P / Q`` under noise: sparse regression in every view, with and without a feature.

What ``algebra.relation`` proves on exact rows is here a question of statistics: all terms of a
small degree are fitted, the insignificant ones are eliminated, and the description length says
which of the smaller models to hand on. Residuals count as they do in the table's own target.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import sympy

from kansci.search.features import groups
from kansci.search.judge import description_length
from kansci.search.monomials import Feature, Monomials
from kansci.search.pool import skeleton
from kansci.search.problem import TARGET, Problem, View
from kansci.search.sparse_rational import Quotient, backward_elimination, fit_quotient

__all__ = ["noisy_feature_relations", "noisy_relations"]

MOST_TERMS = 100
"""Terms of a polynomial; a numerator or a denominator may have MOST_IN_QUOTIENT."""
MOST_IN_QUOTIENT = 36
ROWS_PER_TERM = 5
TRIAL_ROWS = 500
"""Rows that full models are compared on; terms are eliminated on all."""
ELIMINATED = 4
"""Full models, the best of all trials, whose terms are eliminated."""
OFFERED = 6
LONGEST = 12
"""Terms of a formula that anybody would read."""
PRICE = 3.0
"""Nats that a term must earn, for each degree: of collinear terms the lowest should stay."""
BEHIND = 40.0
"""Nats that a model may be behind the best formula so far: refitting shortens some."""
WORTH = 0.7
"""A model that leaves more than this share of the target's spread is worth nothing."""
MOST_COLUMNS = 10
MOST_FEATURES = 120
_VIEWS = ("y", "y^2", "log(y)", "sqrt(y)", "exp(y)", "sin(y)", "cos(y)")
_QUOTIENTS = ((1, 1), (2, 1), (1, 2), (2, 2), (3, 1), (1, 3), (3, 2), (2, 3), (3, 3))
_MOST_DEGREES = {1: 6, 2: 5, 3: 4}
"""Sum of the degrees of a quotient, by the number of columns; 3 for more."""


@dataclass(frozen=True)
class _Trial:
    """One view, what numerator and denominator are made of, and the length with all terms."""

    view: View
    weight: np.ndarray
    top: Monomials
    bottom: Monomials
    length: float

    @property
    def kind(self) -> tuple[str, bool]:
        """The view, and whether this is a quotient."""
        return self.view.name, len(self.bottom.degrees) > 1


def noisy_relations(problem: Problem, best: float) -> Iterator[sympy.Expr | None]:
    """Formulas ``T^-1(P(x) / Q(x))``, the shortest description first.

    Args:
        problem: The problem.
        best: Description length of the best formula so far.

    Yields:
        Formulas of the table's target; None after each view.
    """
    if problem.size > MOST_COLUMNS:
        return
    trials: list[_Trial] = []
    for view in (v for v in problem.views if v.name in _VIEWS):
        trials += _polynomials(problem, view, problem.features)
        trials += _quotients(problem, view, problem.features)
        yield None
    yield from _shortest(problem, trials, best)


def noisy_feature_relations(problem: Problem, best: float) -> Iterator[sympy.Expr | None]:
    """The same for polynomials with one transcendental feature of a simple argument beside the columns.

    Args:
        problem: The problem.
        best: Description length of the best formula so far.

    Yields:
        Formulas of the table's target; None after each feature.
    """
    if problem.size > MOST_COLUMNS:
        return
    usable = [v for v in problem.views if v.name in _VIEWS[:3]]
    trials: list[_Trial] = []
    for _, group in sorted(groups(problem), key=lambda item: item[0])[:MOST_FEATURES]:
        if not all(problem.grammar.operators_allow(f.expr) for f in group):
            continue
        features = [*problem.features, *(replace(f, group=0) for f in group)]
        for view in usable:
            trials += _polynomials(problem, view, features)
        trials = _promising(trials)
        yield None
    yield from _shortest(problem, trials, best)


def _some(rows: int) -> np.ndarray:
    """The rows that full models are compared on."""
    return np.unique(np.linspace(0, rows - 1, min(rows, TRIAL_ROWS)).astype(int))


def _polynomials(problem: Problem, view: View, features: Sequence[Feature]) -> list[_Trial]:
    """The degree with the shortest description, all degrees by one factorisation."""
    some, w = _some(len(problem.y)), problem.weight * view.slope
    most = min(MOST_TERMS, len(some) // ROWS_PER_TERM)
    all_terms = Monomials([replace(f, values=f.values[some]) for f in features], most, 5)
    if not np.isfinite(w).all() or len(all_terms.degrees) > most:
        return []
    Q, R = np.linalg.qr(all_terms.values * w[some, None])
    diagonal = np.abs(np.diag(R))
    along = (Q.T @ (w[some] * view.values[some])) * (diagonal > 1e-10 * diagonal.max())
    total = float(((w[some] * view.values[some]) ** 2).sum())
    lengths = {}
    for degree in range(1, max(all_terms.degrees) + 1):
        size = sum(d <= degree for d in all_terms.degrees)
        mse = max(total - float((along[:size] ** 2).sum()), 0.0) / len(some)
        if mse < WORTH**2:
            lengths[degree] = _full_length(mse, size, len(problem.y))
    if not lengths:
        return []
    degree = min(lengths, key=lambda d: lengths[d])
    top, bottom = Monomials(features, most, degree), Monomials(features, most, 0)
    return [_Trial(view, w, top, bottom, lengths[degree])]


def _quotients(problem: Problem, view: View, features: Sequence[Feature]) -> list[_Trial]:
    """Quotients of polynomials of all degrees that the rows allow."""
    some, w, found = _some(len(problem.y)), problem.weight * view.slope, []
    most = min(MOST_IN_QUOTIENT, len(some) // ROWS_PER_TERM // 2)
    if not np.isfinite(w).all():
        return []
    parts = {d: Monomials(features, most, d) for d in (1, 2, 3)}
    usable = {d: part for d, part in parts.items() if len(part.degrees) <= most and max(part.degrees) == d}
    for d_top, d_bottom in _QUOTIENTS:
        if d_top + d_bottom > _MOST_DEGREES.get(problem.size, 3) or not {d_top, d_bottom} <= set(usable):
            continue
        top, bottom = usable[d_top], usable[d_bottom]
        full = fit_quotient(top.values[some], bottom.values[some], view.values[some], w[some])
        if full is not None and full.mse < WORTH**2:
            found.append(_Trial(view, w, top, bottom, _full_length(full.mse, full.size, len(problem.y))))
    return found


def _full_length(mse: float, size: int, rows: int) -> float:
    """Akaike's criterion in nats: most of the terms will not stay."""
    return rows * float(np.log(max(np.sqrt(mse), 1e-15))) + size


def _shortest(problem: Problem, trials: list[_Trial], best: float) -> Iterator[sympy.Expr | None]:
    """The shortest descriptions among all smaller models of the best trials; None after each."""
    found: list[tuple[float, str, sympy.Expr]] = []
    for trial in _promising(trials):
        rows = (trial.top.values, trial.bottom.values, trial.view.values, trial.weight)
        full = fit_quotient(*rows)
        if full is None:
            continue
        path = [f for f in backward_elimination(*rows, full, _prices(trial)) if f.size <= LONGEST]
        lengths = [_length(trial, fit, len(problem.y)) for fit in path]
        for k in np.argsort(lengths, kind="stable")[:OFFERED].tolist():
            found.append((lengths[k], trial.view.name, _expression(trial, path[k])))
        yield None
    found.sort(key=lambda item: item[0])
    best = min([best, *(length for length, _, _ in found[:1])])
    found = [item for item in found if item[0] < best + BEHIND]
    seen: set[sympy.Expr] = set()
    for k in _leading([name for _, name, _ in found], OFFERED):
        expr = found[k][2]
        shape = skeleton(expr)
        if shape not in seen:
            seen.add(shape)
            yield problem.solution(expr)


def _promising(trials: list[_Trial]) -> list[_Trial]:
    """The best trials of all, and the best polynomial and quotient of every view: few terms may stay."""
    ranked = sorted(trials, key=lambda trial: trial.length)
    return [ranked[k] for k in _leading([trial.kind for trial in ranked], ELIMINATED)]


def _leading(kinds: Sequence[Hashable], most: int) -> list[int]:
    """Places of the first ``most``, and of the first of every kind."""
    return [k for k, kind in enumerate(kinds) if k < most or kind not in kinds[:k]]


def _prices(trial: _Trial) -> np.ndarray:
    """What each term must earn (P + Q,)."""
    return PRICE * np.array([*trial.top.degrees, *trial.bottom.degrees], float)


def _length(trial: _Trial, fit: Quotient, rows: int) -> float:
    terms = [(trial.top, k) for k in fit.top.tolist()] + [(trial.bottom, k) for k in fit.bottom.tolist()]
    nodes = sum(1 + _nodes(part.exponents[k]) for part, k in terms) + trial.view.cost
    return description_length(float(np.sqrt(fit.mse)), 0.0, fit.size, nodes, rows)


def _nodes(exponents: tuple[int, ...]) -> int:
    """Nodes of a monomial with its coefficient."""
    return 1 + sum(2 if power == 1 else 4 for power in exponents if power)


def _expression(trial: _Trial, fit: Quotient) -> sympy.Expr:
    """``T^-1(P / Q)``, the largest term of Q with the coefficient 1; nan beyond the range of floats."""
    lead = int(np.abs(fit.q).argmax())
    scale = trial.bottom.scale(int(fit.bottom[lead]))
    if scale == 0 or not np.isfinite(scale):
        return sympy.nan
    unit = fit.q[lead] / scale
    P = sympy.Add(*(trial.top.term(k, v / unit) for k, v in zip(fit.top.tolist(), fit.p, strict=True)))
    rest = [(k, v) for k, v in zip(fit.bottom.tolist(), fit.q, strict=True) if k != fit.bottom[lead]]
    first = trial.bottom.term(int(fit.bottom[lead]), scale)
    Q = sympy.Add(first.as_coeff_Mul()[1], *(trial.bottom.term(k, v / unit) for k, v in rest))
    return trial.view.inverse.xreplace({TARGET: P / Q})
