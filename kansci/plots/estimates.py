"""What an inverse problem found: coefficient functions and constants, with 95 % intervals."""

from functools import partial

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import SubFigure

from kansci.plots.sampled import Quantity, Sampled
from kansci.plots.solution_maps import draw_sheets, entitle
from kansci.plots.style import BLUE, ORANGE, symbol
from kansci.plots.tiles import Tile
from kansci.solution.result import DEVIATIONS_95

__all__ = ["estimate_tiles"]


def estimate_tiles(sampled: Sampled) -> list[Tile]:
    """Sought fields with their standard errors, then unknown constants; empty where there are none."""
    tiles = []
    for quantity in sampled.quantities:
        if quantity.sought and len(quantity.arguments) == 1:
            tiles.append(Tile(partial(_draw_band, sampled=sampled, quantity=quantity)))
        elif quantity.sought:
            tiles += _map_tiles(sampled, quantity)
    if sampled.solution.constants():
        tiles.append(Tile(partial(_draw_constants, sampled=sampled)))
    return tiles


def _draw_band(part: SubFigure, sampled: Sampled, quantity: Quantity) -> None:
    axes, sheet = part.subplots(), sampled.profiles(quantity)[0]
    across, values = sheet.lines[0], sampled.values(quantity, sheet)
    errors = sampled.standard_errors(quantity, sheet)
    if errors is not None:
        half = DEVIATIONS_95 * errors
        axes.fill_between(
            across, values - half, values + half, color=BLUE, alpha=0.25, linewidth=0, label="95 % interval"
        )
    axes.plot(across, values, color=BLUE, label="found")
    reference = sampled.reference(quantity, sheet)
    if reference is not None:
        axes.plot(across, reference, "--", color="black", linewidth=1.0, label=sampled.reference_name)
    axes.set_xlabel(symbol(quantity.arguments[0]))
    axes.set_ylabel(quantity.label)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=8.5)


def _map_tiles(sampled: Sampled, quantity: Quantity) -> list[Tile]:
    sheets = sampled.maps(quantity)
    errors = [sampled.standard_errors(quantity, sheet) for sheet in sheets]
    known = [error for error in errors if error is not None]
    if len(known) < len(sheets):
        return []

    def draw(part: SubFigure) -> None:
        norm = Normalize(0, max(float(np.nanmax(error)) for error in known))
        draw_sheets(part, sampled.problem, sheets, known, norm, "cividis", "standard error")
        entitle(part, f"standard error of {quantity.name}")

    return [Tile(draw, wide=len(sheets) > 1)]


def _draw_constants(part: SubFigure, sampled: Sampled) -> None:
    """An axis for each, for their sizes differ."""
    found, exact = sampled.solution.constants(), sampled.problem.exact
    column = part.subplots(len(found), 1, squeeze=False)[:, 0]
    for axes, (name, (value, error)) in zip(column, found.items(), strict=True):
        half = DEVIATIONS_95 * error if np.isfinite(error) else 0.0
        axes.errorbar([value], [0], xerr=[half], fmt="o", color=BLUE, capsize=4)
        if name in exact and not exact[name].free_symbols:
            axes.axvline(float(exact[name]), color=ORANGE, linestyle="--", linewidth=1.0)
            axes.plot([], [], "--", color=ORANGE, linewidth=1.0, label="exact")
            axes.legend(loc="upper right", fontsize=8.5)
        axes.set_ylim(-1, 1)
        axes.margins(x=0.4)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(f"{symbol(name)} = {_measured(value, error)}")
    entitle(part, "constants with 95 % intervals")


def _measured(value: float, error: float) -> str:
    """A number with two digits of its error."""
    if not 0 < error < np.inf:
        return f"{value:.6g}"
    places = int(np.clip(1 - np.floor(np.log10(error)), 0, 9))
    return rf"{value:.{places}f} $\pm$ {error:.{places}f}"
