"""The estimators obey scikit-learn's contract, and give back what made the data."""

import numpy as np
import pandas as pd
import pytest
import sympy
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from kansci.errors import SettingsError
from kansci.estimators import KANRegressor, SymbolicRegressor


# Held-out rows among a few dozen may well be outside the training rows' range.
@pytest.mark.filterwarnings("ignore::kansci.errors.ExtrapolationWarning")
@parametrize_with_checks([KANRegressor(hidden=(), restarts=1, steps=4), SymbolicRegressor(seconds=0.3)])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def law():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(1, 3, (80, 2)), columns=["m", "v [m/s]"])
    return X, 0.5 * X["m"] * X["v [m/s]"] ** 2


@pytest.fixture(scope="module")
def found(law):
    return SymbolicRegressor(seconds=10).fit(*law)


def test_symbolic_regressor_finds_the_law(law, found):
    X, y = law
    m, v = sympy.symbols("m v")
    assert sympy.simplify(found.sympy() - m * v**2 / 2) == 0
    np.testing.assert_allclose(found.predict(X), y, rtol=1e-9)
    assert list(found.feature_names_in_) == ["m", "v [m/s]"]
    assert "m v^{2}" in found.latex()


def test_front_is_a_table_by_complexity(found):
    front = found.front
    assert list(front.columns) == ["complexity", "nrmse", "r2", "score", "formula", "latex"]
    assert front["complexity"].is_monotonic_increasing
    assert front["nrmse"].is_monotonic_decreasing


def test_kan_regressor_fits_in_a_pipeline_and_repeats(law):
    X, y = law
    model = make_pipeline(StandardScaler(), KANRegressor(hidden=(3,), restarts=2, steps=20))
    assert model.fit(X, y).score(X, y) > 0.999
    again = clone(model).fit(X, y)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_misuse_is_named():
    with pytest.raises(NotFittedError):
        _ = SymbolicRegressor().formula
    with pytest.raises(SettingsError, match="random_state=-1"):
        KANRegressor(random_state=-1).fit(np.eye(4), np.arange(4.0))
