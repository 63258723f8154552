"""A KAN as a graph: nodes that add or multiply, and on every edge its curve."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from kansci.models import KAN, Nodes
from kansci.models.importance import importance
from kansci.plots.style import BLUE, ORANGE, math_text, shrink, styled, symbol

__all__ = ["kan_figure"]

Edge = tuple[int, int, int]
CURVE = 0.62  # inches, side of an inset that has the room
GAP = 0.16  # inches between insets
LEVEL = 1.75  # inches from one level of nodes to the next
WIDEST = 16.0  # inches
FACTOR, DROP = 0.2, 0.24  # inches between the factors of a product, and from them up to it
N_SAMPLES = 200


@dataclass(frozen=True)
class Layout:
    """In inches: centres of nodes [l][i], of their sums [l][j] and of the curves; side of a curve's inset."""

    width: float
    height: float
    nodes: list[list[tuple[float, float]]]
    sums: list[list[tuple[float, float]]]
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
    rows; each curve runs over the values that its edge sees there. A curve with a formula is orange, with the
    formula's name above it, and dashed where a learned function is added to it. Factors meet in a ringed node
    with a cross.

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
        inset = _draw_frame(figure, layout, centre)
        inset.plot(*_samples(model, edge, levels), **_curve_style(model, edge, layout, strengths[edge]))
        name = (names or {}).get(edge, _formula_name(model, edge))
        if name:
            text = _write_above(inset, math_text(name))
            shrink(text, layout.side + GAP, smallest=5.0)
    _draw_nodes(canvas, model, layout, (inputs, outputs))
    return figure


def _arrange(model: KAN) -> Layout:
    """Levels from bottom to top; between two levels one row of insets, ordered so that few wires cross."""
    rows: list[list[Edge]] = [[] for _ in range(model.depth)]
    for edge in model.edges():
        rows[edge[0]].append(edge)
    most = max(len(row) for row in rows)
    wanted = most * (CURVE + GAP) + GAP
    width = float(np.clip(wanted, max(3.2, 0.9 * max(model.width_out)), WIDEST))
    side = min(CURVE, (width - GAP) / most - min(GAP, 0.2 * width / most))
    height = model.depth * LEVEL + 1.0
    nodes = [_spread(count, width, 0.5 + level * LEVEL) for level, count in enumerate(model.width)]
    above = zip(model.layers, nodes[1:], strict=True)
    sums = [nodes[0], *(_sums(layer.nodes, places) for layer, places in above)]
    curves: dict[Edge, tuple[float, float]] = {}
    for row in rows:
        row.sort(key=lambda e: (nodes[e[0]][e[1]][0] + sums[e[0] + 1][e[2]][0], sums[e[0] + 1][e[2]][0]))
        for edge, place in zip(row, _spread(len(row), width, 0.5 + (row[0][0] + 0.5) * LEVEL), strict=True):
            curves[edge] = place
    return Layout(width, height, nodes, sums, curves, side)


def _sums(nodes: Nodes, places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """A node that adds is its sum; the factors of a product stand side by side below it."""
    sums = list(places[: nodes.n_sum])
    for (x, y), arity in zip(places[nodes.n_sum :], nodes.arities, strict=True):
        sums += [(x + FACTOR * (k - (arity - 1) / 2), y - DROP) for k in range(arity)]
    return sums


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
    start, end = layout.nodes[level][source], layout.sums[level + 1][target]
    canvas.plot([start[0], x], [start[1], y - half], **style)
    canvas.plot([x, end[0]], [y + half, end[1]], **style)


def _draw_frame(
    figure: Figure,
    layout: Layout,
    centre: tuple[float, float],
) -> Axes:
    x, y = centre
    w, h, side = layout.width, layout.height, layout.side
    inset = figure.add_axes(((x - side / 2) / w, (y - side / 2) / h, side / w, side / h))
    inset.margins(0.12, 0.15)
    inset.set_xticks([])
    inset.set_yticks([])
    for spine in inset.spines.values():
        spine.set_visible(True)
        spine.set_linewidth(0.6)
        spine.set_color("#555555")
    return inset


def _curve_style(model: KAN, edge: Edge, layout: Layout, strength: float) -> dict[str, Any]:
    mode = model.mode(*edge)
    return {
        "color": BLUE if mode == "n" else ORANGE,
        "linestyle": "--" if mode == "sn" else "-",
        "linewidth": 1.7 if layout.side > 0.4 else 1.0,
        "alpha": 0.35 + 0.65 * strength,
    }


def _formula_name(model: KAN, edge: Edge) -> str:
    """LaTeX of the formula on an edge, empty where there is none."""
    layer = model.layers[edge[0]]
    found = layer.find(*edge[1:])
    return "" if found is None else sympy.latex(layer.symbolic[found][2].expr)


def _write_above(inset: Axes, name: str) -> Text:
    """On a white ground, because a wire passes behind."""
    ground = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    style: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 10, "color": ORANGE, "bbox": ground}
    return inset.text(0.5, 1.06, name, transform=inset.transAxes, **style)


def _draw_nodes(canvas: Axes, model: KAN, layout: Layout, names: tuple[Sequence[str], Sequence[str]]) -> None:
    inputs, outputs = names
    owners = [list(range(model.width[0])), *(layer.nodes.owner.tolist() for layer in model.layers)]
    used = {(l, i) for l, i, _ in layout.curves}  # noqa: E741
    used |= {(l + 1, owners[l + 1][j]) for l, _, j in layout.curves}  # noqa: E741
    for level, places in enumerate(layout.nodes):
        for node, place in enumerate(places):
            colour = "black" if (level, node) in used else "lightgrey"
            factors = [layout.sums[level][j] for j, owner in enumerate(owners[level]) if owner == node]
            if len(factors) > 1:
                _draw_product(canvas, place, factors, colour)
            else:
                canvas.plot(*place, "o", color=colour, markersize=5.5, zorder=3)
    room = layout.width / max(len(inputs), len(outputs))
    for (x, y), name in zip(layout.nodes[0], inputs, strict=True):
        shrink(canvas.text(x, y - 0.14, symbol(name), ha="center", va="top", fontsize=13), 0.95 * room)
    for (x, y), name in zip(layout.nodes[-1], outputs, strict=True):
        shrink(canvas.text(x, y + 0.14, symbol(name), ha="center", va="bottom", fontsize=13), 0.95 * room)


def _draw_product(
    canvas: Axes, place: tuple[float, float], factors: Sequence[tuple[float, float]], colour: str
) -> None:
    for factor in factors:
        canvas.plot(*zip(factor, place, strict=True), color=colour, linewidth=1.0, zorder=2)
        canvas.plot(*factor, "o", color=colour, markersize=3.0, zorder=3)
    canvas.plot(*place, "o", markeredgecolor=colour, markerfacecolor="white", markersize=11.0, zorder=3)
    canvas.plot(*place, "x", color=colour, markersize=5.5, zorder=4)
