"""Levenberg-Marquardt and standard errors against numpy, scipy and each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from kansci.symbolic.least_squares import covariance, levenberg_marquardt


@given(st.integers(0, 10_000), st.integers(1, 6))
def test_a_linear_problem_is_that_of_numpy(seed, p):
    rng = np.random.default_rng(seed)
    A, y = rng.normal(size=(30, p)) * 10.0 ** rng.uniform(-3, 3, p), rng.normal(size=30)
    fit = levenberg_marquardt(lambda v: A @ v - y, lambda _: A, np.zeros(p))
    expected, rss, *_ = np.linalg.lstsq(A, y, rcond=None)
    np.testing.assert_allclose(fit.values, expected, rtol=1e-8, atol=1e-12)
    assert fit.rss == pytest.approx(rss[0], rel=1e-12)


def test_parameters_and_covariance_are_those_of_curve_fit():
    def model(x, a, b, c):
        return a * np.exp(-b * x) + c

    def jacobian(v):
        return np.stack([np.exp(-v[1] * x), -v[0] * x * np.exp(-v[1] * x), np.ones_like(x)], axis=1)

    rng = np.random.default_rng(1)
    x = np.linspace(0, 4, 60)
    y = model(x, 2.5, 1.3, 0.5) + 0.05 * rng.normal(size=60)
    fit = levenberg_marquardt(lambda v: model(x, *v) - y, jacobian, np.array([1.0, 1.0, 0.0]))
    expected, matrix = curve_fit(
        model, x, y, [1, 1, 0], jac=lambda _, *v: jacobian(v), ftol=1e-15, xtol=1e-15
    )
    np.testing.assert_allclose(fit.values, expected, rtol=1e-7)
    np.testing.assert_allclose(covariance(jacobian(fit.values), fit.rss), matrix, rtol=1e-6)


def test_steps_out_of_the_domain_are_refused():
    x = np.linspace(0.1, 3, 40)
    y = np.sqrt(x + 0.02)

    def residual(v):
        with np.errstate(invalid="ignore"):
            return np.sqrt(x + v[0]) - y

    fit = levenberg_marquardt(residual, lambda v: 0.5 / np.sqrt(x + v[0])[:, None], np.array([50.0]))
    assert fit.values[0] == pytest.approx(0.02, abs=1e-9)
    lost = levenberg_marquardt(residual, lambda v: np.ones((40, 1)), np.array([-5.0]))
    assert lost.rss == np.inf
    assert lost.values == [-5.0]


def test_more_parameters_than_rows():
    A = np.array([[1.0, 2.0, 3.0]])
    fit = levenberg_marquardt(lambda v: A @ v - 6, lambda _: A, np.zeros(3))
    assert fit.rss < 1e-25
    assert np.isinf(np.diag(covariance(A, 1.0))).all()
    assert covariance(np.zeros((5, 0)), 1.0).shape == (0, 0)


@given(st.integers(0, 10_000))
def test_the_covariance_does_not_mind_units(seed):
    rng = np.random.default_rng(seed)
    J, units = rng.normal(size=(20, 4)), 10.0 ** rng.uniform(-12, 12, 4)
    np.testing.assert_allclose(
        covariance(J * units, 0.3), covariance(J, 0.3) / np.outer(units, units), rtol=1e-9
    )
    np.testing.assert_allclose(covariance(J, 0.3), np.linalg.inv(J.T @ J) * 0.3 / 16, rtol=1e-9)


@given(st.integers(0, 10_000))
def test_only_what_is_undetermined_has_an_infinite_error(seed):
    rng = np.random.default_rng(seed)
    J = rng.normal(size=(20, 4)) * 10.0 ** rng.uniform(-9, 9, 4)
    alone = covariance(J[:, [0, 1, 3]], 1.0)
    J[:, 2] = -3e5 * J[:, 0]
    errors = np.diag(covariance(J, 1.0))
    assert np.isinf(errors[[0, 2]]).all()
    np.testing.assert_allclose(errors[[1, 3]] * 16 / 17, np.diag(alone)[[1, 2]], rtol=1e-6)
    J[:, 2] = 0
    np.testing.assert_array_equal(np.isinf(np.diag(covariance(J, 1.0))), [False, False, True, False])
