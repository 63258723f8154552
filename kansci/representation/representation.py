"""A signal as a function: what `represent` gives."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kansci._version import __version__
from kansci.errors import SettingsError
from kansci.inr.model import CoordinateModel
from kansci.representation.formula import SignalFormula
from kansci.representation.settings import RepresentSettings
from kansci.signals import Signal
from kansci.signals.signal import CELL_CENTRED, SENSED

__all__ = ["Representation"]

MOST_SAMPLES = 1 << 28
"""Of a decoded signal."""


@dataclass(frozen=True, eq=False)
class Representation:
    """A function of coordinates that stands for a signal.

    Attributes:
        frame: the signal's form: kind, box, axes, names; its values are the data, or zeros where others were
            measured.
        settings: how it was found.
        model: the function, on [-1, 1]^d.
        quality: measures against the data, and against a reference where one was given; see `measure`.
        seconds: of wall time.
        history: a record for each look during training; none for splines.
        notes: remarks.
        interrupted: whether it was stopped early.
        formulas: what `find_formula` found, by channel; empty where nobody asked.
    """

    frame: Signal
    settings: RepresentSettings
    model: CoordinateModel
    quality: dict[str, float | None]
    seconds: float
    history: list[dict[str, Any]] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    interrupted: bool = False
    formulas: tuple[SignalFormula, ...] = ()

    def decode(self, shape: Sequence[int] | None = None, *, scale: float | None = None) -> Signal:
        """Give samples of the function in the form of the signal.

        Images, videos and volumes are means over cells, as a sensor takes them, where the model knows them.

        Args:
            shape: how many samples along each axis; as many as the signal had by default. Of a signal at
                scattered points it gives a grid over their box.
            scale: so many times as many, instead; of signals on a grid.

        Returns:
            The signal, clipped to the range of images.

        Raises:
            SettingsError: it is given twice, or too large, or scattered points are to be scaled.
            DataError: the shape has another number of axes, or fewer than 2 samples along one.
        """  # noqa: DOC502  the latter by `Signal.axes_at`
        if shape is not None and scale is not None:
            raise SettingsError("give a shape or a scale, not both")
        frame = self.frame
        if not frame.on_grid and shape is None:
            if scale not in {None, 1}:
                raise SettingsError(f"scale={scale:g}: scattered points are not scaled: give a shape")
            return frame.with_values(self.model.values(frame.unit_points()))
        if scale is not None:
            if not 0 < scale < np.inf:
                raise SettingsError(f"scale={scale}: give a number above zero")
            more = 0 if frame.kind in CELL_CENTRED else 1  # intervals between samples are divided, not cells
            shape = [max(2, round((n - more) * scale) + more) for n in frame.shape]
        shape = tuple(frame.shape if shape is None else shape)
        if np.prod(shape, dtype=float) * len(frame.channels) > MOST_SAMPLES:
            raise SettingsError(
                f"{' x '.join(map(str, shape))} samples: at most {MOST_SAMPLES:,} are allowed"
            )
        axes = frame.axes_at(shape)
        if frame.kind in SENSED:
            values = self.model.means(shape)
        else:
            ends = zip(axes, frame.box, strict=True)
            values = self.model.on_grid([(2 * x - low - high) / (high - low) for x, (low, high) in ends])
        return frame.with_values(values, axes)

    def predict(self, points: np.ndarray) -> np.ndarray:
        """Evaluate at points (N, d) in the signal's units, giving (N, C)."""
        return self.model.values(self.frame.unit(points))

    def gradient(self, points: np.ndarray) -> np.ndarray:
        """Differentiate exactly at points (N, d), by the signal's units, giving (N, C, d)."""
        return self.model.gradient(self.frame.unit(points)) / self.frame.half_widths

    def laplacian(self, points: np.ndarray) -> np.ndarray:
        """Sum the second derivatives at points (N, d), by the signal's units, giving (N, C)."""
        return self.model.laplacian(self.frame.unit(points), 1 / self.frame.half_widths)

    def derivatives(self, samples: Signal, what: str) -> Signal:
        """Differentiate exactly, by the signal's units, where samples are.

        Args:
            samples: what `decode` gave.
            what: "gradient" or "laplacian".

        Returns:
            A field whose channels are the components.

        Raises:
            SettingsError: it is something else.
        """
        if what not in {"gradient", "laplacian"}:
            raise SettingsError(f"--what {what}: choose values, gradient or laplacian")
        points = samples.positions()
        values = self.gradient(points) if what == "gradient" else self.laplacian(points)
        names = [f"laplacian of {c}" for c in samples.channels]
        if what == "gradient":
            names = [f"d{c}/d{x}" for c in samples.channels for x in samples.coordinates]
        shaped = values.reshape(*samples.values.shape[:-1], len(names))
        return replace(samples, kind="field", values=shaped, channels=tuple(names), meta={})

    def to_json(self) -> dict[str, Any]:
        """Give the result in JSON's types."""
        return {
            "model": self.model.kind,
            "task": self.settings.task,
            "kind": self.frame.kind,
            "shape": list(self.frame.shape),
            "channels": len(self.frame.channels),
            "parameters": self.model.n_parameters,
            **self.quality,
            **({"formulas": [dict(f.record) for f in self.formulas]} if self.formulas else {}),
            "seconds": self.seconds,
            "seed": self.settings.seed,
            "interrupted": self.interrupted,
            "notes": list(self.notes),
            "version": __version__,
        }
