"""Measurements, the formula, and what is left over."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kansci import metrics
from kansci.data import Dataset
from kansci.plots.style import BLUE, GREY, ORANGE, label, point_style, scale_for, shrink, spaced, styled

__all__ = ["fit_figure"]

Predict = Callable[[np.ndarray], np.ndarray]


@styled
def fit_figure(dataset: Dataset, predict: Predict, title: str = "") -> Figure:
    """Draw a fit over its residuals.

    With one input the data and the curve stand over the input; with several, predictions over
    measurements. Axes are logarithmic where the values span two decades; residuals of a logarithmic
    target are relative.

    Args:
        dataset: N measurements.
        predict: X (N, I) -> predictions (N,); nan where there are none.
        title: Set over the figure, for example the formula as ``"$...$"``.

    Returns:
        The figure, 5 by 5 inches.
    """
    figure = Figure(figsize=(5.0, 5.0), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3.2, 1])
    predicted = np.asarray(predict(dataset.X), dtype=np.float64)
    upper.set_yscale(scale_for(dataset.y))
    if dataset.X.shape[1] == 1:
        across, name = dataset.X[:, 0], label(dataset.inputs[0], dataset.units)
        _draw_curve(upper, dataset, predict)
    else:
        across, name = predicted, f"{label(dataset.target, dataset.units)}, predicted"
        _draw_diagonal(upper, dataset, predicted)
    upper.set_ylabel(label(dataset.target, dataset.units))
    # Above the axes, where no point can be.
    upper.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderpad=0.2, columnspacing=1.2)
    quality = {"xytext": (0, 8), "xycoords": "axes fraction", "textcoords": "offset points", "ha": "right"}
    upper.annotate(_quality(dataset.y, predicted), (1, 1), **quality)
    _draw_residuals(lower, across, dataset.y, predicted, relative=upper.get_yscale() == "log")
    lower.set_xlabel(name)
    lower.margins(y=0.2)
    figure.align_ylabels([upper, lower])
    if title and not shrink(figure.suptitle(spaced(title)), 4.9):
        figure.suptitle("")
    return figure


def _draw_curve(axes: Axes, dataset: Dataset, predict: Predict) -> None:
    x = dataset.X[:, 0]
    # A power law over one decade is already clearest as a straight line.
    axes.set_xscale(scale_for(x, 10 if axes.get_yscale() == "log" else 100))
    space = np.geomspace if axes.get_xscale() == "log" else np.linspace
    grid = space(x.min(), x.max(), 600)
    axes.plot(grid, predict(grid[:, None]), color=BLUE, zorder=2, label="formula")
    axes.scatter(x, dataset.y, label="data", **point_style(len(x)))


def _draw_diagonal(axes: Axes, dataset: Dataset, predicted: np.ndarray) -> None:
    axes.set_xscale(axes.get_yscale() if not np.any(predicted <= 0) else "linear")
    if axes.get_xscale() == "linear":
        axes.set_yscale("linear")
    ends = [dataset.y.min(), dataset.y.max()]
    axes.plot(ends, ends, color=BLUE, zorder=2, label="predicted = measured")
    axes.scatter(predicted, dataset.y, label="data", **point_style(len(dataset)))


def _draw_residuals(
    axes: Axes, across: np.ndarray, y: np.ndarray, predicted: np.ndarray, *, relative: bool
) -> None:
    residual = 100 * (y - predicted) / y if relative else y - predicted
    axes.axhline(0.0, color=GREY, linewidth=0.8, zorder=0)
    style = point_style(len(y))
    style["edgecolor" if len(y) <= 200 else "color"] = ORANGE
    axes.scatter(across, residual, **style)
    axes.set_ylabel("residual (%)" if relative else "residual")


def _quality(y: np.ndarray, predicted: np.ndarray) -> str:
    """The error as a person writes it; a perfect R2 in the digits that it has."""
    good = np.isfinite(predicted)
    error = metrics.nrmse(y[good], predicted[good]) if good.any() else float("inf")
    if not np.isfinite(error):
        return ""
    mantissa, _, exponent = f"{error:.1e}".partition("e")
    number = f"{error:.3g}" if error >= 1e-3 or error == 0 else rf"{mantissa}\times 10^{{{int(exponent)}}}"
    return rf"RMSE / std $= {number}$"
