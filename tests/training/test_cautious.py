"""Few noisy rows: no worse than a linear model on what is linear; automatic grids are left in time."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeCV

from kansci.estimators import KANRegressor
from kansci.training import TrainSettings
from kansci.training.cautious import cautious
from kansci.training.fit import fit_population
from kansci.training.rows import as_rows, hold_out
from kansci.training.schedule import Schedule

pytestmark = pytest.mark.filterwarnings("ignore::kansci.errors.ExtrapolationWarning")


def test_noisy_lines_are_not_followed():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(300, 5))
    y = X @ np.array([1.0, -1.0, 0.5, 0.0, 0.0]) + 1.5 * rng.normal(size=300)
    model = KANRegressor(restarts=3, steps=20).fit(X[:130], y[:130])
    ridge = RidgeCV(np.logspace(-3, 4, 15)).fit(X[:130], y[:130])
    assert model.score(X[130:], y[130:]) > ridge.score(X[130:], y[130:]) - 0.03


def test_what_is_clear_stays_as_it_was():
    x = np.random.default_rng(3).uniform(-1, 1, (200, 2))
    settings = TrainSettings(restarts=3, steps=20)
    rows = hold_out(as_rows(x, np.sin(2 * x[:, 0]) * x[:, 1]), settings, torch.Generator().manual_seed(0))
    trained = fit_population(*rows[0][:2], (2, 5, 1), settings, validation=rows[1])
    assert cautious(trained, [(2, 1), (2, 5, 1)], rows, settings) is trained.model


def test_a_coarse_grid_is_left_where_a_finer_one_can_be_had():
    falling, slow, still = (0.5 ** np.arange(30), 0.95 ** np.arange(30), np.ones(30))
    schedule = Schedule(TrainSettings(grids="auto"), n_rows=800)
    assert [schedule.leaves(list(e), 100) for e in (falling, slow, still)] == [False, True, True]
    assert [schedule.leaves(list(e), 300) for e in (falling, slow, still)] == [False, False, True]
    assert not Schedule(TrainSettings(grids=(5, 10)), n_rows=800).leaves(list(still), 100)
    going_on = schedule.go_on(torch.tensor([1e-3, 5e-3, 1e-1]))
    assert going_on.tolist() == [True, True, False]
