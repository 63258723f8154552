"""The spline that stands for a signal: solved for, whatever the task."""

import math
from collections.abc import Callable

import numpy as np
from scipy import sparse

from kansci.errors import SettingsError
from kansci.inr.integrate import from_gradient, from_laplacian
from kansci.inr.model import cell_centres
from kansci.inr.recover import Recovered, recover
from kansci.inr.spline_axis import SplineAxis
from kansci.inr.tensor_spline import TensorSpline, fitting_degree, from_means, through_values
from kansci.inr.terms import largest_terms
from kansci.representation.goal import Goal
from kansci.representation.noise import sample_noise
from kansci.representation.settings import RepresentSettings
from kansci.signals import Signal
from kansci.signals.signal import SENSED

__all__ = ["fit_spline"]

EVEN = 1e-6
MOST_SCATTERED = 1 << 18
"""Coefficients for scattered samples."""
SMOOTHED = "the positions are not evenly spaced: the samples are smoothed, not gone through"
NOISY = "the spline goes through all samples, noise of about {:.2g} included: --task denoise smooths"
VISIBLE_NOISE = 0.02
"""Part of the spread from which noise of a field is worth a remark."""


def fit_spline(
    goal: Goal, settings: RepresentSettings, should_stop: Callable[[], bool]
) -> tuple[TensorSpline, list[str]]:
    """Find the spline.

    Args:
        goal: what is known.
        settings: how.
        should_stop: asked while weights of a prior are compared.

    Returns:
        The spline, and remarks on how it was found.
    """
    measured, frame = goal.measured, goal.frame
    if measured.derivative != "value":
        return _integrated(goal, settings)
    if frame.kind == "field" and not _even(frame):
        return _scattered(frame, settings, should_stop)
    if goal.direct and settings.task == "fit":
        return _through(frame, frame.values, settings), _noise_notes(frame)
    operator = measured.operator
    if operator is None:
        operator = sparse.csr_array(sparse.eye_array(measured.n_points))
    found = recover(
        operator,
        measured.values,
        measured.shape,
        prior=settings.prior,
        seed=settings.seed,
        groups=goal.groups,
        should_stop=should_stop,
    )
    return _through(frame, found.values, settings), [_remark(found)]


def _remark(found: Recovered) -> str:
    weight = f"prior {found.prior}, weight {found.weight:.3g}"
    return f"{weight}: measurements that were held out are missed by {found.error:.3g}"


def _noise_notes(frame: Signal) -> list[str]:
    """Say so where a measured field shows noise."""
    if frame.kind != "field":
        return []
    channels = np.moveaxis(frame.values, -1, 0)
    noise = [sample_noise(values) or 0.0 for values in channels]
    noisy = [n for n, values in zip(noise, channels, strict=True) if n > VISIBLE_NOISE * values.std()]
    return [NOISY.format(max(noisy))] if noisy else []


def _through(frame: Signal, values: np.ndarray, settings: RepresentSettings) -> TensorSpline:
    kept, count = largest_terms(values, settings.parameters or values.size)
    if frame.kind in SENSED:
        spline = from_means(kept, settings.degree)
    else:
        spline = through_values(kept, frame.unit_axes(), settings.degree)
    return spline if count == values.size else TensorSpline(spline.axes, spline.coefficients, count)


def _integrated(goal: Goal, settings: RepresentSettings) -> tuple[TensorSpline, list[str]]:
    values = goal.measured.values.reshape(*goal.measured.shape, *goal.measured.values.shape[1:])
    degree = max(settings.degree, 3)
    if goal.measured.derivative == "gradient":
        spline = from_gradient(values, goal.frame.unit_axes(), degree)
    elif not _in_cells(goal.frame):
        raise SettingsError("--task laplacian needs samples in the middle of equal cells")
    else:
        spline = from_laplacian(values, degree, goal.frame.half_widths[0] / goal.frame.half_widths)
    return spline, ["the mean of the function is not determined: it is 0"]


def _even(signal: Signal) -> bool:
    """Whether the samples are on a grid of equal distances; others are smoothed, not gone through."""
    return signal.on_grid and all(np.ptp(np.diff(x)) < EVEN * np.ptp(x) for x in signal.unit_axes())


def _in_cells(signal: Signal) -> bool:
    return all(np.allclose(x, cell_centres(len(x))) for x in signal.unit_axes())


def _scattered(
    frame: Signal, settings: RepresentSettings, should_stop: Callable[[], bool]
) -> tuple[TensorSpline, list[str]]:
    """Smooth: as many coefficients as samples at most, thin plates between them."""
    points = frame.unit_points()
    most = min(settings.parameters or len(points), MOST_SCATTERED)
    count = max(4, math.floor(most ** (1 / points.shape[1])))
    axes = tuple(
        SplineAxis.nodes(np.linspace(-1, 1, count), fitting_degree(settings.degree, count)) for _ in points.T
    )
    design = _products(axes, points)
    found = recover(
        design,
        frame.flat_values(),
        tuple(a.size for a in axes),
        prior=settings.prior or "smooth",
        seed=settings.seed,
        should_stop=should_stop,
    )
    return TensorSpline(axes, found.values), [SMOOTHED, _remark(found)]


def _products(axes: tuple[SplineAxis, ...], points: np.ndarray) -> sparse.csr_array:
    """All products of the coordinates' functions at points (N, d), in the order of the coefficients."""
    index, weight = np.zeros((len(points), 1), dtype=int), np.ones((len(points), 1))
    for axis, x in zip(axes, points.T, strict=True):
        place, factor = axis.local(x)
        index = (index[:, :, None] * axis.size + place[:, None, :]).reshape(len(points), -1)
        weight = (weight[:, :, None] * factor[:, None, :]).reshape(len(points), -1)
    rows = np.repeat(np.arange(len(points)), index.shape[1])
    shape = (len(points), math.prod(a.size for a in axes))
    return sparse.csr_array((weight.ravel(), (rows, index.ravel())), shape=shape)
