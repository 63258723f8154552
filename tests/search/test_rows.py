"""Errors that grow with the target get weights 1/|y|; equal ones, and none, get equal weights."""

import numpy as np
import pytest

from kansci.search.rows import Rows, error_weight

RNG = np.random.default_rng(0)
X = list(RNG.uniform(0.5, 5, (2, 600)))
NOISE = RNG.normal(size=600)
LAWS = {
    "power law": 3 * X[0] ** 2 / X[1],
    "negative": -2 * X[0] * np.sqrt(X[1]),
    "curve": 1 + X[0] ** 2 + np.exp(0.5 * X[1]),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("noise", [0.003, 0.03, 0.1])
def test_weights_follow_the_noise(law, noise):
    y = LAWS[law]
    relative = error_weight(X, y * (1 + noise * NOISE))
    np.testing.assert_allclose(
        relative * np.abs(y * (1 + noise * NOISE)), relative[0] * abs(y[0] * (1 + noise * NOISE[0]))
    )
    assert np.log(relative).mean() == pytest.approx(0, abs=1e-12)
    absolute = error_weight(X, y + noise * np.abs(y).min() * NOISE)
    np.testing.assert_array_equal(absolute, 1.0)
    np.testing.assert_array_equal(error_weight(X, y), 1.0)


def test_a_target_that_changes_sign_or_hardly_varies_is_not_weighted():
    np.testing.assert_array_equal(error_weight(X, X[0] - X[1]), 1.0)
    np.testing.assert_array_equal(error_weight(X, 10 * (1 + 0.05 * NOISE)), 1.0)


def test_losses_by_hand():
    y = np.array([1.0, 2.0, 3.0, 10.0])
    rows = Rows((y,), y, np.array([1.0, 2.0, 1.0, 1.0]), np.arange(3), np.array([3]))
    values = np.array([1.0, 3.0, 1.0, np.nan])
    assert rows.loss(values, rows.train) == pytest.approx(np.sqrt((4 + 4) / 3) / y.std())
    assert rows.nrmse(values, rows.train) == pytest.approx(np.sqrt((1 + 4) / 3) / y[:3].std())
    assert rows.nrmse(values[:3].mean() * np.ones(4), rows.held) == pytest.approx((10 - 5 / 3) / y.std())
    assert rows.loss(values, rows.held) == rows.nrmse(values, rows.held) == np.inf
