"""How far an approximate solution is from the exact one, by the maximum principle.

For linear elliptic and parabolic equations with given boundary values the error e solves the equation with
the residual on the right. With a_kk >= a > 0, |b_k| <= b and a zero-order coefficient that is not positive,
the barriers w(x_k) of Gilbarg & Trudinger (Elliptic Partial Differential Equations of Second Order, theorem
3.7) give |e| <= max |e on the boundary| + C max |residual|, where C = d^2 / (8 a) for b = 0, d the width; in
time |e(t)| <= max |e at the start and on the boundary| + t max |residual| (Protter & Weinberger, Maximum
Principles in Differential Equations, chapter 3).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import scipy.optimize
import sympy

from kansci.pde.problem import Condition, Problem
from kansci.pde.reference.system import Compiled, NotApplicableError, compiled
from kansci.solution.enclosure import Range, value_range
from kansci.solution.faces import patches
from kansci.solution.prove import in_coordinates
from kansci.solution.zero import exact_numbers
from kansci.symbolic.simplify import attempt

__all__ = ["Bound", "error_bound"]

SAMPLES = 20_000
"""Points at which a residual that is no formula is looked at."""
SIMPLIFY = 3.0
"""The most seconds for one simplification."""
Residual = Callable[[np.ndarray], np.ndarray]
ConditionResidual = Callable[[Condition, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Bound:
    """A bound of |u - exact| in the whole domain.

    Attributes:
        value: None where theory gives none.
        how: the argument, or why there is none.
        rigorous: every number in it is proved by interval arithmetic; else residuals were sampled.
    """

    value: float | None
    how: str
    rigorous: bool


@dataclass(frozen=True)
class _Operator:
    """sign * residual = -rate u_t + sum a_ij u_ij + sum b_i u_i + c u - f, coefficients as ranges."""

    rate: Range | None
    second: Mapping[tuple[int, int], Range]
    first: Mapping[int, Range]
    zero: Range

    @property
    def rigorous(self) -> bool:
        ranges = [*self.second.values(), *self.first.values(), self.zero]
        return all(r.rigorous for r in ranges) and (self.rate is None or self.rate.rigorous)


def error_bound(
    problem: Problem,
    *,
    formula: sympy.Expr | None = None,
    residual: Residual | None = None,
    conditions: ConditionResidual | None = None,
) -> Bound:
    """Bound the error of an approximate solution, given as a formula or by its residuals.

    Args:
        problem: With one field and one equation.
        formula: The approximate solution.
        residual: Instead of it, the residual (N,) of the equation at points (N, d) in the domain.
        conditions: The residual (N,) of a condition at points (N, d) on its face with outward normals (N, d);
            None where all conditions are met exactly.

    Returns:
        The bound; its value is None where the maximum principle does not apply.
    """
    try:
        operator = _operator(problem)
        scales = [_dirichlet(problem, condition) for condition in problem.conditions]
    except NotApplicableError as reason:
        return Bound(None, str(reason), rigorous=False)
    if formula is not None:
        inside, outside = _of_formula(problem, formula, scales)
    else:
        inside, outside = _sampled(problem, residual, conditions, scales)
    options, why_none = _stability(problem, operator)
    if not options:
        return Bound(None, why_none, rigorous=False)
    value, growth, factor, how = min((g * outside.high + c * inside.high, g, c, how) for g, c, how in options)
    if not math.isfinite(value):
        return Bound(None, "the residual is not finite, or not given", rigorous=False)
    rigorous = inside.rigorous and outside.rigorous and operator.rigorous
    text = f"maximum principle: {growth:.4g} * {outside.high:.3g} (conditions)"
    text += f" + {factor:.4g} * {inside.high:.3g} (residual), {how}; residuals "
    return Bound(value, text + ("enclosed by intervals" if rigorous else "sampled"), rigorous)


def _operator(problem: Problem) -> _Operator:
    """The ranges of the coefficients.

    Raises:
        NotApplicableError: The equation is not of the kinds that the maximum principle is known for.
    """
    if len(problem.fields) != 1 or len(problem.equations) != 1:
        raise NotApplicableError("the maximum principle is for one equation in one field")
    equation = compiled(problem, [exact_numbers(problem.equations[0])])
    slopes = _slopes(equation)
    if problem.time is not None and not any(orders[_time(problem)] for orders in slopes):
        raise NotApplicableError("the equation holds no derivative in time")
    ranges = {orders: _range(problem, slope) for orders, slope in slopes.items()}
    second, first, zero, rate = {}, {}, Range(0.0, 0.0, rigorous=True), None
    for orders, found in ranges.items():
        axes = [k for k, n in enumerate(orders) for _ in range(n)]
        if len(axes) > 2 or (len(axes) == 2 and problem.time is not None and _time(problem) in axes):
            raise NotApplicableError("the equation is neither elliptic nor parabolic of second order")
        if len(axes) == 2:
            second[axes[0], axes[1]] = found
        elif axes and problem.time is not None and axes[0] == _time(problem):
            rate = found
        elif axes:
            first[axes[0]] = found
        else:
            zero = found
    sign = _sign(second, rate, problem)
    return _Operator(
        None if rate is None else _times(rate, -sign),
        {key: _times(r, sign) for key, r in second.items()},
        {key: _times(r, sign) for key, r in first.items()},
        _times(zero, sign),
    )


def _slopes(equation: Compiled) -> dict[tuple[int, ...], sympy.Expr]:
    """The coefficient of each derivative.

    Raises:
        NotApplicableError: The equation is not linear.
    """
    found = {}
    for dummy, term in zip(equation.dummies, equation.terms, strict=True):
        slope = _shorter(sympy.diff(equation.expressions[0], dummy))
        if slope.has(*equation.dummies):
            raise NotApplicableError("the equation is not linear")
        if slope != 0:
            found[term.orders] = slope
    return found


def _time(problem: Problem) -> int:
    return problem.coordinates.index(str(problem.time))


def _range(problem: Problem, expr: sympy.Expr) -> Range:
    bounds = {
        s: (float(a), float(b)) for s, (a, b) in zip(problem.symbols, problem.domain.bounds, strict=True)
    }
    return value_range(expr, bounds | dict.fromkeys(expr.free_symbols - set(bounds), (0.0, 1.0)))


def _times(r: Range, sign: int) -> Range:
    return r if sign > 0 else Range(-r.high, -r.low, r.rigorous)


def _sign(second: Mapping[tuple[int, int], Range], rate: Range | None, problem: Problem) -> int:
    """1 or -1, by which the second-order part becomes positive.

    Raises:
        NotApplicableError: It is neither positive nor negative.
    """
    space = [k for k, name in enumerate(problem.coordinates) if name != problem.time]
    for sign in (1, -1):
        turned = {key: _times(r, sign) for key, r in second.items()}
        forward = rate is None or (_times(rate, -sign).low > 0)
        if turned and forward and all(_excess(turned, k) >= 0 for k in space):
            return sign
    raise NotApplicableError("the equation is neither elliptic nor parabolic in the direction of time")


def _excess(second: Mapping[tuple[int, int], Range], k: int) -> float:
    """How much a_kk exceeds the other entries of its row (a_ij u_ij + a_ji u_ij: each gets half)."""
    mixed = sum(0.5 * r.largest for key, r in second.items() if k in key and key != (k, k))
    return second[k, k].low - mixed if (k, k) in second else -mixed


def _dirichlet(problem: Problem, condition: Condition) -> float:
    """The factor by which an error of the field exceeds the residual of a condition.

    Raises:
        NotApplicableError: The condition does not give the values of the field.
    """
    if any(s.name.startswith("normal_") for s in condition.residual.free_symbols):
        raise NotApplicableError(f"the condition {condition.text} does not give the values of the field")
    equation = compiled(problem, [exact_numbers(condition.residual)])
    slopes = _slopes(equation)
    if any(sum(orders) for orders in slopes) or len(slopes) != 1:
        raise NotApplicableError(f"the condition {condition.text} does not give the values of the field")
    ((_, slope),) = slopes.items()
    if not slope.is_number:
        raise NotApplicableError(f"the condition {condition.text} has a coefficient that is not constant")
    return 1 / abs(float(slope))


def _stability(problem: Problem, operator: _Operator) -> tuple[list[tuple[float, float, str]], str]:
    """All G and C of |e| <= G max |e on the boundary| + C max |residual|; why if there are none."""
    options, reason = [], "no axis has conditions at both of its ends"
    source = operator.zero.high
    if source < 0:
        options.append((1.0, -1 / source, "from the zero-order term"))
    for k, name in enumerate(problem.coordinates):
        if name in problem.domain.periodic or (k, k) not in operator.second or operator.second[k, k].low <= 0:
            continue
        low, high = problem.domain.bounds[k]
        first = operator.first[k].largest if k in operator.first else 0.0
        factor = _barrier(float(high - low), operator.second[k, k].low, first)
        left = 1 - max(source, 0.0) * factor  # Gilbarg & Trudinger, corollary 3.8
        if left > 0:
            options.append((1 / left, factor / left, f"from the width {high - low:g} along {name}"))
        elif operator.rate is None:
            reason = "the zero-order term is too large for a maximum principle"
    if operator.rate is not None:
        low, high = problem.domain.bounds[_time(problem)]
        grows, span = max(source, 0.0) / operator.rate.low, float(high - low)
        spread = math.expm1(grows * span) / grows if grows else span
        options.append((math.exp(grows * span), spread / operator.rate.low, f"from the time {span:g}"))
    return options, reason


def _barrier(width: float, second: float, first: float) -> float:
    """The largest value of the barrier for a'' >= second, |b| <= first in an interval of this width.

    w = (exp(s d) - exp(s x)) / (s (s a - b)) for the best s > b / a, and the parabola for b = 0.
    """
    if first == 0:
        return width**2 / (8 * second)

    def largest(log_excess: float) -> float:
        excess = math.exp(log_excess)
        s = first / second + excess
        return math.expm1(min(s * width, 700.0)) / (s * second * excess)

    found = scipy.optimize.minimize_scalar(largest, bounds=(-12.0, 12.0), method="bounded")
    return float(found.fun)


def _of_formula(problem: Problem, formula: sympy.Expr, scales: list[float]) -> tuple[Range, Range]:
    """Ranges of the absolute residual inside, and of the errors on the boundary."""
    own = exact_numbers(in_coordinates(problem, {problem.fields[0].name: formula})[problem.fields[0].name])
    put = {problem.fields[0].function: own}
    inside = _range(problem, _shorter(exact_numbers(problem.equations[0]).subs(put).doit()))
    found = []
    for condition, scale in zip(problem.conditions, scales, strict=True):
        expr = exact_numbers(condition.residual).subs(put).doit()
        for patch in patches(problem, condition.face) or []:
            part = _range(problem, _shorter(patch.put_into(expr)))
            found.append(Range(0.0, scale * part.largest, part.rigorous))
    for axis in problem.domain.periodic:
        symbol, (low, high) = sympy.Symbol(axis, real=True), problem.domain.limits[axis]
        for expr in (own, own.diff(symbol)):
            if _shorter(expr.subs(symbol, low) - expr.subs(symbol, high)) != 0:
                found.append(Range(0.0, math.inf, rigorous=False))
    return Range(0.0, inside.largest, inside.rigorous), _union(found)


def _sampled(
    problem: Problem, residual: Residual | None, conditions: ConditionResidual | None, scales: list[float]
) -> tuple[Range, Range]:
    """The same by sampling."""
    rng = np.random.default_rng(0)
    inside = (
        math.inf if residual is None else float(np.abs(residual(problem.domain.sample(SAMPLES, rng))).max())
    )
    found = []
    for condition, scale in zip(problem.conditions, scales, strict=True):
        if conditions is not None:
            face = condition.face
            points, normals = problem.domain.sample_face(face.axis, face.value, face.name, SAMPLES, rng)
            size = float(np.abs(conditions(condition, points, normals)).max())
            found.append(Range(0.0, scale * size, rigorous=False))
    return Range(0.0, inside, rigorous=False), _union(found)


def _shorter(expr: sympy.Expr) -> sympy.Expr:
    """The expression simplified, if that does not take long."""
    return attempt(sympy.simplify, expr, SIMPLIFY)


def _union(ranges: list[Range]) -> Range:
    return Range(0.0, max((r.high for r in ranges), default=0.0), all(r.rigorous for r in ranges))
