"""Residuals of one equation, condition or set of observations at fixed points, and their Jacobian."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import coo_array, csr_array

from kansci.pde.compiled import Component, Residual
from kansci.pde.field_model import FieldAtPoints, FieldModel

__all__ = ["Block", "Layout", "stack"]


@dataclass(frozen=True)
class Layout:
    """Where the weights of each field and the unknown constants stand in the vector of all.

    Attributes:
        fields: names and numbers of weights.
        constants: names.
    """

    fields: tuple[tuple[str, int], ...]
    constants: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of all unknowns."""
        return sum(count for _, count in self.fields) + len(self.constants)

    def slices(self) -> dict[str, slice]:
        """Give each field's part."""
        parts, start = {}, 0
        for name, count in self.fields:
            parts[name] = slice(start, start + count)
            start += count
        return parts

    def constant(self, name: str) -> int:
        """Give the place of an unknown constant."""
        return self.size - len(self.constants) + self.constants.index(name)


class Block:
    """One residual at N points, times weights."""

    def __init__(
        self,
        residual: Residual,
        models: dict[str, FieldModel],
        layout: Layout,
        points: np.ndarray,
        weights: np.ndarray | float,
        more_columns: Sequence[np.ndarray] = (),
    ):
        """Prepare for points.

        Args:
            residual: what is to vanish.
            models: the fields by name.
            layout: of the vector of all unknowns.
            points: shape (N, d).
            weights: factors of the rows, (N,) or one number.
            more_columns: further known columns, after the coordinates.
        """
        self.residual, self.layout, self.points = residual, layout, points
        self.weights = np.broadcast_to(np.asarray(weights, dtype=np.float64), len(points))
        self._columns = [*points.T, *more_columns]
        self._slices = layout.slices()
        wanted: dict[str, list[tuple[int, ...]]] = {}
        for name, index in residual.components:
            wanted.setdefault(name, []).append(index)
        self._fields: dict[str, FieldAtPoints] = {
            name: models[name].at(points, indices) for name, indices in wanted.items()
        }

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.points)

    def values(self, theta: torch.Tensor) -> torch.Tensor:
        """Give the weighted residuals (N,) for all unknowns theta (P,)."""
        return self._weighted(self._call(self.residual.value, self._arguments(self._jets(theta), theta)))

    def linearised(self, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Give the weighted residuals (N,) and their derivatives (N, P)."""
        values, parts = self._linearised(theta)
        jacobian = torch.zeros((len(self), self.layout.size), dtype=torch.float64)
        for place, part in parts:
            jacobian[:, place] = part.to_dense() if part.is_sparse else part
        return values, jacobian

    def sparse(self, theta: torch.Tensor) -> tuple[torch.Tensor, csr_array]:
        """Give the weighted residuals (N,) and their derivatives (N, P), of local functions."""
        values, parts = self._linearised(theta)
        rows, columns, entries = [], [], []
        for place, part in parts:
            where = part.indices()
            rows.append(where[0])
            columns.append(where[1] + place.start)
            entries.append(part.values())
        row, column, entry = (torch.cat(each).numpy() for each in (rows, columns, entries))
        return values, coo_array((entry, (row, column)), shape=(len(self), self.layout.size)).tocsr()

    def _linearised(self, theta: torch.Tensor) -> tuple[torch.Tensor, list[tuple[slice, torch.Tensor]]]:
        """Give the weighted residuals (N,), and the columns of their derivatives that are not all zero."""
        forward = {name: at.forward(theta[self._slices[name]]) for name, at in self._fields.items()}
        arguments = self._arguments({name: f.value for name, f in forward.items()}, theta)
        values = self._weighted(self._call(self.residual.value, arguments))
        slopes = [self._weighted(s) for s in self._call_list(self.residual.slopes, arguments)]
        by_component = dict(zip(self.residual.components, slopes, strict=False))
        parts = []
        for name, evaluated in forward.items():
            weights = self._component_weights(name, by_component)
            parts.append((self._slices[name], evaluated.jacobian(weights)))
        for name, slope in zip(self.residual.constants, slopes[len(self.residual.components) :], strict=True):
            place = self.layout.constant(name)
            parts.append((slice(place, place + 1), slope.unsqueeze(1)))
        return values, parts

    def terms(self, theta: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Give the derivatives by the components, and these times the components: both (components, N)."""
        arguments = self._arguments(self._jets(theta), theta)
        first, count = len(self._columns), len(self.residual.components)
        slopes = np.array(self._call_list(self.residual.slopes, arguments)[:count]).reshape(count, len(self))
        with np.errstate(all="ignore"):  # a slope may be infinite where its component vanishes
            return slopes, slopes * np.array(arguments[first : first + count]).reshape(count, len(self))

    def largest_slope(self, theta: torch.Tensor) -> float:
        """Give the largest over the components of the root mean square of the derivative by it."""
        slopes, _ = self.terms(theta)
        return float(np.sqrt(np.mean(slopes**2, axis=1)).max(initial=0.0))

    def _jets(self, theta: torch.Tensor) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            return {name: at.forward(theta[self._slices[name]]).value for name, at in self._fields.items()}

    def _component_weights(self, name: str, slopes: dict[Component, torch.Tensor]) -> torch.Tensor:
        plan = self._fields[name].plan
        weights = torch.zeros((len(plan.indices), len(self)), dtype=torch.float64)
        for (field, index), slope in slopes.items():
            if field == name:
                weights[plan.position[index]] = slope
        return weights

    def _arguments(self, jets: dict[str, torch.Tensor], theta: torch.Tensor) -> list[np.ndarray]:
        components = [
            jets[name][self._fields[name].plan.position[index]].numpy()
            for name, index in self.residual.components
        ]
        constants = [theta[self.layout.constant(name)].numpy() for name in self.residual.constants]
        return [*self._columns, *components, *constants]

    def _call(self, function: object, arguments: list[np.ndarray]) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.asarray(function(*arguments), dtype=np.float64), len(self))  # type: ignore[operator]

    def _call_list(self, function: object, arguments: list[np.ndarray]) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            parts = function(*arguments)  # type: ignore[operator]
        return [np.broadcast_to(np.asarray(part, dtype=np.float64), len(self)) for part in parts]

    def _weighted(self, values: np.ndarray) -> torch.Tensor:
        with np.errstate(over="ignore"):
            return torch.from_numpy(values * self.weights)


def stack(blocks: Sequence[Block], theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Give all weighted residuals (N,) and their derivatives (N, P)."""
    parts = [block.linearised(theta) for block in blocks]
    return torch.cat([values for values, _ in parts]), torch.cat([jacobian for _, jacobian in parts])
