"""Exact distances to a mesh of triangles, and its generalised winding number, through a tree of boxes."""

from collections.abc import Iterator

import numpy as np

__all__ = ["TriangleTree", "solid_angles", "squared_distances"]

CHUNK = 2048
"""Points that walk down the tree together, which bounds the memory."""
FAR = 2.5
"""A node is seen as one dipole from points farther from its centre than this many of its radii."""


class TriangleTree:
    """A balanced binary tree over triangles, walked down by many points at once.

    Every node of level l holds an equal number of consecutive triangles, those of the last level one;
    triangles of no area, at a corner of the last given one, fill it up.
    """

    def __init__(self, triangles: np.ndarray):
        """Build the tree.

        Args:
            triangles: corners (T, 3 corners, 3 coordinates).
        """
        depth = int(np.ceil(np.log2(len(triangles))))
        points = np.repeat(triangles[-1:, :1], 3, axis=1)
        filled = np.concatenate([triangles, np.repeat(points, 2**depth - len(triangles), axis=0)])
        order = _order(filled.mean(axis=1), depth)
        self.triangles = filled[order]
        self.index = np.minimum(order, len(triangles) - 1)  # of the triangle that was given
        self._levels = [_Level(self.triangles, 2**level) for level in range(depth + 1)]

    def nearest(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the nearest triangle.

        Args:
            points: (N, 3).

        Returns:
            Squared distances (N,) and indices of the nearest triangles (N,), in the order they were given.
        """
        from scipy.spatial import cKDTree

        centres = cKDTree(self.triangles.mean(axis=1))
        distances, indices = np.empty(len(points)), np.empty(len(points), dtype=np.int64)
        for part in _chunks(len(points)):
            near = centres.query(points[part])[1]
            bound = squared_distances(points[part], self.triangles[near])
            distances[part], found = self._descend(points[part], bound)
            indices[part] = self.index[found]
        return distances, indices

    def _descend(self, points: np.ndarray, bound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Smallest squared distances and their triangles, where ``bound`` is not less than they are."""
        who, node = np.arange(len(points)), np.zeros(len(points), dtype=np.int64)
        for level, at in enumerate(self._levels):
            if level:
                who, node = _children(who, node)
            outside = np.maximum(np.maximum(at.low[node] - points[who], points[who] - at.high[node]), 0.0)
            kept = np.einsum("nd,nd->n", outside, outside) <= bound[who] * (1 + 1e-12)
            who, node = who[kept], node[kept]
        squares = squared_distances(points[who], self.triangles[node])
        starts = np.flatnonzero(np.diff(who, prepend=-1))  # every point keeps a candidate at least
        best = np.minimum.reduceat(squares, starts)
        first = np.flatnonzero(squares == best[who])
        return best, node[first[np.unique(who[first], return_index=True)[1]]]

    def winding_number(self, points: np.ndarray) -> np.ndarray:
        """Give the generalised winding number (Jacobson et al. 2013): 1 inside a closed mesh, 0 outside.

        Far nodes count as one dipole each, to first order (Barill et al. 2018, "Fast winding numbers for
        soups and clouds", equation 13), with an error of some hundredths; near triangles exactly.

        Args:
            points: (N, 3).

        Returns:
            The numbers (N,), for triangles whose corners run counter-clockwise seen from outside.
        """
        return np.concatenate([self._winding(points[part]) for part in _chunks(len(points))])

    def _winding(self, points: np.ndarray) -> np.ndarray:
        total = np.zeros(len(points))
        who, node = np.arange(len(points)), np.zeros(len(points), dtype=np.int64)
        for level, at in enumerate(self._levels):
            if level:
                who, node = _children(who, node)
            to = at.centre[node] - points[who]
            squares = np.einsum("nd,nd->n", to, to)
            far = squares > (FAR * at.radius[node]) ** 2
            flux = np.einsum("nd,nd->n", to[far], at.area[node[far]]) / squares[far] ** 1.5
            total += np.bincount(who[far], flux, len(points))
            who, node = who[~far], node[~far]
        total += np.bincount(who, solid_angles(points[who], self.triangles[node]), len(points))
        return total / (4 * np.pi)


class _Level:
    """The nodes of one level: boxes, and sums of the area vectors of their triangles."""

    def __init__(self, triangles: np.ndarray, nodes: int):
        corners = triangles.reshape(nodes, -1, 3)
        self.low, self.high = corners.min(axis=1), corners.max(axis=1)  # (nodes, 3)
        edges = triangles[:, 1:] - triangles[:, :1]
        vectors = np.cross(edges[:, 0], edges[:, 1]) / 2
        areas = np.linalg.norm(vectors, axis=1).reshape(nodes, -1)
        centres = triangles.mean(axis=1).reshape(nodes, -1, 3)
        weights = np.maximum(areas, 1e-300)
        self.area = vectors.reshape(nodes, -1, 3).sum(axis=1)
        self.centre = np.einsum("nt,ntd->nd", weights, centres) / weights.sum(axis=1)[:, None]
        self.radius = np.linalg.norm(corners - self.centre[:, None], axis=-1).max(axis=1)


def squared_distances(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Give the squared distances from points (N, 3) to one triangle each (N, 3, 3), shape (N,).

    Over the inside of the triangle the distance to its plane, else that to the nearest edge.
    """
    edges = np.roll(triangles, -1, axis=1) - triangles  # (N, 3 edges, 3)
    to = points[:, None] - triangles
    lengths = np.einsum("ned,ned->ne", edges, edges)
    along = np.clip(np.einsum("ned,ned->ne", edges, to) / np.maximum(lengths, 1e-300), 0.0, 1.0)
    from_edges = to - along[..., None] * edges
    distances = np.einsum("ned,ned->ne", from_edges, from_edges).min(axis=1)
    normal = np.cross(edges[:, 0], -edges[:, 2])
    inside = np.all(np.einsum("ned,nd->ne", np.cross(edges, to), normal) > 0, axis=1)
    heights = np.einsum("nd,nd->n", to[:, 0], normal) ** 2
    squares = np.einsum("nd,nd->n", normal, normal)
    distances[inside] = heights[inside] / squares[inside]
    return distances


def solid_angles(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Give the signed solid angles of triangles (N, 3, 3) seen from points (N, 3), shape (N,).

    After van Oosterom and Strackee (1983); positive from inside.
    """
    a, b, c = np.moveaxis(triangles - points[:, None], 1, 0)
    la, lb, lc = (np.sqrt(np.einsum("nd,nd->n", v, v)) for v in (a, b, c))
    determinant = np.einsum("nd,nd->n", a, np.cross(b, c))
    ab, bc, ca = (np.einsum("nd,nd->n", u, v) for u, v in ((a, b), (b, c), (c, a)))
    return 2 * np.arctan2(determinant, la * lb * lc + ab * lc + bc * la + ca * lb)


def _order(centres: np.ndarray, depth: int) -> np.ndarray:
    """An order of 2^depth triangles, by their centres, where each block of a level lies close together."""
    order = np.arange(len(centres))
    for level in range(depth):
        blocks = order.reshape(2**level, -1)
        places = centres[blocks]
        longest = np.argmax(np.ptp(places, axis=1), axis=1)
        along = np.take_along_axis(places, longest[:, None, None], axis=2)[..., 0]
        order = np.take_along_axis(blocks, np.argsort(along, axis=1, kind="stable"), axis=1).reshape(-1)
    return order


def _children(who: np.ndarray, node: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of points and nodes one level further down."""
    return np.repeat(who, 2), (2 * node[:, None] + np.arange(2)).reshape(-1)


def _chunks(count: int) -> Iterator[slice]:
    yield from (slice(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK))
