"""The solver as a whole: what it promises of its answers, and what it refuses."""

import itertools

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from kansci.errors import SettingsError
from kansci.pde.solver import SolveSettings, solve_problem
from kansci.pde.statement import problem

HEAT = problem("u_t = u_xx/4", {"x": [0, 1], "t": [0, 1]}, {"t = 0": "u = sin(pi*x)", "boundary": "u = 0"})
POISSON = problem(
    "u_xx + u_yy = -2*pi^2*sin(pi*x)*sin(pi*y)", {"x": [0, 1], "y": [0, 1]}, {"boundary": "u = 0"}
)
FAST = problem("theta'' = -9.81*sin(theta)", {"t": [0, 3]}, {"t = 0": ["theta = 2", "theta' = 0"]})


def points(stated, count=300):
    return stated.domain.sample(count, np.random.default_rng(6))


def test_units_do_not_matter():
    """Heat in a rod of a centimetre, in seconds and kelvin: the same numbers as without units."""
    stated = problem(
        "T_t = D*T_xx",
        {"x": [0, 0.01], "t": [0, 25]},
        {"t = 0": "T = 300*sin(100*pi*x)", "boundary": "T = 0"},
        parameters={"D": "1e-6"},
    )
    plain, units = (solve_problem(p, SolveSettings(seconds=20)) for p in (HEAT, stated))
    x = points(HEAT)
    np.testing.assert_allclose(
        units.evaluate("T", x * [0.01, 25]), 300 * plain.evaluate("u", x), atol=300e-11
    )
    slope = units.evaluate("T", x * [0.01, 25], (1, 0))
    np.testing.assert_allclose(slope, 300 / 0.01 * plain.evaluate("u", x, (1, 0)), atol=3e4 * 1e-9)


@pytest.mark.parametrize("model", ["auto", "mlp"])
def test_the_same_seed_gives_the_same_answer(model):
    """As many steps are taken in both runs, since time is not what ends them."""
    x, answers = points(POISSON), []
    for _ in range(2):
        steps = itertools.count()
        settings = SolveSettings(model=model, seconds=100, seed=3, width=(6,))
        found = solve_problem(POISSON, settings, cancelled=lambda steps=steps: next(steps) > 15)
        answers.append(found.evaluate("u", x))
    np.testing.assert_array_equal(*answers)


def test_another_seed_gives_another_network():
    x, answers = points(POISSON), []
    for seed in (0, 1):
        steps = itertools.count()
        settings = SolveSettings(model="mlp", seed=seed, width=(6,))
        found = solve_problem(POISSON, settings, cancelled=lambda steps=steps: next(steps) > 5)
        answers.append(found.evaluate("u", x))
    assert np.abs(answers[0] - answers[1]).max() > 1e-12


def test_the_best_so_far_comes_back_when_it_is_cancelled():
    asked, told = itertools.count(), []
    settings = SolveSettings(model="mlp", width=(8,), seconds=60)
    found = solve_problem(POISSON, settings, told.append, lambda: next(asked) > 40)
    assert found.interrupted
    assert found.residual == min(step.residual for step in told if np.isfinite(step.residual))
    assert found.history == tuple(told)
    exact = np.prod(np.sin(np.pi * points(POISSON)), axis=1)
    assert np.abs(found.evaluate("u", points(POISSON)) - exact).max() < 0.1


@pytest.mark.parametrize("model", ["kan", "mlp", "siren", "fkan"])
def test_trained_networks_solve_a_poisson_problem(model):
    told = []
    settings = SolveSettings(model=model, seconds=60, width=(8,), grid=6)
    found = solve_problem(POISSON, settings, told.append, lambda: bool(told) and told[-1].residual < 1e-2)
    exact = np.prod(np.sin(np.pi * points(POISSON)), axis=1)
    assert found.method == model
    np.testing.assert_allclose(found.evaluate("u", points(POISSON)), exact, atol=2e-2)


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_the_change_tells_how_large_the_error_is(levels):
    """Of a solution that is cut short after some changes of resolution."""
    stated = problem(
        "u_xx + u_yy = -16*g^2 + 128*(x^2 + y^2)*g^3",
        {"x": [-1, 1], "y": [-1, 1]},
        {"boundary": "u = g"},
        parameters={"g": "1/(1 + 4*(x^2 + y^2))"},
    )
    told = []
    found = solve_problem(
        stated, None, told.append, lambda: sum(np.isfinite(step.change) for step in told) >= levels
    )
    x = points(stated)
    exact = 1 / (1 + 4 * (x**2).sum(1))
    error = np.linalg.norm(found.evaluate("u", x) - exact) / np.linalg.norm(exact)
    assert error < 1.5 * found.change < 1e3 * error + 1e-12


def test_a_finished_run_is_accurate():
    found = solve_problem(FAST, SolveSettings(seconds=60))
    theirs = solve_ivp(
        lambda _, y: [y[1], -9.81 * np.sin(y[0])], (0, 3), [2, 0], method="DOP853", rtol=1e-12, atol=1e-12,
        dense_output=True,
    )  # fmt: skip
    t = points(FAST)
    np.testing.assert_allclose(found.evaluate("theta", t), theirs.sol(t[:, 0])[0], atol=1e-8)


@pytest.mark.parametrize("model", ["auto", "separable"])
def test_progress_is_told_in_order(model):
    told = []
    found = solve_problem(HEAT, SolveSettings(model=model), told.append)
    assert [step.seconds for step in told] == sorted(step.seconds for step in told)
    assert all(step.parameters > 0 and step.method for step in told)
    assert found.n_parameters in {step.parameters for step in told}
    assert found.change < 1e-8
    assert found.residual < 1e-9


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "cnn"}, "model='cnn': choose one of auto, separable, kan"),
        ({"seconds": 0}, "seconds=0: give a positive number"),
        ({"seconds": float("nan")}, "seconds=nan: give a positive number"),
        ({"seed": -1}, "seed=-1: give a whole number"),
        ({"seed": 1.5}, "seed=1.5: give a whole number"),
        ({"optimizer": "SGD"}, "optimizer='SGD': choose one of auto, gauss-newton"),
    ],
)
def test_settings_that_are_refused(settings, message):
    with pytest.raises(SettingsError, match=message):
        SolveSettings(**settings)


def test_no_answer_in_time_is_said():
    with pytest.raises(SettingsError, match="allow more"):
        solve_problem(POISSON, SolveSettings(model="mlp", seconds=1e-6))


def test_an_equation_without_finite_values_is_refused():
    stated = problem("u_xx = log(x)", {"x": [-1, 1]}, {"boundary": "u = 0"})
    with pytest.raises(SettingsError, match="no finite value on any solution"):
        solve_problem(stated, SolveSettings(model="separable", seconds=5))


def test_roots_at_zero_give_no_warning():
    stated = problem("u_x = sqrt(u)", {"x": [0, 1]}, {"x = 0": "u = 0"})
    found = solve_problem(stated, SolveSettings(seconds=5))
    assert np.isfinite(found.residual)


@pytest.mark.parametrize("settings", [{"k": 1}, {"basis": "hat"}])
def test_splines_with_kinks_are_refused_for_second_derivatives(settings):
    """Between the knots of broken lines any equation u'' = f may seem to be met."""
    with pytest.raises(SettingsError, match="not smooth enough for derivatives of order 2"):
        solve_problem(POISSON, SolveSettings(model="kan", seconds=5, **settings))
