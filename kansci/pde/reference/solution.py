"""A classical solution of a problem at given points, with an estimate of its error."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kansci.pde.problem import Problem
from kansci.pde.reference.fourier import fourier_levels
from kansci.pde.reference.ode import ode_levels
from kansci.pde.reference.shapes import shape_levels
from kansci.pde.reference.spline_levels import spline_levels
from kansci.pde.reference.system import Clock, Level, NotApplicableError, System
from kansci.symbolic.parametric import compile_expr

__all__ = ["Reference", "reference_solution"]

MOST_SPACE_AXES = 3
TOLERANCE = 1e-10
"""Difference of two resolutions, of the field's largest value, that is small enough."""


@dataclass(frozen=True, eq=False)
class Reference:
    """A solution that is not a network's.

    Attributes:
        values: at the points, (N, fields); None where no method of ours applies.
        method: in words.
        seconds: that it took.
        error: the largest difference between the last two resolutions; nan if there was only one.
        resolution: the last one, in words.
        reason: why there are no values.
    """

    values: np.ndarray | None
    method: str
    seconds: float
    error: float = float("nan")
    resolution: str = ""
    reason: str = ""


def reference_solution(problem: Problem, points: np.ndarray, *, seconds: float = 60) -> Reference:
    """Solve a problem by classical means: its exact solution, or numerically at rising resolutions.

    Args:
        problem: Any; known constants put in.
        points: Where, shape (N, d).
        seconds: About how long it may take.

    Returns:
        The values; without them, the reason.
    """
    begin, clock = time.monotonic(), Clock.of(seconds)
    points = np.asarray(points, dtype=float)
    if all(field.name in problem.exact for field in problem.fields):
        values = _exact(problem, points)
        return Reference(values, "exact", time.monotonic() - begin, 0.0)
    method, found, error = "", None, float("nan")
    try:
        method, levels = _method(problem, points, clock)
        for level in levels:
            if found is not None:
                error = float(np.abs(level.values - found.values).max())
            found = level
            if error <= TOLERANCE * np.abs(level.values).max():
                break
    except NotApplicableError as reason:
        if found is None:
            return Reference(None, method, time.monotonic() - begin, reason=str(reason))
    if found is None or not np.isfinite(found.values).all():
        return Reference(
            None, method, time.monotonic() - begin, reason="the discrete equations have no solution"
        )
    return Reference(found.values, method, time.monotonic() - begin, error, found.resolution)


def _exact(problem: Problem, points: np.ndarray) -> np.ndarray:
    """The exact solution (N, fields) at points (N, d)."""
    values = np.empty((len(points), len(problem.fields)))
    for k, field in enumerate(problem.fields):
        values[:, k] = compile_expr(problem.exact[field.name], problem.symbols)(*points.T)
    return values


def _method(problem: Problem, points: np.ndarray, clock: Clock) -> tuple[str, Iterator[Level]]:
    """The name of the method that fits, and its solutions at rising resolutions."""
    if problem.unknowns or any(field.sought for field in problem.fields):
        raise NotApplicableError("the problem has unknown constants or coefficients")
    system = System(problem)
    if not problem.domain.is_box:
        return shape_levels(system, points, clock)
    if len(system.space) > MOST_SPACE_AXES:
        raise NotApplicableError(f"more than {MOST_SPACE_AXES} axes of space")
    for method in (ode_levels, fourier_levels):
        found = method(system, points, clock)
        if found is not None:
            return found
    return spline_levels(system, points, clock)
