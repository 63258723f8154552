"""The equations of a problem as numpy functions of its fields' derivatives."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
import sympy
from scipy import sparse
from sympy.core.function import AppliedUndef

from kansci.pde.problem import Condition, Face, Problem

__all__ = [
    "Clock",
    "Compiled",
    "Implicit",
    "Level",
    "NotApplicableError",
    "System",
    "Term",
    "compiled",
    "on_face",
    "solved_for",
]

MODULES = ("numpy", "scipy")


class NotApplicableError(Exception):
    """No classical method of ours solves the problem; the message says why."""


@dataclass(frozen=True)
class Clock:
    """When to stop, in seconds of `time.monotonic`."""

    end: float

    @classmethod
    def of(cls, seconds: float) -> "Clock":
        """A clock that runs out after so many seconds."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.end - time.monotonic()

    def check(self) -> None:
        """Stop the work when the time is up.

        Raises:
            NotApplicableError: The time is up.
        """
        if self.left < 0:
            raise NotApplicableError("the time was too short for the classical solver")


@dataclass(frozen=True, eq=False)
class Level:
    """The solution at one resolution: values (N, fields) at the points, in words, and the seconds it took."""

    values: np.ndarray
    resolution: str
    seconds: float


class Implicit(Protocol):
    """Equations F(t, y, y') = 0, as many as unknowns.

    Attributes:
        slices: where the values of each state stand in y.
    """

    slices: dict[tuple[int, int], slice]

    def residual(self, times: np.ndarray, y: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """F, shape (n, S), for y and y' of that shape at times (S,)."""

    def slopes(self, at: float, y: np.ndarray, dy: np.ndarray) -> tuple[sparse.csc_array, sparse.csc_array]:
        """The derivatives of F with respect to y and y', each (n, n), for y and y' of shape (n,)."""


class Term(NamedTuple):
    """A derivative of a field: the field's index and the orders (d,) along the coordinates."""

    field: int
    orders: tuple[int, ...]


@dataclass(frozen=True)
class Compiled:
    """Equations as numpy functions.

    Attributes:
        terms: the T derivatives of fields that occur.
        residual: of points (N, d) and values of the terms (T, N); gives (E, N).
        slopes: the derivatives of the residuals with respect to the terms, (E, T, N).
        expressions: the residuals with `dummies` for the terms.
        dummies: a symbol for each term.
    """

    terms: tuple[Term, ...]
    residual: Callable[[np.ndarray, np.ndarray], np.ndarray]
    slopes: Callable[[np.ndarray, np.ndarray], np.ndarray]
    expressions: tuple[sympy.Expr, ...]
    dummies: tuple[sympy.Symbol, ...]


def compiled(problem: Problem, residuals: Sequence[sympy.Expr]) -> Compiled:
    """Turn residuals in the fields of a problem into numpy functions.

    Args:
        problem: Whose fields and coordinates the residuals use.
        residuals: Zero where an equation holds.

    Returns:
        The functions.

    Raises:
        NotApplicableError: A residual holds something else than derivatives of the fields at the point.
    """
    residuals = [residual.doit() for residual in residuals]
    parts = sorted(
        {part for r in residuals for part in r.atoms(sympy.Derivative, AppliedUndef)},
        key=sympy.default_sort_key,
    )
    terms = tuple(_term(problem, part) for part in parts)
    dummies = tuple(sympy.Dummy(f"d{k}", real=True) for k in range(len(parts)))
    names = dict(zip(parts, dummies, strict=True))
    expressions = tuple(residual.xreplace(names) for residual in residuals)
    known = {*problem.symbols, *dummies}
    unknown = {str(s) for e in expressions for s in e.free_symbols - known}
    if unknown:
        raise NotApplicableError(f"unknown constants: {', '.join(sorted(unknown))}")
    slopes = [[sympy.diff(e, dummy) for dummy in dummies] for e in expressions]
    arguments = [*problem.symbols, *dummies]
    return Compiled(
        terms,
        _arrays(arguments, list(expressions), (len(expressions),)),
        _arrays(arguments, [s for row in slopes for s in row], (len(expressions), len(terms))),
        expressions,
        dummies,
    )


def _arrays(
    arguments: list[sympy.Symbol], expressions: list[sympy.Expr], shape: tuple[int, ...]
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    raw = sympy.lambdify(arguments, expressions, modules=MODULES, cse=True)

    def evaluate(points: np.ndarray, values: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            found = raw(*points.T, *values)
        result = np.empty((len(expressions), len(points)))
        for k, value in enumerate(found):
            result[k] = value
        return result.reshape(*shape, len(points))

    return evaluate


def _term(problem: Problem, part: sympy.Expr) -> Term:
    function = part.expr if isinstance(part, sympy.Derivative) else part
    for index, field in enumerate(problem.fields):
        if function == field.function:
            if field.sought or set(field.arguments) != set(problem.coordinates):
                raise NotApplicableError(
                    f"{field.name} is not a function of all coordinates to be solved for"
                )
            counts = {str(s): int(n) for s, n in getattr(part, "variable_count", ())}
            return Term(index, tuple(counts.get(name, 0) for name in problem.coordinates))
    raise NotApplicableError(f"{part} is not a field at the point itself")


def on_face(problem: Problem, condition: Condition) -> sympy.Expr:
    """The residual of a condition on an end of an axis, with numbers for the outward normal there."""
    axis = condition.face.axis
    low = axis is not None and _is_low(problem, axis, condition.face.value)
    normals = {
        symbol: sympy.Integer((-1 if low else 1) if str(symbol) == f"normal_{axis}" else 0)
        for symbol in condition.residual.free_symbols
        if str(symbol).startswith("normal_")
    }
    return condition.residual.xreplace(normals)


def _is_low(problem: Problem, axis: str, value: float) -> bool:
    low, high = problem.domain.bounds[problem.coordinates.index(axis)]
    return abs(value - low) < abs(value - high)


@dataclass(frozen=True, eq=False)
class System:
    """A problem on a box, first order in time: which orders and which states there are.

    Attributes:
        problem: as stated.
    """

    problem: Problem

    @cached_property
    def equations(self) -> Compiled:
        """The equations inside the domain."""
        problem = self.problem
        if len(problem.equations) != len(problem.fields):
            raise NotApplicableError(f"{len(problem.equations)} equations for {len(problem.fields)} fields")
        return compiled(problem, problem.equations)

    @property
    def time(self) -> int | None:
        """The position of time among the coordinates."""
        return None if self.problem.time is None else self.problem.coordinates.index(self.problem.time)

    @property
    def space(self) -> tuple[int, ...]:
        """The positions of the other coordinates."""
        return tuple(k for k in range(len(self.problem.coordinates)) if k != self.time)

    def order(self, field: int, coordinate: int) -> int:
        """The highest derivative of a field along a coordinate in the equations."""
        return max((t.orders[coordinate] for t in self.equations.terms if t.field == field), default=0)

    @cached_property
    def time_orders(self) -> tuple[int, ...]:
        """For each field how many times it is differentiated in time."""
        return tuple(
            0 if self.time is None else self.order(f, self.time) for f in range(len(self.problem.fields))
        )

    @cached_property
    def space_orders(self) -> tuple[tuple[int, ...], ...]:
        """For each field the orders along the axes of space."""
        return tuple(tuple(self.order(f, k) for k in self.space) for f in range(len(self.problem.fields)))

    @cached_property
    def states(self) -> tuple[tuple[int, int], ...]:
        """Fields and those of their time derivatives that have initial values, as (field, order)."""
        return tuple((f, j) for f, q in enumerate(self.time_orders) for j in range(max(q, 1)))

    def conditions(self, coordinate: int) -> list[Condition]:
        """Those on the two ends of a coordinate; one on the whole boundary of space holds on both."""
        name, bounds = self.problem.coordinates[coordinate], self.problem.domain.bounds[coordinate]
        found = [c for c in self.problem.conditions if c.face.axis == name]
        whole = [c for c in self.problem.conditions if c.face.axis is None and coordinate != self.time]
        faces = [Face(name, float(end), f"{name} = {end:g}") for end in bounds]
        return found + [replace(c, face=face) for c in whole for face in faces]

    def initial(self) -> dict[tuple[int, int], sympy.Expr]:
        """The initial value of each state, in the coordinates of space.

        Raises:
            NotApplicableError: The conditions do not give each state an initial value.
        """
        problem, time_name = self.problem, self.problem.time
        symbol = sympy.Symbol(str(time_name), real=True)
        start = problem.domain.bounds[problem.coordinates.index(str(time_name))][0]
        parts = {
            sympy.Derivative(problem.fields[f].function, (symbol, j)) if j else problem.fields[f].function: (
                f,
                j,
            )
            for f, j in self.states
            if self.time_orders[f]
        }
        stand_ins = {part: sympy.Dummy(str(part), real=True) for part in parts}
        found: dict[sympy.Basic, sympy.Expr] = {}
        for condition in self.conditions(problem.coordinates.index(str(time_name))):
            if abs(condition.face.value - start) > 1e-12 * (1 + abs(start)):
                raise NotApplicableError(f"a condition at {condition.face.name}, not at the start")
            residual = condition.residual.doit().xreplace(stand_ins).xreplace(found)
            for dummy in stand_ins.values():
                value = solved_for(residual, dummy)
                if value is not None and dummy not in found:
                    found[dummy] = value.subs(symbol, sympy.Float(start))
                    break
        missing = [str(part) for part, dummy in stand_ins.items() if dummy not in found]
        if missing:
            raise NotApplicableError(f"no explicit initial condition for {', '.join(missing)}")
        return {parts[part]: found[dummy] for part, dummy in stand_ins.items()}


def solved_for(residual: sympy.Expr, dummy: sympy.Symbol) -> sympy.Expr | None:
    """A residual, linear in a symbol, solved for it; None if it is not, or holds fields or other symbols."""
    slope = sympy.diff(residual, dummy)
    if slope == 0 or slope.has(dummy):
        return None
    value = -residual.subs(dummy, 0) / slope
    return None if value.atoms(AppliedUndef) or value.atoms(sympy.Dummy) else value
