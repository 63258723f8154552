"""Constants and coefficients from noisy data: estimates, and whether their errors are what is said."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kansci.errors import SettingsError
from kansci.pde.solver import SolveSettings, solve_problem
from kansci.pde.statement import problem


def solved(stated, seed=0):
    return solve_problem(stated, SolveSettings(seconds=30, seed=seed))


def decay(seed, noise=0.02, known=True):
    """u' = -k u with k = 1.7 and an unknown start."""
    rng = np.random.default_rng(seed)
    t = np.sort(rng.uniform(0, 2, 60))
    values = 1.3 * np.exp(-1.7 * t) + noise * rng.standard_normal(60)
    return problem(
        "u_t = -k*u",
        {"t": [0, 2]},
        {},
        unknowns={"k": 1},
        data=pd.DataFrame({"t": t, "u": values}),
        sigma=noise if known else None,
    )


@pytest.mark.parametrize("known", [True, False], ids=["deviation known", "unknown"])
def test_standard_errors_of_a_constant_are_those_of_repeated_draws(known):
    found = [solved(decay(seed, known=known)).constants()["k"] for seed in range(20)]
    values, errors = np.array(found).T
    z = (values - 1.7) / errors
    assert abs(z.mean()) < 3 / np.sqrt(20)
    assert 0.6 < np.sqrt(np.mean(z**2)) < 1.5  # 0.99 intervals of chi at 20 draws: 0.61 to 1.41
    assert np.mean(errors) == pytest.approx(values.std(ddof=1), rel=0.5)


def test_the_fit_is_that_of_the_closed_form():
    """Against scipy's least squares of the solution in both constants."""
    from scipy.optimize import curve_fit

    stated = decay(3)
    data = stated.observations[0]
    best, covariance = curve_fit(lambda t, a, k: a * np.exp(-k * t), data.points[:, 0], data.values, [1, 1])
    value, error = solved(stated).constants()["k"]
    assert value == pytest.approx(best[1], rel=1e-4)
    assert error == pytest.approx(np.sqrt(covariance[1, 1]), rel=0.05)


def test_values_count_the_same_in_whichever_set_they_are():
    whole = decay(2)
    (data,) = whole.observations
    parts = tuple(
        replace(data, points=data.points[s], values=data.values[s]) for s in (np.s_[:50], np.s_[50:])
    )
    one, two = solved(whole), solved(replace(whole, observations=parts))
    assert two.constants()["k"] == pytest.approx(one.constants()["k"], rel=1e-5)
    assert two.estimate.noise == pytest.approx(one.estimate.noise, rel=1e-4)


def test_without_more_values_than_parameters_there_are_no_standard_errors():
    whole = decay(0)
    (data,) = whole.observations
    few = replace(whole, observations=(replace(data, points=data.points[:2], values=data.values[:2]),))
    value, error = solved(few).constants()["k"]
    assert np.isfinite(value)
    assert np.isnan(error)


def test_the_noise_is_estimated():
    found = solved(decay(0, known=False))
    assert found.estimate.noise == pytest.approx(0.02, rel=0.4)


def conduction(seed, noise):
    """-(a u')' = f with a = 1 + x/2 and u = sin(pi x): a is to be found."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 1, 200)
    return problem(
        "-a*u_xx - a_x*u_x = f",
        {"x": [0, 1]},
        {"boundary": "u = 0", "x = 0": "a = 1"},
        fields=["u"],
        sought={"a": ["x"]},
        parameters={"f": "pi^2*(1 + x/2)*sin(pi*x) - pi/2*cos(pi*x)"},
        data=pd.DataFrame({"x": x, "u": np.sin(np.pi * x) + noise * rng.standard_normal(200)}),
        sigma=noise or None,
    )


def test_a_coefficient_function_is_found_within_its_errors():
    x = np.linspace(0.05, 0.95, 19)[:, None]
    inside = []
    for seed in range(5):
        found = solved(conduction(seed, 0.01))
        values, errors = found.evaluate("a", x), found.standard_error("a", x)
        assert np.abs(values / (1 + x[:, 0] / 2) - 1).max() < 0.1
        inside.append(np.abs(values - 1 - x[:, 0] / 2) < 2 * errors)
    assert np.mean(inside) > 0.7


def test_units_do_not_matter():
    """The same decay in milliseconds and micrometres."""
    stated = decay(5)
    data = stated.observations[0]
    small = problem(
        "u_t = -k*u",
        {"t": [0, 2e-3]},
        {},
        unknowns={"k": 1000},
        data=pd.DataFrame({"t": 1e-3 * data.points[:, 0], "u": 1e-6 * data.values}),
        sigma=0.02e-6,
    )
    (value, error), (other, other_error) = (solved(p).constants()["k"] for p in (stated, small))
    assert other / 1000 == pytest.approx(value, rel=1e-5)
    assert other_error / 1000 == pytest.approx(error, rel=1e-3)


def test_unknowns_need_data():
    stated = problem("u_t = -k*u", {"t": [0, 1]}, {"t = 0": "u = 1"}, unknowns={"k": 1})
    with pytest.raises(SettingsError, match="k cannot be found without observations"):
        solved(stated)
