"""From a signal and a task to what is measured of the function that is sought."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from kansci.errors import DataError, SettingsError
from kansci.inr.measurements import Measurements
from kansci.inr.projection import projection_matrix
from kansci.signals import Signal
from kansci.signals.read_image import ALPHA_NOTE
from kansci.signals.shapes import Shape, shape_signal

__all__ = ["Goal", "make_goal", "surface_goal", "without_alpha"]

VISIBLE = 0.5
"""Opacity from which a pixel counts as known."""
SURFACE_POINTS = 100_000
"""Points on a surface from which its distance is learnt."""
MOST_SCAN = 1024
"""Detectors of a scan: its picture has as many rows and columns."""


@dataclass(frozen=True, eq=False)
class Goal:
    """What is sought.

    Attributes:
        frame: a signal of the form that the result has; its values are the samples where they are known
            directly, zeros otherwise.
        measured: what is known.
        known: which samples of the frame are data, (n_1, ..., n_d); None for all.
        groups: measurements that are held out together, (M,); None where each is on its own.
        surface: whether they are the normals of a surface, at points on it.
    """

    frame: Signal
    measured: Measurements
    known: np.ndarray | None = None
    groups: np.ndarray | None = None
    surface: bool = False

    @property
    def direct(self) -> bool:
        """Whether samples of the function itself were measured."""
        return self.measured.operator is None and self.measured.derivative == "value" and not self.surface


def make_goal(
    signal: Signal, task: str, mask: np.ndarray | None = None, angles: Sequence[float] | None = None
) -> Goal:
    """Say what is measured.

    Args:
        signal: the data.
        task: one of `TASKS`.
        mask: of an inpainting, true where the signal is known, (n_1, ..., n_d); from its alpha channel by
            default.
        angles: of a scan, in degrees, one for each column of the sinogram; evenly spread over 180 degrees by
            default.

    Returns:
        The goal.

    Raises:
        SettingsError: an argument does not belong to the task.
        DataError: the signal does not suit it.
    """
    if mask is not None and task != "inpaint":
        raise SettingsError("a mask belongs to --task inpaint")
    if angles is not None and task != "scan":
        raise SettingsError("angles belong to --task scan")
    if task == "inpaint":
        return _inpaint(signal, mask)
    if task == "scan":
        return _scan(signal, angles)
    if task in {"gradient", "laplacian"}:
        return _derivative(signal, task)
    if task == "denoise" and not signal.on_grid:
        raise DataError("denoising needs samples on a grid; scattered ones are smoothed by --task fit")
    return Goal(signal, _plain(signal))


def surface_goal(shape: Shape, seed: int) -> Goal:
    """Know nothing of a solid but points on its surface and the normals there.

    Args:
        shape: the solid.
        seed: of the points.

    Returns:
        The goal; its frame holds the true distances, to compare with.
    """
    frame = shape_signal(shape)
    points, normals = shape.oriented_points(SURFACE_POINTS, seed)
    return Goal(frame, Measurements(normals, points=frame.unit(points)), surface=True)


def _plain(signal: Signal) -> Measurements:
    if signal.axes is None:
        return Measurements(signal.values, points=signal.unit_points())
    return Measurements(signal.flat_values(), axes=tuple(signal.unit_axes()))


def _inpaint(signal: Signal, mask: np.ndarray | None) -> Goal:
    if not signal.on_grid:
        raise DataError("inpainting needs samples on a grid")
    if mask is None:
        if "alpha" not in signal.channels:
            raise SettingsError(
                "inpainting needs to know what is missing: --mask FILE, or an image with alpha"
            )
        mask = signal.values[..., signal.channels.index("alpha")] >= VISIBLE
        signal = without_alpha(signal)
    known = np.asarray(mask, dtype=bool)
    if known.shape != signal.shape:
        raise DataError(f"the mask has {known.shape} samples, the signal {signal.shape}")
    if not known.any() or known.all():
        raise DataError(f"the mask says that {'all' if known.all() else 'none'} of the samples are known")
    where = np.flatnonzero(known)
    rows = sparse.csr_array(
        (np.ones(len(where)), (np.arange(len(where)), where)), shape=(len(where), known.size)
    )
    measured = Measurements(signal.flat_values()[where], axes=tuple(signal.unit_axes()), operator=rows)
    return Goal(signal, measured, known)


def without_alpha(signal: Signal) -> Signal:
    """Leave out the channel of opacity."""
    kept = [name != "alpha" for name in signal.channels]
    channels = tuple(name for name in signal.channels if name != "alpha")
    notes = [note for note in signal.notes if note != ALPHA_NOTE]
    meta = {**signal.meta, "notes": notes}
    return replace(signal, values=signal.values[..., kept], channels=channels, meta=meta)


def _scan(signal: Signal, angles: Sequence[float] | None) -> Goal:
    if signal.kind not in {"image", "field"} or len(signal.shape) != 2 or len(signal.channels) != 1:
        raise DataError("a sinogram is a grey image: a row for each detector, a column for each angle")
    size, count = signal.shape
    if size > MOST_SCAN:
        raise DataError(f"a sinogram of {size} detectors: at most {MOST_SCAN} are allowed")
    given = np.linspace(0, 180, count, endpoint=False) if angles is None else np.asarray(angles, dtype=float)
    if given.shape != (count,) or not np.isfinite(given).all():
        raise DataError(f"{len(given)} angles for a sinogram of {count} columns")
    axis = np.arange(size) + 0.5
    frame = replace(
        signal,
        kind="image",
        values=np.zeros((size, size, 1)),
        axes=(axis, axis),
        box=np.array([[0.0, size]] * 2),
        coordinates=("y", "x"),
    )
    operator = projection_matrix(size, given)
    measured = Measurements(signal.flat_values(), axes=tuple(frame.unit_axes()), operator=operator)
    return Goal(frame, measured, groups=np.tile(np.arange(count), size))


def _derivative(signal: Signal, task: str) -> Goal:
    d, channels = signal.dimension, len(signal.channels)
    if not signal.on_grid:
        raise DataError(f"--task {task} needs samples on a grid")
    values, names = signal.flat_values(), signal.channels
    widths = signal.half_widths
    if task == "gradient":
        if channels % d:
            raise DataError(
                f"{channels} channels: a gradient has {d} for each function, by {signal.coordinates}"
            )
        values = values.reshape(len(values), channels // d, d) * widths
        names = tuple(f"u{c + 1}" for c in range(channels // d)) if channels > d else ("u",)
    else:
        values = values * widths[0] ** 2  # by coordinates of which the first is in [-1, 1]
    frame = replace(signal, values=np.zeros((*signal.shape, len(names))), channels=names)
    return Goal(frame, Measurements(values, axes=tuple(signal.unit_axes()), derivative=task))
