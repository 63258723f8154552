"""Data of an equation that is known."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Case"]


@dataclass(frozen=True)
class Case:
    """Data of an equation that is known.

    Attributes:
        name: of the equation.
        coordinates: name -> grid.
        time: which coordinate is time.
        fields: name -> values on the grid of all coordinates.
        truth: for each equation, left-hand side and term -> coefficient, as the program writes them.
    """

    name: str
    coordinates: dict[str, np.ndarray]
    time: str
    fields: dict[str, np.ndarray]
    truth: dict[str, dict[str, float]]
