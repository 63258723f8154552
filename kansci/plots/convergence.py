"""How a solution became better: residual and change, step by step."""

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from kansci.pde.numerical_solution import Progress
from kansci.plots.style import BLUE, ORANGE
from kansci.plots.tiles import Tile

__all__ = ["convergence_tiles"]

SERIES = (
    ("residual", BLUE, "o", "relative residual"),
    ("change", ORANGE, "s", "change from the step before"),
)


def convergence_tiles(history: Sequence[Progress], *, by_parameters: bool = True) -> list[Tile]:
    """Residual and change over seconds and over the number of unknowns, a line for each method.

    Args:
        history: the steps of a solution.
        by_parameters: whether to draw the second.

    Returns:
        Empty where fewer than two steps have a residual.
    """
    steps = [step for step in history if np.isfinite(step.residual)]
    if len(steps) < 2:
        return []
    tiles = [Tile(lambda part: _draw(part, steps, "seconds", "time (s)"))]
    if by_parameters:
        tiles.append(Tile(lambda part: _draw(part, steps, "parameters", "number of unknowns")))
    return tiles


def _draw(part: SubFigure, steps: Sequence[Progress], across: str, name: str) -> None:
    axes: Axes = part.subplots()
    x = np.array([getattr(step, across) for step in steps], dtype=np.float64)
    for key, colour, marker, title in SERIES:
        y = np.array([getattr(step, key) for step in steps])
        style: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 4.5}
        for _, group in groupby(range(len(steps)), lambda k: re.sub(r"\d+", "", steps[k].method)):
            rows = [k for k in group if np.isfinite(y[k]) and y[k] > 0]
            axes.plot(x[rows], y[rows], **style)
        if np.isfinite(y).any():
            axes.plot([], [], label=title, **style)
    axes.set_yscale("log")
    low, high = np.log10(axes.get_ylim())
    axes.set_ylim(10 ** np.floor(low), 10 ** np.ceil(high))
    axes.set_xscale("log" if across == "parameters" else "linear")
    axes.set_xlabel(name)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=8.5)
