"""Solids as sets of points: what any shape can be asked, and shapes known in closed form.

Formulas: J. C. Hart, "Sphere tracing" (1996), and I. Quilez, "Distance functions". A signed distance is
negative inside.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from kansci.errors import SettingsError
from kansci.signals.signal import Signal, grid_points, usual_axes
from kansci.signals.surface import Mesh, iso_surface

__all__ = ["SHAPES", "AnalyticShape", "Shape", "analytic_shape", "shape_signal"]

RESOLUTION = 64
"""Samples along each axis of a shape that is read as a signal."""


class Shape(ABC):
    """A solid in a cube.

    Attributes:
        name: of the shape.
        box: lower and upper end of each coordinate (3, 2); a cube, so that distances keep their ratios in
            [-1, 1]^3.
        exact: whether `signed_distance` is the distance to the surface; else it has the right sign and its
            size is at most the distance.
        notes: remarks for the user.
    """

    name: str
    box: np.ndarray
    exact: bool = True
    notes: tuple[str, ...] = ()

    @abstractmethod
    def signed_distance(self, points: np.ndarray) -> np.ndarray:
        """Give the distance to the surface, negative inside, for points (N, 3); shape (N,)."""

    @abstractmethod
    def mesh(self) -> Mesh:
        """Give triangles on the surface."""

    def occupancy(self, points: np.ndarray) -> np.ndarray:
        """Whether points (N, 3) are inside, (N,)."""
        return self.signed_distance(points) < 0

    def surface_points(self, n: int, seed: int = 0) -> np.ndarray:
        """Give random points on the surface, evenly by area, (n, 3)."""
        return self.oriented_points(n, seed)[0]

    def oriented_points(self, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Give random points on the surface and the outward normals there, both (n, 3)."""
        return self.mesh().sample(n, seed)


class AnalyticShape(Shape):
    """A shape whose signed distance is a formula, in the cube [-1, 1]^3."""

    def __init__(self, name: str, formula: Callable[[np.ndarray], np.ndarray], *, exact: bool):
        """Take the formula, of points (N, 3)."""
        self.name, self.exact = name, exact
        self.box = np.array([[-1.0, 1.0]] * 3)
        self._formula = formula
        if not exact:
            self.notes = (f"{name}: a bound of the distance, with the right sign",)

    def signed_distance(self, points: np.ndarray) -> np.ndarray:
        """Give the value of the formula, (N,)."""
        return self._formula(np.asarray(points, dtype=np.float64))

    def mesh(self) -> Mesh:
        """Give triangles by marching cubes on 94 samples along each axis."""
        axes = (np.linspace(-1.0, 1.0, 94),) * 3
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
        return iso_surface(self.signed_distance(points.reshape(-1, 3)).reshape(points.shape[:-1]), axes)

    def oriented_points(self, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Give random points, drawn on the mesh and moved onto the surface, and their normals."""
        points, normals = self.mesh().sample(n, seed)
        for _ in range(4):  # Newton's method along the gradient
            gradient = self._gradient(points)
            squares = np.maximum(np.sum(gradient**2, axis=1), 1e-12)
            points = points - (self.signed_distance(points) / squares)[:, None] * gradient
        return points, _normalised(self._gradient(points), normals)

    def _gradient(self, points: np.ndarray, step: float = 1e-5) -> np.ndarray:
        """Central differences of the formula, (N, 3)."""
        shifts = step * np.eye(3)
        sides = [self._formula(points + s) - self._formula(points - s) for s in shifts]
        return np.stack(sides, axis=1) / (2 * step)


def analytic_shape(name: str) -> AnalyticShape:
    """Give a shape of `SHAPES` by its name.

    Raises:
        SettingsError: There is none of this name.
    """
    key = name.removeprefix("shape:").replace("_", "-")
    if key not in SHAPES:
        raise SettingsError(f"no shape '{name}': there are {', '.join(SHAPES)}")
    formula, exact = SHAPES[key]
    return AnalyticShape(key, formula, exact=exact)


def shape_signal(shape: Shape, resolution: int = RESOLUTION, quantity: str = "distance") -> Signal:
    """Sample a shape on a grid over its cube.

    Args:
        shape: the solid.
        resolution: samples along each axis, in the middles of equal cells.
        quantity: "distance" (signed, negative inside) or "occupancy" (1 inside, 0 outside).

    Returns:
        The signal, with coordinates (x, y, z).

    Raises:
        SettingsError: The quantity is another, or the resolution is not between 2 and 512.
    """
    if quantity not in {"distance", "occupancy"}:
        raise SettingsError(f"a shape as '{quantity}': choose distance or occupancy")
    if not 2 <= resolution <= 512:
        raise SettingsError(f"a shape with {resolution} samples along each axis: choose 2 to 512")
    axes = usual_axes("shape", (resolution,) * 3, shape.box)
    points = grid_points(axes)
    if quantity == "distance":
        values = shape.signed_distance(points)
    else:
        values = shape.occupancy(points).astype(np.float64)
    meta = {"quantity": quantity, "source": shape.name, "notes": list(shape.notes)}
    peak = float(np.ptp(values)) or 1.0
    grid = values.reshape(*(resolution,) * 3, 1)
    return Signal("shape", grid, axes, None, shape.box, ("x", "y", "z"), (quantity,), peak, meta)


def _length(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt(np.sum(vectors**2, axis=-1))


def _normalised(vectors: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Unit vectors; at corners, where the formula has no gradient, other ones."""
    lengths = _length(vectors)[:, None]
    return np.where(lengths > 1e-6, vectors / np.maximum(lengths, 1e-12), otherwise)


def _sphere(p: np.ndarray) -> np.ndarray:
    """Radius 0.7."""
    return _length(p) - 0.7


def _box(p: np.ndarray) -> np.ndarray:
    """Half sides 0.6, 0.5, 0.4."""
    q = np.abs(p) - np.array([0.6, 0.5, 0.4])
    return _length(np.maximum(q, 0.0)) + np.minimum(q.max(axis=-1), 0.0)


def _torus(p: np.ndarray) -> np.ndarray:
    """Radii 0.55 and 0.25 about the z axis."""
    return np.hypot(np.hypot(p[:, 0], p[:, 1]) - 0.55, p[:, 2]) - 0.25


def _capsule(p: np.ndarray) -> np.ndarray:
    """Radius 0.3 about the segment from -0.5 to 0.5 of the z axis."""
    along = np.clip(p[:, 2], -0.5, 0.5)
    return np.hypot(np.hypot(p[:, 0], p[:, 1]), p[:, 2] - along) - 0.3


def _cylinder(p: np.ndarray) -> np.ndarray:
    """Radius 0.5 and half height 0.6 about the z axis."""
    q = np.stack([np.hypot(p[:, 0], p[:, 1]) - 0.5, np.abs(p[:, 2]) - 0.6], axis=-1)
    return _length(np.maximum(q, 0.0)) + np.minimum(q.max(axis=-1), 0.0)


def _smooth_union(p: np.ndarray) -> np.ndarray:
    """Spheres of radius 0.45 at x = -0.35 and 0.35, joined smoothly (polynomial, over 0.3)."""
    a = _length(p + np.array([0.35, 0.0, 0.0])) - 0.45
    b = _length(p - np.array([0.35, 0.0, 0.0])) - 0.45
    h = np.maximum(0.3 - np.abs(a - b), 0.0) / 0.3
    return np.minimum(a, b) - h**2 * 0.3 / 4


def _gyroid(p: np.ndarray) -> np.ndarray:
    """A wall about the gyroid of period 1, inside the sphere of radius 0.9.

    |g| has slope 2 pi |grad| <= 2 pi sqrt(3), by which it is divided to be a bound.
    """
    x, y, z = (2 * np.pi * p).T
    g = np.sin(x) * np.cos(y) + np.sin(y) * np.cos(z) + np.sin(z) * np.cos(x)
    return np.maximum((np.abs(g) - 0.4) / (2 * np.pi * np.sqrt(3.0)), _length(p) - 0.9)


SHAPES: dict[str, tuple[Callable[[np.ndarray], np.ndarray], bool]] = {
    "sphere": (_sphere, True),
    "box": (_box, True),
    "torus": (_torus, True),
    "capsule": (_capsule, True),
    "cylinder": (_cylinder, True),
    "smooth-union": (_smooth_union, False),
    "gyroid": (_gyroid, False),
}
"""Name -> formula, and whether it is the exact distance."""
