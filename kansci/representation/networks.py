"""A coordinate network trained on a signal, whatever the task."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from kansci.errors import DataError
from kansci.inr.measurements import Measurements
from kansci.inr.model import cell_centres
from kansci.inr.network_model import NetworkModel
from kansci.inr.networks import make_network, suggested_frequency
from kansci.inr.training import Progress, TrainSettings, train
from kansci.representation.goal import Goal
from kansci.representation.settings import NETWORK_PARAMETERS, RepresentSettings
from kansci.signals.signal import grid_points

__all__ = ["fit_network"]

SURFACE_GRID = 32
STEEP = 10.0
"""The largest slope of a function of order one that a network begins with."""


def fit_network(
    goal: Goal,
    settings: RepresentSettings,
    on_progress: Callable[[Progress], None] | None,
    cancelled: Callable[[], bool] | None,
) -> tuple[NetworkModel, list[dict[str, Any]]]:
    """Train a network.

    Args:
        goal: what is known.
        settings: how.
        on_progress: called after each step.
        cancelled: asked before each step.

    Returns:
        The model, and a record for each look at how well it does.

    Raises:
        DataError: a Laplacian is by coordinates of different scales.
    """
    measured = goal.measured
    sides = goal.frame.half_widths
    if measured.derivative == "laplacian" and not np.allclose(sides, sides[0]):
        raise DataError("a network takes a Laplacian on a box of equal sides only: use --model spline")
    logistic = goal.frame.meta.get("quantity") == "occupancy"
    offset, scale = (0.0, 1.0) if logistic else _scale(goal)
    loss = "sdf" if goal.surface else "bce" if logistic else "mse"
    network = make_network(
        settings.model,
        goal.frame.dimension,
        len(goal.frame.channels),
        parameters=settings.parameters or NETWORK_PARAMETERS,
        width=settings.width,
        depth=settings.depth,
        frequency=settings.frequency or _frequency(settings.model, goal),
        seed=settings.seed,
        initialisation=settings.initialisation,
    )
    how = TrainSettings(
        seconds=settings.seconds,
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        sampling=settings.sampling,
        loss=loss,
        seed=settings.seed,
        peak=goal.frame.peak / scale,
        precision=settings.precision,
        compiled=settings.compiled,
    )
    if settings.batch is not None:
        how = replace(how, batch=settings.batch)
    result = train(
        network, _scaled(measured, offset, scale), how, on_progress=on_progress, cancelled=cancelled
    )
    return NetworkModel(network, offset, scale, logistic=logistic), [asdict(p) for p in result.history]


def _frequency(model: str, goal: Goal) -> float | None:
    """Read off the samples how fine a network should begin; None where there are none."""
    frame = goal.frame
    if goal.surface:
        axes = [cell_centres(SURFACE_GRID)] * frame.dimension
        return suggested_frequency(model, _to_nearest(np.asarray(goal.measured.points), axes), axes)
    if goal.direct and frame.axes is not None:
        return suggested_frequency(model, frame.values, frame.unit_axes())
    if goal.direct:
        return suggested_frequency(model, frame.values, points=frame.unit_points())
    if goal.known is not None:
        points = frame.unit_points()[goal.known.ravel()]
        return suggested_frequency(model, frame.flat_values()[goal.known.ravel()], points=points)
    return None


def _to_nearest(points: np.ndarray, axes: list[np.ndarray]) -> np.ndarray:
    """Distances from a grid to the nearest of some points: as smooth as the signed distance is."""
    distances, _ = cKDTree(points).query(grid_points(axes))
    return distances.reshape(*(len(x) for x in axes), 1)


def _scale(goal: Goal) -> tuple[float, float]:
    """Find offset and scale that bring the function to about -1 to 1."""
    measured = goal.measured
    values = measured.values
    if goal.surface:
        return 0.0, float(goal.frame.half_widths[0])  # distances shrink with the box, a cube
    if measured.derivative == "gradient":
        return 0.0, float(np.abs(values).max()) / STEEP or 1.0
    if measured.derivative == "laplacian":
        return 0.0, float(np.abs(values).max()) / STEEP**2 or 1.0
    if measured.operator is not None:
        sums = np.asarray(measured.operator.sum(axis=1))[:, None]
        level = float((sums * values).sum() / max(float((sums**2).sum()) * values.shape[1], 1e-300))
        return level, float(np.abs(values - level * sums).max() / max(np.abs(sums).max(), 1e-300)) or 1.0
    low, high = float(values.min()), float(values.max())
    return (low + high) / 2, (high - low) / 2 or 1.0


def _scaled(measured: Measurements, offset: float, scale: float) -> Measurements:
    level: Any = offset
    if measured.operator is not None:
        level = offset * np.asarray(measured.operator.sum(axis=1))[:, None]
    return replace(measured, values=(measured.values - level) / scale)
