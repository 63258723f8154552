"""The tree of a function's structure: which inputs combine, and how; after pykan's `plot_tree`."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import sympy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from kansci.errors import SettingsError
from kansci.plots.style import BLUE, GREY, ORANGE, shrink, styled, symbol
from kansci.search.derivatives import Function, Rows
from kansci.search.tree import Tree, find_tree

__all__ = ["plot_tree", "tree_figure"]

Place = tuple[float, float]

LEVEL, LEAF = 0.95, 0.9
"""Inches from a level to the next, and from one input to the next."""
NARROWEST, HALF = 2.2, 0.19
"""Inches: the narrowest figure, and half the height of a box."""
SIGNS = {"Add": "$+$", "Mul": r"$\times$", "GS": "$F(+)$", "": "$F$"}
COLOURS = {"Add": BLUE, "Mul": ORANGE, "GS": BLUE, "": GREY}


def plot_tree(
    model: Function,
    x: Rows,
    in_var: Sequence[str | sympy.Symbol] | None = None,
    style: str = "tree",
    sym_th: float = 1e-3,
    sep_th: float = 1e-1,
    skip_sep_test: bool = False,  # noqa: FBT001, FBT002
) -> Figure:
    """Find and draw the tree of a network or of any function.

    Args:
        model: the function, (N, I) to (N, 1).
        x: rows (N, I).
        in_var: names of the inputs.
        style: "tree", or "box" to draw each group as wide as its inputs.
        sym_th: threshold of the symmetry tests.
        sep_th: threshold of the separability tests.
        skip_sep_test: look for groups only, not for sums and products.

    Returns:
        The figure.
    """
    return tree_figure(find_tree(model, x, in_var, sym_th, sep_th, skip_sep_test=skip_sep_test), style)


@styled
def tree_figure(tree: Tree, style: str = "tree") -> Figure:
    """Draw a tree, inputs at the foot: + a sum, x a product, F(+) a function of a sum, F any function.

    Args:
        tree: what `find_tree` gave.
        style: "tree", or "box" to draw each group as wide as its inputs.

    Returns:
        The figure.

    Raises:
        SettingsError: there is no such style.
    """
    if style not in {"tree", "box"}:
        raise SettingsError(f'style={style!r}: choose "tree" or "box"')
    places = _places(tree)
    width = _step(tree) * len(tree.names)
    height = LEVEL * (len(tree.levels) - 1) + 1.0
    figure = Figure(figsize=(width, height))
    canvas = figure.add_axes((0, 0, 1, 1))
    canvas.set_xlim(0, width)
    canvas.set_ylim(-0.5, height - 0.5)
    canvas.set_axis_off()
    for level in range(1, len(places)):
        for index, place in enumerate(places[level]):
            for part in tree.parts(level, index):
                _draw_branch(canvas, places[level - 1][part], place)
    for level in range(1, len(places)):
        for index, place in enumerate(places[level]):
            kind = tree.properties[level - 1][index]
            if kind != "Id" and style == "box":
                _draw_box(canvas, place, (len(tree.levels[level][index]) - 0.4) * _step(tree), kind)
            elif kind != "Id":
                _draw_node(canvas, place, kind)
    for leaf, place in zip(tree.levels[0], places[0], strict=True):
        name = canvas.text(place[0], -0.3, symbol(tree.names[leaf[0]]), ha="center", fontsize=15)
        shrink(name, 0.95 * LEAF)
    _draw_output(canvas, places[-1][0])
    return figure


def _step(tree: Tree) -> float:
    """Inches from one input to the next."""
    return max(LEAF, NARROWEST / len(tree.names))


def _places(tree: Tree) -> list[list[Place]]:
    """Inputs side by side, every molecule above the middle of its inputs."""
    places = []
    for level, molecules in enumerate(tree.levels):
        ends = list(accumulate((len(molecule) for molecule in molecules), initial=0))
        middles = [_step(tree) * (start + end) / 2 for start, end in pairwise(ends)]
        places.append([(x, LEVEL * level) for x in middles])
    return places


def _draw_branch(canvas: Axes, start: Place, end: Place) -> None:
    canvas.plot(*zip(start, end, strict=True), color="black", linewidth=1.3, zorder=1, solid_capstyle="round")


def _draw_node(canvas: Axes, place: Place, kind: str) -> None:
    wide = kind == "GS"
    box: dict[str, Any] = {
        "boxstyle": "round,pad=0.35,rounding_size=0.9" if wide else "circle,pad=0.28",
        "facecolor": "white",
        "edgecolor": COLOURS[kind],
        "linewidth": 1.6,
    }
    style: dict[str, Any] = {"ha": "center", "va": "center", "color": COLOURS[kind], "bbox": box}
    canvas.text(*place, SIGNS[kind], fontsize=12 if wide else 15, zorder=3, **style)


def _draw_box(canvas: Axes, place: Place, width: float, kind: str) -> None:
    corner = (place[0] - width / 2, place[1] - HALF)
    shape = "round,pad=0,rounding_size=0.08"
    style: dict[str, Any] = {"facecolor": "white", "edgecolor": COLOURS[kind], "linewidth": 1.6, "zorder": 2}
    canvas.add_patch(FancyBboxPatch(corner, width, 2 * HALF, boxstyle=shape, **style))
    canvas.text(
        *place, SIGNS[kind], ha="center", va="center_baseline", fontsize=14, color=COLOURS[kind], zorder=3
    )


def _draw_output(canvas: Axes, place: Place) -> None:
    canvas.plot([place[0]] * 2, [place[1], place[1] + 0.42], color="black", linewidth=1.3, zorder=1)
