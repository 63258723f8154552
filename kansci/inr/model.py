"""What every model of a signal answers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

__all__ = ["CoordinateModel"]


class CoordinateModel(ABC):
    """A function of d coordinates in [-1, 1] with C values."""

    kind: str
    """Name of the family."""

    @property
    @abstractmethod
    def n_inputs(self) -> int:
        """Number d of coordinates."""

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """Number C of values."""

    @property
    @abstractmethod
    def n_parameters(self) -> int:
        """How many numbers were fitted to the signal."""

    @abstractmethod
    def values(self, points: np.ndarray) -> np.ndarray:
        """Evaluate at points (N, d), giving (N, C)."""

    @abstractmethod
    def on_grid(self, axes: Sequence[np.ndarray]) -> np.ndarray:
        """Evaluate at all combinations of d coordinates' positions, giving (n_1, ..., n_d, C)."""

    @abstractmethod
    def gradient(self, points: np.ndarray) -> np.ndarray:
        """Differentiate exactly at points (N, d), giving (N, C, d)."""

    @abstractmethod
    def laplacian(self, points: np.ndarray, scales: Sequence[float] | np.ndarray | None = None) -> np.ndarray:
        """Sum the second derivatives exactly at points (N, d), giving (N, C).

        Args:
            points: where.
            scales: derivatives are by the coordinates divided by these d numbers; ones by default.
        """

    def means(self, shape: Sequence[int]) -> np.ndarray:
        """Give what a sensor of `shape` cells sees: here the value in the middle of each cell."""
        return self.on_grid([cell_centres(n) for n in shape])


def cell_centres(count: int) -> np.ndarray:
    """Give the middles of `count` equal cells of [-1, 1]."""
    return (2 * np.arange(count) + 1) / count - 1
