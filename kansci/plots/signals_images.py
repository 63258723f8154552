"""Figures of represented images, videos and volumes."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullFormatter
from scipy.ndimage import uniform_filter, zoom

from kansci.plots.signals_cells import (
    DECODED,
    DIVERGING,
    ERRORS,
    FLATTEST,
    SIGNAL,
    SMALL,
    Cell,
    error_size,
    has_data,
    image_values,
    rows_figure,
    show_map,
    show_picture,
    summary,
    training_cell,
)
from kansci.plots.style import BLUE, GREY, ORANGE, symbol
from kansci.representation import Representation
from kansci.signals import Signal, psnr

__all__ = [
    "FINER",
    "busiest",
    "finer",
    "image_figure",
    "shown_range",
    "video_figure",
    "volume_figure",
]

FINER = 4
"""How many times finer a detail is decoded."""
FRAMES = 4
LOWEST = 1e-12
"""Power that is drawn, relative to the largest."""
DERIVED = 256
"""Points along the longer side at which derivatives are drawn."""
Window = tuple[slice, slice]


def image_figure(result: Representation) -> Figure:
    """Draw an image: the function, its error, a detail at four times the resolution, its derivatives."""
    frame, decoded = result.frame, result.decode()
    ratio = frame.shape[0] / frame.shape[1]
    data = frame if has_data(result) else decoded
    limits, window = shown_range(data), busiest(image_values(data.values, frame.peak))
    details = _details(result, decoded, limits, window)
    derivatives = _derivatives(result, ratio)
    if not has_data(result):
        last = training_cell(result)
        rows = [[_picture(decoded, DECODED, limits, window), *derivatives], details]
        return rows_figure(rows if last is None else [*rows, [last]], summary(result))
    errors = error_size(frame.values, decoded.values)
    first = [
        _picture(frame, SIGNAL, limits, window),
        _picture(decoded, DECODED, limits),
        Cell(partial(show_map, values=errors, title=_error_title(result), colours=ERRORS), ratio),
    ]
    last = training_cell(result, ratio) or _spectrum(frame, decoded, ratio)
    return rows_figure([first, details, [*derivatives, last]], summary(result))


def video_figure(result: Representation) -> Figure:
    """Draw some frames of a video, their errors, and the quality of every frame."""
    frame, decoded = result.frame, result.decode()
    numbers = np.unique(np.linspace(0, frame.shape[0] - 1, FRAMES).round().astype(int))
    pairs = [(f"frame {k + 1}", frame.values[k], decoded.values[k]) for k in numbers]
    rows = _compared(result, pairs, frame)
    last = [cell for cell in (_by_frame(frame, decoded), training_cell(result)) if cell is not None]
    return rows_figure([*rows, last] if has_data(result) else rows, summary(result))


def volume_figure(result: Representation) -> Figure:
    """Draw three slices through the middle of a volume and their errors."""
    frame, decoded = result.frame, result.decode()
    both = zip(_slices(frame), _slices(decoded), strict=True)
    pairs = [(title, values, other) for (title, values), (_, other) in both]
    rows = _compared(result, pairs, frame)
    last = training_cell(result)
    return rows_figure(rows if last is None else [*rows, [last]], summary(result))


def _slices(signal: Signal) -> list[tuple[str, np.ndarray]]:
    """Give the slices (rows, columns, C) through the middle of a grid of three coordinates, with titles."""
    assert signal.axes is not None
    found = []
    for axis, (name, positions) in enumerate(zip(signal.coordinates, signal.axes, strict=True)):
        middle = len(positions) // 2
        found.append((f"{symbol(name)} = {positions[middle]:.4g}", np.take(signal.values, middle, axis)))
    return found


def busiest(values: np.ndarray) -> Window:
    """Find the square with the steepest slopes in an image (H, W) or (H, W, C): what a detail is taken of."""
    grey = values if values.ndim == 2 else values[..., :3].mean(axis=-1)
    side = min(*grey.shape, int(np.clip(min(grey.shape) // 5, 16, 48)))
    slopes = sum(np.abs(slope) for slope in np.gradient(grey))
    mean = uniform_filter(slopes, side, mode="constant")
    half = side // 2
    rows, columns = (n - side + 1 for n in grey.shape)
    within = mean[half : half + rows, half : half + columns]
    top, left = np.unravel_index(int(np.argmax(within)), within.shape)
    return slice(int(top), int(top) + side), slice(int(left), int(left) + side)


def finer(result: Representation, window: Window, times: int = FINER) -> np.ndarray:
    """Evaluate the function of an image in the middles of finer pixels of a window, (times h, times w, C)."""
    axes = [
        (2 * (np.arange(part.start * times, part.stop * times) + 0.5) / (times * n)) - 1
        for part, n in zip(window, result.frame.shape, strict=True)
    ]
    return result.model.on_grid(axes)


def _derivatives(result: Representation, ratio: float) -> list[Cell]:
    """Size of the exact gradient, over all channels, and the Laplacian of their mean, by pixels."""
    frame = result.frame
    factor = min(1.0, DERIVED / max(frame.shape))
    shape = tuple(max(2, round(factor * n)) for n in frame.shape)
    points = np.stack(np.meshgrid(*frame.axes_at(shape), indexing="ij"), axis=-1).reshape(-1, 2)
    slope = np.sqrt((result.gradient(points) ** 2).sum(axis=(1, 2))).reshape(shape)
    curvature = result.laplacian(points).mean(axis=1).reshape(shape)
    return [
        Cell(partial(show_map, values=slope, title="size of the exact gradient"), ratio),
        Cell(partial(show_map, values=curvature, title="exact Laplacian", colours=DIVERGING), ratio),
    ]


def _compared(
    result: Representation, pairs: list[tuple[str, np.ndarray, np.ndarray]], frame: Signal
) -> list[list[Cell]]:
    """Rows of data, decoded samples and errors, a column for each pair of pictures."""
    limits = shown_range(frame if has_data(result) else result.decode())
    errors = [error_size(values, other) for _, values, other in pairs]
    high = float(max(e.max() for e in errors)) or 1.0

    def row(word: str, which: int) -> list[Cell]:
        cells = []
        for pair in pairs:
            values = image_values(np.asarray(pair[which]), frame.peak)
            title = f"{word}, {pair[0]}"
            cells.append(
                Cell(partial(show_picture, values=values, title=title, limits=limits), _ratio(values))
            )
        return cells

    decoded = row(DECODED, 2)
    if not has_data(result):
        return [decoded]
    maps = [
        Cell(partial(show_map, values=e, title=_error_title(result), colours=ERRORS, high=high), _ratio(e))
        for e in errors
    ]
    return [row(SIGNAL, 1), decoded, maps]


def _details(
    result: Representation, decoded: Signal, limits: tuple[float, float], window: Window
) -> list[Cell]:
    """The window as pixels, as a classical interpolation has it, and as the function has it."""
    frame = result.frame
    pixels = (frame if has_data(result) else decoded).values[window]
    shown = (
        ("pixels", pixels),
        (f"{FINER}x, bicubic", zoom(pixels, (FINER, FINER, 1), order=3, mode="nearest", grid_mode=True)),
        (f"{FINER}x, the function", finer(result, window)),
    )
    return [
        Cell(
            partial(
                show_picture,
                values=image_values(values, frame.peak),
                title=title,
                limits=limits,
                interpolation="nearest",
            ),
            1.0,
        )
        for title, values in shown
    ]


def _picture(signal: Signal, title: str, limits: tuple[float, float], window: Window | None = None) -> Cell:
    values = image_values(signal.values, signal.peak)

    def draw(axes: Axes) -> None:
        show_picture(axes, values, title, limits)
        if window is not None:
            rows, columns = window
            corner = columns.start - 0.5, rows.start - 0.5
            size = columns.stop - columns.start, rows.stop - rows.start
            axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor="white", linewidth=2.2))
            axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=ORANGE, linewidth=1.2))

    return Cell(draw, _ratio(values))


def _ratio(values: np.ndarray) -> float:
    return float(np.clip(values.shape[0] / values.shape[1], 0.25, 2.5))


def shown_range(signal: Signal) -> tuple[float, float]:
    """Give the values that are drawn black and white: 0 and 1 for images, else the range of the values."""
    values = image_values(signal.values.reshape(-1, 1, signal.values.shape[-1]), signal.peak)
    if signal.peak == 1 and values.min() >= 0:
        return 0.0, 1.0
    return float(values.min()), float(values.max())


def _error_title(result: Representation) -> str:
    """What a task takes out of the data is no error."""
    what = "error" if result.settings.task == "fit" else "change"
    return f"size of the {what}" + (" (RMS over channels)" if len(result.frame.channels) > 1 else "")


def _spectrum(frame: Signal, decoded: Signal, ratio: float) -> Cell:
    """Mean power by spatial frequency: which details are kept."""

    def draw(axes: Axes) -> None:
        series = (
            (frame.values, SIGNAL, GREY, "-"),
            (decoded.values, DECODED, BLUE, "--"),
            (frame.values - decoded.values, "error", ORANGE, "-"),
        )
        highest = 0.0
        for values, name, colour, line in series:
            frequency, power = _radial_power(values.mean(axis=-1))
            highest = max(highest, power.max())
            if power.max() < highest * LOWEST:
                continue
            axes.loglog(frequency, power, line, color=colour, label=name, linewidth=1.2)
        axes.set_ylim(bottom=highest * LOWEST)
        axes.set_xlabel("cycles per pixel", fontsize=SMALL)
        axes.set_title("power spectrum", fontsize=SMALL)
        axes.tick_params(labelsize=7)
        axes.legend(fontsize=7)
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_box_aspect(max(ratio, FLATTEST))

    return Cell(draw, ratio)


def _radial_power(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of |DFT|^2 over rings of spatial frequency, with a Hann window; frequencies up to 1/2."""
    window = np.multiply.outer(*(np.hanning(n + 2)[1:-1] for n in values.shape))
    power = np.abs(np.fft.fft2((values - values.mean()) * window)) ** 2 / values.size
    rows, columns = (np.fft.fftfreq(n) for n in values.shape)
    radius = np.hypot(rows[:, None], columns)
    edges = np.linspace(0, 0.5, max(8, min(values.shape) // 4) + 1)
    ring = np.digitize(radius.ravel(), edges)
    count = np.bincount(ring, minlength=len(edges) + 1)[1 : len(edges)]
    total = np.bincount(ring, power.ravel(), minlength=len(edges) + 1)[1 : len(edges)]
    kept = count > 0
    return ((edges[1:] + edges[:-1]) / 2)[kept], total[kept] / count[kept]


def _by_frame(frame: Signal, decoded: Signal) -> Cell:
    def draw(axes: Axes) -> None:
        ratios = [psnr(a, b, frame.peak) for a, b in zip(frame.values, decoded.values, strict=True)]
        axes.plot(np.arange(1, len(ratios) + 1), ratios, color=BLUE)
        axes.set_xlabel("frame", fontsize=SMALL)
        axes.set_title("PSNR (dB) of each frame", fontsize=SMALL)
        axes.tick_params(labelsize=7)

    return Cell(draw)
