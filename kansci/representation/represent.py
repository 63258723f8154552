"""From a signal to the function that stands for it."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kansci.errors import DataError, SettingsError
from kansci.inr.model import CoordinateModel
from kansci.inr.training import Progress
from kansci.representation.goal import Goal, make_goal, surface_goal, without_alpha
from kansci.representation.measure import compare, misfit
from kansci.representation.networks import fit_network
from kansci.representation.read_any import read_any
from kansci.representation.representation import Representation
from kansci.representation.settings import RepresentSettings
from kansci.representation.splines import fit_spline
from kansci.signals import Signal, image_signal
from kansci.signals.read import is_shape, read_shape
from kansci.signals.shapes import Shape, shape_signal

__all__ = ["represent"]

TRANSPARENT = 1.0


def represent(
    signal: Signal | Shape | np.ndarray | str | Path,
    model: str = "spline",
    *,
    mask: np.ndarray | None = None,
    angles: Sequence[float] | None = None,
    reference: Signal | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    **settings: Any,
) -> Representation:
    """Represent a signal by a function of its coordinates.

    The default model is a tensor-product spline with a coefficient for every sample. It is linear in them, so
    they are solved for; it goes through all samples exactly. With fewer `parameters` than samples, those
    wavelets are kept that matter most. Networks are trained.

    Args:
        signal: samples; a solid, for task "eikonal"; a picture as an array (H, W) or (H, W, C), integers or
            in [0, 1]; a file or the name of an example, see `read_signal`.
        model: one of `MODELS`: "spline", "siren", "fkan", "wire", ...
        mask: of an inpainting, true where the signal is known, (n_1, ..., n_d).
        angles: of a scan's projections, in degrees.
        reference: what should come out, where it is known: quality is measured against it.
        on_progress: called after each training step.
        cancelled: asked before each step.
        **settings: further fields of `RepresentSettings`.

    Returns:
        The representation.

    Raises:
        SettingsError: an option is not allowed.
        DataError: the signal cannot be read, or does not suit the task.

    Example:
        >>> import numpy as np
        >>> picture = np.linspace(0, 1, 48).reshape(6, 8)
        >>> represent(picture).decode((12, 16)).values.shape
        (12, 16, 1)
    """  # noqa: DOC502  raised by read_signal and make_goal
    try:
        chosen = RepresentSettings(model=model, **settings)
    except TypeError as error:
        raise SettingsError(f"unknown option: {error}") from error
    started = time.perf_counter()
    if chosen.task == "eikonal":
        goal = surface_goal(_shape(signal), chosen.seed)
    else:
        goal = make_goal(_without_useless_alpha(_signal(signal)), chosen.task, mask, angles)
    interrupted = _Latch(cancelled or (lambda: False))
    found: CoordinateModel
    history: list[dict[str, Any]] = []
    notes = list(goal.frame.notes)
    if chosen.model == "spline":
        late = _Latch(lambda: interrupted() or time.perf_counter() - started > chosen.seconds)
        found, remarks = fit_spline(goal, chosen, late)
        notes += remarks
        if late.set and not interrupted.set:
            notes.append(f"not all weights of a prior were tried in {chosen.seconds:g} s")
    else:
        found, history = fit_network(goal, chosen, on_progress, interrupted)
    if goal.known is not None and reference is None:
        notes.append("its quality is measured on the samples that are known")
    seconds = time.perf_counter() - started
    result = Representation(goal.frame, chosen, found, {}, seconds, history, tuple(notes), interrupted.set)
    result.quality.update(_quality(result, goal, reference))
    return result


class _Latch:
    """Remembers that somebody wanted to stop."""

    def __init__(self, asked: Callable[[], bool]):
        self._asked, self.set = asked, False

    def __call__(self) -> bool:
        self.set = self.set or self._asked()
        return self.set


def _signal(signal: Signal | Shape | np.ndarray | str | Path) -> Signal:
    if isinstance(signal, Shape):
        return shape_signal(signal)
    if isinstance(signal, Signal):
        return signal.require_variation()
    if isinstance(signal, np.ndarray):
        return image_signal(signal).require_variation()
    return read_any(signal)


def _shape(source: Any) -> Shape:
    if isinstance(source, Shape):
        return source
    if isinstance(source, str | Path) and is_shape(source):
        return read_shape(source)
    raise DataError("task 'eikonal' needs a solid: a mesh (.ply, .obj, .stl) or a shape by its name")


def _without_useless_alpha(signal: Signal) -> Signal:
    """An opacity of one everywhere says nothing."""
    if "alpha" in signal.channels and len(signal.channels) > 1:
        alpha = signal.values[..., signal.channels.index("alpha")]
        if np.all(alpha == TRANSPARENT):
            return without_alpha(signal)
    return signal


def _quality(result: Representation, goal: Goal, reference: Signal | None) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    if reference is not None:
        decoded = result.decode(reference.shape) if reference.on_grid else result.decode()
        if decoded.values.shape != reference.values.shape:
            raise DataError(
                f"the reference has {reference.values.shape} values, the result {decoded.values.shape}"
            )
        found |= compare(reference, decoded)
    elif goal.direct or goal.known is not None or goal.surface:
        found |= compare(goal.frame, result.decode(), goal.known)
    if not goal.direct and not goal.surface:
        found |= misfit(goal, result.model)
    return found
