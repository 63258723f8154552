"""The data of a signal as tensors, by rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from kansci.errors import DataError, SettingsError
from kansci.inr.measurements import Measurements
from kansci.inr.training.surroundings import Surroundings

__all__ = ["Batch", "Samples"]


@dataclass(frozen=True, eq=False)
class Batch:
    """Some rows.

    Attributes:
        targets: shape (B, ...).
        points: shape (P, d); P = B unless there is an operator.
        index: of the points on the grid, (P, d), if there is a grid.
        entries: of the operator: row (E,), number of the point (E,), weight (E,).
    """

    targets: torch.Tensor
    points: torch.Tensor
    index: torch.Tensor | None = None
    entries: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None


class Samples:
    """Rows of the data, taken out by number.

    Attributes:
        count: number of rows M.
        axes: of the grid, d tensors, None for scattered points.
        targets: shape (M, ...).
        derivative: what of u they are.
    """

    def __init__(self, data: Measurements, like: torch.Tensor):
        """Copy the data.

        Args:
            data: what is known.
            like: a tensor of the wanted type and device.

        Raises:
            DataError: the parts do not fit each other.
            SettingsError: an operator acts on a derivative.
        """

        def tensor(array: Any) -> torch.Tensor:
            return torch.as_tensor(np.ascontiguousarray(array)).to(like)

        self.axes = None if data.axes is None else [tensor(axis) for axis in data.axes]
        self._points = None if data.axes is not None else tensor(data.points)
        self.targets, self.derivative = tensor(data.values), data.derivative
        self.count, self._shape = len(self.targets), data.shape
        if not self.count or not bool(torch.isfinite(self.targets).all()):
            raise DataError("the values to fit have to be finite numbers, at least one")
        if data.operator is not None and self.derivative != "value":
            raise SettingsError("an operator acts on the values of a function, not on its derivatives")
        if data.operator is not None and data.operator.shape[1] != data.n_points:
            raise DataError(f"an operator on {data.operator.shape[1]} values has {data.n_points} points")
        self._operator = None
        if data.operator is not None:
            matrix = data.operator.tocsr()
            whole = [torch.as_tensor(np.asarray(part), dtype=torch.int64).to(like.device)
                     for part in (matrix.indptr, matrix.indices)]  # fmt: skip
            self._operator = (*whole, tensor(matrix.data))

    def batch(self, rows: torch.Tensor) -> Batch:
        """Take out rows by their numbers (B,)."""
        if self._operator is None:
            return Batch(self.targets[rows], *self._positions(rows))
        starts, columns, weights = self._operator
        first, lengths = starts[rows], starts[rows + 1] - starts[rows]
        row = torch.repeat_interleave(torch.arange(len(rows), device=rows.device), lengths)
        within = torch.arange(len(row), device=rows.device) - (lengths.cumsum(0) - lengths)[row]
        entry = first[row] + within
        needed, number = columns[entry].unique(return_inverse=True)
        return Batch(self.targets[rows], *self._positions(needed), (row, number, weights[entry]))

    def surroundings(self, seed: int) -> Surroundings:
        """Draw places about the surface, if the rows are its normals."""
        everything = self.batch(torch.arange(self.count, device=self.targets.device))
        points, normals = (part.double().cpu().numpy() for part in (everything.points, everything.targets))
        return Surroundings(points, normals, seed)

    def _positions(self, numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        if self._points is not None:
            return self._points[numbers], None
        assert self.axes is not None
        index = torch.stack(torch.unravel_index(numbers, self._shape), dim=-1)
        parts = [axis[i] for axis, i in zip(self.axes, index.unbind(-1), strict=True)]
        return torch.stack(parts, dim=-1), index
