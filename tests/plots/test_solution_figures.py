"""Figures of solutions show the fields, their errors and residuals at the right places."""

import matplotlib as mpl
import numpy as np
import pytest
import sympy
from matplotlib.collections import QuadMesh
from PIL import Image

from kansci.errors import SettingsError
from kansci.pde import library
from kansci.pde.solver import SolveSettings, solve_problem
from kansci.pde.statement import problem
from kansci.pde_discovery.result import Equation, EquationDiscovery, EquationTerm, HeldOut
from kansci.pde_discovery.terms import Names
from kansci.plots import animate, equation_figure, plot_solution
from kansci.plots.sampled import Sampled, quantities
from kansci.plots.sheets import maps, profiles


@pytest.fixture(scope="module")
def heat():
    return solve_problem(library.load("heat"), SolveSettings(seconds=20))


@pytest.fixture(scope="module")
def plane():
    """Harmonic on a disc with a hole: u = x*y; the equations are not met exactly by what is drawn."""
    return problem(
        "laplacian(u) = 0",
        {},
        {"boundary": "u = x*y"},
        region="disc(0, 0, 1) - disc(0, 0, 1/2)",
        exact={"u": "x*y"},
    )


class Exact:
    """A solution made of formulas, wrong by a given one."""

    def __init__(self, stated, wrong=0):
        self.problem, self.history, self.wrong = stated, (), wrong

    def evaluate(self, name, points, index=None):
        field = next(f for f in self.problem.fields if f.name == name)
        expr = self.problem.exact[name] + self.wrong
        for argument, order in zip(field.arguments, index or (), strict=False):
            expr = sympy.diff(expr, sympy.Symbol(argument, real=True), order)
        call = sympy.lambdify(self.problem.symbols, expr)
        return np.broadcast_to(call(*points.T), len(points)) + 0.0

    def constants(self):
        return {}

    def standard_error(self, name, points):
        return None


def meshes(figure):
    return [c for axes in figure.axes for c in axes.collections if isinstance(c, QuadMesh)]


def test_map_and_profiles_show_the_solution(heat):
    figure = plot_solution(heat, "solution")
    (mesh,) = [m for m in meshes(figure) if m.get_array().ndim == 2 and m.get_array().shape == (161, 161)]
    t, x = np.meshgrid(np.linspace(0, 1, 161), np.linspace(0, 1, 161))
    exact = np.exp(-0.25 * np.pi**2 * t) * np.sin(np.pi * x)
    np.testing.assert_allclose(mesh.get_array(), exact, atol=1e-9)
    assert (mesh.axes.get_xlabel(), mesh.axes.get_ylabel()) == ("$t$", "$x$")
    lines = next(axes for axes in figure.axes if len(axes.lines) == 5).lines
    for line, time in zip(lines, (0, 0.25, 0.5, 0.75, 1), strict=True):
        x, u = line.get_xydata().T
        np.testing.assert_allclose(u, np.exp(-0.25 * np.pi**2 * time) * np.sin(np.pi * x), atol=1e-9)


def test_every_kind_is_drawn_and_others_are_refused(heat):
    for kind in ("all", "error", "residual", "comparison", "convergence"):
        assert plot_solution(heat, kind).axes
    with pytest.raises(SettingsError, match="no constant or coefficient was sought"):
        plot_solution(heat, "estimates")
    with pytest.raises(SettingsError, match="choose one of solution, error"):
        plot_solution(heat, "errors")


def test_errors_and_residuals_are_those_of_the_formula(plane):
    wrong = Sampled(Exact(plane, plane.symbols[0] ** 2 / 100))
    (quantity,) = wrong.quantities
    (sheet,) = wrong.maps(quantity)
    inside = sheet.points[sheet.inside]
    np.testing.assert_allclose(wrong.errors(quantity, sheet), inside[:, 0] ** 2 / 100, atol=1e-15)
    # The Laplacian of x^2/100 is 1/50, and it is the largest term of the equation as well.
    np.testing.assert_allclose(wrong.residuals(0)[0], 1.0, atol=1e-9)


def test_shapes_are_masked_outside(plane):
    (sheet,) = maps(plane, ("x", "y"))
    radius = np.hypot(*sheet.points.T)
    assert sheet.inside[(radius > 0.51) & (radius < 0.99)].all()
    assert not sheet.inside[(radius < 0.49) | (radius > 1.01)].any()
    grid = sheet.on_grid(sheet.points[sheet.inside][:, 0])
    x = np.broadcast_to(sheet.lines[0], grid.shape)
    np.testing.assert_allclose(grid[np.isfinite(grid)], x[np.isfinite(grid)])


def test_complex_fields_are_drawn_by_their_modulus():
    stated = library.load("schroedinger")
    (quantity,) = quantities(stated)
    assert (quantity.parts, quantity.label) == (("h_re", "h_im"), "$|$$h$$|$")
    sampled = Sampled(Exact(stated))
    sheet = sampled.profiles(quantity)[0]
    np.testing.assert_allclose(sampled.values(quantity, sheet), 1 / np.cosh(sheet.lines[0]), atol=1e-12)
    assert len(plot_solution(Exact(stated), "residual").axes) == 4  # two real equations, two colour bars


def test_many_coordinates_are_cut_by_planes_and_lines():
    stated = library.load("heat_5d")
    sheets = maps(stated, stated.coordinates)
    assert [sheet.caption for sheet in sheets] == ["$t$ = 0", "$t$ = 0.5", "$t$ = 1"]
    assert (sheets[0].axes, sheets[0].middle) == (("x1", "x2"), "others in the middle")
    assert np.all(sheets[1].points[:, 2:] == 0.5)
    assert {sheet.axes for sheet in profiles(stated, stated.coordinates)} == {("x1",)}


def test_animation_has_a_frame_for_every_moment(heat, tmp_path):
    animate(heat, tmp_path / "heat.gif", frames=5, seconds=1)
    with Image.open(tmp_path / "heat.gif") as picture:
        assert picture.n_frames == 5
        first, last = (np.asarray((picture.seek(k), picture.convert("L"))[1]) for k in (0, 4))
    assert (first != last).any()
    with pytest.raises(SettingsError, match=r"\*\.gif"):
        animate(heat, tmp_path / "heat.mp4")
    with pytest.raises(SettingsError, match="nothing to animate"):
        animate(Exact(library.load("poisson")), tmp_path / "a.gif")


def test_found_equation_beside_held_out_data():
    t = np.linspace(0, 1, 20)[:, None]
    x, c = sympy.symbols("x"), -0.5
    term = EquationTerm(x, c, 0.01, 1.0)
    held = HeldOut(t, np.exp(c * t) + 0.01, np.exp(c * t))
    found = EquationDiscovery(
        (Equation(sympy.Symbol("x_t"), (term,)),), Names(("t",), ("x",)), {}, "t",
        0.0, 0.0, {}, 1.0, 20, 1.0, 0, False, (), held,
    )  # fmt: skip
    above, coefficients = equation_figure(found).axes
    np.testing.assert_allclose(above.lines[0].get_ydata(), np.exp(c * t[:, 0]) + 0.01)
    np.testing.assert_allclose(above.lines[1].get_ydata(), np.exp(c * t[:, 0]))
    low, high = coefficients.collections[0].get_segments()[0][:, 0]
    np.testing.assert_allclose([low, high], [-2 * 1.96, 2 * 1.96], rtol=1e-4)  # in percent


def test_drawing_leaves_the_settings_of_matplotlib_alone(heat, tmp_path):
    before = dict(mpl.rcParams)
    animate(heat, tmp_path / "a.gif", frames=2, seconds=1)
    plot_solution(heat, "convergence")
    assert dict(mpl.rcParams) == before
