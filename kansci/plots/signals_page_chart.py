"""The signal-to-noise ratio of several models over time, as SVG that takes its colours from its page."""

import math
from collections.abc import Callable
from html import escape

import numpy as np
from matplotlib.ticker import MaxNLocator

from kansci.plots.signals_page_style import SERIES
from kansci.representation import Representation

__all__ = ["chart"]

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 34, 66, 30, 40
EXACT = 120.0
"""dB from which there is nothing to be seen on a scale with others."""
LINE = 15
"""Height of a name."""
Place = Callable[[float, float], tuple[float, float]]
"""Of seconds and dB in the drawing."""


def chart(results: tuple[Representation, ...]) -> str:
    """Draw a curve for each network, a dot where a spline was solved for.

    Args:
        results: of one signal.

    Returns:
        An svg element; empty where no network was trained for a signal-to-noise ratio.
    """
    curves = [(result.model.kind, *_curve(result)) for result in results]
    drawn = [(name, x, y, k) for k, (name, x, y) in enumerate(curves) if len(y)]
    if not any(len(y) > 1 for _, _, y, _ in drawn):
        return ""
    seconds = max(float(x.max()) for _, x, _, _ in drawn)
    low, high = (float(f(np.concatenate([y for _, _, y, _ in drawn]))) for f in (np.min, np.max))
    across = _ticks(0.0, seconds)
    upward = _ticks(low, max(high, low + 1))

    def place(x: float, y: float) -> tuple[float, float]:
        share = (y - upward[0]) / (upward[-1] - upward[0])
        return (
            LEFT + (WIDTH - LEFT - RIGHT) * x / across[-1],
            HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share,
        )

    parts = [*_grid(across, upward, place), *_names(drawn, place)]
    for _, x, y, k in drawn:
        points = [place(a, b) for a, b in zip(x, y, strict=True)]
        parts.append(_line(points, k))
    label = "PSNR in dB over seconds: " + "; ".join(f"{name} {y[-1]:.1f}" for name, _, y, _ in drawn)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
        + "".join(parts)
        + "</svg>"
    )


def _curve(result: Representation) -> tuple[np.ndarray, np.ndarray]:
    """Seconds and dB; both empty where there is nothing to draw."""
    pairs = [(step["seconds"], step["psnr"]) for step in result.history if step["psnr"] is not None]
    if not result.history:
        pairs = [(result.seconds, result.quality.get("psnr") or math.inf)]
    known = np.array([p for p in pairs if math.isfinite(p[1]) and p[1] < EXACT], dtype=float).reshape(-1, 2)
    return known[:, 0], known[:, 1]


def _ticks(low: float, high: float) -> np.ndarray:
    return np.asarray(MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(low, high))


def _grid(across: np.ndarray, upward: np.ndarray, place: Place) -> list[str]:
    parts = []
    for y in upward:
        left, row = place(0, y)
        parts.append(f'<path class="frame" d="M{left:.1f} {row:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{left - 7:.1f}" y="{row + 4:.1f}" text-anchor="end">{y:g}</text>')
    for x in across:
        column, bottom = place(x, upward[0])
        parts.append(f'<text x="{column:.1f}" y="{bottom + 17:.1f}" text-anchor="middle">{x:g}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 5}" text-anchor="middle">seconds</text>')
    parts.append('<text x="0" y="12">PSNR (dB)</text>')
    return parts


def _names(drawn: list[tuple[str, np.ndarray, np.ndarray, int]], place: Place) -> list[str]:
    """Each name beside the end of its curve, moved up where it would be written over another."""
    ends = sorted(((place(x[-1], y[-1])[1], name, k) for name, x, y, k in drawn), reverse=True)
    parts, free = [], math.inf
    for row, name, k in ends:
        free = min(row + 4, free - LINE)
        colour = f"var(--s{k % len(SERIES)})"
        parts.append(
            f'<text class="name" x="{WIDTH - RIGHT + 8}" y="{free:.1f}" style="fill: {colour}">'
            f"{escape(name)}</text>"
        )
    return parts


def _line(points: list[tuple[float, float]], k: int) -> str:
    colour = f"var(--s{k % len(SERIES)})"
    if len(points) == 1:
        (x, y) = points[0]
        return (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" style="fill: {colour}"/>'
            f'<path class="curve" d="M{x:.1f} {y:.1f}H{WIDTH - RIGHT}" stroke-dasharray="1 5" '
            f'style="stroke: {colour}"/>'
        )
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path class="curve" d="{path}" style="stroke: {colour}"/>'
