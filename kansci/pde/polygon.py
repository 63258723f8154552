"""Polygons with straight edges that do not cross."""

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import pairwise

import numpy as np
import sympy

from kansci.errors import SettingsError
from kansci.pde.shapes import Piece, Shape, r_and, r_or

__all__ = ["Polygon"]

MAX_CORNERS = 200
Point = tuple[sympy.Expr, sympy.Expr]


class Polygon(Shape):
    """The inside of a closed line through corners, in either sense of rotation."""

    def __init__(self, corners: Sequence[Point]) -> None:
        if not 3 <= len(corners) <= MAX_CORNERS:
            raise SettingsError(f"a polygon has 3 to {MAX_CORNERS} corners, not {len(corners)}")
        twice = sum(_turn((sympy.S.Zero, sympy.S.Zero), a, b) for a, b in _edges(corners))
        if abs(twice) < 1e-12:
            raise SettingsError("the domain has no volume: the polygon encloses nothing")
        ordered = list(corners) if twice > 0 else list(corners)[::-1]
        before, after = [ordered[-1], *ordered[:-1]], [*ordered[1:], ordered[0]]
        self.exact = [b for a, b, c in zip(before, ordered, after, strict=True) if _turn(a, b, c) != 0]
        self.corners = np.array([[float(x), float(y)] for x, y in self.exact])  # (n, 2), anticlockwise
        self.ends = np.roll(self.corners, -1, axis=0)
        if _crossing(self.corners, self.ends):
            raise SettingsError("the edges of the polygon cross or touch each other")

    @property
    def bounds(self) -> np.ndarray:  # noqa: D102
        return np.stack([self.corners.min(axis=0), self.corners.max(axis=0)], axis=1)

    def inside(self, points: np.ndarray, margin: float = 0.0) -> np.ndarray:  # noqa: D102
        x, y = points[:, :1], points[:, 1:]
        (x0, y0), (x1, y1) = self.corners.T, self.ends.T
        with np.errstate(divide="ignore", invalid="ignore"):
            right = x < x0 + (y - y0) * (x1 - x0) / (y1 - y0)
        within = (((y0 > y) != (y1 > y)) & right).sum(axis=1) % 2 == 1
        near = self._to_edges(points)
        return within & (near >= -margin) if margin < 0 else within | (near <= margin)

    def _to_edges(self, points: np.ndarray) -> np.ndarray:
        """Distance to the nearest edge, (n,)."""
        along = self.ends - self.corners
        apart = points[:, None, :] - self.corners
        share = np.clip((apart * along).sum(axis=2) / (along**2).sum(axis=1), 0.0, 1.0)
        return np.linalg.norm(apart - share[..., None] * along, axis=2).min(axis=1)

    def pieces(self) -> list[Piece]:  # noqa: D102
        return [self._edge(start, end) for start, end in zip(self.corners, self.ends, strict=True)]

    @staticmethod
    def _edge(start: np.ndarray, end: np.ndarray) -> Piece:
        along = end - start
        length = float(np.linalg.norm(along))
        outward = np.array([along[1], -along[0]]) / length

        def draw(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return start + u * along, np.tile(outward, (len(u), 1))

        return Piece(length, draw)

    def distance(self, axes: Sequence[sympy.Symbol]) -> sympy.Expr:  # noqa: D102
        corners = self.exact
        start = min(range(len(corners)), key=lambda i: (float(corners[i][0]), float(corners[i][1])))
        ring = [*corners[start:], *corners[: start + 1]]
        return _chain(ring, (axes[0], axes[1]), r_and, r_or)

    def scaled(self, shift: Sequence[sympy.Expr], scale: sympy.Expr) -> "Polygon":  # noqa: D102
        return Polygon([((x - shift[0]) / scale, (y - shift[1]) / scale) for x, y in self.exact])


Operator = Callable[[sympy.Expr, sympy.Expr], sympy.Expr]


def _chain(line: list[Point], at: Point, now: Operator, then: Operator) -> sympy.Expr:
    """Positive left of an open or closed line (Tor and Middleditch 1984, convex decomposition).

    The line is cut at the corners of its convex hull; a piece of more than one edge is a pocket, where
    "and" and "or" change places.
    """
    if len(line) == 2:
        (x0, y0), (x1, y1) = line
        return _turn((x0, y0), (x1, y1), at) / sympy.sqrt((x1 - x0) ** 2 + (y1 - y0) ** 2)
    cuts = _hull(line)
    parts = [_chain(line[i : j + 1], at, then, now) for i, j in pairwise(cuts)]
    return reduce(now, parts)


def _hull(line: list[Point]) -> list[int]:
    """Positions of the corners of the convex hull in the order of the line, its two ends included."""
    numbers = np.array([[float(x), float(y)] for x, y in line])
    order = sorted(range(len(line)), key=lambda i: (numbers[i, 0], numbers[i, 1], i))
    kept: set[int] = {0, len(line) - 1}
    for sequence in (order, order[::-1]):  # Andrew's monotone chain, lower and upper
        half: list[int] = []
        for i in sequence:
            while len(half) > 1 and _cross(numbers[half[-2]], numbers[half[-1]], numbers[i]) <= 0:
                half.pop()
            half.append(i)
        kept.update(half)
    return sorted(kept)


def _turn(a: Point, b: Point, c: Point) -> sympy.Expr:
    """Twice the area of a triangle, positive when it is anticlockwise."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _cross(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
    return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))


def _edges(corners: Sequence[Point]) -> list[tuple[Point, Point]]:
    return list(zip(corners, [*corners[1:], corners[0]], strict=True))


def _crossing(starts: np.ndarray, ends: np.ndarray) -> bool:
    """Whether two edges that are no neighbours meet."""
    count = len(starts)
    for i in range(count):
        for j in range(i + 2, count):
            if (j + 1) % count == i:
                continue
            a, b, c, d = starts[i], ends[i], starts[j], ends[j]
            if _cross(a, b, c) * _cross(a, b, d) <= 0 and _cross(c, d, a) * _cross(c, d, b) <= 0:
                overlap = np.all(np.minimum(a, b) <= np.maximum(c, d)) and np.all(
                    np.minimum(c, d) <= np.maximum(a, b)
                )
                if overlap:
                    return True
    return False
