"""Units of a problem's own, in which lengths, times, fields and equations are of order one.

Scales are powers of ten, so that formulas stay exact and readable; what is of order one stays as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import sympy

from kansci.pde.condition_forms import order_in, prescribed, unknowns_in
from kansci.pde.expansion import expanded
from kansci.pde.numeric import evaluate
from kansci.pde.problem import Condition, Face, Field, Observations, Problem, UnknownConstant
from kansci.pde.region import EXCEPT

__all__ = ["Scaling", "scaled"]

POINTS = 64
WIDTHS = (0.1, 50.0)
"""Of an interval that stays as it is."""
SIZES = (0.1, 10.0)
"""Of a field or constant that stays as it is."""
GUESSES = (0.01, 100.0)
"""Of a field whose size is only guessed from its equation."""
RESIDUALS = (0.1, 100.0)
"""Of an equation's largest coefficient."""
FAR = 100.0
"""An interval further from zero than so many widths is moved there."""


@dataclass(frozen=True, eq=False)
class Scaling:
    """A problem in its own units, and the way back.

    Attributes:
        problem: in its own units.
        shift: coordinate -> what is subtracted from it.
        scale: coordinate -> what it is divided by then.
        fields: field -> unit.
        constants: unknown constant -> unit.
        residuals: unit of each equation.
    """

    problem: Problem
    shift: Mapping[str, sympy.Expr]
    scale: Mapping[str, sympy.Expr]
    fields: Mapping[str, sympy.Expr]
    constants: Mapping[str, sympy.Expr]
    residuals: tuple[sympy.Expr, ...]

    @property
    def is_identity(self) -> bool:
        """Whether coordinates, fields and constants are as the user has them."""
        units = [*self.scale.values(), *self.fields.values(), *self.constants.values()]
        return all(unit == 1 for unit in units) and all(by == 0 for by in self.shift.values())

    def to_scaled(self, points: np.ndarray) -> np.ndarray:
        """Points (N, d) of the user in the problem's own units."""
        return (points - self._column(self.shift)) / self._column(self.scale)

    def to_user(self, points: np.ndarray) -> np.ndarray:
        """Points (N, d) in the problem's own units as the user has them."""
        return points * self._column(self.scale) + self._column(self.shift)

    def formula(self, field: str, expr: sympy.Expr) -> sympy.Expr:
        """A field's formula in the problem's own units as the user has it."""
        back = {_symbol(a): (_symbol(a) - self.shift[a]) / self.scale[a] for a in self.shift}
        return self.fields[field] * expr.xreplace(back)

    def _column(self, values: Mapping[str, sympy.Expr]) -> np.ndarray:
        return np.array([float(values[name]) for name in self.problem.coordinates])


def scaled(problem: Problem) -> Scaling:
    """Put a problem into units of its own.

    Args:
        problem: as the user states it, in SI units for example.

    Returns:
        The same problem for (x - shift) / scale, u / unit, constant / unit, residual / unit.
    """
    shift, scale = _coordinates(problem)
    constants = {unknown.name: _unit(abs(unknown.start), SIZES) for unknown in problem.unknowns}
    units = {field.name: _field_unit(problem, field) for field in problem.fields}
    change = _Change(problem, shift, scale, units, constants)
    equations = [change.residual(equation) for equation in problem.equations]
    domain = problem.domain.scaled(shift, scale)
    moved = replace(
        problem,
        domain=domain,
        equations=tuple(residual for residual, _ in equations),
        conditions=tuple(change.condition(condition) for condition in problem.conditions),
        unknowns=tuple(UnknownConstant(u.name, u.start / float(constants[u.name])) for u in problem.unknowns),
        observations=tuple(change.observations(observed) for observed in problem.observations),
        exact={
            name: change.expr(expr) / units.get(name, constants.get(name, sympy.S.One))
            for name, expr in problem.exact.items()
        },
    )
    return Scaling(moved, shift, scale, units, constants, tuple(unit for _, unit in equations))


class _Change:
    """How expressions look in the new units."""

    def __init__(
        self,
        problem: Problem,
        shift: Mapping[str, sympy.Expr],
        scale: Mapping[str, sympy.Expr],
        fields: Mapping[str, sympy.Expr],
        constants: Mapping[str, sympy.Expr],
    ) -> None:
        self.problem, self.shift, self.scale, self.fields = problem, shift, scale, fields
        self.names = {_symbol(a): shift[a] + scale[a] * _symbol(a) for a in problem.coordinates}
        self.names.update({_symbol(name): unit * _symbol(name) for name, unit in constants.items()})

    def expr(self, expr: sympy.Expr) -> sympy.Expr:
        """An expression, the values of fields and their derivatives in new units."""
        unknowns = {unknown: sympy.Dummy() for unknown in unknowns_in(expr)}
        flat = expr.xreplace(unknowns).xreplace(self.names)
        return flat.xreplace({dummy: self._unit(unknown) * unknown for unknown, dummy in unknowns.items()})

    def _unit(self, unknown: sympy.Expr) -> sympy.Expr:
        derived = isinstance(unknown, sympy.Derivative)
        function = unknown.expr if derived else unknown
        by = [self.scale[axis.name] for axis in unknown.variables] if derived else []
        return self.fields[function.func.__name__] / sympy.Mul(*by)

    def residual(self, residual: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
        """A residual with its largest coefficient of order one, and its unit."""
        axes = self.problem.coordinates
        changed = self.expr(residual)
        ones = dict.fromkeys(unknowns_in(changed), sympy.S.One)
        ones.update({s: sympy.S.One for s in changed.free_symbols if s.name not in axes})
        coefficients = [t.xreplace(ones) for t in sympy.Add.make_args(expanded(changed))]
        points = self.points(self.problem.domain.sample(POINTS, np.random.default_rng(0)))
        unit = _unit(max(_size(c, axes, points) for c in coefficients), RESIDUALS)
        if unit != 1:
            changed = sympy.Add(*(term / unit for term in sympy.Add.make_args(changed)))
        return changed, unit

    def points(self, points: np.ndarray) -> np.ndarray:
        """Points (N, d) in the new units."""
        axes = self.problem.coordinates
        shift, scale = (np.array([float(by[axis]) for axis in axes]) for by in (self.shift, self.scale))
        return (points - shift) / scale

    def condition(self, condition: Condition) -> Condition:
        """A condition on the same part of the boundary."""
        face, (residual, _) = condition.face, self.residual(condition.residual)
        if face.axis is not None:
            value = (face.value - float(self.shift[face.axis])) / float(self.scale[face.axis])
            ends = self.problem.domain.limits.get(face.axis, ())
            exact = [(end - self.shift[face.axis]) / self.scale[face.axis] for end in ends]
            value = min(map(float, exact), key=lambda end: abs(end - value), default=value)
            return replace(condition, face=replace(face, value=value), residual=residual)
        return replace(condition, face=Face(None, 0.0, self._part(face.name)), residual=residual)

    def _part(self, name: str) -> str:
        """The name of a part, which may hold places of planes."""
        if not name.startswith(EXCEPT):
            return name
        parts = []
        for part in name.removeprefix(EXCEPT).split(", "):
            axis, equals, value = part.partition(" = ")
            place = (float(value) - float(self.shift[axis])) / float(self.scale[axis]) if equals else 0.0
            parts.append(f"{axis} = {place!r}" if equals else part)
        return EXCEPT + ", ".join(parts)

    def observations(self, observed: Observations) -> Observations:
        """Measurements in the new units."""
        unit = float(self.fields[observed.field])
        sigma = None if observed.sigma is None else observed.sigma / unit
        return Observations(observed.field, self.points(observed.points), observed.values / unit, sigma)


def _symbol(name: str) -> sympy.Symbol:
    return sympy.Symbol(name, real=True)


def _unit(size: float, plain: tuple[float, float]) -> sympy.Expr:
    """The power of ten next to a size; 1 for what is plain enough, zero or no number."""
    if not np.isfinite(size) or size == 0 or plain[0] <= size <= plain[1]:
        return sympy.S.One
    return sympy.Integer(10) ** round(float(np.log10(size)))


def _coordinates(problem: Problem) -> tuple[dict[str, sympy.Expr], dict[str, sympy.Expr]]:
    """Shift and scale of every coordinate; the axes of a shape have one scale."""
    bounds = dict(zip(problem.coordinates, problem.domain.bounds, strict=True))
    free = problem.domain.limits
    shape = [float(np.ptp(bounds[a])) for a in bounds if a not in free]
    shift, scale = {}, {}
    for axis, (low, high) in bounds.items():
        width = float(high - low) if axis in free else max(shape)
        scale[axis] = _unit(width / 2, (WIDTHS[0] / 2, WIDTHS[1] / 2))
        far = max(abs(low), abs(high)) > FAR * width
        exact = free[axis][0] if axis in free else sympy.Rational(f"{low:.3g}")
        shift[axis] = exact if far else sympy.S.Zero
    return shift, scale


def _field_unit(problem: Problem, field: Field) -> sympy.Expr:
    """From prescribed and measured values; where these are zero, from the source of the equation."""
    sizes = [float(np.abs(o.values).max()) for o in problem.observations if o.field == field.name]
    for condition in problem.conditions:
        form = prescribed(condition, problem.fields, problem.coordinates)
        if form is not None and form.field == field.name and not form.axes:
            face = condition.face
            rng = np.random.default_rng(0)
            points = problem.domain.sample_face(face.axis, face.value, face.name, POINTS, rng)[0]
            sizes.append(_size(form.value, problem.coordinates, points))
    if max(sizes, default=0.0) == 0.0 and not field.sought:
        return _unit(_response(problem, field), GUESSES)
    return _unit(max(sizes), SIZES) if sizes else sympy.S.One


def _response(problem: Problem, field: Field) -> float:
    """Size of a field by its equation, for one half wave: source = sum of coefficient * (pi/width)^order."""
    points = problem.domain.sample(POINTS, np.random.default_rng(0))
    widths = dict(zip(problem.coordinates, np.ptp(problem.domain.bounds, axis=1), strict=True))
    for equation in problem.equations:
        unknowns = unknowns_in(equation)
        own = [u for u in unknowns if isinstance(u, sympy.Derivative) and u.expr.func.__name__ == field.name]
        if not own or max(order_in(equation, field.name, a) for a in problem.coordinates) == 0:
            continue
        rest = dict.fromkeys(unknowns, sympy.S.Zero)
        source = _size(equation.xreplace(rest), problem.coordinates, points)
        dummy = sympy.Dummy()
        weight = sum(
            _size(
                sympy.diff(equation.xreplace({u: dummy}), dummy).xreplace({dummy: sympy.S.Zero, **rest}),
                problem.coordinates,
                points,
            )
            * float(np.prod([np.pi / widths[axis.name] for axis in u.variables]))
            for u in own
        )
        if source > 0 and weight > 0:
            return source / weight
    return 0.0


def _size(expr: sympy.Expr, coordinates: tuple[str, ...], points: np.ndarray) -> float:
    """Largest finite absolute value on the points; 0 where there is none or a symbol is unknown."""
    if {symbol.name for symbol in expr.free_symbols} - set(coordinates):
        return 0.0
    values = np.abs(evaluate(expr, coordinates, points))
    return float(values[np.isfinite(values)].max(initial=0.0))
