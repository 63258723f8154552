"""Surfaces of triangles: random points on them, and surfaces where a function takes a value."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kansci.errors import DataError
from kansci.signals.signal import Signal

__all__ = ["Mesh", "iso_surface", "signal_surface"]


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles whose corners run counter-clockwise seen from outside."""

    vertices: np.ndarray  # (V, 3)
    faces: np.ndarray  # (T, 3), indices of vertices

    @property
    def triangles(self) -> np.ndarray:
        """The corners (T, 3 corners, 3 coordinates)."""
        return self.vertices[self.faces]

    def sample(self, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Draw points evenly by area.

        Args:
            n: how many.
            seed: of the random numbers.

        Returns:
            Points and the outward normals of their triangles, both (n, 3).
        """
        random = np.random.default_rng(seed)
        triangles = self.triangles
        edges = triangles[:, 1:] - triangles[:, :1]
        normals = np.cross(edges[:, 0], edges[:, 1])
        areas = np.linalg.norm(normals, axis=1)
        chosen = random.choice(len(triangles), size=n, p=areas / areas.sum())
        weights = random.random((n, 2))
        weights = np.where(weights.sum(axis=1, keepdims=True) > 1, 1 - weights, weights)
        points = triangles[chosen, 0] + np.einsum("ne,ned->nd", weights, edges[chosen])
        return points, normals[chosen] / areas[chosen, None]


def iso_surface(values: np.ndarray, axes: Sequence[np.ndarray], level: float = 0.0) -> Mesh:
    """Find where a function on a grid takes a value, by marching cubes (scikit-image).

    Args:
        values: (D, H, W); below the level inside.
        axes: positions along the three axes, in the user's units.
        level: the value.

    Returns:
        The surface, in the user's units; open where it leaves the grid.

    Raises:
        DataError: The function does not take the value.
    """
    from skimage.measure import marching_cubes

    if not values.min() < level < values.max():
        raise DataError(
            f"no surface: the values, {values.min():.4g} to {values.max():.4g}, do not cross {level:g}"
        )
    places, faces, _, _ = marching_cubes(values, level, allow_degenerate=False)
    columns = [np.interp(p, np.arange(len(axis)), axis) for p, axis in zip(places.T, axes, strict=True)]
    return Mesh(np.stack(columns, axis=1), faces.astype(np.int64))


def signal_surface(signal: Signal) -> Mesh:
    """Find the surface of a shape, or of half the range of a volume, in a signal on a grid.

    Raises:
        DataError: The signal has not three coordinates, or several channels, or no surface.
    """
    if signal.axes is None or signal.dimension != 3 or len(signal.channels) != 1:
        raise DataError(f"{signal.kind}: a mesh needs one channel on a grid of three coordinates")
    values = signal.values[..., 0]
    if signal.meta.get("quantity") == "distance":
        return iso_surface(values, signal.axes)
    middle = 0.5 if signal.meta.get("quantity") == "occupancy" else (values.min() + values.max()) / 2
    return iso_surface(-values, signal.axes, -middle)  # high values are inside
