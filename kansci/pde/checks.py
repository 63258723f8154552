"""What is wrong with a problem before anything is computed: conditions that are missing or contradict."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from kansci.errors import SettingsError
from kansci.pde.condition_forms import Prescribed, order_in, prescribed, unknowns_in
from kansci.pde.numeric import evaluate
from kansci.pde.problem import Condition, Face, Problem

__all__ = ["check", "corner_notes"]

POINTS = 32
TOLERANCE = 1e-8


def check(problem: Problem) -> None:
    """Refuse a problem that has no solution, or more than one, for a reason that can be seen.

    Raises:
        SettingsError: Conditions are missing or contradict each other.
    """  # noqa: DOC502  raised by what it calls
    _check_finite(problem)
    _check_contradictions(problem)
    _check_count(problem)
    if problem.observations or problem.unknowns or any(f.sought for f in problem.fields):
        return  # data may stand in for conditions
    if len(problem.coordinates) == 1:
        _check_ode(problem)
    elif len(problem.fields) == 1 == len(problem.equations):
        _check_axes(problem)
        _check_level(problem)


def _check_count(problem: Problem) -> None:
    """Fewer equations than functions leave one of them open."""
    solved = [field.name for field in problem.fields if not field.sought]
    if len(problem.equations) < len(solved):
        raise SettingsError(
            f"{len(solved)} unknown functions ({', '.join(solved)}) need as many equations, "
            f"{_count(problem.equations)}: known ones are parameters, those to be found from data are sought"
        )


def _check_finite(problem: Problem) -> None:
    """Prescribed values are real numbers all over their face."""
    for condition, form in _prescribed(problem):
        points = _on(problem, condition.face)
        wrong = ~np.isfinite(evaluate(form.value, problem.coordinates, points))
        if wrong.any():
            place = ", ".join(
                f"{a} = {v:.3g}" for a, v in zip(problem.coordinates, points[wrong][0], strict=True)
            )
            raise SettingsError(
                f"the condition '{condition.text}' on '{condition.face.name}' has no finite value at {place}"
            )


def _check_contradictions(problem: Problem) -> None:
    """Two conditions that prescribe the same quantity on one face must agree there."""
    given = list(_prescribed(problem))
    for (one, a), (other, b) in combinations(given, 2):
        if one.face == other.face and (a.field, a.axes) == (b.field, b.axes):
            points = _on(problem, one.face)
            gap = np.abs(evaluate(a.value - b.value, problem.coordinates, points)).max()
            if gap > TOLERANCE:
                raise SettingsError(
                    f"conditions on '{one.face.name}' contradict: '{one.text}' and '{other.text}' "
                    f"differ by {gap:.2g}"
                )


def corner_notes(problem: Problem) -> tuple[str, ...]:
    """Say where values prescribed on two faces do not meet: allowed, but the solution jumps there."""
    if not problem.domain.is_box:
        return ()
    given = [(c, p) for c, p in _prescribed(problem) if not p.axes and c.face.axis is not None]
    notes = []
    for (one, a), (other, b) in combinations(given, 2):
        if a.field != b.field or one.face.axis == other.face.axis:
            continue
        points = _on(problem, one.face)
        points[:, problem.coordinates.index(str(other.face.axis))] = other.face.value
        gap = np.abs(evaluate(a.value - b.value, problem.coordinates, points)).max()
        if gap > TOLERANCE:
            notes.append(
                f"'{one.text}' on {one.face.name} and '{other.text}' on {other.face.name} differ by {gap:.2g}"
            )
    return tuple(notes)


def _prescribed(problem: Problem) -> Iterator[tuple[Condition, Prescribed]]:
    for condition in problem.conditions:
        form = prescribed(condition, problem.fields, problem.coordinates)
        if form is not None:
            yield condition, form


def _on(problem: Problem, face: Face) -> np.ndarray:
    rng = np.random.default_rng(0)
    return problem.domain.sample_face(face.axis, face.value, face.name, POINTS, rng)[0]


def _check_ode(problem: Problem) -> None:
    """A system of ordinary equations needs as many conditions as its fields have orders together."""
    axis = problem.coordinates[0]
    if axis in problem.domain.periodic or any(_singular(e, axis) for e in problem.equations):
        return
    needed = sum(max(order_in(e, f.name, axis) for e in problem.equations) for f in problem.fields)
    if len(problem.conditions) < needed:
        raise SettingsError(
            f"{needed} conditions are needed (orders of the derivatives in {axis}), "
            f"{_count(problem.conditions)}"
        )


def _count(given: Sequence[object]) -> str:
    return f"{len(given) or 'none'} {'is' if len(given) < 2 else 'are'} given"


def _check_axes(problem: Problem) -> None:
    """A single equation of order m along an axis needs m conditions at its two ends.

    Of order 1 in space it may need none: the sense of the flow decides.

    Raises:
        SettingsError: There are fewer.
    """
    equation, name = problem.equations[0], problem.fields[0].name
    around = [c for c in problem.conditions if c.face.axis is None or c.face.axis != problem.time]
    for axis in problem.coordinates:
        order = order_in(equation, name, axis)
        if (
            order < (1 if axis == problem.time else 2)
            or axis in problem.domain.periodic
            or _singular(equation, axis)
        ):
            continue
        here = [c for c in problem.conditions if c.face.axis == axis]
        in_shape = not problem.domain.is_box and axis != problem.time
        needed, found = (1, around) if in_shape else (order, here)
        if len(found) < needed:
            where = "the boundary" if in_shape else f"the ends of {axis}"
            raise SettingsError(
                f"the equation has order {order} in {axis}: {needed} condition{'s'[: needed - 1]} at {where} "
                f"needed, {_count(found)}"
            )
    if not problem.conditions and len(problem.domain.periodic) < len(problem.coordinates):
        raise SettingsError("no condition is given: say what holds on the boundary")


def _singular(equation: sympy.Expr, axis: str) -> bool:
    """Whether a coefficient is singular along the axis, as 1/r is: regularity is a condition then."""
    symbol = sympy.Symbol(axis, real=True)
    flat = equation.xreplace({u: sympy.Dummy() for u in unknowns_in(equation)})
    return any(p.exp.is_negative and p.base.has(symbol) for p in flat.atoms(sympy.Pow))


def _check_level(problem: Problem) -> None:
    """Derivatives alone leave the additive constant open."""
    expressions = [*problem.equations, *(c.residual for c in problem.conditions)]
    if not any(isinstance(u, AppliedUndef) for e in expressions for u in unknowns_in(e)):
        name = problem.fields[0].name
        raise SettingsError(
            f"only derivatives of {name} occur, so {name} is open up to a constant: give a value"
        )
