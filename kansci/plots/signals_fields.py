"""Figures of represented fields: curves, maps, slices, and how far they are from their samples."""

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kansci.plots.signals_cells import (
    DIVERGING,
    SMALL,
    Cell,
    colour_bar,
    has_data,
    rows_figure,
    summary,
    training_cell,
)
from kansci.plots.style import BLUE, GREY, ORANGE, label, point_style, symbol
from kansci.representation import Representation

__all__ = ["field_figure"]

LINE, PLANE = 801, 161
"""Points of a curve, and along each axis of a map."""
CHANNELS = 4
"""Drawn at most."""
SHARES = (0.25, 0.5, 0.75)
"""Where the third coordinate is held."""


def field_figure(result: Representation) -> Figure:
    """Draw a field: the function with its samples, what it misses, its slope; slices in three coordinates."""
    rows = [_row(result, channel) for channel in range(min(len(result.frame.channels), CHANNELS))]
    last = training_cell(result)
    return rows_figure(rows if last is None else [*rows, [last]], summary(result))


def _row(result: Representation, channel: int) -> list[Cell]:
    if result.frame.dimension == 1:
        cells = [Cell(partial(_curve, result=result, channel=channel))]
        slope = Cell(partial(_slope, result=result, channel=channel))
    elif result.frame.dimension == 2:
        cells = [Cell(partial(_map, result=result, channel=channel, held=()), 0.8)]
        slope = Cell(partial(_slope_map, result=result, channel=channel), 0.8)
    else:
        shares = SHARES if not has_data(result) else SHARES[:2]
        cells = [Cell(partial(_map, result=result, channel=channel, held=(share,)), 0.8) for share in shares]
        slope = None
    if has_data(result):
        drawn = _missed_map if result.frame.dimension == 2 else _missed
        cells.append(Cell(partial(drawn, result=result, channel=channel), cells[0].ratio))
    return cells if slope is None else [*cells, slope]


def _curve(axes: Axes, result: Representation, channel: int) -> None:
    frame, x = result.frame, _line(result)
    if has_data(result):
        where = frame.points[:, 0] if frame.points is not None else frame.axes[0]  # type: ignore[index]
        axes.scatter(where, frame.flat_values()[:, channel], **_dots(frame.size, 9))
    axes.plot(x, result.predict(x[:, None])[:, channel], color=BLUE, linewidth=1.3)
    _finish(axes, result, "the function, and its samples" if has_data(result) else "the function")
    axes.set_ylabel(label(frame.channels[channel]), fontsize=SMALL)


def _slope(axes: Axes, result: Representation, channel: int) -> None:
    x = _line(result)
    axes.plot(x, result.gradient(x[:, None])[:, channel, 0], color=ORANGE, linewidth=1.3)
    _finish(axes, result, "exact derivative")


def _missed(axes: Axes, result: Representation, channel: int) -> None:
    """Samples less the function, over the first coordinate."""
    frame = result.frame
    points = frame.unit_points()
    missed = frame.flat_values()[:, channel] - result.model.values(points)[:, channel]
    middle, half = frame.box[0].mean(), frame.half_widths[0]
    axes.axhline(0, color=GREY, linewidth=0.6)
    axes.scatter(middle + half * points[:, 0], missed, **_dots(frame.size, 7))
    _finish(axes, result, "samples less the function")
    if frame.dimension > 2:
        axes.set_box_aspect(0.8)


def _map(axes: Axes, result: Representation, channel: int, held: tuple[float, ...]) -> None:
    """Two coordinates; the third is held at a share of its range, further ones in the middle."""
    frame, lines = result.frame, _lines(result)
    shares = [*held, *[0.5] * (frame.dimension - 2 - len(held))]
    fixed = [low + share * (high - low) for share, (low, high) in zip(shares, frame.box[2:], strict=True)]
    grids = np.meshgrid(*lines, indexing="ij")
    points = np.column_stack([*(g.ravel() for g in grids), *(np.full(grids[0].size, v) for v in fixed)])
    values = result.predict(points)[:, channel].reshape(grids[0].shape)
    drawn = axes.pcolormesh(*lines, values.T, cmap="viridis", shading="nearest", rasterized=True)
    names = zip(frame.coordinates[2:], fixed, strict=True)
    title = ", ".join(f"{symbol(name)} = {value:.3g}" for name, value in names) or "the function"
    if frame.points is not None and frame.dimension == 2 and has_data(result):
        x, y = frame.points.T
        axes.scatter(x, y, s=3, color="white", edgecolor="black", linewidth=0.3, rasterized=True)
        title = "the function, and where samples are"
    _finish(axes, result, title)
    colour_bar(axes, drawn, label(frame.channels[channel]))


def _slope_map(axes: Axes, result: Representation, channel: int) -> None:
    lines = _lines(result)
    grids = np.meshgrid(*lines, indexing="ij")
    slopes = result.gradient(np.column_stack([g.ravel() for g in grids]))[:, channel]
    size = np.linalg.norm(slopes, axis=1).reshape(grids[0].shape)
    drawn = axes.pcolormesh(*lines, size.T, cmap="cividis", shading="nearest", rasterized=True)
    _finish(axes, result, "size of the exact gradient")
    colour_bar(axes, drawn)


def _missed_map(axes: Axes, result: Representation, channel: int) -> None:
    frame = result.frame
    points = frame.unit_points()
    missed = frame.flat_values()[:, channel] - result.model.values(points)[:, channel]
    end = float(np.abs(missed).max()) or 1.0
    colours: dict[str, Any] = {"cmap": DIVERGING, "vmin": -end, "vmax": end, "rasterized": True}
    drawn: Any
    if frame.axes is not None:
        drawn = axes.pcolormesh(*frame.axes, missed.reshape(frame.shape).T, shading="nearest", **colours)
    else:
        colours |= {"c": missed, "s": 9, "edgecolor": "black", "linewidth": 0.2}
        drawn = axes.scatter(*np.asarray(frame.points).T, **colours)
    _finish(axes, result, "samples less the function")
    colour_bar(axes, drawn)


def _dots(count: int, size: float) -> dict[str, Any]:
    return {**point_style(count), "s": size}


def _line(result: Representation) -> np.ndarray:
    low, high = result.frame.box[0]
    return np.linspace(low, high, LINE)


def _lines(result: Representation) -> list[np.ndarray]:
    return [np.linspace(low, high, PLANE) for low, high in result.frame.box[:2]]


def _finish(axes: Axes, result: Representation, title: str) -> None:
    names = result.frame.coordinates
    axes.set_title(title, fontsize=SMALL)
    axes.set_xlabel(label(names[0]), fontsize=SMALL)
    if len(names) > 1 and axes.collections and not axes.lines:
        axes.set_ylabel(label(names[1]), fontsize=SMALL)
        axes.set_box_aspect(0.8)
    axes.tick_params(labelsize=7)
    axes.yaxis.get_offset_text().set_fontsize(7)
