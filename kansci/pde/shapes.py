"""Shapes in space: balls, boxes, and unions, differences and intersections of shapes.

Each knows its points, the pieces of its boundary with outward normals, and a signed distance-like function:
R-functions (Rvachev 1963; Shapiro and Tsukanov 1999), f and g = f + g - sqrt(f^2 + g^2), are positive
inside, zero on the boundary and keep the slope 1 there where only one of f and g is zero.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from math import gamma

import numpy as np
import sympy
from scipy.stats import t as student

from kansci.errors import SettingsError

__all__ = ["Ball", "BoxShape", "Combined", "Piece", "Shape", "r_and", "r_or"]


def r_and(f: sympy.Expr, g: sympy.Expr) -> sympy.Expr:
    """Positive where both are (R-conjunction)."""
    return f + g - sympy.sqrt(f**2 + g**2)


def r_or(f: sympy.Expr, g: sympy.Expr) -> sympy.Expr:
    """Positive where at least one is (R-disjunction)."""
    return f + g + sympy.sqrt(f**2 + g**2)


@dataclass(frozen=True)
class Piece:
    """A smooth piece of a boundary.

    Attributes:
        area: its length, area, ....
        draw: evenly spread numbers in the unit cube (n, d - 1) -> points and outward normals, each (n, d).
    """

    area: float
    draw: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


class Shape(ABC):
    """A bounded set of points in space."""

    @property
    @abstractmethod
    def bounds(self) -> np.ndarray:
        """Lowest and highest value of each coordinate, (d, 2)."""

    @abstractmethod
    def inside(self, points: np.ndarray, margin: float = 0.0) -> np.ndarray:
        """Tell which points (n, d) are inside the shape grown by a margin, (n,)."""

    @abstractmethod
    def pieces(self) -> list[Piece]:
        """Pieces that the boundary is a part of."""

    def primitives(self) -> "list[Shape]":
        """The shapes it is made of."""
        return [self]

    @abstractmethod
    def distance(self, axes: Sequence[sympy.Symbol]) -> sympy.Expr:
        """Positive inside, zero on the boundary, with slope 1 there."""

    @abstractmethod
    def scaled(self, shift: Sequence[sympy.Expr], scale: sympy.Expr) -> "Shape":
        """The shape in the coordinates (x - shift) / scale."""

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.bounds)

    def __add__(self, other: "Shape") -> "Shape":
        return Combined("+", self, other)

    def __sub__(self, other: "Shape") -> "Shape":
        return Combined("-", self, other)

    def __mul__(self, other: "Shape") -> "Shape":
        return Combined("*", self, other)


class Ball(Shape):
    """All points within a radius: an interval, a disc, a ball, ..."""

    def __init__(self, centre: Sequence[sympy.Expr], radius: sympy.Expr) -> None:
        if not radius > 0:
            raise SettingsError(f"the domain has no volume: a ball of radius {radius}")
        self.exact = tuple(centre), radius
        self.centre, self.radius = np.array([float(c) for c in centre]), float(radius)

    @property
    def bounds(self) -> np.ndarray:  # noqa: D102
        return np.stack([self.centre - self.radius, self.centre + self.radius], axis=1)

    def inside(self, points: np.ndarray, margin: float = 0.0) -> np.ndarray:  # noqa: D102
        return np.linalg.norm(points - self.centre, axis=1) <= self.radius + margin

    def pieces(self) -> list[Piece]:  # noqa: D102
        d = len(self.centre)
        area = 2 * np.pi ** (d / 2) / gamma(d / 2) * self.radius ** (d - 1)
        return [Piece(area, self._draw)]

    def _draw(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points on the sphere by their directions."""
        normals = _directions(u)
        return self.centre + self.radius * normals, normals

    def distance(self, axes: Sequence[sympy.Symbol]) -> sympy.Expr:  # noqa: D102
        centre, radius = self.exact
        square = sum(((axis - c) ** 2 for axis, c in zip(axes, centre, strict=True)), sympy.S.Zero)
        return (radius**2 - square) / (2 * radius)

    def scaled(self, shift: Sequence[sympy.Expr], scale: sympy.Expr) -> "Ball":  # noqa: D102
        centre, radius = self.exact
        return Ball([(c - by) / scale for c, by in zip(centre, shift, strict=True)], radius / scale)


def _directions(u: np.ndarray) -> np.ndarray:
    """Evenly spread unit vectors (n, d) from numbers in the unit cube (n, d - 1).

    One coordinate after another: z = x_k / rest, given those before, follows from Student's distribution
    since z / sqrt(1 - z^2) * sqrt(free) has it, with the number of coordinates that follow as its freedom.
    """
    count, d = u.shape[0], u.shape[1] + 1
    u = np.clip(u, 1e-12, 1 - 1e-12)
    vectors, rest = np.zeros((count, d)), np.ones(count)
    for k in range(d - 2):
        free = d - k - 1
        ratio = student.ppf(u[:, k], free) / np.sqrt(free)
        z = ratio / np.sqrt(1 + ratio**2)
        vectors[:, k] = rest * z
        rest = rest * np.sqrt(1 - z**2)
    angle = 2 * np.pi * u[:, -1]
    vectors[:, -2], vectors[:, -1] = rest * np.cos(angle), rest * np.sin(angle)
    return vectors


class BoxShape(Shape):
    """A product of intervals."""

    def __init__(self, limits: Sequence[tuple[sympy.Expr, sympy.Expr]]) -> None:
        for low, high in limits:
            if not low < high:
                raise SettingsError(f"the domain has no volume: a box from {low} to {high}")
        self.limits = tuple(limits)
        self._bounds = np.array([[float(low), float(high)] for low, high in limits])

    @property
    def bounds(self) -> np.ndarray:  # noqa: D102
        return self._bounds.copy()

    def inside(self, points: np.ndarray, margin: float = 0.0) -> np.ndarray:  # noqa: D102
        low, high = self._bounds.T
        return np.all((points >= low - margin) & (points <= high + margin), axis=1)

    def pieces(self) -> list[Piece]:  # noqa: D102
        widths = np.diff(self._bounds, axis=1)[:, 0]
        return [
            Piece(float(np.prod(np.delete(widths, axis))), self._side(axis, end))
            for axis in range(len(widths))
            for end in (0, 1)
        ]

    def _side(self, axis: int, end: int) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
        def draw(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            low, high = self._bounds.T
            points = low + (high - low) * np.insert(u, axis, float(end), axis=1)
            normals = np.zeros_like(points)
            normals[:, axis] = 2.0 * end - 1.0
            return points, normals

        return draw

    def distance(self, axes: Sequence[sympy.Symbol]) -> sympy.Expr:  # noqa: D102
        slabs = [
            (a - low) * (high - a) / (high - low) for a, (low, high) in zip(axes, self.limits, strict=True)
        ]
        return reduce(r_and, slabs)

    def scaled(self, shift: Sequence[sympy.Expr], scale: sympy.Expr) -> "BoxShape":  # noqa: D102
        pairs = zip(self.limits, shift, strict=True)
        return BoxShape([((low - by) / scale, (high - by) / scale) for (low, high), by in pairs])


class Combined(Shape):
    """A union "+", difference "-" or intersection "*" of two shapes."""

    def __init__(self, operator: str, left: Shape, right: Shape) -> None:
        if left.dimension != right.dimension:
            raise SettingsError(
                f"shapes in {left.dimension} and in {right.dimension} dimensions cannot be combined"
            )
        self.operator, self.left, self.right = operator, left, right

    @property
    def bounds(self) -> np.ndarray:  # noqa: D102
        left, right = self.left.bounds, self.right.bounds
        if self.operator == "-":
            return left
        outer = self.operator == "+"
        low = (np.minimum if outer else np.maximum)(left[:, 0], right[:, 0])
        high = (np.maximum if outer else np.minimum)(left[:, 1], right[:, 1])
        return np.stack([low, np.maximum(low, high)], axis=1)

    def inside(self, points: np.ndarray, margin: float = 0.0) -> np.ndarray:  # noqa: D102
        left = self.left.inside(points, margin)
        if self.operator == "-":
            return left & ~self.right.inside(points, -margin)
        right = self.right.inside(points, margin)
        return left | right if self.operator == "+" else left & right

    def pieces(self) -> list[Piece]:  # noqa: D102
        return [piece for shape in self.primitives() for piece in shape.pieces()]

    def primitives(self) -> list[Shape]:  # noqa: D102
        return [*self.left.primitives(), *self.right.primitives()]

    def distance(self, axes: Sequence[sympy.Symbol]) -> sympy.Expr:  # noqa: D102
        left, right = self.left.distance(axes), self.right.distance(axes)
        if self.operator == "+":
            return r_or(left, right)
        return r_and(left, right if self.operator == "*" else -right)

    def scaled(self, shift: Sequence[sympy.Expr], scale: sympy.Expr) -> "Combined":  # noqa: D102
        return Combined(self.operator, self.left.scaled(shift, scale), self.right.scaled(shift, scale))
