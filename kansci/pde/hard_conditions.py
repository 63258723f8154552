"""Functions that meet conditions whatever the network does: u = g + phi * N.

g has the prescribed values, phi is zero where they are prescribed (Lagaris, Likas and Fotiadis 1998;
Sukumar and Srivastava 2022). What cannot be met so, or not by a smooth g, is left to the residuals.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import sympy

from kansci.pde.condition_forms import Prescribed, order_in, prescribed
from kansci.pde.numeric import evaluate
from kansci.pde.problem import Condition, Problem
from kansci.pde.region import EXCEPT, Region
from kansci.pde.transfinite import Datum, factor, interpolant, restricted

__all__ = ["Ansatz", "ansatz"]

TOLERANCE = 1e-9
POINTS = 256
MAX_OPERATIONS = 1000
"""Of the distance to a shape's boundary: its derivatives would take longer than the conditions are worth."""
KINKS = (sympy.Abs, sympy.Max, sympy.Min, sympy.Heaviside, sympy.sign, sympy.floor, sympy.ceiling)


@dataclass(frozen=True)
class Ansatz:
    """u = particular + factor * network for every field.

    Attributes:
        particular: field -> g.
        factor: field -> phi, of maximum about 1; 1 where nothing is met.
        soft: conditions that are left to the residuals.
    """

    particular: Mapping[str, sympy.Expr]
    factor: Mapping[str, sympy.Expr]
    soft: tuple[Condition, ...]


Given = list[tuple[Condition, Prescribed]]


def ansatz(problem: Problem, *, smooth_only: bool = False) -> Ansatz:
    """Find functions that meet as many conditions as possible exactly.

    Args:
        problem: any.
        smooth_only: leave the boundary of a shape to the residuals where its distance is no polynomial: the
            second derivatives of others are not bounded at corners, and no smooth network makes up for them.

    Returns:
        The functions; conditions that are in none of them are soft.
    """
    forms = [(c, prescribed(c, problem.fields, problem.coordinates)) for c in problem.conditions]
    particular, factors = {}, {}
    met: set[int] = set()
    for field in problem.fields:
        given = [
            (c, p) for c, p in forms if p is not None and p.field == field.name and not p.value.has(*KINKS)
        ]
        g, phi, conditions = _field(problem, given, smooth_only=smooth_only)
        particular[field.name], factors[field.name] = g, phi
        met.update(map(id, conditions))
    return Ansatz(particular, factors, tuple(c for c in problem.conditions if id(c) not in met))


def _field(
    problem: Problem, given: Given, *, smooth_only: bool
) -> tuple[sympy.Expr, sympy.Expr, list[Condition]]:
    """g, phi and the conditions they meet, for one field."""
    chosen = _chosen(problem, given)
    g = interpolant([datum for _, datum in chosen])
    if g is None:
        chosen = [(c, datum) for c, datum in chosen if datum.axis.name == problem.time]
        g = interpolant([datum for _, datum in chosen]) or sympy.S.Zero
    limits = {sympy.Symbol(name, real=True): ends for name, ends in problem.domain.limits.items()}
    phi, met = factor([datum for _, datum in chosen], limits), [c for c, _ in chosen]
    shape = _whole_boundary(problem, given)
    if shape is None or (smooth_only and not shape[2].is_polynomial(*problem.symbols)):
        return g, phi, met
    value, conditions, distance = shape
    corner = [datum for _, datum in chosen]  # in time alone, for space has no faces here
    on_shape = [Datum(d.axis, d.end, d.order, d.value - restricted(value, d)) for d in corner]
    if not all(_vanishes(problem, d.value, conditions) for d in on_shape):
        return g, phi, met
    rest = interpolant(on_shape) or sympy.S.Zero
    return value + rest, phi * distance, met + conditions


def _chosen(problem: Problem, given: Given) -> list[tuple[Condition, Datum]]:
    """Data on faces that are without gaps, smooth and agree with each other where faces meet."""
    data = [(c, _datum(problem, c, p)) for c, p in given]
    chosen = [(c, d) for c, d in data if d is not None and _is_smooth(problem, d)]
    chosen = list({(d.axis, d.end, d.order): (c, d) for c, d in reversed(chosen)}.values())[::-1]
    while True:
        chosen = _without_gaps(chosen)
        clashes = [0] * len(chosen)
        for (i, (_, a)), (j, (_, b)) in combinations(enumerate(chosen), 2):
            if a.axis != b.axis and not _agree(problem, a, b):
                clashes[i] += 1
                clashes[j] += 1
        if not any(clashes):
            return chosen
        weakest = max(range(len(chosen)), key=lambda i: (clashes[i], chosen[i][1].axis.name != problem.time))
        del chosen[weakest]


def _datum(problem: Problem, condition: Condition, form: Prescribed) -> Datum | None:
    """The condition as a datum on the face of an interval; None if it is not of that form."""
    name = condition.face.axis
    if name is None or name not in problem.domain.limits or set(form.axes) - {name}:
        return None
    field = next(f for f in problem.fields if f.name == form.field)
    ends = problem.domain.limits[name]
    end = min(ends, key=lambda end: abs(float(end) - condition.face.value))
    axis = sympy.Symbol(name, real=True)
    value = form.value.subs(axis, end)
    if name not in field.arguments or {s.name for s in value.free_symbols} - set(field.arguments):
        return None
    return Datum(axis, end, len(form.axes), value)


def _is_smooth(problem: Problem, datum: Datum) -> bool:
    """Whether the value has finite derivatives up to the ends of every axis, and joins over periods."""
    points = problem.domain.sample(POINTS, np.random.default_rng(0))
    for index, name in enumerate(problem.coordinates):
        slope = sympy.diff(datum.value, sympy.Symbol(name, real=True), _order(problem, name))
        for end in problem.domain.bounds[index]:
            there = points.copy()
            there[:, index] = end
            if not np.isfinite(evaluate(slope, problem.coordinates, there)).all():
                return False
    return _is_periodic(problem, datum)


def _order(problem: Problem, axis: str) -> int:
    """Highest order of the derivatives along an axis in the equations."""
    return max(order_in(e, f.name, axis) for e in problem.equations for f in problem.fields)


def _is_periodic(problem: Problem, datum: Datum) -> bool:
    """Whether the value joins at the ends of periodic axes, as smoothly as the equations ask."""
    for name in problem.domain.periodic:
        axis = sympy.Symbol(name, real=True)
        low, high = problem.domain.limits[name]
        for order in range(max(1, _order(problem, name))):
            slope = sympy.diff(datum.value, axis, order)
            gap = slope.subs(axis, high) - slope.subs(axis, low)
            if not _is_zero(problem, gap, {}):
                return False
    return True


def _without_gaps(chosen: Sequence[tuple[Condition, Datum]]) -> list[tuple[Condition, Datum]]:
    """Derivatives count only where the function itself and all lower derivatives are given."""
    there = {(d.axis, d.end, d.order) for _, d in chosen}
    return [(c, d) for c, d in chosen if all((d.axis, d.end, k) in there for k in range(d.order))]


def _agree(problem: Problem, a: Datum, b: Datum) -> bool:
    """Whether the data of two faces are the same where the faces meet."""
    return _is_zero(problem, restricted(a.value, b) - restricted(b.value, a), {a.axis: a.end, b.axis: b.end})


def _is_zero(problem: Problem, expr: sympy.Expr, where: Mapping[sympy.Symbol, sympy.Expr]) -> bool:
    expr = expr.subs(dict(where))
    if expr == 0:
        return True
    points = problem.domain.sample(POINTS, np.random.default_rng(0))
    values = evaluate(expr, problem.coordinates, points)
    return bool(np.all(np.abs(values) < TOLERANCE))


def _whole_boundary(problem: Problem, given: Given) -> tuple[sympy.Expr, list[Condition], sympy.Expr] | None:
    """The one formula prescribed on a shape's whole boundary, the conditions, and the distance to it."""
    domain = problem.domain
    if not isinstance(domain, Region):
        return None
    on_shape = [(c, p) for c, p in given if c.face.axis is None and not p.axes]
    names = [c.face.name for c, _ in on_shape]
    if not on_shape or len({p.value for _, p in on_shape}) > 1 or not _covers(names):
        return None
    distance = domain.distance()
    if sympy.count_ops(distance) > MAX_OPERATIONS or _has_seams(problem, domain, distance):
        return None
    inside = evaluate(distance, problem.coordinates, domain.sample(4 * POINTS, np.random.default_rng(0)))
    top = sympy.Rational(f"{np.nanmax(inside):.3g}")
    return on_shape[0][1].value, [c for c, _ in on_shape], distance / top


def _covers(names: Iterable[str]) -> bool:
    """Whether the parts make up the whole boundary."""
    names = set(names)
    rests = [name.removeprefix(EXCEPT).split(", ") for name in names if name.startswith(EXCEPT)]
    return "boundary" in names or any(set(rest) <= names for rest in rests)


def _has_seams(problem: Problem, domain: Region, distance: sympy.Expr) -> bool:
    """Whether the function is zero inside, too, as where two shapes that are joined share a side."""
    seams = domain.seams(POINTS, np.random.default_rng(0))
    return bool(np.any(evaluate(distance, problem.coordinates, seams) < 1e-3 * domain.step))


def _vanishes(problem: Problem, expr: sympy.Expr, conditions: Sequence[Condition]) -> bool:
    """Whether an expression is zero on parts of the boundary."""
    rng = np.random.default_rng(0)
    faces = [c.face for c in conditions]
    points = [problem.domain.sample_face(f.axis, f.value, f.name, POINTS, rng)[0] for f in faces]
    return all(bool(np.all(np.abs(evaluate(expr, problem.coordinates, p)) < TOLERANCE)) for p in points)
