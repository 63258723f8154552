"""Covariances, intervals and bands against scipy, closed forms, published values and Monte Carlo."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq, curve_fit

from kansci.data import Dataset
from kansci.errors import DataError, FormulaError
from kansci.symbolic.formula import Formula

RNG = np.random.default_rng(0)
X = np.linspace(0, 4, 30)
LINE, DECAY = Formula("a + b*x", ["x"]), Formula("a*exp(-b*x) + c", ["x"])
NEAR = {"a": 1.0, "b": 2.0}
START = {"a": 1.0, "b": 1.0, "c": 0.0}
SIGMA = RNG.uniform(0.02, 0.1, 30)
Y = 2 * np.exp(-0.7 * X) + 0.3 + SIGMA * RNG.standard_normal(30)
A = np.column_stack([np.ones(30), X])
PUROMYCIN = (
    np.repeat([0.02, 0.06, 0.11, 0.22, 0.56, 1.1], 2),
    np.array([76, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200.0]),
)
"""Bates & Watts (1988), table A1.3."""
T12 = stats.t.ppf(0.975, 10)


def decay(x, a, b, c):
    return a * np.exp(-b * x) + c


@pytest.mark.parametrize("absolute", [False, True])
def test_weighted_standard_errors_as_in_scipy(absolute):
    fitted = DECAY.fit(X, Y, START, SIGMA, absolute_sigma=absolute)
    values, matrix = curve_fit(decay, X, Y, [1, 1, 0], SIGMA, absolute_sigma=absolute, xtol=1e-15, ftol=1e-15)
    np.testing.assert_allclose(list(fitted.parameters.values()), values, rtol=1e-6)
    np.testing.assert_allclose(fitted.covariance, matrix, rtol=1e-4)
    t = stats.norm.ppf(0.95) if absolute else stats.t.ppf(0.95, 27)
    low, high = fitted.interval("b", level=0.9)
    assert (high - low) / 2 == pytest.approx(t * fitted.stderr["b"], rel=1e-12)


@pytest.mark.parametrize("sigma", [None, SIGMA])
def test_robust_errors_are_the_sandwich_of_mackinnon_and_white(sigma):
    y = 1 + 2 * X + X * RNG.standard_normal(30)
    fitted = LINE.fit(X, y, NEAR, sigma, covariance="robust")
    w = np.ones(30) if sigma is None else 1 / sigma
    J, z = A * w[:, None], y * w
    inverse = np.linalg.inv(J.T @ J)
    residual = z - J @ (inverse @ J.T @ z)
    leverage = np.diag(J @ inverse @ J.T)
    meat = J.T @ np.diag((residual / (1 - leverage)) ** 2) @ J
    np.testing.assert_allclose(fitted.covariance, inverse @ meat @ inverse, rtol=1e-9)


def test_robust_errors_hold_where_the_noise_grows():
    """Errors that grow with x: the spread of the slope over many tables decides."""
    slopes, classical, robust = [], [], []
    for seed in range(100):
        y = 1 + 2 * X + X**2 * np.random.default_rng(seed).standard_normal(30)
        fits = [LINE.fit(X, y, NEAR, covariance=kind) for kind in ("classical", "robust")]
        slopes.append(fits[0].parameters["b"])
        classical.append(fits[0].stderr["b"])
        robust.append(fits[1].stderr["b"])
    truth = np.std(slopes)
    assert np.sqrt(np.mean(np.square(robust))) == pytest.approx(truth, rel=0.2)
    assert np.sqrt(np.mean(np.square(classical))) < 0.8 * truth


def test_the_bootstrap_of_a_line_gives_the_classical_errors():
    y = 1 + 2 * X + RNG.standard_normal(30)
    classical = LINE.fit(X, y, NEAR)
    drawn = LINE.fit(X, y, NEAR, covariance="bootstrap", seed=3)
    np.testing.assert_allclose(
        [drawn.stderr[k] for k in "ab"], [classical.stderr[k] for k in "ab"], rtol=0.15
    )
    low, high = drawn.interval("b", method="bootstrap")
    assert (low, high) == pytest.approx(classical.interval("b"), abs=0.3 * classical.stderr["b"])
    assert (low, high) == LINE.fit(X, y, NEAR, seed=3).interval("b", method="bootstrap")


def test_profiles_of_a_linear_model_are_its_wald_intervals():
    fitted = LINE.fit(X, 1 + 2 * X + RNG.standard_normal(30), NEAR, SIGMA)
    for name, wald in fitted.interval().items():
        assert fitted.interval(name, method="profile") == pytest.approx(wald, rel=1e-6)


def test_profiles_of_bates_and_watts():
    """Their intervals of the Puromycin data, example 6.1, as MASS::confint prints them too."""
    fitted = Formula("V*s/(K + s)", ["s"]).fit(*PUROMYCIN, {"V": 200, "K": 0.05})
    found = fitted.interval(method="profile")
    assert found["V"] == pytest.approx((197.302, 229.290), abs=1e-3)
    assert found["K"] == pytest.approx((0.046925, 0.086160), abs=1e-5)


def test_a_profile_by_hand():
    """One parameter held and the linear ones solved for: the ends are where the rise is t^2 s^2."""
    fitted = DECAY.fit(X, Y, START)
    s2 = fitted.rss / 27

    def rise(b):
        J = np.column_stack([np.exp(-b * X), np.ones(30)])
        return (np.sum((Y - J @ np.linalg.lstsq(J, Y, rcond=None)[0]) ** 2) - fitted.rss) / s2 - t**2

    t, b = stats.t.ppf(0.975, 27), fitted.parameters["b"]
    expected = brentq(rise, 0.3 * b, b), brentq(rise, b, 3 * b)
    assert fitted.interval("b", method="profile") == pytest.approx(expected, rel=1e-7)
    low, high = expected
    assert high - b > b - low  # a rate is bounded better from below


def test_a_side_without_end():
    """Substrate far below K: the rate hardly bends, so that V and K have no upper bound."""
    s = np.linspace(0.01, 0.2, 12)
    v = 200 * s / (0.5 + s) + 6 * np.random.default_rng(1).standard_normal(12)
    fitted = Formula("V*s/(K + s)", ["s"]).fit(s, v, {"V": 200, "K": 0.5})
    for low, high in fitted.interval(method="profile").values():
        assert np.isfinite(low)
        assert high == np.inf


def test_a_parameter_that_the_rows_do_not_determine():
    fitted = Formula("a*b*x", ["x"]).fit(X, 2 * X + 0.1 * RNG.standard_normal(30), {"a": 1, "b": 1})
    assert fitted.interval("a") == (-np.inf, np.inf)
    assert np.isinf(fitted.covariance).all()
    start, line = {"a": 1, "b": 1, "c": 0}, LINE.fit(X, Y, NEAR, covariance="robust")
    loose = Formula("a*b*x + c", ["x"]).fit(X, Y, start, covariance="robust")
    assert [loose.stderr[k] for k in "ab"] == [np.inf, np.inf]
    assert loose.stderr["c"] == pytest.approx(line.stderr["a"], rel=1e-6)
    assert np.isinf(Formula("a*b*x", ["x"]).fit(X, Y, covariance="robust").covariance).all()


def test_bands_of_a_line():
    y = 1 + 2 * X + RNG.standard_normal(30)
    fitted, new = LINE.fit(X, y, NEAR), np.array([[-1.0], [2.0], [9.0]])
    J = np.column_stack([np.ones(3), new])
    beta, rss, *_ = np.linalg.lstsq(A, y, rcond=None)
    inside = np.einsum("ij,jk,ik->i", J, np.linalg.inv(A.T @ A), J)
    for kind, extra in (("mean", 0.0), ("prediction", 1.0)):
        half = stats.t.ppf(0.975, 28) * np.sqrt(rss[0] / 28 * (inside + extra))
        low, high = fitted.band(new, kind=kind)
        np.testing.assert_allclose(low, J @ beta - half, rtol=1e-9)
        np.testing.assert_allclose(high, J @ beta + half, rtol=1e-9)


def test_bands_for_new_measurements_know_their_errors():
    y = 1 + 2 * X + SIGMA * RNG.standard_normal(30)
    fitted = LINE.fit(X, y, NEAR, SIGMA, absolute_sigma=True)
    with pytest.raises(FormulaError, match="pass sigma= of the new measurements"):
        fitted.band(X, kind="prediction")
    low, high = fitted.band(X, kind="prediction", sigma=1e3)
    np.testing.assert_allclose(high - low, 2 * stats.norm.ppf(0.975) * 1e3, rtol=1e-6)
    table = Dataset.from_arrays(X, X, ["x"])
    assert fitted.band(table)[0].shape == (30,)


def test_refit_frees_the_decimals_of_a_formula():
    formula = Formula("2.1*x**2 - 0.5*sin(pi*x)", {"x": "time"}, "height")
    y = 2 * X**2 - 0.4 * np.sin(np.pi * X) + 0.05 * RNG.standard_normal(30)
    fitted = formula.refit({"time": X, "height": y})
    J = np.column_stack([np.sin(np.pi * X), X**2])
    np.testing.assert_allclose(
        list(fitted.parameters.values()), np.linalg.lstsq(J, y, rcond=None)[0], rtol=1e-10
    )
    assert list(fitted.parameters) == ["c0", "c1"]
    assert fitted.formula.inputs == ("time",)
    assert Formula("x**2 + 1.5*c0", ["x", "c0"]).freed()[0].parameters == ("c1",)
    whole = Formula("x**2", ["x"]).refit(X, y)
    assert (whole.parameters, whole.interval()) == ({}, {})
    np.testing.assert_array_equal(whole.band(X)[0], X**2)
    with pytest.raises(FormulaError, match="free parameters: k"):
        Formula("k*x + 1.5", ["x"]).refit(X, y)


def test_a_dataset_brings_its_errors():
    data = Dataset.from_arrays(X, Y, ["x"])
    weighted = Dataset(data.X, data.y, data.inputs, data.target, sigma=SIGMA)
    assert DECAY.fit(weighted, start=START).stderr == DECAY.fit(X, Y, START, SIGMA).stderr
    assert DECAY.fit(weighted, start=START).stderr != DECAY.fit(data, start=START).stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": "l1"}, "no loss 'l1': choose one of least_squares, huber"),
        ({"covariance": "hc3"}, "no covariance 'hc3'"),
        ({"absolute_sigma": True}, "pass sigma="),
        ({"input_sigma": {"x": 0.1}}, "pass sigma= as well"),
        ({"input_sigma": {"z": 0.1}, "sigma": 0.1}, "'z', which is"),
        ({"input_sigma": {"x": 0.1}, "sigma": 0.1, "loss": "huber"}, "leave out input_sigma or huber"),
    ],
)
def test_wrong_settings(arguments, message):
    with pytest.raises(FormulaError, match=message):
        LINE.fit(X, Y, NEAR, **arguments)


def test_wrong_questions():
    with pytest.raises(DataError, match="row 2: the standard deviation -1 is not positive"):
        LINE.fit(X, Y, NEAR, sigma=np.where(np.arange(30) == 1, -1, 1.0))
    fitted = LINE.fit(X, Y, NEAR)
    with pytest.raises(FormulaError, match="no parameter 'k' \\(parameters: a, b\\)"):
        fitted.interval("k")
    with pytest.raises(FormulaError, match="no method 'bayes'"):
        fitted.interval(method="bayes")
    with pytest.raises(FormulaError, match="level=95 must lie between 0 and 1"):
        fitted.interval(level=95)
    with pytest.raises(FormulaError, match="no band 'both'"):
        fitted.band(X, kind="both")


def test_without_degrees_of_freedom_nothing_tells_the_errors():
    form, x, y = Formula("a*x + b", ["x"]), np.array([1.0, 2]), np.array([3.0, 4])
    for covariance in ("classical", "robust"):
        fitted = form.fit(x, y, covariance=covariance)
        assert set(fitted.stderr.values()) == {np.inf}
        assert fitted.interval("a", method="profile") == (-np.inf, np.inf)
    with pytest.raises(FormulaError, match="no residuals to draw from"):
        form.fit(x, y, covariance="bootstrap")
    known = form.fit(x, y, sigma=0.1, absolute_sigma=True)
    assert known.stderr["a"] == pytest.approx(0.1 * np.sqrt(2))
