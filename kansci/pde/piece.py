"""The fields on a box of coordinates: networks with their weights, and the unknown constants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from kansci.pde.block import Layout
from kansci.pde.field_model import FieldModel
from kansci.pde.jets import Index
from kansci.pde.problem import Problem

__all__ = ["Piece", "Pieces", "evaluated", "layout_of", "piece_of", "whole"]

_CHUNK = 4096


@dataclass(frozen=True, eq=False)
class Piece:
    """Fields that are solved for together.

    Attributes:
        models: by field name.
        layout: of the vector of all unknowns.
        theta: that vector, (P,).
    """

    models: Mapping[str, FieldModel]
    layout: Layout
    theta: torch.Tensor

    @property
    def n_parameters(self) -> int:
        """Number of unknowns."""
        return len(self.theta)

    def jet(self, name: str, points: np.ndarray, indices: Sequence[Index]) -> np.ndarray:
        """Evaluate derivatives of a field by its own arguments at points (N, D): (len(indices), N)."""
        part, model = self.layout.slices()[name], self.models[name]
        rows = []
        for start in range(0, len(points), _CHUNK):
            at = model.at(points[start : start + _CHUNK], indices)
            with torch.no_grad():
                value = at.forward(self.theta[part]).value
            rows.append(value[[at.plan.position[index] for index in indices]].numpy())
        return np.concatenate(rows, axis=1) if rows else np.empty((len(indices), 0))

    def constants(self) -> dict[str, float]:
        """Give the unknown constants."""
        return {name: float(self.theta[self.layout.constant(name)]) for name in self.layout.constants}


def layout_of(models: Mapping[str, FieldModel], constants: Sequence[str]) -> Layout:
    """Lay the weights of fields and the unknown constants in one vector."""
    return Layout(tuple((name, m.network.n_weights) for name, m in models.items()), tuple(constants))


Pieces = tuple[tuple[float, float, Piece], ...]
"""(start, end, fields) along time; a single one where time is not divided."""


def whole(piece: Piece) -> Pieces:
    """Give a solution that is not divided."""
    return ((-np.inf, np.inf, piece),)


def piece_of(pieces: Pieces, problem: Problem, points: np.ndarray) -> np.ndarray:
    """Say which piece each of the points (N, d) belongs to, (N,)."""
    if len(pieces) == 1:
        return np.zeros(len(points), dtype=int)
    times = points[:, problem.coordinates.index(str(problem.time))]
    return np.clip(np.searchsorted([end for _, end, _ in pieces], times), 0, len(pieces) - 1)


def evaluated(pieces: Pieces, problem: Problem, name: str, points: np.ndarray, index: Index) -> np.ndarray:
    """Evaluate a derivative of a field at points (N, d) in the pieces' own units, (N,)."""
    which, values = piece_of(pieces, problem, points), np.empty(len(points))
    for k in np.unique(which):
        values[which == k] = pieces[k][2].jet(name, points[which == k], [index])[0]
    return values
