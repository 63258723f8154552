"""The trade between how long a formula is and how wrong."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from kansci.export import shorten
from kansci.plots.style import BLUE, GREY, ORANGE, math_text, shrink, styled

__all__ = ["pareto_figure"]

FLOOR = 1e-16
"""Errors below this are round-off and drawn here."""
MOST_ROWS = 14
LONGEST = 600


@styled
def pareto_figure(front: Sequence[Mapping[str, Any]], chosen: str = "") -> Figure:
    """Draw a front, with a numbered list of its formulas beside it.

    Args:
        front: Rows with ``formula``, ``latex``, ``complexity`` and ``nrmse``, as ``kansci discover --json``
            gives them.
        chosen: The ``formula`` of the row to mark.

    Returns:
        The figure, 8.5 inches wide.
    """
    rows = sorted(front, key=lambda row: row["complexity"])
    figure = Figure(figsize=(8.5, max(3.6, 0.34 * min(len(rows), MOST_ROWS) + 0.9)), layout="constrained")
    axes, legend = figure.subplots(1, 2, width_ratios=[1, 1])
    size = np.array([row["complexity"] for row in rows], dtype=float)
    # A null stands for an error that is not finite.
    error = np.array([np.inf if row["nrmse"] is None else row["nrmse"] for row in rows], dtype=float)
    shown = np.isfinite(error)
    error = np.maximum(error, FLOOR)
    axes.set_yscale("log")
    axes.step(size[shown], error[shown], where="post", color=GREY, linewidth=1.0, zorder=1)
    marked = np.array([row["formula"] == chosen for row in rows], dtype=bool)
    axes.scatter(size[shown & ~marked], error[shown & ~marked], s=34, color=BLUE, zorder=2)
    axes.scatter(size[shown & marked], error[shown & marked], s=90, marker="D", color=ORANGE, zorder=3)
    for number in np.flatnonzero(shown):
        axes.annotate(
            str(number + 1),
            (size[number], error[number]),
            xytext=(5, 5),
            textcoords="offset points",
            fontsize=10,
        )
    axes.set_xlabel("complexity (nodes of the expression)")
    axes.set_ylabel("RMSE / std")
    axes.margins(0.08)
    _plain_ticks(axes)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _list_formulas(legend, rows, marked)
    return figure


def _plain_ticks(axes: Axes) -> None:
    """Within two decades 0.2 reads better than 2 x 10^-1."""
    low, high = axes.get_ylim()
    if high <= 100 * low:
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())


def _list_formulas(axes: Any, rows: Sequence[Mapping[str, Any]], marked: np.ndarray) -> None:
    """One line a formula; of a long front the chosen one and its neighbours."""
    axes.set_axis_off()
    centre = int(np.argmax(marked)) if marked.any() else len(rows) - 1
    first = min(max(centre - MOST_ROWS // 2, 0), max(len(rows) - MOST_ROWS, 0))
    listed = range(first, min(first + MOST_ROWS, len(rows)))
    for line, number in enumerate(listed):
        height = 1 - (line + 0.5) / len(listed)
        style = {"transform": axes.transAxes, "va": "center", "color": ORANGE if marked[number] else "black"}
        axes.text(0.0, height, str(number + 1), ha="right", **style)
        text = axes.text(0.04, height, _typeset(rows[number]), **style)
        if not shrink(text, 3.7):
            text.set_text("(too long to print here)")
            text.set_fontsize(10)


def _typeset(row: Mapping[str, Any]) -> str:
    return math_text(
        *(shorten(row[key], 4) if len(row[key]) <= LONGEST else "" for key in ("latex", "formula"))
    )
