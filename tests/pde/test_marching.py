"""Solutions in windows of time against exact ones and scipy's initial value problems."""

import itertools
from functools import lru_cache

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from kansci.pde.marching import can_march, march
from kansci.pde.numerical_solution import evaluated
from kansci.pde.statement import problem
from kansci.pde.system import prepare

BOX = {"x": [-1, 1], "t": [0, 1]}
START = {"t = 0": "u = -sin(pi*x)"}
BURGERS = problem("u_t + u*u_x = 0.1/pi*u_xx", BOX, {**START, "boundary": "u = 0"})
PERIODIC_BURGERS = problem("u_t + u*u_x = 0.1/pi*u_xx", BOX, START, periodic=["x"])
SINE_GORDON = problem(
    "u_tt = u_xx - sin(u)",
    {"x": [-2, 2], "t": [0, 1]},
    {
        "t = 0": ["u = 4*atan(exp(x/0.8))", "u_t = -1.5/cosh(x/0.8)"],
        "x = -2": "u = 4*atan(exp((-2 - 0.6*t)/0.8))",
        "x = 2": "u = 4*atan(exp((2 - 0.6*t)/0.8))",
    },
)


@lru_cache
def marched(stated, tolerance):
    """One pass, shared by the tests that look at it."""
    done = march(prepare(stated), tolerance, lambda: False)
    assert done.complete
    return done


def values(done, stated, name, x, index=None):
    own = next(f.arguments for f in stated.fields if f.name == name)
    pieces = tuple((w.start, w.end, w.piece) for w in done.windows)
    return evaluated(pieces, stated, name, x, index or (0,) * len(own))


def points(stated, count=400):
    return stated.domain.sample(count, np.random.default_rng(4))


def cole_hopf(x, t, nu=0.1 / np.pi):
    z, weights = np.polynomial.hermite.hermgauss(150)
    y = x[:, None] - z * np.sqrt(4 * nu * t)[:, None]
    exponent = -np.cos(np.pi * y) / (2 * np.pi * nu)
    f = weights * np.exp(exponent - exponent.max(axis=1, keepdims=True))
    return -(np.sin(np.pi * y) * f).sum(axis=1) / f.sum(axis=1)


@pytest.mark.parametrize("stated", [BURGERS, PERIODIC_BURGERS], ids=["values at the ends", "periodic"])
def test_burgers_is_the_cole_hopf_solution(stated):
    x = points(stated)
    truth = cole_hopf(*x.T)
    errors = [np.abs(values(marched(stated, tol), stated, "u", x) - truth).max() for tol in (1e-1, 1e-3)]
    assert errors[1] < 1e-4
    assert errors[1] < errors[0] / 5


def test_the_ends_of_a_periodic_axis_are_one():
    done = marched(PERIODIC_BURGERS, 1e-3)
    t = np.linspace(0, 1, 30)
    left, right = (np.column_stack([np.full(30, end), t]) for end in (-1.0, 1.0))
    for index in [(0, 0), (1, 0), (2, 0)]:
        one, other = (values(done, PERIODIC_BURGERS, "u", x, index) for x in (left, right))
        np.testing.assert_allclose(one, other, atol=1e-9 * max(1, np.abs(one).max()))


def test_a_kink_of_the_sine_gordon_equation_travels():
    done, x = marched(SINE_GORDON, 1e-3), points(SINE_GORDON)
    exact = 4 * np.arctan(np.exp((x[:, 0] - 0.6 * x[:, 1]) / 0.8))
    np.testing.assert_allclose(values(done, SINE_GORDON, "u", x), exact, atol=1e-3)


@pytest.mark.parametrize(
    ("stated", "orders"), [(SINE_GORDON, 2), (BURGERS, 1)], ids=["second order in time", "first order"]
)
def test_windows_join_smoothly(stated, orders):
    """As many time derivatives are continuous as the equation needs initial values."""
    done = marched(stated, 1e-3)
    assert len(done.windows) > 1
    x = np.linspace(*stated.domain.bounds[0], 40)
    for before, after in itertools.pairwise(done.windows):
        assert before.end == after.start
        at = np.column_stack([x, np.full(40, before.end)])
        for order in range(orders):
            one, other = (w.piece.jet("u", at, [(0, order)])[0] for w in (before, after))
            np.testing.assert_allclose(one, other, atol=1e-3 * max(1, np.abs(one).max()))


ODES = {
    "Lotka-Volterra": (
        problem(
            ["x' = 1.1*x - 0.4*x*y", "y' = 0.1*x*y - 0.4*y"],
            {"t": [0, 6]},
            {"t = 0": ["x = 10", "y = 5"]},
        ),
        lambda _, y: [1.1 * y[0] - 0.4 * y[0] * y[1], 0.1 * y[0] * y[1] - 0.4 * y[1]],
        [10, 5],
        ["x", "y"],
    ),
    "pendulum": (
        problem("theta'' = -9.81*sin(theta)", {"t": [0, 3]}, {"t = 0": ["theta = 2", "theta' = 0"]}),
        lambda _, y: [y[1], -9.81 * np.sin(y[0])],
        [2, 0],
        ["theta"],
    ),
    "Lorenz": (
        problem(
            ["x' = 10*(y - x)", "y' = x*(28 - z) - y", "z' = x*y - 8/3*z"],
            {"t": [0, 1]},
            {"t = 0": ["x = 1", "y = 1", "z = 1"]},
        ),
        lambda _, y: [10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]],
        [1, 1, 1],
        ["x", "y", "z"],
    ),
}


@pytest.mark.parametrize("case", ODES)
def test_ordinary_equations_agree_with_scipys(case):
    stated, slopes, start, names = ODES[case]
    done, t = marched(stated, 1e-8), points(stated)
    end = stated.domain.bounds[0, 1]
    theirs = solve_ivp(slopes, (0, end), start, method="DOP853", rtol=1e-12, atol=1e-12, dense_output=True)
    for name, expected in zip(names, theirs.sol(t[:, 0]), strict=False):
        np.testing.assert_allclose(values(done, stated, name, t), expected, atol=1e-6 * np.ptp(expected))


def test_a_march_can_be_stopped():
    system, calls = prepare(BURGERS), itertools.count()
    done = march(system, 1e-3, lambda: next(calls) > 12)
    assert not done.complete
    assert not done.windows or done.windows[-1].end < 1


def test_what_has_no_beginning_is_not_marched():
    poisson = problem("u_xx + u_yy = 1", {"x": [0, 1], "y": [0, 1]}, {"boundary": "u = 0"})
    assert not can_march(prepare(poisson))
    assert can_march(prepare(BURGERS))
