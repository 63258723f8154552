"""A KAN as a graph: nodes that add, and on every edge the curve that it has learned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from kansci.models import KAN
from kansci.models.importance import importance
from kansci.plots.style import BLUE, ORANGE, math_text, shrink, styled, symbol

__all__ = ["kan_figure"]

Edge = tuple[int, int, int]
CURVE = 0.62  # inches, side of an inset that has the room
GAP = 0.16  # inches between insets
LEVEL = 1.75  # inches from one level of nodes to the next
WIDEST = 16.0  # inches
N_SAMPLES = 200


@dataclass(frozen=True)
class Layout:
    """Centres of the nodes ``[l][i]`` and of the curves' insets, and the side of an inset, in inches."""

    width: float
    height: float
    nodes: list[list[tuple[float, float]]]
    curves: dict[Edge, tuple[float, float]]
    side: float


@styled
def kan_figure(
    model: KAN,
    X: np.ndarray,
    inputs: Sequence[str],
    outputs: Sequence[str],
    names: Mapping[Edge, str] | None = None,
) -> Figure:
    """Draw a network with the curve of every edge.

    Inputs are at the bottom. Lines are the stronger, the more an edge contributes to the output over the
    rows; each curve runs over the values that its edge sees there.

    Args:
        model: The network; removed edges are left out.
        X: Rows (N, I) to draw it for.
        inputs: Column names.
        outputs: Names of the outputs.
        names: LaTeX to write above the curve of an edge (l, i, j) that has become a formula.

    Returns:
        The figure.
    """
    x = torch.as_tensor(np.asarray(X), dtype=torch.float64)
    layout = _arrange(model)
    figure = Figure(figsize=(layout.width, layout.height))
    canvas = figure.add_axes((0, 0, 1, 1))
    canvas.set_xlim(0, layout.width)
    canvas.set_ylim(0, layout.height)
    canvas.set_axis_off()
    strengths = _strengths(model, x)
    levels = model.activations(x)
    for edge, centre in layout.curves.items():
        _draw_wires(canvas, layout, edge, centre, strengths[edge])
        inset = _draw_curve(figure, layout, centre, _samples(model, edge, levels), strengths[edge])
        if names and edge in names:
            text = _write_above(inset, math_text(names[edge]))
            shrink(text, layout.side + GAP, smallest=5.0)
    _draw_nodes(canvas, layout, inputs, outputs)
    return figure


def _arrange(model: KAN) -> Layout:
    """Levels from bottom to top; between two levels one row of insets, ordered so that few wires cross."""
    rows: list[list[Edge]] = [[] for _ in range(model.depth)]
    for edge in model.edges():
        rows[edge[0]].append(edge)
    most = max(len(row) for row in rows)
    wanted = most * (CURVE + GAP) + GAP
    width = float(np.clip(wanted, max(3.2, 0.9 * max(model.width)), WIDEST))
    side = min(CURVE, (width - GAP) / most - min(GAP, 0.2 * width / most))
    height = model.depth * LEVEL + 1.0
    nodes = [_spread(count, width, 0.5 + level * LEVEL) for level, count in enumerate(model.width)]
    curves: dict[Edge, tuple[float, float]] = {}
    for row in rows:
        row.sort(key=lambda e: (nodes[e[0]][e[1]][0] + nodes[e[0] + 1][e[2]][0], nodes[e[0] + 1][e[2]][0]))
        for edge, place in zip(row, _spread(len(row), width, 0.5 + (row[0][0] + 0.5) * LEVEL), strict=True):
            curves[edge] = place
    return Layout(width, height, nodes, curves, side)


def _spread(count: int, width: float, height: float) -> list[tuple[float, float]]:
    return [(width * (k + 0.5) / count, height) for k in range(count)]


def _strengths(model: KAN, x: torch.Tensor) -> dict[Edge, float]:
    """Importance of each edge, 1 for the strongest of its layer."""
    scores = importance(model, x).edges
    return {
        (l, i, j): float(scores[l][j, i] / scores[l].max().clamp(min=1e-300))
        for l, i, j in model.edges()  # noqa: E741
    }


def _samples(model: KAN, edge: Edge, levels: Sequence[torch.Tensor]) -> tuple[np.ndarray, np.ndarray]:
    seen = levels[edge[0]][:, edge[1]]
    grid = torch.linspace(float(seen.min()), float(seen.max()), N_SAMPLES, dtype=torch.float64)
    return grid.numpy(), model.edge(*edge, grid).numpy()


def _draw_wires(
    canvas: Axes, layout: Layout, edge: Edge, centre: tuple[float, float], strength: float
) -> None:
    level, source, target = edge
    x, y = centre
    half = layout.side / 2
    style: dict[str, Any] = {
        "color": "black",
        "linewidth": 0.4 + 1.4 * strength,
        "alpha": 0.25 + 0.75 * strength,
        "zorder": 1,
        "solid_capstyle": "round",
    }
    start, end = layout.nodes[level][source], layout.nodes[level + 1][target]
    canvas.plot([start[0], x], [start[1], y - half], **style)
    canvas.plot([x, end[0]], [y + half, end[1]], **style)


def _draw_curve(
    figure: Figure,
    layout: Layout,
    centre: tuple[float, float],
    curve: tuple[np.ndarray, np.ndarray],
    strength: float,
) -> Axes:
    x, y = centre
    w, h, side = layout.width, layout.height, layout.side
    inset = figure.add_axes(((x - side / 2) / w, (y - side / 2) / h, side / w, side / h))
    inset.plot(*curve, color=BLUE, linewidth=1.7 if side > 0.4 else 1.0, alpha=0.35 + 0.65 * strength)
    inset.margins(0.12, 0.15)
    inset.set_xticks([])
    inset.set_yticks([])
    for spine in inset.spines.values():
        spine.set_visible(True)
        spine.set_linewidth(0.6)
        spine.set_color("#555555")
    return inset


def _write_above(inset: Axes, name: str) -> Text:
    """On a white ground, because a wire passes behind."""
    ground = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    style: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 10, "color": ORANGE, "bbox": ground}
    return inset.text(0.5, 1.06, name, transform=inset.transAxes, **style)


def _draw_nodes(canvas: Axes, layout: Layout, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    used = {(l + end, node) for l, i, j in layout.curves for end, node in ((0, i), (1, j))}  # noqa: E741
    for level, places in enumerate(layout.nodes):
        for index, (x, y) in enumerate(places):
            colour = "black" if (level, index) in used else "lightgrey"
            canvas.plot(x, y, "o", color=colour, markersize=5.5, zorder=3)
    room = layout.width / max(len(inputs), len(outputs))
    for (x, y), name in zip(layout.nodes[0], inputs, strict=True):
        shrink(canvas.text(x, y - 0.14, symbol(name), ha="center", va="top", fontsize=13), 0.95 * room)
    for (x, y), name in zip(layout.nodes[-1], outputs, strict=True):
        shrink(canvas.text(x, y + 0.14, symbol(name), ha="center", va="bottom", fontsize=13), 0.95 * room)
