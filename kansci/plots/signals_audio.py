"""Figures of represented sound."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.signal import ShortTimeFFT, get_window

from kansci.plots.signals_cells import (
    DECODED,
    SIGNAL,
    SMALL,
    Cell,
    colour_bar,
    has_data,
    rows_figure,
    summary,
    training_cell,
)
from kansci.plots.style import BLUE, GREY, ORANGE
from kansci.representation import Representation
from kansci.signals import Signal

__all__ = ["audio_figure"]

COLUMNS = 1200
"""Of a curve: more samples are drawn by the lowest and the highest of each column."""
DETAIL = 0.01
"""Seconds of the detail."""
RANGE = 90.0
"""Of a spectrogram, in dB."""


def audio_figure(result: Representation) -> Figure:
    """Draw a sound: its waveform, the error, a detail with its samples, spectrograms."""
    frame, decoded = result.frame, result.decode()
    data = frame if has_data(result) else decoded
    rows = [[Cell(partial(_waveform, signal=data, channel=c))] for c in range(len(frame.channels))]
    rows.append([Cell(partial(_detail, result=result, data=data))])
    pictures = [(DECODED, decoded.values[:, 0])]
    if has_data(result):
        difference = decoded.with_values(decoded.values - frame.values)
        rows[0].append(Cell(partial(_waveform, signal=difference, channel=0, name="error", colour=ORANGE)))
        pictures = [(SIGNAL, frame.values[:, 0]), *pictures]
    rows[-1] += [cell for cell in [training_cell(result)] if cell is not None]
    top = _decibels(pictures[0][1], frame)[-1].max()
    rows.append([Cell(partial(_spectrogram, frame=frame, name=n, values=v, top=top)) for n, v in pictures])
    return rows_figure(rows, summary(result))


def _waveform(axes: Axes, signal: Signal, channel: int, name: str = SIGNAL, colour: str = BLUE) -> None:
    assert signal.axes is not None
    time, values = signal.axes[0], signal.values[:, channel]
    if len(values) > 2 * COLUMNS:
        starts = np.linspace(0, len(values), COLUMNS, endpoint=False).astype(int)
        low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
        axes.fill_between(time[starts], low, high, color=colour, linewidth=0.4, rasterized=True)
    else:
        axes.plot(time, values, color=colour, linewidth=0.8)
    axes.set_xlim(*signal.box[0])
    which = f" ({signal.channels[channel]})" if len(signal.channels) > 1 else ""
    _finish(axes, f"{name}{which}")


def _detail(axes: Axes, result: Representation, data: Signal) -> None:
    """The loudest place, samples as dots and the function as a curve between them."""
    assert data.axes is not None
    time, values = data.axes[0], data.values[:, 0]
    count = int(np.clip(round(DETAIL * float(data.meta.get("rate", 1.0))), 32, len(values)))
    power = np.convolve(values**2, np.ones(count), mode="valid")
    start = int(np.argmax(power))
    part = slice(start, start + count)
    fine = np.linspace(time[part][0], time[part][-1], 10 * count)
    axes.plot(
        1e3 * fine, result.predict(fine[:, None])[:, 0], color=BLUE, linewidth=1.1, label="the function"
    )
    axes.plot(1e3 * time[part], values[part], ".", color="black", markersize=2.5, label="samples")
    axes.legend(fontsize=7, loc="upper right", frameon=True, framealpha=0.8)
    _finish(axes, "detail", "time (ms)")


def _spectrogram(axes: Axes, frame: Signal, name: str, values: np.ndarray, top: float) -> None:
    time, frequency, level = _decibels(values, frame)
    drawn = axes.pcolormesh(
        time,
        frequency / 1e3,
        level,
        cmap="magma",
        vmin=top - RANGE,
        vmax=top,
        shading="nearest",
        rasterized=True,
    )
    axes.set_xlim(*frame.box[0])
    axes.set_ylabel("frequency (kHz)", fontsize=SMALL)
    _finish(axes, f"spectrogram, {name}")
    colour_bar(axes, drawn, "dB")


def _decibels(values: np.ndarray, frame: Signal) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times in s, frequencies in Hz, and power in dB by frequency and time, of windows of about 1/100 s."""
    rate = float(frame.meta.get("rate", 1.0))
    size = int(min(2 ** round(np.log2(max(rate / 50, 32))), 2 ** np.floor(np.log2(len(values)))))
    transform = ShortTimeFFT(get_window("hann", size), max(size // 4, len(values) // COLUMNS, 1), rate)
    power = np.abs(transform.stft(values)) ** 2
    return transform.t(len(values)), transform.f, 10 * np.log10(np.maximum(power, 1e-20))


def _finish(axes: Axes, title: str, across: str = "time (s)") -> None:
    axes.set_title(title, fontsize=SMALL)
    axes.set_xlabel(across, fontsize=SMALL)
    axes.tick_params(labelsize=7)
    if axes.get_ylim()[0] < 0 < axes.get_ylim()[1]:
        axes.axhline(0, color=GREY, linewidth=0.4, zorder=0)
