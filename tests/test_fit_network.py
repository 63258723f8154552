"""From a table to a small network: what is idle goes, what is learned stays."""

from dataclasses import replace

import numpy as np
import pytest

from kansci.data import Dataset
from kansci.errors import SettingsError
from kansci.fit_network import STAGES, FitSettings, fit_network


@pytest.fixture(scope="module")
def table():
    X = np.random.default_rng(0).uniform(-1, 1, (120, 2))
    return Dataset(X, np.sin(3 * X[:, 0]), ("x", "idle"), "y")


def test_an_idle_input_loses_its_edges_and_the_curve_is_learned(table):
    seen = []
    fit = fit_network(table, FitSettings((2, 1), restarts=2), lambda stage, event: seen.append(stage))
    assert fit.model.edges() == [(0, 0, 0)]
    assert fit.held_out
    assert fit.nrmse < 1e-3
    assert tuple(dict.fromkeys(seen)) == STAGES
    assert [row["stage"] for row in fit.history] == seen


def test_without_a_penalty_every_edge_stays(table):
    fit = fit_network(table, FitSettings((2, 1), restarts=1, steps=5, lamb=0.0))
    assert fit.model.edges() == [(0, 0, 0), (0, 1, 0)]


def test_few_rows_all_train(table):
    fit = fit_network(table.rows(np.arange(12)), FitSettings(grid=3, steps=5, restarts=1))
    assert not fit.held_out
    assert fit.model.width[0] == 2


@pytest.mark.parametrize("opt", ["LM", "Adam"])
def test_chances_of_classes_stay_off_0_and_1(opt, table):
    separable = replace(table, y=(table.y > 0).astype(float))
    fit = fit_network(separable, FitSettings(grid=4, loss="logistic", opt=opt, steps=10, restarts=2))
    outputs = fit.model.predict(table.X)[:, 0]
    assert np.mean((outputs > 0) == separable.y) > 0.9
    # At the best a class of n rows has the odds n + 1.
    assert np.abs(outputs).max() < 1.5 * np.log(len(table))
    assert fit.nrmse < 0.5


def test_settings_that_cannot_be_are_named(table):
    with pytest.raises(SettingsError, match="width 3,1 does not fit"):
        fit_network(table, FitSettings((3, 1)))
    with pytest.raises(SettingsError, match="bspline"):
        FitSettings(basis="wavelet")
    with pytest.raises(SettingsError, match="restarts=0"):
        FitSettings(restarts=0)
