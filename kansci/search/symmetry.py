"""Continuous symmetries of a law, read off the gradients of its surrogate, and what they reduce.

Each test is a linear identity among the gradient's components, fitted by least squares over
the rows; its residual rho is relative to the terms in it. With L_i = x_i df/dx_i, D_i = df/dx_i:

    D_i = 0                     y does not depend on x_i
    L_i = c f                   y = x_i^c * g(rest)
    D_i = c                     y = c x_i + g(rest)
    L_i = s L_j                 x_i, x_j only through x_i^s x_j         (s rational)
    D_i = s D_j                 x_i, x_j only through s x_i + x_j
    D_i x_j = s D_j x_i         x_i, x_j only through s x_i^2 + x_j^2
    L_i + s L_j = c f           y = x_i^c * g(x_j x_i^-s, rest)
    sum_i d_i L_i = c f         the same for several columns at once (null space)

These are the one-parameter groups of scalings, translations and rotations; a law that is
invariant under one is a law in one variable fewer (Lie; Bluman & Kumei 1989). AI Feynman 2
tests single pairs for four of them (Udrescu et al. 2020). A reduction is a conjecture: it is
applied to the data themselves, and only an accurate formula at the end confirms it.
"""

from dataclasses import dataclass, replace

import numpy as np
import sympy

from kansci.search.problem import TARGET, Problem
from kansci.search.surrogate import Gradients

__all__ = ["Reduction", "reductions"]

MAX_NUMERATOR = 5
MAX_DENOMINATOR = 3


@dataclass(frozen=True)
class Reduction:
    """A smaller problem, and how badly the symmetry behind it is violated (rho)."""

    problem: Problem
    rho: float
    kind: str

    @property
    def cost(self) -> float:
        """Factor on rho: losing a column is worth more than building one; odd fractions are doubtful."""
        newest = self.problem.exprs[0] if self.problem.exprs else sympy.S.One
        odd = sum(
            1
            for power in (*newest.atoms(sympy.Pow), *self.problem.lift.atoms(sympy.Pow))
            if power.exp.is_Rational and not (2 * power.exp).is_integer
        )
        return {"drop": 1.0, "merge": 2.0, "scale": 4.0, "group": 8.0}[self.kind] * 4.0**odd


def reductions(problem: Problem, g: Gradients, threshold: float) -> list[Reduction]:
    """Every reduction whose identity holds to ``threshold``, the best first.

    Args:
        problem: The problem.
        g: Gradients of its surrogate.
        threshold: Largest accepted relative residual of an identity.

    Returns:
        Smaller problems, by rho times a cost of the kind of reduction.
    """
    fields = _Fields(problem, g)
    found = [*_single(fields), *_pairs(fields)]
    if problem.size >= 3:
        found += _scalings(fields)
    return sorted((r for r in found if r.rho <= threshold), key=lambda r: r.rho * r.cost)


class _Fields:
    """The gradient's components at the rows, and their sizes."""

    def __init__(self, problem: Problem, g: Gradients) -> None:
        self.problem, self.f, self.D = problem, g.f, g.df
        self.X = np.stack([x[g.rows] for x in problem.columns], axis=1)
        self.L = self.X * self.D
        self.positive = [(x > 0).all() for x in problem.columns]
        spans = np.array([np.ptp(x) for x in problem.columns])
        self.effect = np.sqrt((self.D**2).mean(axis=0)) * spans / max(float(g.f.std()), 1e-300)


def _fit(target: np.ndarray, *terms: np.ndarray) -> tuple[np.ndarray, float]:
    """Least squares of ``target`` on ``terms``: coefficients, and the residual relative to the target."""
    A = np.stack(terms, axis=1)
    coefficients = np.linalg.lstsq(A, target, rcond=None)[0]
    size = float(np.sqrt(np.mean(target**2)))
    return coefficients, float(np.sqrt(np.mean((target - A @ coefficients) ** 2))) / max(size, 1e-300)


def _rational(value: float, error: float) -> sympy.Rational | None:
    """The small fraction that ``value`` is, within what its error allows."""
    rational = sympy.Rational(value).limit_denominator(MAX_DENOMINATOR)
    if rational == 0 or abs(rational.p) > MAX_NUMERATOR:
        return None
    return rational if abs(float(rational) - value) <= max(5 * error, 1e-3) * abs(value) else None


def _single(w: _Fields) -> list[Reduction]:
    p, found = w.problem, []
    for i in range(p.size):
        x, e = p.columns[i], p.exprs[i]
        if w.effect[i] < 1e-2:
            found.append(
                Reduction(p.without([i], f"y does not depend on {e}"), float(w.effect[i]) / 10, "drop")
            )
        if p.size == 1 or (x == 0).any():
            continue
        (c,), rho = _fit(w.L[:, i], w.f)
        power = _rational(c, rho)
        if power is not None and (w.positive[i] or power.is_integer):
            smaller = p.divided(e, power, f"y is proportional to {e**power}").without([i])
            found.append(Reduction(smaller, rho, "drop"))
        (c,), rho = _fit(w.D[:, i], np.ones_like(w.f))
        if rho < 1:
            found += _linear_term(p, i, float(c), rho)
    return found


def _linear_term(p: Problem, i: int, c: float, rho: float) -> list[Reduction]:
    """The case y = c x_i + g(rest), for c a small fraction: any other c is not known exactly enough."""
    exact = sympy.Rational(c).limit_denominator(12)
    if exact == 0 or abs(float(exact) - c) > max(5 * rho, 1e-3) * abs(c):
        return []
    e = p.exprs[i]
    smaller = p.without([i]).with_target(
        p.y - float(exact) * p.columns[i], TARGET + exact * e, f"y is linear in {e}, beside a term without it"
    )
    return [Reduction(smaller, rho, "drop")]


def _pairs(w: _Fields) -> list[Reduction]:
    p, found = w.problem, []
    for i in range(p.size):
        for j in range(i + 1, p.size):
            found += _product(w, i, j) + _sum(w, i, j) + _squares(w, i, j) + _scaled_product(w, i, j)
    return found


def _product(w: _Fields, i: int, j: int) -> list[Reduction]:
    (s,), rho = _fit(w.L[:, i], w.L[:, j])
    s_rational = _rational(s, rho)
    if s_rational is None:
        return []
    a, b = s_rational.p, s_rational.q
    return _merge(w, (i, a), (j, b), rho)


def _merge(w: _Fields, left: tuple[int, int], right: tuple[int, int], rho: float) -> list[Reduction]:
    """Replace x_i, x_j by x_i^a x_j^b."""
    p, (i, a), (j, b) = w.problem, left, right
    if (a < 0 and (p.columns[i] == 0).any()) or (b < 0 and (p.columns[j] == 0).any()):
        return []
    column = p.columns[i] ** float(a) * p.columns[j] ** float(b)
    expr = p.exprs[i] ** a * p.exprs[j] ** b
    step = f"y depends on {p.exprs[i]} and {p.exprs[j]} only through {expr}"
    return [Reduction(p.merged([i, j], column, expr, step), rho, "merge")]


def _sum(w: _Fields, i: int, j: int) -> list[Reduction]:
    p = w.problem
    (s,), rho = _fit(w.D[:, i], w.D[:, j])
    s_rational = _rational(s, rho)
    if s_rational is None:
        return []
    a, b = (s_rational.p, s_rational.q)
    if a < 0:
        a, b = -a, -b
    expr = a * p.exprs[i] + b * p.exprs[j]
    step = f"y depends on {p.exprs[i]} and {p.exprs[j]} only through {expr}"
    column = a * p.columns[i] + b * p.columns[j]
    return [Reduction(p.merged([i, j], column, expr, step), rho, "merge")]


def _squares(w: _Fields, i: int, j: int) -> list[Reduction]:
    p = w.problem
    (s,), rho = _fit(w.D[:, i] * w.X[:, j], w.D[:, j] * w.X[:, i])
    s_rational = _rational(s, rho)
    if s_rational is None:
        return []
    a, b = s_rational.p, s_rational.q
    expr = a * p.exprs[i] ** 2 + b * p.exprs[j] ** 2
    step = f"y depends on {p.exprs[i]} and {p.exprs[j]} only through {expr}"
    column = a * p.columns[i] ** 2 + b * p.columns[j] ** 2
    return [Reduction(p.merged([i, j], column, expr, step), rho, "merge")]


def _scaled_product(w: _Fields, i: int, j: int) -> list[Reduction]:
    """Y = x_i^c g(x_j x_i^-s): from L_i = c f - s L_j."""
    p = w.problem
    if not (w.positive[i] and w.positive[j]):
        return []
    found = []
    for a, b in ((i, j), (j, i)):
        (c, minus_s), rho = _fit(w.L[:, a], w.f, w.L[:, b])
        power, s = _rational(float(c), rho), _rational(float(minus_s), rho)
        if power is None or s is None:
            continue
        column = p.columns[b] * p.columns[a] ** float(s)
        expr = p.exprs[b] * p.exprs[a] ** s
        step = f"y / {p.exprs[a] ** power} depends on {p.exprs[a]} and {p.exprs[b]} only through {expr}"
        smaller = p.divided(p.exprs[a], power).merged([a, b], column, expr, step)
        found.append(Reduction(smaller, rho, "scale"))
    return found


def _scalings(w: _Fields) -> list[Reduction]:
    """One generator sum d_i L_i = c f with all positive columns, from the null space of [L, f]."""
    p = w.problem
    if not all(w.positive):
        return []
    A = np.column_stack([w.L, w.f])
    sizes = np.sqrt((A**2).mean(axis=0))
    sizes[sizes == 0] = 1.0
    _, singular, vt = np.linalg.svd(A / sizes, full_matrices=False)
    rho = float(singular[-1] / np.sqrt(len(A)))
    vector = vt[-1] / sizes
    lead = int(np.argmax(np.abs(vector[:-1]) * sizes[:-1]))
    ratios = vector / vector[lead]
    snapped = [sympy.Rational(float(v)).limit_denominator(MAX_DENOMINATOR) for v in ratios]
    if any(abs(float(s) - v) > max(20 * rho, 0.02) for s, v in zip(snapped, ratios, strict=True)):
        return []
    found = []
    for k in range(p.size):
        if abs(snapped[k]) == 1 and sum(s != 0 for s in snapped[:-1]) >= 3:
            found.append(Reduction(_rescaled(p, k, [s / snapped[k] for s in snapped]), rho, "group"))
    return found


def _rescaled(p: Problem, k: int, d: list[sympy.Rational]) -> Problem:
    """Measure every column and the target in powers of x_k (d_k = 1)."""
    unit, name = p.columns[k], p.exprs[k]
    rest = [i for i in range(p.size) if i != k]
    columns = tuple(p.columns[i] * unit ** float(-d[i]) for i in rest)
    exprs = tuple(p.exprs[i] * name ** (-d[i]) for i in rest)
    power = -d[-1]
    step = f"scaling: y / {name**power} depends only on {', '.join(map(str, exprs))}"
    return replace(p.divided(name, power, step), columns=columns, exprs=exprs)
