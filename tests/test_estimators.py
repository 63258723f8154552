"""The estimators obey scikit-learn's contract, and give back what made the data."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import sympy
import torch
from sklearn.base import clone
from sklearn.datasets import load_iris, load_wine, make_moons
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from kansci.errors import DataError, SettingsError
from kansci.estimators import KANClassifier, KANRegressor, SymbolicRegressor
from kansci.training.losses import Huber

# Held-out rows among a few dozen may well be outside the training rows' range.
pytestmark = pytest.mark.filterwarnings("ignore::kansci.errors.ExtrapolationWarning")

QUICK = {"restarts": 2, "steps": 15}


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@parametrize_with_checks(
    [
        KANRegressor(hidden=(), grid=5, restarts=1, steps=4),
        KANClassifier(hidden=(), restarts=1, steps=8),
        SymbolicRegressor(seconds=0.1),
    ]
)
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
    with pytest.raises(SettingsError, match="loss 'hinge'"):
        KANRegressor(loss="hinge").fit(np.eye(4), np.arange(4.0))
    with pytest.raises(SettingsError, match="opt='SGD'"):
        KANClassifier(opt="SGD").fit(np.eye(4), [0, 0, 1, 1])
    with pytest.raises(DataError, match="one class"):
        KANClassifier().fit(np.eye(4), ["a"] * 4)


CLASSES = {
    "moons": make_moons(300, noise=0.2, random_state=0),
    "iris": load_iris(return_X_y=True),
    "wine": load_wine(return_X_y=True),
}


@pytest.mark.parametrize("name", CLASSES)
def test_classifies_as_well_as_its_peers(name):
    X, y = CLASSES[name]
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    peers = [make_pipeline(StandardScaler(), peer) for peer in (LogisticRegression(max_iter=1000), SVC())]
    accuracy = [cross_val_score(peer, X, y, cv=folds).mean() for peer in peers]
    mine = cross_validate(KANClassifier(), X, y, cv=folds, scoring=["accuracy", "neg_log_loss"])
    assert mine["test_accuracy"].mean() >= max(accuracy) - 0.035
    assert mine["test_neg_log_loss"].mean() > -0.2


def test_classes_may_have_any_names_and_weights():
    X, y = CLASSES["moons"]
    names = np.array(["left", "right"])[y]
    model = KANClassifier(**QUICK).fit(X, names)
    assert model.classes_.tolist() == ["left", "right"]
    chance = model.predict_proba(X)
    np.testing.assert_allclose(chance.sum(1), 1)
    np.testing.assert_allclose(chance[:, 1], 1 / (1 + np.exp(-model.decision_function(X))))
    assert (model.predict(X) == names).mean() > 0.95
    rare = np.flatnonzero((y == 0) | (np.arange(300) % 10 == 0))
    plain, balanced = (
        KANClassifier(**QUICK, class_weight=w).fit(X[rare], y[rare]) for w in (None, "balanced")
    )
    assert balanced.predict(X).mean() > plain.predict(X).mean()


def test_grid_search_pickle_and_copies():
    X, y = CLASSES["iris"]
    pipeline = make_pipeline(StandardScaler(), KANClassifier(**QUICK))
    search = GridSearchCV(pipeline, {"kanclassifier__hidden": [(), (2,)]}, cv=3).fit(X, y)
    assert search.best_score_ > 0.9
    best = search.best_estimator_
    for again in (pickle.loads(pickle.dumps(best)), copy.deepcopy(best), clone(best).fit(X, y)):
        np.testing.assert_array_equal(again.predict_proba(X), best.predict_proba(X))


def test_frames_several_targets_and_importances(law):
    X, y = law
    both = pd.DataFrame({"y": y, "m": X["m"]})
    wide = X.assign(noise=np.random.default_rng(1).normal(size=len(X)))
    model = KANRegressor(**QUICK).fit(wide, both)
    assert model.predict(wide).shape == (80, 2)
    assert model.score(wide, both) > 0.99
    assert list(model.feature_names_in_) == ["m", "v [m/s]", "noise"]
    assert model.feature_importances_.sum() == pytest.approx(1)
    assert model.feature_importances_.argmin() == 2
    assert clone(model).fit(X, y).predict(X).shape == (80,)


def test_losses_of_the_regressor():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (300, 2))
    y = np.sin(3 * X[:, 0]) + X[:, 1]
    spoilt = np.where(np.arange(300) % 10 == 0, 30, y + 0.01 * rng.normal(size=300))
    robust, plain = (
        KANRegressor(loss=loss, **QUICK).fit(X, spoilt) for loss in (Huber(0.05), "least_squares")
    )
    assert np.abs(robust.predict(X) - y).max() < 0.3 < np.abs(plain.predict(X) - y).max()
    counts = rng.poisson(np.exp(1 + y))
    model = KANRegressor(loss="poisson", hidden=(), **QUICK).fit(X, counts)
    assert (model.predict(X) > 0).all()
    theirs = PoissonRegressor(alpha=0).fit(X, counts)
    rate = np.exp(1 + y)
    assert np.abs(model.predict(X) / rate - 1).mean() < 0.5 * np.abs(theirs.predict(X) / rate - 1).mean()


@pytest.mark.parametrize("opt", ["LBFGS", "SSBroyden", "Adam"])
def test_other_optimisers(opt):
    X, y = CLASSES["moons"]
    assert KANClassifier(opt=opt, steps=5).fit(X, y).score(X, y) > 0.93
    options = {"basis": "chebyshev", "base_fun": "zero", "steps": 5}
    assert KANRegressor(opt=opt, **options).fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) > 0.97
