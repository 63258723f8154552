"""Figures of represented shapes: surfaces, and slices of the signed distance or of the occupancy."""

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LightSource
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from kansci.errors import DataError
from kansci.plots.signals_cells import (
    DECODED,
    DIVERGING,
    ERRORS,
    SIGNAL,
    SIZES,
    SMALL,
    Cell,
    colour_bar,
    has_data,
    rows_figure,
    show_map,
    summary,
    training_cell,
)
from kansci.plots.style import ORANGE, symbol
from kansci.representation import Representation
from kansci.signals import Signal, signal_surface

__all__ = ["shape_figure"]

FINEST = 96
"""Samples along each axis that a surface is drawn from, at most."""
SLICE = 128
COLOUR = "#7FB2D6"


def shape_figure(result: Representation) -> Figure:
    """Draw a shape: shaded surfaces, and a slice with the level that is the surface."""
    frame = result.frame
    shape = tuple(min(n, FINEST) for n in frame.shape)
    decoded = result.decode(shape)
    cells = [_surface_cell(decoded, DECODED), Cell(partial(_draw_slice, result=result), 1.0)]
    if has_data(result):
        if shape == frame.shape:
            cells.insert(0, _surface_cell(frame, SIGNAL))
        middle = frame.shape[2] // 2
        missed = np.abs(frame.values - result.decode().values)[:, :, middle, 0].T
        cells.append(Cell(partial(_draw_map, result=result, values=missed, name="size of the error"), 1.0))
    slope = np.linalg.norm(result.gradient(_plane(frame))[:, 0], axis=1).reshape(SLICE, SLICE)
    cells.append(
        Cell(partial(_draw_map, result=result, values=slope, name="size of the exact gradient"), 1.0)
    )
    last = training_cell(result, 1.0)
    if last is not None:
        cells.append(last)
    columns = 3 if len(cells) > 4 else 2
    missing = -len(cells) % columns
    cells += [Cell(lambda axes: axes.set_axis_off())] * missing
    rows = [cells[k : k + columns] for k in range(0, len(cells), columns)]
    return rows_figure(rows, summary(result))


def _surface_cell(signal: Signal, title: str) -> Cell:
    return Cell(partial(_draw_surface, signal=signal, title=title), 1.0, "3d")


def _draw_surface(axes: Any, signal: Signal, title: str) -> None:
    """Triangles lit from the upper left."""
    axes.set_title(title, fontsize=SMALL)
    axes.set_box_aspect((1, 1, 1), zoom=1.3)
    axes.set_axis_off()
    try:
        triangles = signal_surface(signal).triangles
    except DataError:
        axes.text2D(0.5, 0.5, "no surface", ha="center", transform=axes.transAxes)
        return
    middle = (triangles.min(axis=(0, 1)) + triangles.max(axis=(0, 1))) / 2
    half = float(np.ptp(triangles, axis=(0, 1)).max()) / 2
    ends = np.stack([middle - half, middle + half], axis=1)
    axes.set(xlim=ends[0], ylim=ends[1], zlim=ends[2])
    light = LightSource(azdeg=315, altdeg=45)
    surface = Poly3DCollection(
        triangles, facecolors=COLOUR, edgecolors=COLOUR, linewidths=0.2, shade=True, lightsource=light
    )
    surface.set_rasterized(True)
    axes.add_collection3d(surface)


def _plane(frame: Signal) -> np.ndarray:
    """Points (N, 3) through the middle of the third coordinate, rows by the second."""
    x, y = np.meshgrid(*(np.linspace(low, high, SLICE) for low, high in frame.box[:2]))
    return np.column_stack([x.ravel(), y.ravel(), np.full(x.size, _height(frame))])


def _height(frame: Signal) -> float:
    assert frame.axes is not None
    return float(frame.axes[2][frame.shape[2] // 2])


def _draw_slice(axes: Axes, result: Representation) -> None:
    frame = result.frame
    values = result.predict(_plane(frame))[:, 0].reshape(SLICE, SLICE)
    occupancy = frame.meta.get("quantity") == "occupancy"
    level, name = (0.5, "occupancy") if occupancy else (0.0, "signed distance")
    end = float(np.abs(values - level).max()) or 1.0
    extent = (*frame.box[0], *frame.box[1])
    drawn = axes.imshow(
        values, cmap=DIVERGING, vmin=level - end, vmax=level + end, extent=extent, origin="lower"
    )
    x, y = (np.linspace(low, high, SLICE) for low, high in frame.box[:2])
    if values.min() < level < values.max():
        axes.contour(x, y, values, levels=[level], colors="black", linewidths=1.4)
    if has_data(result):
        assert frame.axes is not None
        data = frame.values[:, :, frame.shape[2] // 2, 0].T
        if data.min() < level < data.max():
            axes.contour(
                *frame.axes[:2], data, levels=[level], colors=ORANGE, linewidths=1.0, linestyles="--"
            )
    where = f"{symbol(frame.coordinates[2])} = {_height(frame):.3g}"
    axes.set_title(f"{name}, {where}", fontsize=SMALL)
    axes.plot([], [], color="black", linewidth=1.4, label=DECODED)
    if has_data(result):
        axes.plot([], [], "--", color=ORANGE, linewidth=1.0, label=SIGNAL)
    axes.legend(
        fontsize=6.5, loc="upper right", frameon=True, framealpha=0.8, title="surface", title_fontsize=6.5
    )
    _names(axes, frame)
    colour_bar(axes, drawn)


def _draw_map(axes: Axes, result: Representation, values: np.ndarray, name: str) -> None:
    """Sizes on the plane, errors in other colours than slopes."""
    frame = result.frame
    options = {"extent": (*frame.box[0], *frame.box[1]), "origin": "lower"}
    show_map(axes, values, name, ERRORS if "error" in name else SIZES, options=options)
    _names(axes, frame)


def _names(axes: Axes, frame: Signal) -> None:
    axes.set_xlabel(symbol(frame.coordinates[0]), fontsize=SMALL)
    axes.set_ylabel(symbol(frame.coordinates[1]), fontsize=SMALL)
    axes.tick_params(labelsize=7)
