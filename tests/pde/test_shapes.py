"""Shapes against areas, lengths and the divergence theorem; distances against what is inside."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from kansci.errors import FormulaError, KansciError
from kansci.pde.box import Box
from kansci.pde.polygon import Polygon
from kansci.pde.region_text import read_region, read_shape
from kansci.pde.statement import problem

TIME = {"t": (sympy.Integer(0), sympy.Integer(2))}
COMB = "polygon(0,0, 4,0, 4,3, 3,3, 3,1, 1,1, 1,2, 2,2, 2,3, 0,3)"
REGIONS = {  # text: (area, length of the boundary)
    "box(0,1,0,1) - disc(0.5,0.5,0.2)": (1 - np.pi * 0.04, 4 + 0.4 * np.pi),
    "box(0,2,0,1) + box(1,3,0,1)": (3, 8),
    "disc(0,0,1) * box(0,2,-2,2)": (np.pi / 2, np.pi + 2),
    "(disc(0,0,1) - disc(0,0,1/2)) + disc(0,0,1/4)": (np.pi * (0.75 + 1 / 16), 3.5 * np.pi),
    "polygon(0,0, 0,1, 1,0)": (0.5, 2 + np.sqrt(2)),
    COMB: (9, 20),
}


@pytest.mark.parametrize("text", REGIONS)
def test_points_inside_and_normals_outward(text):
    area, length = REGIONS[text]
    region = read_region(text, None, TIME, {})
    rng = np.random.default_rng(0)
    low, high = region.bounds[:2].T
    everywhere = low + (high - low) * rng.random((40_000, 2))
    assert region.shape.inside(everywhere).mean() * np.prod(high - low) == pytest.approx(area, rel=0.03)
    inside = region.sample(2000, rng)
    assert region.contains(inside).all()
    points, normals = region.sample_face(None, 0.0, "boundary", 4000, rng)
    assert np.allclose(np.linalg.norm(normals, axis=1), 1)
    ahead, behind = (region.shape.inside((points + step * normals)[:, :2]) for step in (1e-5, -1e-5))
    assert not ahead.any()
    assert behind.mean() > 0.999  # not at a sharp corner
    flux = (points[:, :2] * normals[:, :2]).sum(axis=1).mean() * length  # = integral of div(x, y) = 2 area
    assert flux == pytest.approx(2 * area, rel=0.02)
    assert points[:, 2].min() >= 0
    assert np.corrcoef(points[:, 2], points[:, 0])[0, 1] == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("text", REGIONS)
def test_distance_is_positive_inside_alone_with_slope_one(text):
    region = read_region(text, None, {}, {})
    symbols = sympy.symbols("x y", real=True)
    distance = sympy.lambdify(symbols, region.distance(), "numpy", cse=True)
    rng = np.random.default_rng(0)
    low, high = region.bounds.T
    points = low - 0.2 + (high - low + 0.4) * rng.random((20_000, 2))
    assert np.array_equal(distance(*points.T) > 0, region.shape.inside(points))
    points, normals = region.sample_face(None, 0.0, "boundary", 200, rng)
    slope = distance(*(points - 1e-7 * normals).T) / 1e-7
    assert np.median(slope) == pytest.approx(1, abs=1e-3)


@given(st.lists(st.tuples(st.integers(-6, 6), st.integers(-6, 6)), min_size=3, max_size=9, unique=True))
@settings(max_examples=60, deadline=None)
def test_any_polygon_has_its_inside_by_angles(corners):
    """The formula of half-planes against the winding number."""
    try:
        polygon = Polygon([(sympy.Integer(x), sympy.Integer(y)) for x, y in corners])
    except KansciError:
        return
    points = np.random.default_rng(0).uniform(-7, 7, (300, 2))
    apart = np.asarray(corners)[None] - points[:, None]
    angles = np.arctan2(apart[..., 1], apart[..., 0])
    turns = np.diff(np.concatenate([angles, angles[:, :1]], axis=1), axis=1)
    winding = ((turns + np.pi) % (2 * np.pi) - np.pi).sum(axis=1)
    expected = np.abs(winding) > np.pi
    symbols = sympy.symbols("x y", real=True)
    distance = sympy.lambdify(symbols, polygon.distance(symbols), "numpy", cse=True)
    assert np.array_equal(polygon.inside(points), expected)
    assert np.array_equal(distance(*points.T) > 0, expected)


def test_a_ball_in_five_dimensions():
    region = read_region("ball(1,0,0,0,0, 2)", None, TIME, {})
    assert region.axes == ("x1", "x2", "x3", "x4", "x5", "t")
    points, normals = region.sample_face(None, 0.0, "boundary", 4096, np.random.default_rng(0))
    assert np.allclose(points[:, :5] - [1, 0, 0, 0, 0], 2 * normals[:, :5])
    assert np.allclose(normals[:, :5].T @ normals[:, :5] / 4096, np.eye(5) / 5, atol=0.01)  # isotropic


def test_named_parts_planes_and_the_rest():
    stated = problem(
        "u_t = laplacian(u)",
        {"t": (0, 1)},
        {"t = 0": "u = 0", "hole": "u = 1", "x = 0": "u_n = 0", "elsewhere": "u = 2"},
        region="box(0,1,0,1) - disc(0.5,0.5,0.2)",
        faces={"hole": "disc(0.5,0.5,0.2)"},
    )
    rng = np.random.default_rng(0)
    points = {
        c.text: stated.domain.sample_face(c.face.axis, c.face.value, c.face.name, 300, rng)[0]
        for c in stated.conditions
    }
    assert np.allclose(np.linalg.norm(points["u = 1"][:, :2] - 0.5, axis=1), 0.2)
    assert np.all(points["u_n = 0"][:, 0] == 0)
    x, y = points["u = 2"][:, :2].T
    assert np.all((x == 1) | (y == 0) | (y == 1))
    assert np.all(points["u = 0"][:, 2] == 0)


def test_the_boundary_of_a_box_by_area():
    box = Box(
        {"x": (sympy.Integer(0), sympy.Integer(3)), "y": (sympy.Integer(0), sympy.Integer(1)), **TIME},
        (),
        "t",
    )
    points, normals = box.sample_face(None, 0.0, "boundary", 4000, np.random.default_rng(0))
    assert (np.abs(normals[:, 1]) == 1).mean() == pytest.approx(0.75, abs=0.03)
    assert np.all(normals[:, 2] == 0)
    assert box.contains(points).all()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("disc(0,0)", "takes a centre and a radius"),
        ("disc(0,0,1) +", "column 14"),
        ("sphere(1)", "expected a shape .* column 1"),
        ("(disc(0,0,1)", r"expected '\)'"),
        ("box(0,1)*disc(0,0,1)", "1 and in 2 dimensions .* column 9"),
        ("polygon(0,0, 1,1, 1,0, 0,2)", "cross"),
        ("polygon(0,0, 1,1, 2,2)", "no volume"),
        ("disc(0,0,0)", "no volume"),
        ("box(0,1,1,1)", "no volume"),
        ("box(0,1,0,q)", "unknown name 'q'"),
        ("box(0,1,0", r"expected '\)'"),
        ("box(0,1,0)", "two ends"),
        ("", "expected a shape"),
        ("(" * 99, "nested deeper"),
    ],
)
def test_errors_say_where(text, says):
    with pytest.raises(FormulaError, match=says):
        read_shape(text)


@given(st.text(alphabet="boxdiscpolygnal(),.0123456789+-* ", max_size=40))
def test_any_text_gives_a_shape_or_an_error_of_ours(text):
    try:
        shape = read_shape(text)
    except KansciError:
        return
    assert np.isfinite(shape.bounds).all()
