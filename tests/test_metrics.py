"""Metrics against scikit-learn, and at the edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import r2_score, root_mean_squared_error

from kansci.metrics import max_relative_error, nrmse, r2, rmse

VECTORS = st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=3, max_size=30)


@given(VECTORS)
def test_agree_with_scikit_learn(pairs):
    y, p = np.array(pairs).T
    # scikit-learn's squares of errors below 1e-150 are zero
    assert rmse(y, p) == pytest.approx(root_mean_squared_error(y, p), rel=1e-12, abs=1e-150)
    if np.std(y) > 1e-3:
        assert r2(y, p) == pytest.approx(r2_score(y, p), rel=1e-9, abs=1e-9)
        assert nrmse(y, p) == pytest.approx(rmse(y, p) / np.std(y), rel=1e-9)


def test_nothing_overflows_and_nothing_is_nan():
    y = np.array([1e300, 2e300, 4e300])
    assert r2(y, y) == 1.0
    assert nrmse(y, 2 * y) == pytest.approx(nrmse(y / 1e300, 2 * y / 1e300))
    assert rmse([1, 2], [1, np.nan]) == np.inf
    assert r2([1, 2], [np.inf, 2]) == -np.inf
    assert nrmse([2, 2], [2, 2]) == 0.0
    assert nrmse([2, 2], [2, 3]) == np.inf


def test_relative_error_looks_past_round_off_at_a_zero():
    x = np.linspace(0, np.pi, 101)
    assert max_relative_error(np.sin(x), np.sin(x) * (1 + 1e-7)) == pytest.approx(1e-7)
    assert max_relative_error(np.sin(x), np.sin(x) + 1e-17) < 1e-6
    assert max_relative_error([0, 0], [0, 0]) == 0.0
    assert max_relative_error([1, 2], [1, np.nan]) == np.inf


def test_lengths_have_to_agree():
    with pytest.raises(ValueError, match="3 predictions for 2 measurements"):
        rmse([1, 2], [1, 2, 3])
