"""A shape in space, times an interval of time where there is one."""

from collections.abc import Mapping, Sequence

import numpy as np
import sympy

from kansci.errors import SettingsError
from kansci.pde.box import intervals
from kansci.pde.domain import Domain
from kansci.pde.shapes import Shape
from kansci.pde.sobol import sobol

__all__ = ["EXCEPT", "Region"]

ALL = "boundary"
EXCEPT = "boundary except "
"""Begins the name of what is left of the boundary: "boundary except hole, x = 0"."""
STEP = 1e-6
"""How far the two sides of a boundary are looked at, as a share of the shape's size."""
TRIAL = 4096
TRIAL_PIECE = 256
MAX_DRAWS = 2**22


class Region(Domain):
    """A shape over the coordinates of space, and an interval of time.

    Args:
        shape: in space.
        space: names of its coordinates.
        time: name and limits of the time, or empty.
        parts: names of parts of the boundary -> a shape whose boundary they lie on.
    """

    def __init__(
        self,
        shape: Shape,
        space: Sequence[str],
        time: Mapping[str, tuple[sympy.Expr, sympy.Expr]],
        parts: Mapping[str, Shape],
    ) -> None:
        self.shape, self.parts = shape, dict(parts)
        self.axes = (*space, *time)
        self.periodic = frozenset()
        self.time = next(iter(time), None)
        self.limits = dict(time)
        self._bounds = np.concatenate([shape.bounds, intervals(time)])
        self._primitives = shape.primitives()
        self._pieces = [
            (owner, piece) for owner, part in enumerate(self._primitives) for piece in part.pieces()
        ]
        widths = np.diff(shape.bounds, axis=1)
        self.step = STEP * float(widths.max())
        trial = sobol(TRIAL, shape.dimension, np.random.default_rng(0))
        if not np.any(shape.inside(shape.bounds[:, 0] + trial * widths[:, 0])):
            raise SettingsError("the domain has no volume: nothing is left of the region")

    @property
    def bounds(self) -> np.ndarray:  # noqa: D102
        return self._bounds.copy()

    def contains(self, points: np.ndarray) -> np.ndarray:  # noqa: D102
        d = self.shape.dimension
        low, high = self._bounds[d:].T
        slack = STEP * (high - low)
        in_time = np.all((points[:, d:] >= low - slack) & (points[:, d:] <= high + slack), axis=1)
        return in_time & self.shape.inside(points[:, :d], self.step)

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Give points inside: those of a Sobol sequence in the bounding box that are."""
        low, high = self._bounds.T
        draws = 2 * count
        while draws <= MAX_DRAWS:
            points = low + (high - low) * sobol(draws, len(low), rng)
            points = points[self.shape.inside(points[:, : self.shape.dimension], -self.step)]
            if len(points) >= count:
                return points[:count]
            draws *= 4
        raise SettingsError("the region fills too little of the box around it to be sampled")

    def sample_face(
        self, axis: str | None, value: float, name: str, count: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Give points by arc length (area) and outward normals.

        Raises:
            SettingsError: The part has no points.
        """  # noqa: DOC502  raised by what it calls
        d = self.shape.dimension
        if axis == self.time and axis is not None:
            points, normals = self.sample(count, rng), np.zeros((count, d + 1))
            points[:, d] = value
            normals[:, d] = 1.0 if value > self._bounds[d].mean() else -1.0
            return points, normals
        part = f"{axis} = {value!r}" if axis is not None else name
        return self._boundary(part, count, rng)

    def distance(self) -> sympy.Expr:  # noqa: D102
        return self.shape.distance([sympy.Symbol(a, real=True) for a in self.axes if a != self.time])

    def scaled(self, shift: Mapping[str, sympy.Expr], scale: Mapping[str, sympy.Expr]) -> "Region":  # noqa: D102
        space = [axis for axis in self.axes if axis != self.time]
        by, factor = [shift[axis] for axis in space], scale[space[0]]
        limits = {a: tuple((end - shift[a]) / scale[a] for end in ends) for a, ends in self.limits.items()}
        parts = {name: shape.scaled(by, factor) for name, shape in self.parts.items()}
        return Region(self.shape.scaled(by, factor), space, limits, parts)

    def faces(self) -> tuple[str, ...]:  # noqa: D102
        ends = [f"{axis} = {end}" for axis, both in self.limits.items() for end in both]
        return (ALL, *self.parts, *ends)

    def on_face(self, axis: str | None, value: float, name: str) -> bool:  # noqa: D102
        if axis is None or axis in self.limits:
            return super().on_face(axis, value, name)
        try:
            self._boundary(f"{axis} = {value!r}", 1, np.random.default_rng(0))
        except SettingsError:
            return False
        return True

    def seams(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Points strictly inside that lie on the boundary of one of the shapes it is made of, (n, d)."""
        points, normals, _ = self._draw(range(len(self._pieces)), count, rng)
        ahead, behind = self._sides(points, normals)
        return points[ahead & behind]

    def _boundary(self, part: str, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Points on a part of the boundary in space, at any time, and their normals, each (count, d)."""
        every = range(len(self._pieces))
        chosen = [i for i in every if len(self._kept(part, *self._draw([i], TRIAL_PIECE, rng))[0])]
        draws = 2 * count
        while chosen and draws <= MAX_DRAWS:
            points, normals = self._kept(part, *self._draw(chosen, draws, rng))
            if len(points) >= count:
                return points[:count], normals[:count]
            draws *= 4
        raise SettingsError(f"'{part}' is no part of the region's boundary")

    def _draw(
        self, chosen: Sequence[int], count: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points spread evenly over some pieces and time, in the order of the sequence.

        Returns:
            Points and normals of the pieces, each (count, d), and which shape each is from, (count,).
        """
        u, d = sobol(count, len(self.axes), rng), self.shape.dimension
        share = np.cumsum([self._pieces[i][1].area for i in chosen])
        which = np.minimum(np.searchsorted(share / share[-1], u[:, 0], side="right"), len(chosen) - 1)
        low, high = self._bounds.T
        points, normals = low + (high - low) * u, np.zeros_like(u)  # time is the last column, if it is there
        for k, i in enumerate(chosen):
            rows = which == k
            points[rows, :d], normals[rows, :d] = self._pieces[i][1].draw(u[rows, 1:d])
        return points, normals, np.array([self._pieces[i][0] for i in chosen])[which]

    def _sides(self, points: np.ndarray, normals: np.ndarray) -> list[np.ndarray]:
        """Whether the region goes on ahead of points on the boundary of its pieces, and behind them."""
        d = self.shape.dimension
        return [self.shape.inside((points + side * self.step * normals)[:, :d]) for side in (1, -1)]

    def _kept(
        self, part: str, points: np.ndarray, normals: np.ndarray, owners: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Those that have the inside on one side only and lie on the part; normals turned outward."""
        ahead, behind = self._sides(points, normals)
        kept = (ahead != behind) & self._on(part, points, normals)
        for k, shape in enumerate(self._primitives):  # where shapes share a side, the first has it
            kept &= ~((owners > k) & self._at(shape, points))
        return points[kept], np.where(ahead[kept, None], -normals[kept], normals[kept])

    def _at(self, shape: Shape, points: np.ndarray) -> np.ndarray:
        """Whether points lie on the boundary of a shape, (n,)."""
        places = points[:, : self.shape.dimension]
        return shape.inside(places, self.step) & ~shape.inside(places, -self.step)

    def _on(self, part: str, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        if part == ALL:
            return np.ones(len(points), dtype=bool)
        if part.startswith(EXCEPT):
            names = part.removeprefix(EXCEPT).split(", ")
            return ~np.any([self._on(name, points, normals) for name in names], axis=0)
        if part in self.parts:
            return self._at(self.parts[part], points)
        axis, _, value = part.partition(" = ")
        index = self.axes.index(axis)
        flat = np.abs(normals[:, index]) > 1 - STEP
        return flat & (np.abs(points[:, index] - float(value)) < self.step)
