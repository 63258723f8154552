"""A solution along lines, at some times or some values of another coordinate; circles are the reference."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from kansci.plots.sampled import Quantity, Sampled
from kansci.plots.style import BLUE, GREY, ORANGE, symbol
from kansci.plots.tiles import Tile
from kansci.solution.result import DEVIATIONS_95

__all__ = ["COLOURS", "curve_tiles", "profile_tiles"]

COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "black")
"""Okabe & Ito."""
CIRCLES = 25
"""Values of the reference along a line."""
RINGS: dict[str, Any] = {"markersize": 4, "markerfacecolor": "none", "markeredgewidth": 0.8}
ALIKE = 20.0
"""Fields whose sizes differ less than that share an axis."""


def profile_tiles(sampled: Sampled, *, compared: bool = True) -> list[Tile]:
    """Lines through every field that has more than one coordinate.

    Args:
        sampled: the solution.
        compared: whether to draw the reference too.
    """
    several = [quantity for quantity in sampled.quantities if len(quantity.arguments) > 1]
    return [
        Tile(partial(_draw_profiles, sampled=sampled, quantity=quantity, compared=compared))
        for quantity in several
    ]


def curve_tiles(sampled: Sampled, *, compared: bool = True) -> list[Tile]:
    """Fields of one coordinate, those of like size in one tile; data as dots."""
    alone = [q for q in sampled.quantities if len(q.arguments) == 1 and not q.sought]
    groups: list[list[Quantity]] = []
    for quantity in alone:
        fitting = (group for group in groups if _alike(sampled, group[0], quantity))
        group = next(fitting, None)
        if group is None:
            groups.append([quantity])
        else:
            group.append(quantity)
    return [Tile(partial(_draw_curves, sampled=sampled, group=group, compared=compared)) for group in groups]


def _alike(sampled: Sampled, one: Quantity, other: Quantity) -> bool:
    if one.arguments != other.arguments:
        return False
    sizes = [np.ptp(sampled.values(q, sampled.profiles(q)[0])) for q in (one, other)]
    return bool(max(sizes) < ALIKE * min(sizes))


def _draw_curves(part: SubFigure, sampled: Sampled, group: Sequence[Quantity], *, compared: bool) -> None:
    axes, circles = part.subplots(), False
    for quantity, colour in zip(group, _cycle(len(group)), strict=True):
        for observed in sampled.problem.observations:
            if observed.field == quantity.parts[0]:
                place = sampled.problem.coordinates.index(quantity.arguments[0])
                axes.plot(observed.points[:, place], observed.values, ".", color=GREY, markersize=3, zorder=0)
        circles |= _draw_line(axes, sampled, quantity, 0, colour, quantity.label, compared=compared)
    axes.set_xlabel(symbol(group[0].arguments[0]))
    axes.set_ylabel(group[0].label if len(group) == 1 else "")
    _legend(axes, sampled, circles=circles, several=len(group) > 1)


def _draw_profiles(part: SubFigure, sampled: Sampled, quantity: Quantity, *, compared: bool) -> None:
    axes, circles = part.subplots(), False
    sheets = sampled.profiles(quantity)
    shades = mpl.colormaps["viridis"](np.linspace(0, 0.88, len(sheets)))
    for k, (sheet, colour) in enumerate(zip(sheets, shades, strict=True)):
        circles |= _draw_line(axes, sampled, quantity, k, colour, sheet.caption, compared=compared)
    middle = f" ({sheets[0].middle})" if sheets[0].middle else ""
    axes.set_xlabel(symbol(sheets[0].axes[0]) + middle)
    axes.set_ylabel(quantity.label)
    _legend(axes, sampled, circles=circles, several=True)


def _draw_line(
    axes: Axes, sampled: Sampled, quantity: Quantity, k: int, colour: Any, caption: str, *, compared: bool
) -> bool:
    """One line, and whether it could be compared."""
    sheet = sampled.profiles(quantity)[k]
    values = sheet.on_grid(sampled.values(quantity, sheet))
    axes.plot(sheet.lines[0], values, color=colour, label=caption)
    errors = sampled.standard_errors(quantity, sheet) if quantity.sought else None
    if errors is not None:
        band = "95 % interval" if k == 0 else None
        half = DEVIATIONS_95 * sheet.on_grid(errors)
        axes.fill_between(
            sheet.lines[0], values - half, values + half, color=colour, alpha=0.2, linewidth=0, label=band
        )
    reference = sampled.reference(quantity, sheet) if compared else None
    if reference is None:
        return False
    step = (len(sheet.lines[0]) - 1) // CIRCLES
    shown = slice(step // 2, None, step)

    axes.plot(sheet.lines[0][shown], sheet.on_grid(reference)[shown], "o", color=colour, **RINGS)
    return True


def _legend(axes: Axes, sampled: Sampled, *, circles: bool, several: bool) -> None:
    """Above the axes, where no curve can be."""
    if circles:
        axes.plot([], [], "o", color="black", label=sampled.reference_name, **RINGS)
    if circles or several:
        columns = 2 if len(axes.get_legend_handles_labels()[0]) == 4 else 3
        style: dict[str, Any] = {"ncols": columns, "fontsize": 8.5, "columnspacing": 1.0, "handlelength": 1.4}
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), **style)


def _cycle(count: int) -> list[str]:
    return [COLOURS[k % len(COLOURS)] for k in range(count)]
