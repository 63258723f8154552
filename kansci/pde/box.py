"""Boxes in any number of dimensions, with axes that may be periodic."""

from collections.abc import Iterable, Mapping

import numpy as np
import sympy

from kansci.errors import SettingsError
from kansci.pde.domain import EDGE, Domain
from kansci.pde.sobol import sobol

__all__ = ["Box", "intervals"]


def intervals(limits: Mapping[str, tuple[sympy.Expr, sympy.Expr]]) -> np.ndarray:
    """Lowest and highest value of each coordinate, shape (d, 2).

    Raises:
        SettingsError: An interval is empty or not finite.
    """
    bounds = np.array([[float(low), float(high)] for low, high in limits.values()]).reshape(-1, 2)
    for name, (low, high) in zip(limits, bounds, strict=True):
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise SettingsError(f"the domain has no volume: {name} goes from {low:g} to {high:g}")
    return bounds


class Box(Domain):
    """The product of intervals."""

    def __init__(
        self,
        limits: Mapping[str, tuple[sympy.Expr, sympy.Expr]],
        periodic: Iterable[str] = (),
        time: str | None = None,
    ) -> None:
        self.limits = dict(limits)
        self.axes = tuple(limits)
        self.periodic = frozenset(periodic)
        self.time = time
        self._bounds = intervals(limits)

    @property
    def bounds(self) -> np.ndarray:  # noqa: D102
        return self._bounds.copy()

    @property
    def is_box(self) -> bool:  # noqa: D102
        return True

    def contains(self, points: np.ndarray) -> np.ndarray:  # noqa: D102
        low, high = self._bounds.T
        slack = EDGE * (high - low)
        return np.all((points >= low - slack) & (points <= high + slack), axis=1)

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:  # noqa: D102
        low, high = self._bounds.T
        return low + (high - low) * sobol(count, len(self.axes), rng)

    def sample_face(  # noqa: D102
        self, axis: str | None, value: float, name: str, count: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        if axis is None:
            return self._sample_boundary(count, rng)
        index = self.axes.index(axis)
        points, normals = self.sample(count, rng), np.zeros((count, len(self.axes)))
        points[:, index] = value
        normals[:, index] = 1.0 if value > self._bounds[index].mean() else -1.0
        return points, normals

    def _sample_boundary(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Points on all faces of the axes in space that are not periodic, each face by its area."""
        faces = [axis for axis in self.axes if axis != self.time and axis not in self.periodic]
        if not faces:
            raise SettingsError("the domain has no boundary in space")
        points, normals = self.sample(count, rng), np.zeros((count, len(self.axes)))
        widths = {axis: float(high - low) for axis, (low, high) in self.limits.items()}
        share = np.array([1.0 / widths[axis] for axis in faces])  # area of a face: volume / width
        rows = np.arange(count)
        chosen = rng.choice([self.axes.index(axis) for axis in faces], size=count, p=share / share.sum())
        upper = rng.integers(2, size=count)
        points[rows, chosen] = self._bounds[chosen, upper]
        normals[rows, chosen] = 2.0 * upper - 1.0
        return points, normals

    def scaled(self, shift: Mapping[str, sympy.Expr], scale: Mapping[str, sympy.Expr]) -> "Box":  # noqa: D102
        limits = {a: tuple((end - shift[a]) / scale[a] for end in ends) for a, ends in self.limits.items()}
        return Box(limits, self.periodic, self.time)

    def faces(self) -> tuple[str, ...]:  # noqa: D102
        ends = [
            (axis, end) for axis, both in self.limits.items() if axis not in self.periodic for end in both
        ]
        return ("boundary", *(f"{axis} = {end}" for axis, end in ends))

    def distance(self) -> sympy.Expr:
        """Product over the axes in space of (x - a)(b - x)/(b - a): smooth, and zero on every face."""
        factors = [
            (sympy.Symbol(axis, real=True) - low) * (high - sympy.Symbol(axis, real=True)) / (high - low)
            for axis, (low, high) in self.limits.items()
            if axis != self.time and axis not in self.periodic
        ]
        return sympy.Mul(*factors)
