"""Meshes from files, as shapes with an exact distance and a sign even where they have holes."""

import io
from functools import cached_property
from pathlib import Path

import numpy as np

from kansci.errors import DataError
from kansci.signals.files import existing, readable
from kansci.signals.shapes import Shape
from kansci.signals.surface import Mesh
from kansci.signals.triangle_tree import TriangleTree

__all__ = ["MeshShape", "read_mesh"]

MOST_BYTES = 500 * 2**20
MOST_TRIANGLES = 1_000_000
MARGIN = 0.1
"""Free space around a mesh in its cube, as a part of its longest side."""


class MeshShape(Shape):
    """The solid that a mesh encloses.

    The distance is that to the nearest triangle; inside is where the generalised winding number
    (Jacobson et al. 2013) is above 1/2, which is also defined for meshes with holes.
    """

    def __init__(self, name: str, mesh: Mesh, *, closed: bool):
        """Take a mesh; ``closed`` says whether each edge belongs to two triangles.

        Raises:
            DataError: It has no triangles, or none with an area.
        """
        self.name = name
        triangles = mesh.triangles
        if len(triangles) == 0:
            raise DataError(f"{name}: an empty mesh: it holds no triangles")
        if not np.all(np.isfinite(triangles)):
            raise DataError(f"{name}: the mesh has corners that are missing or infinite")
        low, high = triangles.min(axis=(0, 1)), triangles.max(axis=(0, 1))
        areas = np.linalg.norm(np.cross(*np.moveaxis(triangles[:, 1:] - triangles[:, :1], 1, 0)), axis=1)
        if not areas.sum() > 0:
            raise DataError(f"{name}: an empty mesh: its triangles have no area")
        half = (high - low).max() * (0.5 + MARGIN / 2)
        middle = (low + high) / 2
        self.box = np.stack([middle - half, middle + half], axis=1)
        self._mesh = mesh
        if not closed:
            self.notes = (
                f"{name}: the mesh is not watertight; inside is where its winding number exceeds 1/2",
            )

    @cached_property
    def _tree(self) -> TriangleTree:
        return TriangleTree(self._mesh.triangles)

    @cached_property
    def _direction(self) -> float:
        """-1 for a mesh that is inside out, with a negative volume, else 1."""
        a, b, c = np.moveaxis(self._mesh.triangles - self.box.mean(axis=1), 1, 0)
        return -1.0 if np.sum(np.cross(a, b) * c) < 0 else 1.0

    def signed_distance(self, points: np.ndarray) -> np.ndarray:
        """Give the distance to the nearest triangle, negative inside, (N,)."""
        points = np.asarray(points, dtype=np.float64)
        distance = np.sqrt(self._tree.nearest(points)[0])
        return np.where(self.occupancy(points), -distance, distance)

    def occupancy(self, points: np.ndarray) -> np.ndarray:
        """Whether the winding number about points (N, 3) is above 1/2, (N,)."""
        return self._direction * self._tree.winding_number(np.asarray(points, dtype=np.float64)) > 0.5

    def mesh(self) -> Mesh:
        """Give the triangles."""
        return self._mesh


def read_mesh(path: Path) -> MeshShape:
    """Read a mesh: PLY, OBJ or STL, through trimesh.

    Equal vertices are merged; parts of an OBJ file are put together; materials are not read.

    Raises:
        DataError: The file is missing, damaged, too large, or its mesh is empty.
    """
    import trimesh

    existing(path)
    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"{path}: larger than the limit of {MOST_BYTES // 2**20} MB: simplify the mesh")
    with readable(path, "a mesh"):
        suffix = path.suffix.lower().removeprefix(".")
        loaded = trimesh.load_mesh(io.BytesIO(path.read_bytes()), file_type=suffix)
        vertices = np.asarray(getattr(loaded, "vertices", np.zeros((0, 3))), dtype=np.float64)
        faces = np.asarray(getattr(loaded, "faces", np.zeros((0, 3))), dtype=np.int64)
        closed = bool(len(faces)) and bool(loaded.is_watertight)
    if len(faces) > MOST_TRIANGLES:
        raise DataError(
            f"{path}: {len(faces):,} triangles, the limit is {MOST_TRIANGLES:,}: simplify the mesh"
        )
    return MeshShape(str(path), Mesh(vertices, faces), closed=closed)
