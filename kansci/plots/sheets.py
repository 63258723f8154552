"""Where in a domain a solution is drawn: along lines and on planes, the other coordinates held fixed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kansci.pde.problem import Problem
from kansci.plots.style import symbol

__all__ = ["Sheet", "maps", "moments", "profiles"]

LINE, PLANE, SHAPE, COARSE = 401, 161, 301, 81
"""Points along each axis: of a line, of a plane, of a plane through a shape, of one that is dear."""
SLICES = (0.0, 0.5, 1.0)
CUTS = (0.15, 0.45, 0.7)
"""Not symmetric: symmetric ones often show the same line twice."""
TIMES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, eq=False)
class Sheet:
    """Points on a line or a plane through the domain.

    Attributes:
        axes: coordinates that vary, the horizontal one first.
        lines: their values.
        points: shape (N, d), the first axis fastest.
        inside: which of them are in the domain, (N,).
        caption: what is held fixed, for example "$t$ = 0.5".
        middle: which coordinates are held in the middle of their ranges; empty if none.
    """

    axes: tuple[str, ...]
    lines: tuple[np.ndarray, ...]
    points: np.ndarray
    inside: np.ndarray
    caption: str
    middle: str = ""

    def on_grid(self, values: np.ndarray) -> np.ndarray:
        """Values at the points inside, (n,), as (len(vertical), len(horizontal)); nan outside."""
        grid = np.full(len(self.points), np.nan)
        grid[self.inside] = values
        return grid.reshape([len(line) for line in reversed(self.lines)])


def maps(problem: Problem, arguments: Sequence[str], *, coarse: bool = False) -> tuple[Sheet, ...]:
    """Planes that show a function of some coordinates; a line where it has only one.

    Args:
        problem: with its domain.
        arguments: coordinates that the function depends on.
        coarse: fewer points.

    Returns:
        One plane for two coordinates (time to the right), three slices for more.
    """
    if len(arguments) == 1:
        return (_sheet(problem, tuple(arguments), {}),)
    count = COARSE if coarse else PLANE if problem.domain.is_box else SHAPE
    space = [axis for axis in arguments if axis != problem.time]
    if len(arguments) == 2:
        axes = (problem.time, space[0]) if len(space) == 1 and problem.time else (space[0], space[1])
        return (_sheet(problem, axes, {}, count),)
    timed = problem.time in arguments
    slid = str(problem.time) if timed else space[2]
    shown, shares = (space[0], space[1]), SLICES if timed else CUTS
    return tuple(_sheet(problem, shown, {slid: value}, count) for value in _values(problem, slid, shares))


def profiles(problem: Problem, arguments: Sequence[str]) -> tuple[Sheet, ...]:
    """Lines along the first coordinate of space, at some times or at some values of the second.

    Args:
        problem: with its domain.
        arguments: coordinates that the function depends on.

    Returns:
        The lines; a single one for a function of one coordinate.
    """
    if len(arguments) == 1:
        return (_sheet(problem, tuple(arguments), {}),)
    space = [axis for axis in arguments if axis != problem.time]
    timed = problem.time in arguments
    held = str(problem.time) if timed else space[1]
    shares = TIMES if timed else CUTS
    return tuple(_sheet(problem, (space[0],), {held: value}) for value in _values(problem, held, shares))


def moments(problem: Problem, arguments: Sequence[str], times: np.ndarray) -> tuple[Sheet, ...]:
    """The domain's space at every one of some times: lines for one coordinate of space, else planes."""
    space = tuple(axis for axis in arguments if axis != problem.time)
    return tuple(
        _sheet(problem, space[:2], {str(problem.time): value}, LINE if len(space) == 1 else PLANE)
        for value in times
    )


def _values(problem: Problem, axis: str, shares: Sequence[float]) -> list[float]:
    low, high = problem.domain.bounds[problem.coordinates.index(axis)]
    return [low + share * (high - low) for share in shares]


def _sheet(problem: Problem, axes: tuple[str, ...], held: Mapping[str, float], count: int = LINE) -> Sheet:
    bounds = dict(zip(problem.coordinates, problem.domain.bounds, strict=True))
    lines = tuple(np.linspace(bounds[axis][0], bounds[axis][1], count) for axis in axes)
    grids = np.meshgrid(*lines)
    points = np.empty((grids[0].size, len(problem.coordinates)))
    for k, name in enumerate(problem.coordinates):
        middle = held.get(name, bounds[name].mean())
        points[:, k] = grids[axes.index(name)].ravel() if name in axes else middle
    caption = ", ".join(f"{symbol(name)} = {value:.3g}" for name, value in held.items())
    rest = [name for name in bounds if name not in (*axes, *held)]
    where = f"{symbol(rest[0])} = {bounds[rest[0]].mean():.3g}" if len(rest) == 1 else "others in the middle"
    return Sheet(axes, lines, points, problem.domain.contains(points), caption, where if rest else "")
