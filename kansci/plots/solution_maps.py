"""A solution, its error and the residual of its equations, as curves of one coordinate or maps of two."""

import re
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import SubFigure

from kansci.pde.problem import Problem
from kansci.plots.sampled import Quantity, Sampled
from kansci.plots.sheets import Sheet
from kansci.plots.style import BLUE, ORANGE, math_text, shrink, symbol
from kansci.plots.tiles import WIDTH, Tile

__all__ = ["draw_map", "draw_sheets", "entitle", "error_tiles", "log_limits", "map_tiles", "residual_tiles"]

VALUES, ERRORS, RESIDUALS = "viridis", "magma", "cividis"
"""Perceptually uniform, and told apart by colour-blind readers."""
SQUARE = 3.0
"""Two coordinates of space whose ranges differ less than that have one scale."""
SMALLEST = 1e-17
DECADES = 8
LINE = 54
"""Letters in a line of a title."""
OUTLINE = {"colors": "#444444", "linewidths": 0.8}


def map_tiles(sampled: Sampled) -> list[Tile]:
    """Every field of more than one coordinate."""
    return [_map_tile(sampled, quantity) for quantity in sampled.quantities if len(quantity.arguments) > 1]


def error_tiles(sampled: Sampled) -> list[Tile]:
    """Absolute difference of every field from the reference, on a logarithmic scale; empty without one."""
    against = sampled.compared.against
    tiles = []
    for quantity in sampled.quantities:
        errors = [sampled.errors(quantity, sheet) for sheet in sampled.compared_maps(quantity)]
        known = [error for error in errors if error is not None]
        if len(known) == len(errors):
            titles = (f"error of {quantity.name}, reference: {against}",)
            tiles.append(
                _log_tile(
                    sampled.problem, sampled.compared_maps(quantity), known, titles, "absolute error", ERRORS
                )
            )
    return tiles


def residual_tiles(sampled: Sampled) -> list[Tile]:
    """What is left of every equation, relative to its largest term, on a logarithmic scale."""
    problem = sampled.problem
    # A complex equation is two real ones and has one text.
    whole = len(problem.texts) == len(problem.equations)
    tiles = []
    for k in range(len(problem.equations)):
        text = problem.texts[k] if whole else f"equation {k + 1}"
        titles = f"residual of {_equation(text) if whole else text}", f"residual of {text}"
        parts = sampled.residuals(k)
        tiles.append(_log_tile(problem, sampled.whole(), parts, titles, "residual / largest term", RESIDUALS))
    return tiles


def _map_tile(sampled: Sampled, quantity: Quantity) -> Tile:
    sheets = sampled.maps(quantity)
    values = [sampled.values(quantity, sheet) for sheet in sheets]

    def draw(part: SubFigure) -> None:
        finite = np.concatenate(values)
        norm = Normalize(np.nanmin(finite), np.nanmax(finite))
        draw_sheets(part, sampled.problem, sheets, values, norm, VALUES, quantity.label)

    return Tile(draw, wide=len(sheets) > 1, stretches=len(sheets[0].axes) == 1)


def _log_tile(
    problem: Problem,
    sheets: Sequence[Sheet],
    parts: Sequence[np.ndarray],
    titles: Sequence[str],
    name: str,
    colours: str,
) -> Tile:
    def draw(part: SubFigure) -> None:
        low, high = log_limits(np.concatenate(parts))
        clipped = [np.clip(values, low, None) for values in parts]
        draw_sheets(part, problem, sheets, clipped, LogNorm(low, high), colours, name)
        entitle(part, *titles)

    return Tile(draw, wide=len(sheets) > 1, stretches=len(sheets[0].axes) == 1)


def _equation(text: str) -> str:
    """An equation as it is printed, u_xx with a subscript; as it was typed where that does not work."""
    raised = re.sub(r"(?:\^|\*\*)\(([^()]*)\)", r"^{\1}", text.replace("**", "^"))
    named = re.sub(r"[^\W\d]\w*", lambda match: _upright(match[0]), raised)
    return math_text(named.replace("*", r"\,"), text)


def _upright(name: str) -> str:
    """A name in mathematical text."""
    found = symbol(name)
    return found.strip("$") if found.startswith("$") else rf"\mathrm{{{name}}}"


def entitle(part: SubFigure, title: str, plain: str = "") -> None:
    """Write above a tile; in plain text on several lines where it is long.

    Args:
        part: the tile.
        title: what to write.
        plain: the same without formulas.
    """
    text = part.suptitle(title, fontsize=11)
    if not shrink(text, WIDTH - 0.2, smallest=8.0):
        text.set_text("\n".join(textwrap.wrap(plain.replace("$", r"\$") or title, LINE)))


def log_limits(values: np.ndarray) -> tuple[float, float]:
    """Powers of ten around positive values, at most eight decades down from the largest."""
    positive = values[np.isfinite(values) & (values > SMALLEST)]
    if positive.size == 0:
        return SMALLEST, 100 * SMALLEST
    high = np.ceil(np.log10(positive.max()))
    low = np.clip(np.floor(np.log10(np.quantile(positive, 0.02))), high - DECADES, high - 1)
    return float(10.0**low), float(10.0**high)


def draw_sheets(
    part: SubFigure,
    problem: Problem,
    sheets: Sequence[Sheet],
    values: Sequence[np.ndarray],
    norm: Normalize,
    colours: str,
    name: str,
) -> None:
    """Draw values on planes beside each other with one colour bar, or on a line as a curve.

    Args:
        part: of the figure.
        problem: whose domain they are from.
        sheets: the planes, or one line.
        values: at the points inside each, (n,).
        norm: of the colours; a logarithmic one makes the axis of a curve logarithmic.
        colours: name of the colour map.
        name: of the values.
    """
    if len(sheets[0].axes) == 1:
        axes = part.subplots()
        axes.plot(sheets[0].lines[0], sheets[0].on_grid(values[0]), color=ORANGE if _is_log(norm) else BLUE)
        if _is_log(norm):
            axes.set_yscale("log")
            axes.set_ylim(norm.vmin, norm.vmax)
        axes.set_xlabel(symbol(sheets[0].axes[0]))
        axes.set_ylabel(name)
        return
    row = part.subplots(1, len(sheets), sharey=True, squeeze=False)[0]
    for k, (axes, sheet, each) in enumerate(zip(row, sheets, values, strict=True)):
        mesh = draw_map(axes, problem, sheet, each, norm, colours)
        axes.set_title(", ".join(filter(None, [sheet.caption, sheet.middle])), fontsize=11)
        if k:
            axes.set_ylabel("")
    part.colorbar(mesh, ax=list(row), label=name, pad=0.02, shrink=0.8 if len(sheets) > 1 else 1.0)


def draw_map(
    axes: Axes, problem: Problem, sheet: Sheet, values: np.ndarray, norm: Normalize, colours: str
) -> Any:
    """Draw values (n,) on one plane, with the outline of a shape.

    Returns:
        What a colour bar is made of.
    """
    horizontal, vertical = sheet.lines
    mesh = axes.pcolormesh(
        horizontal,
        vertical,
        sheet.on_grid(values),
        norm=norm,
        cmap=colours,
        shading="nearest",
        rasterized=True,
    )
    if not sheet.inside.all():
        inside = sheet.inside.reshape(len(vertical), len(horizontal)).astype(float)
        axes.contour(horizontal, vertical, inside, levels=[0.5], **OUTLINE)
    axes.set_xlabel(symbol(sheet.axes[0]))
    axes.set_ylabel(symbol(sheet.axes[1]))
    widths = np.ptp(horizontal), np.ptp(vertical)
    if problem.time not in sheet.axes and max(widths) < SQUARE * min(widths):
        axes.set_aspect("equal")
    return mesh


def _is_log(norm: Normalize) -> bool:
    return isinstance(norm, LogNorm)
