"""A solution in motion, as a GIF."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.animation import PillowWriter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from kansci.errors import SettingsError
from kansci.pde.numerical_solution import NumericalSolution
from kansci.plots.sampled import Quantity, quantities
from kansci.plots.sheets import Sheet, moments
from kansci.plots.solution_maps import VALUES, draw_map
from kansci.plots.style import BLUE, STYLE, symbol
from kansci.solution.result import Solution

__all__ = ["animate"]

WIDTH, HEIGHT = 4.2, 3.0
"""Of one field, in inches."""
DOTS = 110
"""A length of the picture, in dots an inch."""


def animate(
    solution: Solution | NumericalSolution, path: str | Path, *, frames: int = 40, seconds: float = 4.0
) -> None:
    """Write a GIF of the fields over time: a moving curve for one coordinate of space, else a changing map.

    Args:
        solution: of a problem in space and time.
        path: where to, ``*.gif``.
        frames: how many pictures.
        seconds: how long they last.

    Raises:
        SettingsError: The solution has no time or no space, or the file cannot be written.
    """
    file, numerical = Path(path), solution.numerical if isinstance(solution, Solution) else solution
    if file.suffix.lower() != ".gif":
        raise SettingsError(f"cannot write {file.name} as an animation: name it *.gif")
    if frames < 2 or not seconds > 0:
        raise SettingsError(f"an animation of {frames} frames in {seconds:g} s: two frames at least")
    problem = numerical.problem
    moving = [q for q in quantities(problem) if problem.time in q.arguments and len(q.arguments) > 1]
    if not moving:
        raise SettingsError(
            f"{problem.name}: nothing moves in space and time, so there is nothing to animate"
        )
    begin, end = problem.domain.bounds[problem.coordinates.index(str(problem.time))]
    times = np.linspace(begin, end, frames)
    with mpl.rc_context():
        mpl.rcParams.update(STYLE)
        figure, updates = _first_picture(numerical, moving, times)
        figure.suptitle(f"{symbol(str(problem.time))} = {end:.3g}")
        figure.canvas.draw()
        figure.set_layout_engine("none")  # which takes most of the time, and would let the axes tremble
        writer = PillowWriter(fps=max(1, round(frames / seconds)))
        try:
            with writer.saving(figure, str(file), DOTS):
                for k, time in enumerate(times):
                    figure.suptitle(f"{symbol(str(problem.time))} = {time:.3g}")
                    for update in updates:
                        update(k)
                    writer.grab_frame()
        except OSError as error:
            raise SettingsError(f"cannot write {file}: {error.strerror or error}") from error


def _first_picture(
    solution: NumericalSolution, moving: list[Quantity], times: np.ndarray
) -> tuple[Figure, list[Callable[[int], None]]]:
    """The figure, and for each field what shows it at the k-th time."""
    figure = Figure(figsize=(WIDTH * len(moving), HEIGHT + 0.3), layout="constrained")
    FigureCanvasAgg(figure)
    updates: list[Callable[[int], None]] = []
    for axes, quantity in zip(figure.subplots(1, len(moving), squeeze=False)[0], moving, strict=True):
        sheets = moments(solution.problem, quantity.arguments, times)
        values = [_values(solution, quantity, sheet) for sheet in sheets]
        low, high = min(map(np.nanmin, values)), max(map(np.nanmax, values))
        if len(sheets[0].axes) == 1:
            (curve,) = axes.plot(sheets[0].lines[0], values[0], color=BLUE)
            axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
            axes.set_xlabel(symbol(sheets[0].axes[0]))
            axes.set_ylabel(quantity.label)
            updates.append(partial(_show, curve.set_ydata, values))
        else:
            inside = values[0].ravel()[sheets[0].inside]
            mesh = draw_map(axes, solution.problem, sheets[0], inside, Normalize(low, high), VALUES)
            figure.colorbar(mesh, ax=axes, label=quantity.label)
            updates.append(partial(_show, mesh.set_array, values))
    return figure, updates


def _show(change: Callable[[np.ndarray], None], values: list[np.ndarray], k: int) -> None:
    change(values[k])


def _values(solution: NumericalSolution, quantity: Quantity, sheet: Sheet) -> np.ndarray:
    points = sheet.points[sheet.inside]
    parts = np.stack([solution.evaluate(name, points) for name in quantity.parts])
    return sheet.on_grid(quantity.size(parts))
