"""A signal: samples of a function on a grid or at scattered points, and where they stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kansci.errors import DataError

__all__ = ["CELL_CENTRED", "KINDS", "SENSED", "Signal", "grid_points", "usual_axes"]

KINDS = ("image", "audio", "video", "volume", "field", "shape")
CELL_CENTRED = ("image", "video", "volume", "shape")
"""Kinds whose samples stand in the middle of cells that fill the box; the samples of the others
reach from its lower to its upper end."""

SENSED = ("image", "video", "volume")
"""Kinds whose samples are means over their cells, as sensors take them; those of the others are values."""


LARGEST = 1e150
"""Size of numbers up to which their squares are finite."""


@dataclass(frozen=True, eq=False)
class Signal:
    """Samples of a function of d coordinates with C channels.

    Attributes:
        kind: one of `KINDS`.
        values: float64, (*shape, C) on a grid or (N, C) at scattered points.
        axes: of a grid: the increasing positions along each of the d axes, in the user's units; else None.
        points: scattered positions (N, d) in the user's units; None for a grid.
        box: lower and upper end of each coordinate, (d, 2), which the unit box [-1, 1]^d stands for.
        coordinates: their names, in the order of the axes.
        channels: their names.
        peak: the range that the peak signal-to-noise ratio refers to: 1 for images.
        meta: what is needed to write it back, numbers and text only: "dtype" of the stored samples, "rate"
            of audio in Hz, "frame_rate" of video in 1/s, "quantity" of a shape ("distance", "occupancy"),
            and "notes", remarks of the reader.
    """

    kind: str
    values: np.ndarray
    axes: tuple[np.ndarray, ...] | None
    points: np.ndarray | None
    box: np.ndarray
    coordinates: tuple[str, ...]
    channels: tuple[str, ...]
    peak: float = 1.0
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Bring the arrays into form and check them.

        Raises:
            DataError: They do not belong together, are empty or hold a value that is not finite.
        """
        if self.kind not in KINDS:
            raise DataError(f"a signal of kind '{self.kind}': choose among {', '.join(KINDS)}")
        if (self.axes is None) == (self.points is None):
            raise DataError(f"{self.kind}: give the axes of a grid or scattered points, one of the two")
        set_field = object.__setattr__  # the class is frozen
        set_field(self, "values", _floats(self.values, f"{self.kind}: the values"))
        set_field(self, "box", _floats(self.box, f"{self.kind}: the box"))
        if self.axes is not None:
            set_field(self, "axes", tuple(_floats(axis, f"{self.kind}: an axis") for axis in self.axes))
            self._check_grid()
        else:
            set_field(self, "points", _floats(self.points, f"{self.kind}: the points"))
            self._check_points()
        self._check_names()

    def _check_grid(self) -> None:
        shape = self.shape
        if self.values.shape[:-1] != shape:
            raise DataError(f"{self.kind}: values of shape {self.values.shape} on axes of lengths {shape}")
        for name, axis in zip(self.coordinates, self.axes or (), strict=False):
            if axis.ndim != 1 or len(axis) < 2:
                raise DataError(f"{self.kind} of {_times(shape)} samples: at least 2 are needed along {name}")
            if not np.all(np.diff(axis) > 0):
                raise DataError(f"{self.kind}: the positions along {name} do not increase")

    def _check_points(self) -> None:
        points = np.asarray(self.points)
        if points.ndim != 2 or self.values.ndim != 2 or len(points) != len(self.values):
            raise DataError(
                f"{self.kind}: points of shape {points.shape} and values of shape {self.values.shape}: "
                "(N, d) and (N, C) are needed"
            )
        if len(points) < 2:
            raise DataError(f"{self.kind}: at least 2 points are needed, there is {len(points)}")

    def _check_names(self) -> None:
        d = self.dimension
        if len(self.coordinates) != d or self.box.shape != (d, 2):
            raise DataError(
                f"{self.kind} of {d} coordinates with {len(self.coordinates)} names and a box of shape "
                f"{self.box.shape}"
            )
        if self.values.shape[-1] != len(self.channels) or not self.channels:
            raise DataError(
                f"{self.kind}: values of shape {self.values.shape} with {len(self.channels)} channel names"
            )
        for name, (low, high) in zip(self.coordinates, self.box, strict=True):
            if not low < high:
                raise DataError(f"{self.kind}: {name} is the same everywhere ({low:g})")

    @property
    def on_grid(self) -> bool:
        """Whether the samples stand on a grid."""
        return self.axes is not None

    @property
    def dimension(self) -> int:
        """The number of coordinates, d."""
        return len(self.axes) if self.axes is not None else np.asarray(self.points).shape[1]

    @property
    def shape(self) -> tuple[int, ...]:
        """Samples along each axis of a grid; (N,) for scattered points."""
        return tuple(axis.size for axis in self.axes) if self.axes is not None else (len(self.values),)

    @property
    def size(self) -> int:
        """The number of samples, N."""
        return int(np.prod(self.shape))

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader has to say: channels left out, rows dropped, ..."""
        return tuple(self.meta.get("notes", ()))

    @property
    def half_widths(self) -> np.ndarray:
        """Half the sides of the box, (d,): by what lengths shrink in the unit box."""
        return (self.box[:, 1] - self.box[:, 0]) / 2

    def unit(self, positions: np.ndarray) -> np.ndarray:
        """Bring positions (..., d) in the user's units into the unit box [-1, 1]^d."""
        low, high = self.box.T
        return (2 * np.asarray(positions, dtype=np.float64) - low - high) / (high - low)

    def unit_axes(self) -> tuple[np.ndarray, ...]:
        """Give the axes of a grid in [-1, 1].

        Raises:
            DataError: The points are scattered.
        """
        if self.axes is None:
            raise DataError(f"{self.kind}: the points are scattered, they have no axes")
        return tuple(
            (2 * axis - low - high) / (high - low)
            for axis, (low, high) in zip(self.axes, self.box, strict=True)
        )

    def positions(self) -> np.ndarray:
        """Give all points (N, d) in the user's units, in the order of `flat_values`."""
        return np.asarray(self.points) if self.axes is None else grid_points(self.axes)

    def unit_points(self) -> np.ndarray:
        """Give `positions` in [-1, 1]^d."""
        return self.unit(self.positions())

    def flat_values(self) -> np.ndarray:
        """Give the values (N, C) in the order of `positions`."""
        return self.values.reshape(-1, len(self.channels))

    def axes_at(self, shape: Sequence[int]) -> tuple[np.ndarray, ...]:
        """Give axes over the same box with other numbers of samples.

        Args:
            shape: samples along each axis.

        Returns:
            Positions in the user's units: the middles of equal cells, or from end to end; see
            `CELL_CENTRED`.

        Raises:
            DataError: The number of axes is another, or one has fewer than 2 samples.
        """
        if len(shape) != self.dimension or min(shape) < 2:
            raise DataError(
                f"{_times(shape)} samples: {self.dimension} numbers ({', '.join(self.coordinates)}), each at "
                "least 2, are needed"
            )
        if self.axes is not None and tuple(shape) == self.shape:
            return self.axes
        return usual_axes(self.kind, shape, self.box)

    def with_values(
        self, values: np.ndarray, axes: Sequence[np.ndarray] | None = None, points: np.ndarray | None = None
    ) -> "Signal":
        """Give a signal of the same form with other values.

        Args:
            values: (*shape, C) or (N, C).
            axes: of another grid, in the user's units; None with points None keeps the positions.
            points: other scattered points (N, d), in the user's units.

        Returns:
            The signal; it keeps box, names, peak and what is needed to write it back.
        """
        if axes is None and points is None:
            return replace(self, values=values)
        return replace(self, values=values, axes=None if axes is None else tuple(axes), points=points)

    def require_variation(self, source: str = "the signal") -> "Signal":
        """Give the signal itself, if there is something to represent.

        Raises:
            DataError: All its values are the same.
        """
        if np.all(self.flat_values() == self.flat_values()[0]):
            what = "silent" if self.kind == "audio" else "constant"
            first = ", ".join(f"{value:g}" for value in self.flat_values()[0])
            raise DataError(f"{source}: {what} (every sample is {first}); there is nothing to represent")
        return self

    def header(self) -> dict[str, Any]:
        """Give all but values and positions, as JSON can hold it; see `from_header`."""
        return {
            "kind": self.kind,
            "shape": list(self.shape) if self.on_grid else None,
            "box": self.box.tolist(),
            "coordinates": list(self.coordinates),
            "channels": list(self.channels),
            "peak": self.peak,
            "meta": dict(self.meta),
        }

    @classmethod
    def from_header(
        cls,
        header: Mapping[str, Any],
        values: np.ndarray,
        axes: Sequence[np.ndarray] | None = None,
        points: np.ndarray | None = None,
    ) -> "Signal":
        """Give the signal with these values in the form that `header` describes."""
        return cls(
            header["kind"],
            values,
            None if axes is None else tuple(axes),
            points,
            np.asarray(header["box"]),
            tuple(header["coordinates"]),
            tuple(header["channels"]),
            float(header["peak"]),
            dict(header["meta"]),
        )


def grid_points(axes: Sequence[np.ndarray]) -> np.ndarray:
    """Give all combinations of d axes' positions, (N, d), the last axis fastest."""
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


def usual_axes(kind: str, shape: Sequence[int], box: np.ndarray) -> tuple[np.ndarray, ...]:
    """Give the positions that a kind of signal has in a box (d, 2): middles of cells, or from end to end."""
    sides = list(zip(shape, box, strict=True))
    if kind in CELL_CENTRED:
        return tuple(low + (high - low) * (np.arange(n) + 0.5) / n for n, (low, high) in sides)
    return tuple(np.linspace(low, high, n) for n, (low, high) in sides)


def _floats(array: Any, what: str) -> np.ndarray:
    """The array in float64, refused with a number that is not finite."""
    numbers = np.asarray(array, dtype=np.float64)
    if numbers.size == 0:
        raise DataError(f"{what}: empty")
    wrong = numbers.size - int(np.isfinite(numbers).sum())
    if wrong:
        raise DataError(
            f"{what}: {wrong:,} of {numbers.size:,} numbers are missing or infinite: fill them, or give the "
            "others as a table of points (.csv)"
        )
    if np.abs(numbers).max() > LARGEST:
        raise DataError(f"{what}: numbers beyond {LARGEST:g}, whose squares overflow: take another unit")
    return numbers


def _times(shape: Sequence[int]) -> str:
    return " x ".join(str(n) for n in shape)
