"""Signed distances, winding numbers, surfaces, against brute force, closed forms and trimesh."""

import numpy as np
import pytest
import trimesh
from scipy.optimize import minimize
from scipy.spatial import cKDTree

from kansci.errors import DataError, SettingsError
from kansci.signals import (
    SHAPES,
    analytic_shape,
    iso_surface,
    read_shape,
    shape_signal,
    signal_surface,
    write_signal,
)
from kansci.signals.mesh_shape import MeshShape
from kansci.signals.surface import Mesh
from kansci.signals.triangle_tree import TriangleTree, solid_angles, squared_distances

RANDOM = np.random.default_rng(0)
MESHES = {
    "icosphere": trimesh.creation.icosphere(subdivisions=2),
    "box": trimesh.creation.box((1, 2, 0.5)),
    "torus": trimesh.creation.torus(1, 0.3, major_sections=24, minor_sections=16),
    "one triangle": trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0.5]], [[0, 1, 2]]),
}


def triangles_of(mesh):
    return np.asarray(mesh.triangles)


def shape_of(mesh):
    return MeshShape(
        "mesh", Mesh(np.asarray(mesh.vertices), np.asarray(mesh.faces)), closed=mesh.is_watertight
    )


def test_the_distance_to_a_triangle_is_the_least_over_its_points():
    triangles, points = RANDOM.normal(size=(30, 3, 3)), RANDOM.normal(size=(30, 3))
    found = squared_distances(points, triangles)
    for triangle, point, squares in zip(triangles, points, found, strict=True):
        (a, u, v) = triangle[0], triangle[1] - triangle[0], triangle[2] - triangle[0]
        best = minimize(
            lambda s, a=a, u=u, v=v, p=point: np.sum((a + s[0] * u + s[1] * v - p) ** 2),
            [0.3, 0.3],
            bounds=[(0, 1), (0, 1)],
            constraints={"type": "ineq", "fun": lambda s: 1 - s.sum()},
            method="SLSQP",
            options={"ftol": 1e-14},
        )
        assert squares == pytest.approx(best.fun, abs=1e-7)
    degenerate = np.repeat(RANDOM.normal(size=(1, 1, 3)), 3, axis=1)
    assert squared_distances(points[:1], degenerate) == pytest.approx(
        np.sum((points[0] - degenerate[0, 0]) ** 2)
    )


@pytest.mark.parametrize("name", MESHES)
def test_the_tree_finds_what_all_triangles_give(name):
    triangles = triangles_of(MESHES[name])
    tree = TriangleTree(triangles)
    points = RANDOM.uniform(-1.5, 1.5, (300, 3))
    points[:20] = triangles[RANDOM.integers(len(triangles), size=20), 0]  # on corners
    squares, index = tree.nearest(points)
    everywhere = np.array(
        [squared_distances(np.repeat(p[None], len(triangles), 0), triangles) for p in points]
    )
    np.testing.assert_allclose(squares, everywhere.min(axis=1), atol=1e-15)
    np.testing.assert_allclose(everywhere[np.arange(300), index], squares, atol=1e-15)
    exact = [solid_angles(np.repeat(p[None], len(triangles), 0), triangles).sum() for p in points[20:]]
    np.testing.assert_allclose(tree.winding_number(points[20:]), np.array(exact) / (4 * np.pi), atol=0.06)


def test_the_sign_of_a_mesh_is_that_of_the_solid():
    points = RANDOM.uniform(-1.4, 1.4, (2000, 3))
    box = shape_of(MESHES["box"])
    q = np.abs(points) - np.array([0.5, 1, 0.25])
    exact = np.linalg.norm(np.maximum(q, 0), axis=1) + np.minimum(q.max(axis=1), 0)
    np.testing.assert_allclose(box.signed_distance(points), exact, atol=1e-12)
    inside_out = MESHES["box"].copy()
    inside_out.invert()
    np.testing.assert_allclose(shape_of(inside_out).signed_distance(points), exact, atol=1e-12)
    assert np.ptp(box.box[:, 1] - box.box[:, 0]) == pytest.approx(0)  # a cube
    assert box.occupancy(points).mean() == pytest.approx(1 / 2.8**3, abs=0.01)


def test_a_mesh_with_a_hole_still_has_an_inside():
    sphere = MESHES["icosphere"]
    open_sphere = trimesh.Trimesh(sphere.vertices, sphere.faces[sphere.triangles_center[:, 2] < 0.9])
    shape = shape_of(open_sphere)
    assert "not watertight" in shape.notes[0]
    points = RANDOM.normal(size=(500, 3))
    points *= (RANDOM.random(500) ** (1 / 3) / np.linalg.norm(points, axis=1))[:, None] * 0.7
    assert shape.occupancy(points).all()
    assert not shape.occupancy(points + np.array([0, 0, 2.5])).any()


@pytest.mark.parametrize("name", SHAPES)
def test_the_distance_of_an_analytic_shape_is_that_to_its_surface(name):
    shape = analytic_shape(name)
    points = RANDOM.uniform(-1, 1, (300, 3))
    distance = shape.signed_distance(points)
    on_it, normals = shape.oriented_points(60_000, seed=1)
    assert np.abs(shape.signed_distance(on_it)).max() < 1e-4
    nearest = cKDTree(on_it).query(points)[0]
    assert np.all(np.abs(distance) <= nearest + 1e-4)
    if shape.exact:
        assert np.max(nearest - np.abs(distance)) < 0.03  # the points lie about 0.01 apart
    step = 1e-3
    assert np.mean(shape.signed_distance(on_it + step * normals) > 0) > 0.99
    assert np.mean(shape.signed_distance(on_it - step * normals) < 0) > 0.99


@pytest.mark.parametrize(
    ("name", "volume"),
    [
        ("sphere", 4 / 3 * np.pi * 0.7**3),
        ("box", 8 * 0.6 * 0.5 * 0.4),
        ("torus", 2 * np.pi**2 * 0.55 * 0.25**2),
        ("capsule", np.pi * 0.3**2 * 1 + 4 / 3 * np.pi * 0.3**3),
        ("cylinder", np.pi * 0.5**2 * 1.2),
    ],
)
def test_volumes_are_those_of_the_solids(name, volume):
    signal = shape_signal(analytic_shape(name), 64, "occupancy")
    assert signal.values.mean() * 8 == pytest.approx(volume, rel=0.03)
    mesh = signal_surface(shape_signal(analytic_shape(name), 48))
    solid = trimesh.Trimesh(mesh.vertices, mesh.faces)
    assert solid.is_watertight
    assert solid.volume == pytest.approx(volume, rel=0.02)


def test_a_surface_stands_in_the_units_of_its_axes():
    axes = [np.linspace(-3, 5, 40), np.linspace(9, 15, 41), np.linspace(0, 4, 42) ** 1.1]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    mesh = iso_surface(np.sqrt((x - 1) ** 2 + (y - 12) ** 2 + (z - 2) ** 2) - 1.5, axes)
    solid = trimesh.Trimesh(mesh.vertices, mesh.faces)
    np.testing.assert_allclose(solid.center_mass, [1, 12, 2], atol=0.01)
    assert solid.volume == pytest.approx(4 / 3 * np.pi * 1.5**3, rel=0.01)
    assert solid.area == pytest.approx(4 * np.pi * 1.5**2, rel=0.01)
    with pytest.raises(DataError, match="no surface"):
        iso_surface(np.ones((4, 4, 4)), [np.arange(4.0)] * 3)


def test_points_on_a_mesh_are_even_by_area():
    box = shape_of(MESHES["box"])
    points, normals = box.oriented_points(40_000, seed=3)
    top = np.abs(points[:, 2] - 0.25) < 1e-9
    assert top.mean() == pytest.approx(2 / (2 * (2 + 0.5 + 1)), abs=0.01)
    np.testing.assert_allclose(normals[top], [[0, 0, 1]] * int(top.sum()), atol=1e-9)
    np.testing.assert_array_equal(points, box.surface_points(40_000, seed=3))


@pytest.mark.parametrize("suffix", [".ply", ".obj", ".stl"])
def test_meshes_are_written_and_read(tmp_path, suffix):
    file = tmp_path / f"torus{suffix}"
    write_signal(shape_signal(analytic_shape("torus"), 40), file)
    shape = read_shape(file)
    assert shape.notes == ()
    points = RANDOM.uniform(-1, 1, (500, 3))
    np.testing.assert_allclose(
        shape.signed_distance(points), analytic_shape("torus").signed_distance(points), atol=0.01
    )


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.ply", b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\n"
         b"property float z\nend_header\n0 0 0\n", "no triangles"),
        ("a.stl", b"solid a\nendsolid a\n", "no triangles"),
        ("a.obj", b"v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n", "empty mesh"),
        ("b.ply", b"hello", "cannot be read as a mesh"),
        ("b.stl", bytes(range(256)), "cannot be read as a mesh"),
        ("b.obj", b"", "the file is empty"),
        ("c.obj", b"v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "missing or infinite|no triangles"),
    ],
)  # fmt: skip
def test_an_empty_or_damaged_mesh_is_refused(tmp_path, name, content, text):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=text) as caught:
        read_shape(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_unknown_shapes_are_refused():
    with pytest.raises(SettingsError, match="sphere, box"):
        analytic_shape("shape:teapot")
    with pytest.raises(SettingsError, match="distance or occupancy"):
        shape_signal(analytic_shape("box"), 8, "colour")
