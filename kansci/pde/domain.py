"""Where an equation holds: boxes, discs, polygons and what is cut out of them, times an interval of time."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
import sympy

__all__ = ["EDGE", "Domain"]

EDGE = 1e-9
"""What counts as on the boundary, as a share of the interval."""


class Domain(ABC):
    """A bounded set of points with d coordinates.

    Attributes:
        axes: names of the coordinates.
        periodic: those whose two ends are one.
        time: the one that is time, if any.
        limits: exact lowest and highest value of the coordinates that run over an interval: all of a box,
            time where space is a shape.
    """

    axes: tuple[str, ...]
    periodic: frozenset[str]
    time: str | None
    limits: Mapping[str, tuple[sympy.Expr, sympy.Expr]]

    @property
    @abstractmethod
    def bounds(self) -> np.ndarray:
        """Lowest and highest value of each coordinate, shape (d, 2)."""

    @property
    def is_box(self) -> bool:
        """Whether it is the product of intervals."""
        return False

    @abstractmethod
    def contains(self, points: np.ndarray) -> np.ndarray:
        """Tell which of the points (N, d) are inside or on the boundary, (N,)."""

    @abstractmethod
    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Give points inside, evenly spread (a scrambled Sobol sequence), shape (count, d)."""

    @abstractmethod
    def sample_face(
        self, axis: str | None, value: float, name: str, count: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Give points on a part of the boundary and outward unit normals there, each (count, d)."""

    @abstractmethod
    def distance(self) -> sympy.Expr:
        """Give a smooth function of the coordinates, zero on a shape's boundary and positive inside.

        Normalised (slope 1 along the inward normal) where it can be; used to meet conditions exactly.
        """

    @abstractmethod
    def scaled(self, shift: Mapping[str, sympy.Expr], scale: Mapping[str, sympy.Expr]) -> "Domain":
        """Give the domain in the coordinates (x - shift) / scale; all axes of a shape have one scale."""

    @abstractmethod
    def faces(self) -> tuple[str, ...]:
        """Names of the parts of the boundary, as conditions name them."""

    def on_face(self, axis: str | None, value: float, name: str) -> bool:
        """Tell whether there is such a part of the boundary."""
        if axis is None:
            return name in self.faces()
        if axis in self.periodic or axis not in self.limits:
            return False
        low, high = (float(end) for end in self.limits[axis])
        return min(abs(value - low), abs(value - high)) <= EDGE * (high - low)
