"""An equation that was found: what it says beside the data on held-out times, and its coefficients."""

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from kansci.pde_discovery.result import EquationDiscovery, EquationTerm, HeldOut
from kansci.plots.solution_profiles import COLOURS
from kansci.plots.style import BLUE, GREY, math_text, point_style, styled, symbol
from kansci.plots.tiles import Tile, assemble
from kansci.solution.result import DEVIATIONS_95

__all__ = ["equation_figure"]

FEWEST_ON_LINE = 8
"""Points at one time that make a profile."""
SHOWN = 3
"""Times at which profiles are drawn."""


@styled
def equation_figure(found: EquationDiscovery) -> Figure:
    """Draw a found equation.

    The first part shows the held-out data as dots and the equation, solved forward from the data before
    them, as lines: over time without space, along space at three times for data on a grid, else predicted
    over measured. The last one shows the coefficients with 95 % intervals, each divided by its value.

    Args:
        found: what `discover_equation` gave.

    Returns:
        The figure.
    """
    held, tiles = found.heldout, []
    if held is not None:
        names = found.names.fields
        draw = _drawing(held)
        tiles += [Tile(partial(draw, found=found, held=held, field=f)) for f in range(len(names))]
    if any(equation.terms for equation in found.equations):
        tiles.append(Tile(partial(_draw_coefficients, found=found)))
    return assemble(tiles)


def _drawing(held: HeldOut) -> Any:
    if held.points.shape[1] == 1:
        return _draw_over_time
    counts = np.unique(held.points[:, -1], return_counts=True)[1]
    return _draw_profiles if held.points.shape[1] == 2 and counts.min() >= FEWEST_ON_LINE else _draw_diagonal


def _draw_over_time(part: SubFigure, found: EquationDiscovery, held: HeldOut, field: int) -> None:
    axes, times = part.subplots(), held.points[:, 0]
    style: dict[str, Any] = {"color": GREY, "markersize": 3.5, "label": "held-out data"}
    axes.plot(times, held.measured[:, field], ".", **style)
    axes.plot(times, held.predicted[:, field], color=BLUE, label="equation, solved forward")
    _name(axes, found.time, found.names.fields[field])


def _draw_profiles(part: SubFigure, found: EquationDiscovery, held: HeldOut, field: int) -> None:
    axes, times = part.subplots(), np.unique(held.points[:, -1])
    chosen = times[np.linspace(0, len(times) - 1, min(SHOWN, len(times))).round().astype(int)]
    for time, colour in zip(chosen, COLOURS, strict=False):
        rows = np.flatnonzero(held.points[:, -1] == time)
        rows = rows[np.argsort(held.points[rows, 0])]
        x = held.points[rows, 0]
        axes.plot(x, held.measured[rows, field], ".", color=colour, markersize=3.5, alpha=0.6)
        axes.plot(x, held.predicted[rows, field], color=colour, label=f"{symbol(found.time)} = {time:.3g}")
    axes.plot([], [], ".", color=GREY, label="held-out data")
    _name(axes, found.names.coordinates[0], found.names.fields[field])


def _draw_diagonal(part: SubFigure, found: EquationDiscovery, held: HeldOut, field: int) -> None:
    axes, measured = part.subplots(), held.measured[:, field]
    ends = [measured.min(), measured.max()]
    axes.plot(ends, ends, color=BLUE, label="predicted = measured")
    axes.scatter(measured, held.predicted[:, field], label="held-out data", **point_style(len(measured)))
    name = symbol(found.names.fields[field])
    axes.set_xlabel(f"{name}, measured")
    axes.set_ylabel(f"{name}, predicted")
    _legend(axes)


def _name(axes: Axes, across: str, field: str) -> None:
    axes.set_xlabel(symbol(across))
    axes.set_ylabel(symbol(field))
    _legend(axes)


def _legend(axes: Axes) -> None:
    """Above the axes, where no point can be."""
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=8.5)


def _draw_coefficients(part: SubFigure, found: EquationDiscovery) -> None:
    """In percent of each, for their sizes differ; the first term on top."""
    axes = part.subplots()
    rows = [(equation, term) for equation in found.equations for term in equation.terms][::-1]
    halves = [100 * DEVIATIONS_95 * abs(term.stderr / term.coefficient) for _, term in rows]
    axes.errorbar(
        np.zeros(len(rows)), range(len(rows)), xerr=np.nan_to_num(halves), fmt="o", color=BLUE, capsize=4
    )
    axes.axvline(0, color=GREY, linewidth=0.8, zorder=0)
    several = len(found.equations) > 1
    texts = [_said(equation.latex_left if several else "", term) for equation, term in rows]
    axes.set_yticks(range(len(rows)), texts)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("95 % interval (% of the coefficient)")


def _said(left: str, term: EquationTerm) -> str:
    sign = "-" if term.coefficient < 0 else ""
    return math_text(f"{left + ': ' if left else ''}{sign}{term.latex_size()}", str(term.term))
