"""Errors in the inputs: against ODRPACK, Deming's closed form, and Monte Carlo."""

import numpy as np
import pytest

from kansci.data import Dataset
from kansci.symbolic.formula import Formula

RNG = np.random.default_rng(2)
TRUE = np.linspace(0, 4, 30)
SX, SY = RNG.uniform(0.05, 0.2, 30), RNG.uniform(0.03, 0.1, 30)
X, Y = TRUE + SX * RNG.standard_normal(30), 2 * np.exp(-0.7 * TRUE) + SY * RNG.standard_normal(30)
DECAY, LINE = Formula("a*exp(-b*x)", ["x"]), Formula("a + b*x", ["x"])
START = {"a": 2.0, "b": 0.7}


def test_one_noisy_input_as_odrpack():
    odrpack = pytest.importorskip("odrpack")
    found = odrpack.odr_fit(
        lambda x, p: p[0] * np.exp(-p[1] * x), X, Y, [2.0, 0.7], weight_x=SX**-2, weight_y=SY**-2,
        sstol=1e-15, partol=1e-12,
    )  # fmt: skip
    fitted = DECAY.fit(X, Y, START, SY, input_sigma={"x": SX})
    assert list(fitted.parameters.values()) == pytest.approx(found.beta, rel=1e-6)
    assert fitted.rss == pytest.approx(found.sum_square, rel=1e-9)
    assert list(fitted.stderr.values()) == pytest.approx(found.sd_beta, rel=1e-3)


def test_two_noisy_inputs_and_an_exact_one_as_odrpack():
    odrpack = pytest.importorskip("odrpack")
    u, v, k = RNG.uniform(1, 3, (3, 50))
    y = 1.5 * u**2 / v + 0.5 * k + 0.1 * RNG.standard_normal(50)
    measured = np.array([u, v]) + 0.05 * RNG.standard_normal((2, 50))
    found = odrpack.odr_fit(
        lambda x, p: p[0] * x[0] ** p[1] / x[1] + p[2] * k, measured, y, [1.5, 2.0, 0.5],
        weight_x=np.full((2, 50), 400.0), weight_y=np.full(50, 100.0), sstol=1e-15, partol=1e-12,
    )  # fmt: skip
    data = Dataset.from_arrays(np.array([measured[0], k, measured[1]]).T, y, ["u", "k", "v"])
    form = Formula("a*u**p/v + c*k", ["u", "k", "v"])
    errors = {"v": 0.05, "u": np.full(50, 0.05)}
    fitted = form.fit(data, start={"a": 1.5, "p": 2, "c": 0.5}, sigma=0.1, input_sigma=errors)
    assert [fitted.parameters[name] for name in "apc"] == pytest.approx(found.beta, rel=1e-6)
    assert fitted.rss == pytest.approx(found.sum_square, rel=1e-9)


def test_a_line_has_demings_slope():
    """Equal errors: Deming (1943), with delta the ratio of the variances."""
    x, y = TRUE + 0.3 * RNG.standard_normal(30), 1 + 2 * TRUE + 0.6 * RNG.standard_normal(30)
    fitted = LINE.fit(x, y, {"a": 1.0, "b": 2.0}, 0.6, input_sigma={"x": 0.3})
    (sxx, sxy), (_, syy), delta = *np.cov(x, y), 4.0
    slope = (syy - delta * sxx + np.sqrt((syy - delta * sxx) ** 2 + 4 * delta * sxy**2)) / (2 * sxy)
    assert fitted.parameters["b"] == pytest.approx(slope, rel=1e-9)
    assert fitted.parameters["a"] == pytest.approx(y.mean() - slope * x.mean(), rel=1e-8)


def test_inputs_almost_exact_give_least_squares():
    plain = DECAY.fit(X, Y, START, SY)
    fitted = DECAY.fit(X, Y, START, SY, input_sigma={"x": 1e-9})
    np.testing.assert_allclose(fitted.covariance, plain.covariance, rtol=1e-6)
    assert fitted.interval("b", method="profile") == pytest.approx(
        plain.interval("b", method="profile"), rel=1e-6
    )


def test_the_slope_is_not_attenuated_and_its_intervals_hold():
    """Least squares is biased by 1 - var/(var + sigma^2); intervals by given errors hold the truth."""
    plain, slopes, held = [], [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x, y = TRUE + 0.6 * rng.standard_normal(30), 1 + 2 * TRUE + 0.1 * rng.standard_normal(30)
        start = {"a": 1.0, "b": 2.0}
        plain.append(LINE.fit(x, y, start).parameters["b"])
        fitted = LINE.fit(x, y, start, 0.1, input_sigma={"x": 0.6}, absolute_sigma=True)
        low, high = fitted.interval("b", method="profile")
        slopes.append(fitted.parameters["b"])
        held.append(low <= 2 <= high)
    assert np.median(plain) < 1.75
    assert np.median(slopes) == pytest.approx(2, abs=0.06)
    assert 0.86 <= np.mean(held) <= 1


def test_the_bootstrap_agrees_with_the_linear_errors(monkeypatch):
    monkeypatch.setattr("kansci.symbolic.intervals.RESAMPLES", 120)
    sx, sy = 0.05, 0.03
    x, y = TRUE + sx * RNG.standard_normal(30), 2 * np.exp(-0.7 * TRUE) + sy * RNG.standard_normal(30)
    fits = [
        DECAY.fit(x, y, START, sy, input_sigma={"x": sx}, covariance=kind)
        for kind in ("classical", "bootstrap")
    ]
    for name, error in fits[0].stderr.items():
        assert fits[1].stderr[name] == pytest.approx(error, rel=0.25)
