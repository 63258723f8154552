"""With more weights than rows the step is the same, by whichever system it is found."""

import itertools

import numpy as np
import pytest
import torch

from kansci.models import KAN
from kansci.training import TrainSettings, fit_population, levenberg
from kansci.training.class_losses import Logistic
from kansci.training.levenberg import LevenbergMarquardt
from kansci.training.losses import Huber, LeastSquares
from kansci.training.normal_equations import Rows
from kansci.training.penalty import smoothness
from kansci.training.population import Population

RNG = np.random.default_rng(0)
X = torch.tensor(RNG.uniform(-1, 1, (40, 2)))
Y = torch.tensor(RNG.uniform(0.1, 0.9, (40, 2)))
WEIGHT = torch.tensor(RNG.uniform(0.5, 1.5, 40))


def proposal(rows, batch, make, monkeypatch, by_rows):
    monkeypatch.setattr(levenberg, "suits", lambda *_: by_rows)
    optimiser = LevenbergMarquardt(batch, rows, make, statistics=False, damping=1e-3)
    optimiser._linearise()
    return optimiser._propose(torch.tensor([0, 2]))


@pytest.mark.parametrize("loss", [LeastSquares(), Huber(0.2), Logistic()])
@pytest.mark.parametrize("smooth", [0.0, 1e-4])
def test_both_systems_give_the_same_step(loss, smooth, monkeypatch):
    models = [KAN([2, 3, 2], grid=12, seed=seed) for seed in range(3)]
    models[0] = models[0].remove_edge(0, 1, 0)
    batch = Population.of(models)
    rows = Rows(batch.inputs(X), Y, WEIGHT, loss)
    make = (lambda population, _: smoothness(population, smooth)) if smooth else None
    steps, promises = zip(
        *(proposal(rows, batch, make, monkeypatch, by_rows) for by_rows in (False, True)), strict=True
    )
    torch.testing.assert_close(steps[1], steps[0], rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(promises[1], promises[0])


def test_extending_a_grid_far_beyond_the_rows_never_hurts_new_rows():
    def law(x):
        return np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2)

    x, new = RNG.uniform(-1, 1, (200, 2)), RNG.uniform(-1, 1, (2000, 2))
    grids, errors = (3, 6, 12, 50, 200), {}

    def follow(event):
        errors[event.grid] = event.best

    settings = TrainSettings(
        restarts=4, survivors=((10, 1),), steps=25, grids=grids, smooth_share=0.1, seconds=60
    )
    fit_population(x, law(x), [2, 2, 1], settings, 0, follow)
    rmse = [
        np.sqrt(np.mean((errors[grid]().predict(new)[:, 0] - law(new)) ** 2))
        for grid in grids
        if grid in errors
    ]
    assert len(rmse) == len(grids)
    assert all(later <= 1.01 * earlier for earlier, later in itertools.pairwise(rmse)), rmse
