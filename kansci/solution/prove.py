"""Proof that formulas solve a differential equation: put into it and its conditions, they leave nothing."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import scipy.optimize
import sympy

from kansci.errors import SettingsError
from kansci.evidence.conditions import conditions as needs
from kansci.evidence.conditions import not_understood
from kansci.evidence.decide import Box, decide, is_finite
from kansci.pde.problem import Problem
from kansci.solution.faces import patches
from kansci.solution.zero import exact_numbers, is_zero
from kansci.symbolic.parametric import compile_expr

__all__ = ["Check", "Proof", "in_coordinates", "prove"]

POINTS = 4096
"""In the domain, and on each face, at which residuals are looked at."""
CLIMBS = 3
"""Largest values from which a residual is followed uphill."""


@dataclass(frozen=True)
class Check:
    """An equation or a condition with the formulas put in.

    Attributes:
        text: as the user wrote it, and where.
        residual: what is left, simplified.
        is_zero: it is proved to be zero.
        numerically_zero: it is zero to 50 digits at random points.
        largest: its largest value that was found by sampling; 0 where it is proved.
    """

    text: str
    residual: sympy.Expr
    is_zero: bool
    numerically_zero: bool
    largest: float


@dataclass(frozen=True)
class Proof:
    """Whether formulas solve a problem.

    Attributes:
        proved: all residuals are proved to be zero, all numbers are exact and the formulas smooth.
        equations: inside the domain.
        conditions: on its boundary, those that periodic axes stand for included.
        sup_norm: the largest residual found; 0 where it is proved.
        obstacles: why it is no proof, in words; empty where it is one.
    """

    proved: bool
    equations: tuple[Check, ...]
    conditions: tuple[Check, ...]
    sup_norm: float
    obstacles: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The result in words."""
        if self.proved:
            return "PROVED: the formulas satisfy every equation and condition identically"
        return f"not proved ({'; '.join(self.obstacles)}); largest residual {self.sup_norm:.2g}, by sampling"


def prove(problem: Problem, formulas: Mapping[str, sympy.Expr], seconds: float = 20) -> Proof:
    """Put formulas into a problem's equations and conditions and simplify what is left.

    Args:
        problem: Without unknown constants; its decimal numbers are taken as what they say.
        formulas: By field name, in the coordinates.
        seconds: The most time for simplification, about.

    Returns:
        The proof, or the residuals.

    Raises:
        SettingsError: A field has no formula, or something else than coordinates is in one.
    """  # noqa: DOC502  raised by in_coordinates
    exprs = in_coordinates(problem, formulas)
    put = {field.function: exprs[field.name] for field in problem.fields}
    rounded = any(formula.has(sympy.Float) for formula in formulas.values())
    whole = len(problem.texts) == len(problem.equations)  # a complex equation is two real ones
    texts = problem.texts if whole else [f"{expr} = 0" for expr in problem.equations]
    residuals = [(text, _put(expr, put)) for text, expr in zip(texts, problem.equations, strict=True)]
    residuals += _conditions(problem, put)
    end, checks = time.monotonic() + seconds, []
    for position, (text, residual) in enumerate(residuals):
        share = max(end - time.monotonic(), 0.5) / (len(residuals) - position)
        checks.append(_check(problem, text, residual, share, rounded=rounded))
    obstacles = tuple(_obstacles(problem, exprs, checks, rounded=rounded))
    largest = max((check.largest for check in checks), default=0.0)
    count = len(problem.equations)
    return Proof(not obstacles, tuple(checks[:count]), tuple(checks[count:]), largest, obstacles)


def in_coordinates(problem: Problem, formulas: Mapping[str, sympy.Expr]) -> dict[str, sympy.Expr]:
    """Write formulas in the problem's own symbols.

    Args:
        problem: Without unknown constants.
        formulas: By field name.

    Returns:
        The same, by field name.

    Raises:
        SettingsError: A field has no formula, or something else than coordinates is in one.
    """
    if problem.unknowns:
        raise SettingsError("a problem with unknown constants cannot be proved: put their values in")
    own = {symbol.name: symbol for symbol in problem.symbols}
    found = {}
    for field in problem.fields:
        if field.name not in formulas:
            raise SettingsError(f"no formula for {field.name}: give one for each field")
        formula = formulas[field.name]
        strange = sorted({s.name for s in formula.free_symbols} - set(field.arguments))
        if strange:
            known = ", ".join(field.arguments)
            raise SettingsError(f"the formula for {field.name} holds {', '.join(strange)}, not only {known}")
        found[field.name] = formula.xreplace({s: own[s.name] for s in formula.free_symbols})
    return found


def _put(expr: sympy.Expr, put: Mapping[sympy.Expr, sympy.Expr]) -> sympy.Expr:
    return exact_numbers(expr).subs(put).doit()


def _conditions(problem: Problem, put: Mapping[sympy.Expr, sympy.Expr]) -> Iterator[tuple[str, sympy.Expr]]:
    """What must be zero on each part of the boundary, with where it is; nan where that cannot be said."""
    for condition in problem.conditions:
        whole = _put(condition.residual, put)
        found = patches(problem, condition.face)
        if found is None:
            yield f"{condition.text} on {condition.face.name}", sympy.nan
        for patch in found or []:
            yield f"{condition.text} at {patch.name}", patch.put_into(whole)
    for axis in sorted(problem.domain.periodic):
        symbol, (low, high) = sympy.Symbol(axis, real=True), problem.domain.limits[axis]
        for field in problem.fields:
            if axis in field.arguments:
                for order in range(max(1, _order(problem, field.function, symbol))):
                    value = put[field.function].diff(symbol, order) if order else put[field.function]
                    text = f"{field.name} has {axis} periodic" + (f", derivative {order}" if order else "")
                    yield text, value.subs(symbol, low) - value.subs(symbol, high)


def _order(problem: Problem, function: sympy.Expr, symbol: sympy.Symbol) -> int:
    """How many times the equations differentiate a field along a coordinate."""
    parts = {d for expr in problem.equations for d in expr.atoms(sympy.Derivative) if d.expr == function}
    return max((int(dict(d.variable_count).get(symbol, 0)) for d in parts), default=0)


def _ranges(problem: Problem, expr: sympy.Expr) -> dict[sympy.Symbol, tuple[float, float]]:
    """Low and high end of every symbol; those that are no coordinates run from 0 to 1."""
    bounds = {
        name: (float(a), float(b))
        for name, (a, b) in zip(problem.coordinates, problem.domain.bounds, strict=True)
    }
    return {s: bounds.get(s.name, (0.0, 1.0)) for s in sorted(expr.free_symbols, key=str)}


def _check(problem: Problem, text: str, residual: sympy.Expr, seconds: float, *, rounded: bool) -> Check:
    if residual.has(sympy.nan, sympy.zoo):
        return Check(text, residual, is_zero=False, numerically_zero=False, largest=float("nan"))
    if rounded:
        return Check(text, residual, residual == 0, residual == 0, _largest(problem, residual))
    zero = is_zero(residual, _ranges(problem, residual), seconds)
    size = 0.0 if zero.proved else _largest(problem, zero.simplified)
    return Check(text, zero.simplified, zero.proved, zero.numerically, size)


def _largest(problem: Problem, residual: sympy.Expr) -> float:
    """The largest absolute value of a residual: sampled, then followed uphill within the domain."""
    ranges = _ranges(problem, residual)
    function, bounds = compile_expr(residual, list(ranges)), np.array(list(ranges.values())).reshape(-1, 2)
    if not ranges:
        return abs(float(function()))
    whole = {s.name for s in ranges} == set(problem.coordinates)
    rng = np.random.default_rng(0)
    if whole:
        order = [problem.coordinates.index(s.name) for s in ranges]
        points = problem.domain.sample(POINTS, rng)[:, order]
    else:
        points = bounds[:, 0] + rng.random((POINTS, len(bounds))) * (bounds[:, 1] - bounds[:, 0])
    values = np.abs(function(*points.T))
    if not np.isfinite(values).any():
        return float("nan")
    largest = float(np.nanmax(values))

    def below(point: np.ndarray) -> float:
        inside = not whole or problem.domain.contains(point[np.argsort(order)][None])[0]
        value = float(np.abs(function(*point))) if inside else np.nan
        return -value if np.isfinite(value) else 0.0

    for start in np.argsort(np.nan_to_num(values))[-CLIMBS:]:
        found = scipy.optimize.minimize(below, points[start], method="Nelder-Mead", bounds=bounds)
        largest = max(largest, -float(found.fun))
    return largest


def _obstacles(
    problem: Problem, exprs: Mapping[str, sympy.Expr], checks: list[Check], *, rounded: bool
) -> Iterator[str]:
    """Why it is no proof."""
    if rounded:
        yield "the formulas hold decimal numbers"
    for check in checks:
        if not check.is_zero and check.residual.has(sympy.nan, sympy.zoo):
            yield f"{check.text}: cannot be looked at exactly"
        elif not check.is_zero and check.numerically_zero:
            yield f"{check.text}: zero to 50 digits at random points, but not simplified to 0"
        elif not check.is_zero and not rounded:
            yield f"{check.text}: not zero"
    for name, expr in exprs.items():
        if not _is_smooth(problem, expr):
            yield f"the formula for {name} is not proved smooth in the whole domain"


def _is_smooth(problem: Problem, expr: sympy.Expr) -> bool:
    """Whether a formula is proved finite and smooth: poles, jumps and kinks are outside of the domain."""
    low, high = problem.domain.bounds.T
    box = Box(problem.symbols, low, high)
    if not_understood(expr):
        return False
    outcomes = [decide(need, box) for need in needs(expr)]
    if all(outcome.verdict == "holds" for outcome in outcomes):
        return is_finite(expr, box)
    if problem.domain.is_box:
        return False
    # The box around a shape holds points that the shape does not: witnesses must be outside of it.
    failed = [outcome for outcome in outcomes if outcome.verdict != "holds"]
    return all(len(o.points) > 0 and not problem.domain.contains(o.points).any() for o in failed)
