"""The parts of the classical solvers: orders of convergence, and two methods for one problem."""

import numpy as np
import pytest

from kansci.pde.reference.collocation import Collocation
from kansci.pde.reference.fourier import fourier_levels
from kansci.pde.reference.radau import march
from kansci.pde.reference.shapes import shape_levels
from kansci.pde.reference.spline_levels import spline_levels
from kansci.pde.reference.splines import SplineAxis
from kansci.pde.reference.steady import newton
from kansci.pde.reference.system import Clock, System
from kansci.pde.statement import problem


def last_level(levels, count):
    _, found = levels
    return [level for level, _ in zip(found, range(count), strict=False)][-1].values


@pytest.mark.parametrize("derivative", [0, 1, 2, 3])
def test_spline_derivatives(derivative):
    axis = SplineAxis(np.array([0.0, 0.5, 0.7, 2.0]), 8)
    nodes = axis.nodes(3)
    coefficients = np.linalg.solve(axis.matrix(nodes, 3).toarray(), np.sin(nodes))
    x = np.linspace(0, 2, 41)
    found = axis.matrix(x, 3, derivative) @ coefficients
    np.testing.assert_allclose(found, np.sin(x + derivative * np.pi / 2), atol=1e-6)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_collocation_at_gauss_points_has_the_order_of_de_boor_and_swartz(count):
    stated = problem("u_xx + u = exp(x)", {"x": [0, 2]}, {"x = 0": "u = 0", "x = 2": "u = 1"})
    system, x = System(stated), np.linspace(0, 2, 101)[:, None]

    def solved(elements, points):
        equations = Collocation(system, [SplineAxis(np.linspace(0, 2, elements + 1), points)])
        return equations.evaluation(x)[0] @ newton(equations, np.zeros(equations.size), Clock.of(20))

    errors = [np.abs(solved(elements, count) - solved(40, 10)).max() for elements in (8, 16)]
    np.testing.assert_allclose(np.log2(errors[0] / errors[1]), count + 2, atol=0.3)


def test_radau_keeps_its_tolerance():
    stated = problem("u_tt + u = 0", {"t": [0, 10]}, {"t = 0": ["u = 1", "u_t = 0"]})
    equations = Collocation(System(stated), [])
    times = np.linspace(0, 10, 101)
    rows = equations.evaluation(times[:, None])[0]
    for tolerance in (1e-6, 1e-9):
        found = march(equations, equations.start(), (0.0, 10.0), tolerance, Clock.of(20))
        error = np.abs(found.at(rows, equations.slices[0, 0], times) - np.cos(times)).max()
        assert error < 10 * tolerance


def test_fourier_and_splines_agree():
    stated = problem(
        "u_t = 0.01*u_xx + 2*(u - u^3) + 0.3*cos(t)*u_x",
        {"x": [-1, 1], "t": [0, 1]},
        {"t = 0": "u = sin(pi*x)*exp(cos(pi*x))/2"},
        periodic=["x"],
    )
    system, where = System(stated), stated.domain.sample(300, np.random.default_rng(2))
    one = last_level(fourier_levels(system, where, Clock.of(60)), 4)
    other = last_level(spline_levels(system, where, Clock.of(60)), 3)
    np.testing.assert_allclose(one, other, atol=1e-8)


@pytest.mark.parametrize(
    ("region", "equation", "value"),
    [
        ("disc(0, 0, 1)", "u_xx + u_yy + x*u_x - u = 2*exp(x)*cos(y)*(x - 1)/2", "exp(x)*cos(y)"),
        (
            "box(0, 1, 0, 1) - disc(0.5, 0.5, 0.2)",
            "u_xx + 2*u_yy = -2*sin(x + y)*u - sin(x + y)*(3 - 2*u)",
            "sin(x + y)",
        ),
        ("polygon(0, 0, 2, 0, 0, 1)", "u_xx + u_yy = u^3 + 12*x^2 - x^12", "x^4"),
    ],
)
def test_finite_differences_on_shapes_are_of_second_order(region, equation, value):
    stated = problem(equation, {}, {"boundary": f"u = {value}"}, region=region, exact={"u": value})
    system, where = System(stated), stated.domain.sample(300, np.random.default_rng(2))
    _, levels = shape_levels(system, where, Clock.of(60))
    functions = {
        "exp(x)*cos(y)": lambda x, y: np.exp(x) * np.cos(y),
        "sin(x + y)": lambda x, y: np.sin(x + y),
    }
    truth = functions.get(value, lambda x, y: x**4)(*where.T)
    errors = [np.abs(level.values[:, 0] - truth).max() for level, _ in zip(levels, range(3), strict=False)]
    assert errors[2] < 2e-5
    assert errors[0] / errors[2] > 7


def test_heat_on_a_disc():
    stated = problem(
        "u_t = u_xx + u_yy",
        {"t": [0, 0.2]},
        {"t = 0": "u = exp(x)*cos(y/2)", "boundary": "u = exp(x + 3*t/4)*cos(y/2)"},
        region="disc(0, 0, 1)",
    )
    where = stated.domain.sample(300, np.random.default_rng(2))
    x, y, t = where.T
    found = last_level(shape_levels(System(stated), where, Clock.of(60)), 2)
    np.testing.assert_allclose(found[:, 0], np.exp(x + 0.75 * t) * np.cos(y / 2), atol=1e-4)
