"""A table ready to be fitted: named columns, units, finite numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from kansci.data.names import find_column, nearest, symbol_names
from kansci.data.validate import check
from kansci.errors import DataError

__all__ = ["Dataset", "Scaling", "standard_deviations"]


@dataclass(frozen=True, eq=False)
class Scaling:
    """How a dataset was standardised: z = (x - mean) / scale, for the inputs and the target."""

    mean: np.ndarray  # (I,)
    scale: np.ndarray  # (I,)
    y_mean: float
    y_scale: float

    def apply(self, X: np.ndarray) -> np.ndarray:
        """Inputs (N, I) in standard units."""
        return (X - self.mean) / self.scale

    def undo(self, Z: np.ndarray) -> np.ndarray:
        """Inputs (N, I) in the units of the table."""
        return Z * self.scale + self.mean

    def undo_target(self, z: np.ndarray) -> np.ndarray:
        """Predictions (N,) in the units of the table."""
        return z * self.y_scale + self.y_mean


@dataclass(frozen=True, eq=False)
class Dataset:
    """N measurements of a target and of I inputs, float64 and finite.

    ``sigma``: standard deviation of each value of the target. ``input_sigma``: input -> standard
    deviations of its values; inputs that are not named are exact.
    """

    X: np.ndarray  # (N, I)
    y: np.ndarray  # (N,)
    inputs: tuple[str, ...]
    target: str
    units: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sigma: np.ndarray | None = None  # (N,)
    input_sigma: Mapping[str, np.ndarray] = field(default_factory=dict)  # each (N,)

    def __len__(self) -> int:
        return len(self.y)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        target: str,
        inputs: Sequence[str] | None = None,
        units: Mapping[str, str] | None = None,
        sigma: str | None = None,
        input_sigma: Mapping[str, str] | None = None,
    ) -> "Dataset":
        """The columns of a table that a fit can use; see `kansci.data.validate.check`."""
        checked = check(frame, target, inputs, units, sigma, input_sigma)
        return cls(**{each.name: getattr(checked, each.name) for each in fields(checked)})

    @classmethod
    def from_arrays(
        cls,
        X: ArrayLike,
        y: ArrayLike,
        inputs: Sequence[str] | None = None,
        target: str = "y",
        units: Mapping[str, str] | None = None,
        sigma: ArrayLike | None = None,
    ) -> "Dataset":
        """X (N, I) or (N,), y (N,) and the names of the inputs, x1, x2, ... when not given.

        ``sigma``: standard deviation of each y (N,), or one number for all.

        Raises:
            DataError: The shapes do not belong together, or the numbers are unusable.
        """
        points, values = np.asarray(X), np.asarray(y)
        if points.ndim == 1:
            points = points[:, None]
        if points.ndim != 2 or values.shape != points.shape[:1]:
            raise DataError(f"X has shape {np.shape(X)} and y {np.shape(y)}: (N, I) and (N,) are needed")
        names = list(inputs) if inputs is not None else [f"x{i + 1}" for i in range(points.shape[1])]
        if len(names) != points.shape[1]:
            raise DataError(f"{len(names)} input names for {points.shape[1]} columns of X")
        frame = pd.DataFrame(points, columns=pd.Index(names, dtype=object))
        frame = pd.concat([frame, pd.Series(values, name=target, index=frame.index)], axis=1)
        if sigma is None:
            return cls.from_frame(frame, target, None, units)
        errors = f"standard deviation of {target}"
        frame[errors] = standard_deviations(sigma, len(values))
        return cls.from_frame(frame, target, None, units, errors)

    @property
    def symbols(self) -> dict[str, str]:
        """Symbol in a formula -> column name, in the order of the inputs."""
        return symbol_names(self.inputs)

    def rows(self, index: ArrayLike | slice) -> "Dataset":
        """The rows at these positions, or where this mask is true."""
        at = index if isinstance(index, slice) else np.asarray(index)
        sigma = None if self.sigma is None else self.sigma[at]
        input_sigma = {name: values[at] for name, values in self.input_sigma.items()}
        return replace(self, X=self.X[at], y=self.y[at], sigma=sigma, input_sigma=input_sigma)

    def select(self, inputs: Sequence[str]) -> "Dataset":
        """The same rows with these input columns only, in this order.

        Raises:
            DataError: A name is not among the inputs.
        """
        found = []
        for name in inputs:
            column = find_column(name, self.inputs)
            if column is None:
                raise DataError(f"there is no input column '{name}': {nearest(name, self.inputs)}")
            found.append(self.inputs.index(column))
        kept = tuple(self.inputs[i] for i in found)
        input_sigma = {name: values for name, values in self.input_sigma.items() if name in kept}
        return replace(self, X=self.X[:, found], inputs=kept, input_sigma=input_sigma)

    def split(self, fraction: float = 0.2, seed: int = 0) -> "tuple[Dataset, Dataset]":
        """Training rows and a random fraction of validation rows, disjoint, at least one each.

        Raises:
            DataError: The fraction is not between 0 and 1, or there is only one row.
        """
        if not 0.0 < fraction < 1.0:
            raise DataError(f"validation fraction {fraction} is not between 0 and 1")
        if len(self) < 2:
            raise DataError("one row cannot be split into training and validation rows")
        held_out = min(max(round(fraction * len(self)), 1), len(self) - 1)
        order = np.random.default_rng(seed).permutation(len(self))
        return self.rows(np.sort(order[held_out:])), self.rows(np.sort(order[:held_out]))

    def standardise(self) -> tuple["Dataset", Scaling]:
        """The same rows with mean 0 and standard deviation 1, and the way back."""
        scaling = Scaling(
            mean=self.X.mean(axis=0),
            scale=_spread(self.X),
            y_mean=float(self.y.mean()),
            y_scale=float(_spread(self.y)),
        )
        z = (self.y - scaling.y_mean) / scaling.y_scale
        sigma = None if self.sigma is None else self.sigma / scaling.y_scale
        sizes = dict(zip(self.inputs, scaling.scale, strict=True))
        input_sigma = {name: values / sizes[name] for name, values in self.input_sigma.items()}
        standard = replace(self, X=scaling.apply(self.X), y=z, units={}, sigma=sigma, input_sigma=input_sigma)
        return standard, scaling


def standard_deviations(values: ArrayLike, rows: int) -> np.ndarray:
    """Standard deviations of measurements, one number for all or one a row, as an array (N,).

    Raises:
        DataError: There are not as many as rows, or one is not positive and finite.
    """
    sigma = np.asarray(values, dtype=np.float64)
    if sigma.shape not in {(), (1,), (rows,)}:
        raise DataError(f"standard deviations of shape {sigma.shape} do not fit {rows} rows")
    wrong = ~((sigma > 0) & (sigma < np.inf))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise DataError(
            f"row {first + 1}: the standard deviation {sigma.flat[first]:g} is not positive and finite"
        )
    return np.broadcast_to(sigma, (rows,)).copy()


def _spread(values: np.ndarray) -> np.ndarray:
    """Standard deviation along the rows; 1 where the values do not vary."""
    largest = np.abs(values).max(axis=0, initial=0.0)
    largest = np.where(largest > 0.0, largest, 1.0)  # squares of what is left cannot overflow
    spread = (values / largest).std(axis=0) * largest
    return np.where(spread > 0.0, spread, 1.0)
