"""A solution as a network's weights: evaluated anywhere, in the user's units."""

from dataclasses import dataclass

import numpy as np

from kansci.pde.inverse import Estimate
from kansci.pde.jets import Index
from kansci.pde.piece import Pieces, evaluated
from kansci.pde.problem import Problem
from kansci.pde.scaling import Scaling

__all__ = ["NumericalSolution", "Progress"]


@dataclass(frozen=True)
class Progress:
    """What is known after a step.

    Attributes:
        method: what is being done, for a human.
        parameters: number of unknowns.
        residual: relative residual; nan where it is not known yet.
        change: relative change from the resolution before; nan for the first.
        seconds: since the start.
    """

    method: str
    parameters: int
    residual: float
    change: float
    seconds: float


@dataclass(frozen=True, eq=False)
class NumericalSolution:
    """The fields everywhere in the domain.

    Attributes:
        problem: as the user stated it.
        scaling: between the user's units and those of the pieces.
        pieces: (start, end, fields) along time; a single one where time is not divided.
        method: for a human.
        residual: relative residual at points that were not used.
        change: largest relative difference of a field from the next coarser solution; nan if there is none.
        seconds: that it took.
        history: every step.
        estimate: for an inverse problem, what the data say.
        interrupted: whether it was stopped from outside.
    """

    problem: Problem
    scaling: Scaling
    pieces: Pieces
    method: str
    residual: float
    change: float
    seconds: float
    history: tuple[Progress, ...] = ()
    estimate: Estimate | None = None
    interrupted: bool = False

    @property
    def n_parameters(self) -> int:
        """Number of unknowns that were solved for."""
        return sum(piece.n_parameters for _, _, piece in self.pieces)

    def evaluate(self, name: str, points: np.ndarray, index: Index | None = None) -> np.ndarray:
        """Evaluate a field, or a derivative of it.

        Args:
            name: of the field.
            points: shape (N, d), the problem's coordinates in the user's units.
            index: order of the derivative by each of the field's own arguments.

        Returns:
            Shape (N,).
        """
        own = next(f.arguments for f in self.problem.fields if f.name == name)
        order = index or (0,) * len(own)
        inside = self.scaling.to_scaled(np.asarray(points, dtype=np.float64))
        unit = float(self.scaling.fields[name])
        for argument, n in zip(own, order, strict=True):
            unit /= float(self.scaling.scale[argument]) ** n
        return unit * evaluated(self.pieces, self.problem, name, inside, order)

    def constants(self) -> dict[str, tuple[float, float]]:
        """Give the unknown constants with their standard errors (nan where there are no data)."""
        if self.estimate is None:
            return {}
        errors = self.estimate.constant_errors()
        values = self.estimate.level.piece.constants()
        units = {name: float(unit) for name, unit in self.scaling.constants.items()}
        return {name: (values[name] * units[name], errors[name] * units[name]) for name in values}

    def standard_error(self, name: str, points: np.ndarray) -> np.ndarray | None:
        """Give a field's standard errors at points (N, d), where they come from data."""
        if self.estimate is None:
            return None
        inside = self.scaling.to_scaled(np.asarray(points, dtype=np.float64))
        return float(self.scaling.fields[name]) * self.estimate.field_errors(name, inside)
