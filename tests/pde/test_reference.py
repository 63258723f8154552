"""Classical references against closed forms, conserved quantities and independent solvers."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.special
from scipy.integrate import solve_bvp

from kansci.pde.reference.solution import reference_solution
from kansci.pde.statement import problem


def points(stated, count=600):
    return stated.domain.sample(count, np.random.default_rng(1))


def cole_hopf(x, t, nu):
    """Burgers from -sin(pi x), by Gauss-Hermite quadrature of the Cole-Hopf integrals."""
    z, weights = np.polynomial.hermite.hermgauss(150)
    y = x[:, None] - z * np.sqrt(4 * nu * t)[:, None]
    exponent = -np.cos(np.pi * y) / (2 * np.pi * nu)
    f = weights * np.exp(exponent - exponent.max(axis=1, keepdims=True))
    return -(np.sin(np.pi * y) * f).sum(axis=1) / f.sum(axis=1)


@pytest.mark.parametrize(
    ("nu", "conditions", "periodic", "method"),
    [
        ("0.01/pi", {"t = 0": "u = -sin(pi*x)", "x = -1": "u = 0", "x = 1": "u = 0"}, [], "spline"),
        ("0.1/pi", {"t = 0": "u = -sin(pi*x)"}, ["x"], "Fourier"),
    ],
)
def test_burgers_is_the_cole_hopf_solution(nu, conditions, periodic, method):
    domain = {"x": [-1, 1], "t": [0, 1]}
    stated = problem("u_t + u*u_x = nu*u_xx", domain, conditions, periodic=periodic, parameters={"nu": nu})
    where = points(stated)
    found = reference_solution(stated, where)
    assert method in found.method
    truth = cole_hopf(*where.T, float(nu.split("/", maxsplit=1)[0]) / np.pi)
    np.testing.assert_allclose(found.values[:, 0], truth, atol=1e-9)
    assert found.error < 1e-9


@pytest.mark.parametrize(
    ("conditions", "periodic"),
    [
        ({"t = 0": "u = x^2*cos(pi*x)"}, ["x"]),  # a kink where the ends meet
        ({"t = 0": "u = x^2*cos(pi*x)", "x = -1": "u = -1", "x = 1": "u = -1"}, []),
    ],
)
def test_allen_cahn_resolutions_agree(conditions, periodic):
    domain = {"x": [-1, 1], "t": [0, 1]}
    stated = problem("u_t = 0.0001*u_xx + 5*(u - u^3)", domain, conditions, periodic=periodic)
    where = points(stated)
    found = reference_solution(stated, np.vstack([where, where * [-1, 1]]))
    assert found.error < 1e-8
    np.testing.assert_allclose(*np.split(found.values, 2), atol=1e-8)
    assert np.abs(found.values).max() < 1 + 1e-8  # the maximum principle


def test_kdv_soliton_keeps_mass_and_energy():
    stated = problem(
        "u_t + 6*u*u_x + u_xxx = 0",
        {"x": [-20, 20], "t": [0, 1]},
        {"t = 0": "u = 2/cosh(x + 5)^2"},
        periodic=["x"],
    )
    x = np.linspace(-20, 20, 256, endpoint=False)  # the trapezoidal rule is exact to round-off
    where = np.column_stack([np.tile(x, 2), np.repeat([0.0, 1.0], len(x))])
    found = np.split(reference_solution(stated, where).values[:, 0], 2)
    mass, energy = ([40 / 256 * (u**power).sum() for u in found] for power in (1, 2))
    np.testing.assert_allclose(mass, 4, rtol=1e-9)
    np.testing.assert_allclose(energy, 16 / 3, rtol=1e-9)
    np.testing.assert_allclose(found[1], 2 / np.cosh(x + 1) ** 2, atol=1e-9)


UNIT = {"x": [0, 1], "t": [0, 1]}
CLOSED_FORMS = {
    "heat": (
        "u_t = u_xx/4",
        UNIT,
        {"t = 0": "u = sin(pi*x)", "boundary": "u = 0"},
        lambda x, t: np.exp(-(np.pi**2) * t / 4) * np.sin(np.pi * x),
    ),
    "wave": (
        "u_tt = 4*u_xx",
        UNIT,
        {"t = 0": ["u = sin(pi*x) + sin(4*pi*x)/2", "u_t = 0"], "boundary": "u = 0"},
        lambda x, t: (
            np.sin(np.pi * x) * np.cos(2 * np.pi * t) + 0.5 * np.sin(4 * np.pi * x) * np.cos(8 * np.pi * t)
        ),
    ),
    "Fisher-KPP": (
        "u_t = u_xx + u*(1 - u)",
        {"x": [-10, 10], "t": [0, 2]},
        {
            "t = 0": "u = 1/(1 + exp(x/sqrt(6)))^2",
            "boundary": "u = 1/(1 + exp(x/sqrt(6) - 5*t/6))^2",
        },
        lambda x, t: 1 / (1 + np.exp(x / np.sqrt(6) - 5 * t / 6)) ** 2,
    ),
    "Robin": (
        "u_t = u_xx",
        UNIT,
        {"t = 0": "u = exp(x)", "x = 0": "u - u_x = 0", "x = 1": "u + u_x = 2*exp(1 + t)"},
        lambda x, t: np.exp(x + t),
    ),
    "beam": (
        "u_tt + u_xxxx = 0",
        UNIT,
        {
            "t = 0": ["u = sin(pi*x)", "u_t = 0"],
            "x = 0": ["u = 0", "u_xx = 0"],
            "x = 1": ["u = 0", "u_xx = 0"],
        },
        lambda x, t: np.sin(np.pi * x) * np.cos(np.pi**2 * t),
    ),
    "first-order system": (
        ["u_t = v_x", "v_t = u_x"],
        UNIT,
        {"t = 0": ["u = sin(x)", "v = sin(x)"], "x = 1": "u + v = 2*sin(1 + t)", "x = 0": "u - v = 0"},
        lambda x, t: np.sin(x + t),
    ),
    "Poisson": (
        "u_xx + u_yy = -2*pi^2*sin(pi*x)*sin(pi*y)",
        {"x": [0, 1], "y": [0, 1]},
        {"boundary": "u = 0"},
        lambda x, y: np.sin(np.pi * x) * np.sin(np.pi * y),
    ),
    "nonlinear in the plane": (
        "u_xx + u_yy = exp(u)*(4*x^2 + 4*y^2 - 1) + 4 - exp(x^2 + y^2)*(4*x^2 + 4*y^2 - 1)",
        {"x": [0, 1], "y": [0, 1]},
        {"x = 0": "u_x = 0", "x = 1": "u = 1 + y^2", "y = 0": "u = x^2", "y = 1": "u_y + u = x^2 + 3"},
        lambda x, y: x**2 + y**2,
    ),
    "Poisson in three dimensions": (
        "u_xx + u_yy + u_zz = u",
        {"x": [0, 1], "y": [0, 1], "z": [0, 1]},
        {"boundary": "u = exp((x + 2*y + 2*z)/3)"},
        lambda x, y, z: np.exp((x + 2 * y + 2 * z) / 3),
    ),
    "heat in the plane": (
        "u_t = (u_xx + u_yy)/10",
        {"x": [0, 1], "y": [0, 1], "t": [0, 1]},
        {"t = 0": "u = sin(pi*x)*sin(pi*y)", "boundary": "u = 0"},
        lambda x, y, t: np.sin(np.pi * x) * np.sin(np.pi * y) * np.exp(-(np.pi**2) * t / 5),
    ),
}


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_closed_forms(name):
    equations, domain, conditions, truth = CLOSED_FORMS[name]
    stated = problem(equations, domain, conditions)
    where = points(stated)
    found = reference_solution(stated, where)
    error = np.abs(found.values[:, 0] - truth(*where.T)).max()
    assert found.error < 1e-7
    assert error < 1e-8 + 10 * found.error


def test_complex_field_on_a_periodic_axis():
    stated = problem(
        "i*h_t + h_xx/2 = 0",
        {"x": [0, "2*pi"], "t": [0, 1]},
        {"t = 0": "h = cos(2*x)"},
        complex=["h"],
        periodic=["x"],
    )
    where = points(stated)
    found = reference_solution(stated, where).values
    truth = np.cos(2 * where[:, 0]) * np.exp(-2j * where[:, 1])
    np.testing.assert_allclose(found[:, 0] + 1j * found[:, 1], truth, atol=1e-9)


def test_pendulum_swings_by_elliptic_functions():
    stated = problem("a_tt + sin(a) = 0", {"t": [0, 20]}, {"t = 0": ["a = 2", "a_t = 0"]})
    where = points(stated)
    found = reference_solution(stated, where)
    k = np.sin(1.0)
    quarter = scipy.special.ellipk(k**2)
    truth = 2 * np.arcsin(k * scipy.special.ellipj(where[:, 0] + quarter, k**2)[0])
    np.testing.assert_allclose(found.values[:, 0], truth, atol=1e-9)
    assert found.error < 1e-8


def test_boundary_value_problem_against_scipy():
    stated = problem(
        "u_xx + exp(u)*cos(3*x) = u_x", {"x": [0, 1]}, {"x = 0": "u = 0", "x = 1": "u_x + u = 1"}
    )
    where = points(stated, 50)
    found = reference_solution(stated, where)
    other = solve_bvp(
        lambda x, y: np.stack([y[1], y[1] - np.exp(y[0]) * np.cos(3 * x)]),
        lambda a, b: np.array([a[0], b[1] + b[0] - 1]),
        np.linspace(0, 1, 20),
        np.zeros((2, 20)),
        tol=1e-10,
        max_nodes=20000,
    )
    np.testing.assert_allclose(found.values[:, 0], other.sol(where[:, 0])[0], atol=1e-8)


def test_exact_solution_goes_first():
    stated = problem("u_x = u", {"x": [0, 1]}, {"x = 0": "u = 1"}, exact={"u": "exp(x)"})
    found = reference_solution(stated, np.array([[0.5]]))
    assert (found.method, found.error) == ("exact", 0.0)
    np.testing.assert_allclose(found.values, [[np.exp(0.5)]])
    numerical = reference_solution(replace(stated, exact={}), np.array([[0.5]]))
    np.testing.assert_allclose(numerical.values, found.values, atol=1e-10)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            {
                "equations": "u_xx + u_yy + u_zz + u_ww = 1",
                "domain": {name: [0, 1] for name in "xyzw"},
                "conditions": {"boundary": "u = 0"},
            },
            "axes of space",
        ),
        (
            {
                "equations": "u_xx + u_yy = u",
                "domain": {},
                "conditions": {"boundary": "u_n = 2"},
                "region": "disc(0, 0, 1)",
            },
            "values of the fields",
        ),
        (
            {
                "equations": "u_xx = -a",
                "domain": {"x": [0, 1]},
                "conditions": {"boundary": "u = 0"},
                "unknowns": {"a": 1},
            },
            "unknown",
        ),
    ],
)
def test_reason_where_there_is_no_reference(arguments, reason):
    stated = problem(**arguments)
    found = reference_solution(stated, stated.domain.sample(8, np.random.default_rng(0)))
    assert found.values is None
    assert reason in found.reason


def test_stiff_initial_value_problem():
    stated = problem(
        ["a_t = -1e7*(a - cos(t)) - sin(t)", "b_t = a - b"], {"t": [0, 5]}, {"t = 0": ["a = 1", "b = 1/2"]}
    )
    where = points(stated)
    found = reference_solution(stated, where, seconds=8)
    t = where[:, 0]
    np.testing.assert_allclose(
        found.values, np.stack([np.cos(t), (np.cos(t) + np.sin(t)) / 2], axis=1), atol=1e-9
    )
    assert "Radau" in found.method
