"""What figures of signals are made of: pictures, maps with scales, the course of a training, rows of them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kansci.plots.style import BLUE
from kansci.representation import Representation

__all__ = [
    "DECODED",
    "DIVERGING",
    "ERRORS",
    "FLATTEST",
    "SIGNAL",
    "SIZES",
    "SMALL",
    "Cell",
    "colour_bar",
    "error_size",
    "has_data",
    "image_values",
    "rows_figure",
    "show_map",
    "show_picture",
    "summary",
    "training_cell",
]

SIGNAL, DECODED = "signal", "decoded"
SIZES, ERRORS, DIVERGING = "viridis", "magma", "RdBu_r"
"""Colour maps that colour-blind readers can tell apart: of sizes, of errors, of signed values."""
WIDTH = 7.2
"""Of a figure, in inches: that of a page."""
SMALL = 8.5
"""Font size of titles and scales."""
CURVES = 1.7
"""Height of a row of curves, in inches."""
MOST_ALIKE = 0.9995
"""Quantile of errors or derivatives at which their scale ends: single points do not darken all others."""
FLATTEST = 0.4
"""Height / width of curves beside pictures."""
MEASURED = ("fit", "denoise", "inpaint")
"""Tasks whose data are samples of the function."""


@dataclass(frozen=True)
class Cell:
    """A drawing of its own axes.

    Attributes:
        draw: draws it.
        ratio: height / width, None for a curve.
        projection: of the axes, "3d" for surfaces.
    """

    draw: Callable[[Axes], None]
    ratio: float | None = None
    projection: str | None = None


def has_data(result: Representation) -> bool:
    """Whether the frame of a representation holds samples of the function."""
    return result.settings.task in MEASURED


def summary(result: Representation) -> str:
    """One line about a representation: model, parameters, quality."""
    words = [f"{result.model.kind}, {result.model.n_parameters:,} parameters"]
    for name, text in (("psnr", "PSNR {:.1f} dB"), ("ssim", "SSIM {:.4f}"), ("iou", "IoU {:.4f}")):
        value = result.quality.get(name)
        if value is not None:
            words.append(text.format(value))
    return ", ".join(words)


def rows_figure(rows: Sequence[Sequence[Cell]], title: str) -> Figure:
    """Put cells into rows, those of a row with equal widths.

    Args:
        rows: the cells; those of curves alone share the width.
        title: above all.
    """
    columns = math.lcm(*(len(row) for row in rows))
    heights = [_height(row) for row in rows]
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.35), layout="compressed")
    grid = figure.add_gridspec(len(rows), columns, height_ratios=heights)
    for k, row in enumerate(rows):
        span = columns // len(row)
        for j, cell in enumerate(row):
            place = grid[k, j * span : (j + 1) * span]
            cell.draw(figure.add_subplot(place, projection=cell.projection))
    figure.suptitle(title.replace("$", r"\$"), fontsize=10)
    return figure


def _height(row: Sequence[Cell]) -> float:
    ratios = [cell.ratio for cell in row if cell.ratio is not None]
    # A third of an inch for the titles; the scales take a part of the width.
    return max(ratios) * 0.86 * WIDTH / len(row) + 0.33 if ratios else CURVES


def image_values(values: np.ndarray, peak: float = 1.0) -> np.ndarray:
    """Give what is shown of (H, W, C) values: grey (H, W), or red, green, blue and opacity.

    Several channels of numbers of another range than images have are shown by their mean.
    """
    channels = values.shape[-1]
    if channels in {1, 2}:
        return values[..., 0]
    if peak == 1 and channels in {3, 4}:
        return values
    return values.mean(axis=-1)


def error_size(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Root mean square over the channels of the difference, (..., C) -> (...)."""
    return np.sqrt(np.mean((one - other) ** 2, axis=-1))


def show_picture(
    axes: Axes, values: np.ndarray, title: str, limits: tuple[float, float], **options: Any
) -> None:
    """Draw an image (H, W) or (H, W, 3 or 4) without a scale, black and white at the limits."""
    low, high = limits
    if values.ndim == 3:
        values = np.clip((values - low) / (high - low), 0, 1)
    axes.imshow(values, cmap="gray", vmin=low, vmax=high, **options)
    _bare(axes, title)


def show_map(
    axes: Axes,
    values: np.ndarray,
    title: str,
    colours: str = SIZES,
    *,
    high: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> None:
    """Draw sizes (H, W), or signed values in diverging colours, with their scale.

    Args:
        axes: where.
        values: what.
        title: above.
        colours: name of the colour map; `DIVERGING` is centred on zero.
        high: end of the scale; from the values by default.
        options: for `Axes.imshow`.
    """
    end = _end(values) if high is None else high
    low = -end if colours == DIVERGING else 0.0
    drawn = axes.imshow(values, cmap=colours, vmin=low, vmax=end, **(options or {}))
    _bare(axes, title)
    colour_bar(axes, drawn)


def colour_bar(axes: Axes, drawn: ScalarMappable, label: str = "") -> None:
    """Put a scale of colours beside axes, as high as they are."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    bar = figure.colorbar(drawn, cax=axes.inset_axes((1.03, 0.0, 0.05, 1.0)), format=lambda v, _: f"{v:.2g}")
    bar.locator = MaxNLocator(4)
    bar.update_ticks()
    bar.ax.tick_params(labelsize=7, length=2)
    bar.outline.set_linewidth(0.5)
    if label:
        bar.set_label(label, fontsize=SMALL)


def training_cell(result: Representation, ratio: float | None = None) -> Cell | None:
    """How the signal-to-noise ratio grew while a network was trained; its loss where there is none."""
    steps = [step for step in result.history if step["seconds"] > 0]
    if len(steps) < 2:
        return None
    psnr = np.array([step["psnr"] if step["psnr"] is not None else np.nan for step in steps], dtype=float)
    known = np.isfinite(psnr).sum() >= 2
    values = psnr if known else np.array([step["loss"] for step in steps], dtype=float)
    seconds = [step["seconds"] for step in steps]
    what = "while it was trained" if has_data(result) else "of the measurements"

    def draw(axes: Axes) -> None:
        axes.plot(seconds, values, color=BLUE)
        axes.set_xlim(left=0)
        axes.set_xlabel("time (s)", fontsize=SMALL)
        axes.set_title(f"PSNR (dB) {what}" if known else "loss", fontsize=SMALL)
        axes.set_yscale("linear" if known else "log")
        axes.tick_params(labelsize=7)
        axes.set_box_aspect(None if ratio is None else max(ratio, FLATTEST))

    return Cell(draw, ratio)


def _end(values: np.ndarray) -> float:
    return float(np.quantile(np.abs(values), MOST_ALIKE)) or float(np.abs(values).max()) or 1.0


def _bare(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=SMALL, pad=3)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_linewidth(0.5)
