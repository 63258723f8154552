"""Separable networks of full rank against closed forms and scipy's boundary value problems."""

import itertools

import numpy as np
import pytest
from scipy.integrate import solve_bvp

from kansci.pde.solver import SolveSettings, solve_problem
from kansci.pde.spectral import affordable, solve_level, spectral_levels
from kansci.pde.statement import problem
from kansci.pde.system import prepare


def solved(stated, seconds=30):
    return solve_problem(stated, SolveSettings(seconds=seconds))


def points(stated, count=300):
    return stated.domain.sample(count, np.random.default_rng(8))


@pytest.mark.parametrize(
    ("equation", "conditions", "slopes", "ends"),
    [
        (
            "u_xx + exp(x)*u = sin(x)",
            {"x = 0": "u = 1", "x = 2": "u_x + u = 0"},
            lambda x, y: [y[1], np.sin(x) - np.exp(x) * y[0]],
            lambda a, b: [a[0] - 1, b[1] + b[0]],
        ),
        (
            "u_xx + exp(u) = 0",
            {"boundary": "u = 0"},
            lambda _, y: [y[1], -np.exp(y[0])],
            lambda a, b: [a[0], b[0]],
        ),
    ],
    ids=["variable coefficient, Robin", "Bratu"],
)
def test_boundary_value_problems_agree_with_scipys(equation, conditions, slopes, ends):
    end = 2.0 if "sin" in equation else 1.0
    stated = problem(equation, {"x": [0, end]}, conditions)
    mesh = np.linspace(0, end, 50)
    theirs = solve_bvp(
        lambda x, y: np.array(slopes(x, y)), lambda a, b: np.array(ends(a, b)), mesh, np.zeros((2, 50)),
        tol=1e-9, max_nodes=100_000,
    )  # fmt: skip
    found, x = solved(stated), points(stated)
    np.testing.assert_allclose(found.evaluate("u", x), theirs.sol(x[:, 0])[0], atol=1e-7)
    np.testing.assert_allclose(found.evaluate("u", x, (1,)), theirs.sol(x[:, 0])[1], atol=1e-6)


CLOSED_FORMS = {
    "variable coefficients, mixed conditions": (
        problem(
            "div((1 + x*y)*grad(u)) = 2*x*y*exp(x + y) + (x + y + 2)*exp(x + y)",
            {"x": [0, 1], "y": [0, 2]},
            {
                "x = 0": "u = exp(y)",
                "x = 1": "u_n = exp(1 + y)",
                "y = 0": "u = exp(x)",
                "y = 2": "u = exp(2 + x)",
            },
        ),
        lambda x: np.exp(x[:, 0] + x[:, 1]),
        1e-11,
    ),
    "disc": (
        problem("laplacian(u) = -1", {}, {"boundary": "u = 0"}, region="disc(0, 0, 2)"),
        lambda x: (4 - (x**2).sum(1)) / 4,
        1e-12,
    ),
    "periodic": (
        problem("u_xx - u = (cos(x)^2 - sin(x) - 1)*exp(sin(x))", {"x": [0, "2*pi"]}, periodic=["x"]),
        lambda x: np.exp(np.sin(x[:, 0])),
        1e-12,
    ),
    "fourth order": (
        problem(
            "u_xxxx = 120*x",
            {"x": [0, 1]},
            {"x = 0": ["u = 0", "u_x = 0"], "x = 1": ["u = 1", "u_x = 5"]},
        ),
        lambda x: x[:, 0] ** 5,
        1e-12,
    ),
    "nonlinear": (
        problem(
            "u_xx + u_yy = u^3 - (exp(y)*cos(x))^3",
            {"x": [-1, 1], "y": [-1, 1]},
            {"boundary": "u = exp(y)*cos(x)"},
        ),
        lambda x: np.exp(x[:, 1]) * np.cos(x[:, 0]),
        1e-10,
    ),
    "heat, in time": (
        problem("u_t = u_xx/4", {"x": [0, 1], "t": [0, 1]}, {"t = 0": "u = sin(pi*x)", "boundary": "u = 0"}),
        lambda x: np.sin(np.pi * x[:, 0]) * np.exp(-(np.pi**2) * x[:, 1] / 4),
        1e-12,
    ),
}


@pytest.mark.parametrize("case", CLOSED_FORMS)
def test_closed_forms_are_met(case):
    stated, exact, tolerance = CLOSED_FORMS[case]
    found, x = solved(stated), points(stated)
    np.testing.assert_allclose(found.evaluate("u", x), exact(x), atol=tolerance)
    assert found.residual < 100 * tolerance


def test_errors_fall_geometrically_with_the_resolution():
    system = prepare(
        problem(
            "u_xx + u_yy + u = -(2*pi^2 - 1)*sin(pi*x)*sin(pi*y)",
            {"x": [-1, 1], "y": [-1, 1]},
            {"boundary": "u = 0"},
        )
    )
    x = points(system.problem)
    exact = np.sin(np.pi * x[:, 0]) * np.sin(np.pi * x[:, 1])
    errors = []
    for size in (6, 8, 10, 12, 14):
        level, _ = solve_level(system, {"u": np.array([size, size])}, None, lambda: False)
        errors.append(np.abs(level.piece.jet("u", x, [(0, 0)])[0] - exact).max())
    assert all(after < before / 10 for before, after in itertools.pairwise(errors))


def test_only_the_coordinate_that_needs_it_is_refined():
    system = prepare(
        problem(
            "u_xx + u_yy = -(100 + 1)*sin(10*x)*cos(y)",
            {"x": [-1, 1], "y": [-1, 1]},
            {"boundary": "u = sin(10*x)*cos(y)"},
        )
    )
    levels = list(spectral_levels(system, lambda: False))
    along = [e.size for e in levels[-1].piece.models["u"].network.expansions]
    assert levels[-1].resolved
    assert along[0] > 1.5 * along[1]


def test_a_system_of_first_order_is_solved():
    """Cauchy-Riemann equations for exp(z), one field given on the boundary and the other at one end."""
    stated = problem(
        ["u_x = v_y", "u_y = -v_x"],
        {"x": [0, 1], "y": [0, 1]},
        {"boundary": "u = exp(x)*cos(y)", "x = 0": "v = sin(y)"},
    )
    found, x = solved(stated), points(stated)
    np.testing.assert_allclose(found.evaluate("v", x), np.exp(x[:, 0]) * np.sin(x[:, 1]), atol=1e-11)


def test_products_in_many_dimensions_are_too_many():
    box = {f"x{k}": [0, 1] for k in range(1, 5)}
    assert not affordable(prepare(problem("laplacian(u) = 1", box, {"boundary": "u = 0"})))
