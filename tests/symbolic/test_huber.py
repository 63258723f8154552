"""Huber's estimate: its definition, its standard errors against Monte Carlo, the rows it flags."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from kansci.symbolic.formula import Formula

RNG = np.random.default_rng(5)
X = np.linspace(0, 4, 40)
DECAY, LINE = Formula("a*exp(-b*x)", ["x"]), Formula("a + b*x", ["x"])
START = {"a": 2.0, "b": 0.7}
CLEAN = 2 * np.exp(-0.7 * X) + 0.05 * RNG.standard_normal(40)
OUTLIERS = [3, 17, 30]
SPOILED = CLEAN.copy()
SPOILED[OUTLIERS] += [2.0, -1.5, 1.0]


def test_the_estimate_minimises_hubers_loss_as_scipy_does():
    fitted = DECAY.fit(X, SPOILED, START, loss="huber")
    residual = SPOILED - fitted.predict(X)
    scale = np.median(np.abs(residual)) / 0.6744897501960817
    expected = least_squares(
        lambda p: p[0] * np.exp(-p[1] * X) - SPOILED,
        [2, 0.7],
        loss="huber",
        f_scale=1.345 * scale,
        xtol=1e-15,
        ftol=1e-15,
        gtol=1e-15,
    )
    assert list(fitted.parameters.values()) == pytest.approx(expected.x, rel=1e-6)


def test_outliers_are_flagged_and_hardly_felt():
    clean, spoiled = DECAY.fit(X, CLEAN, START), DECAY.fit(X, SPOILED, START, loss="huber")
    assert spoiled.flagged.tolist() == OUTLIERS
    assert clean.flagged.tolist() == []
    for name, error in clean.stderr.items():
        assert spoiled.parameters[name] == pytest.approx(clean.parameters[name], abs=1.5 * error)
        assert spoiled.stderr[name] < 2 * error


def test_rows_met_exactly_but_for_one():
    y = 1 + 2 * X
    y[7] += 5
    fitted = LINE.fit(X, y, {"a": 1.0, "b": 1.0}, loss="huber")
    assert fitted.parameters == pytest.approx({"a": 1, "b": 2}, rel=1e-9)
    assert 7 in fitted.flagged


def test_without_outliers_it_is_least_squares():
    y = 1 + 2 * X + np.where(np.arange(40) % 2, 0.1, -0.1)  # residuals of one size: none beyond 1.345
    robust, plain = (LINE.fit(X, y, {"a": 1.0, "b": 2.0}, loss=loss) for loss in ("huber", "least_squares"))
    np.testing.assert_allclose(robust.covariance, plain.covariance, rtol=1e-9)
    assert robust.interval("b", method="profile") == pytest.approx(plain.interval("b"), rel=1e-6)


def test_standard_errors_and_intervals_hold_with_heavy_tails():
    """Errors of Student's t with 2 degrees of freedom: the spread over many tables decides."""
    found, held, size = [], [], []
    for seed in range(80):
        y = 1 + 2 * X + np.random.default_rng(seed).standard_t(2, 40)
        fitted = LINE.fit(X, y, {"a": 1.0, "b": 2.0}, loss="huber")
        low, high = fitted.interval("b", method="profile")
        found.append(fitted.parameters["b"])
        held.append(low <= 2 <= high)
        size.append(fitted.stderr["b"])
    assert np.median(size) == pytest.approx(np.std(found), rel=0.2)
    assert 0.88 <= np.mean(held) <= 1
