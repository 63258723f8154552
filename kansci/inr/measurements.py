"""What is known of a function on [-1, 1]^d, whatever model is to be found from it."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from kansci.errors import DataError

__all__ = ["DERIVATIVES", "Measurements"]

DERIVATIVES = ("value", "gradient", "laplacian")


@dataclass(frozen=True, eq=False)
class Measurements:
    """Values of a function u at points, of a derivative, or sums of values.

    Attributes:
        values: shape (M, C); of a gradient (M, C, d).
        axes: d arrays of positions, whose combinations are the N points; None for scattered ones.
        points: shape (N, d); None on a grid.
        operator: a matrix A (M, N), where the values are A u(points); None where they are u(points).
        derivative: what of u they are.
    """

    values: np.ndarray
    axes: tuple[np.ndarray, ...] | None = None
    points: np.ndarray | None = None
    operator: sparse.csr_array | None = None
    derivative: str = "value"

    def __post_init__(self) -> None:
        """Check that the parts belong together.

        Raises:
            DataError: they do not.
        """
        if (self.axes is None) == (self.points is None):
            raise DataError("measurements are on a grid or at points: give one of the two")
        if self.derivative not in DERIVATIVES:
            raise DataError(f"derivative={self.derivative!r}: choose one of {', '.join(DERIVATIVES)}")
        if len(self.values) != (self.n_points if self.operator is None else self.operator.shape[0]):
            raise DataError(f"{len(self.values)} values do not belong to {self.n_points} points")

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of positions along each axis, or (N,)."""
        return (len(self.points),) if self.points is not None else tuple(len(x) for x in self.axes or ())

    @property
    def n_points(self) -> int:
        """Number N of points."""
        return int(np.prod(self.shape))
