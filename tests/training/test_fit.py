"""Training from end to end: accuracy, determinism, sparsity, interruption."""

import dataclasses
import time

import numpy as np
import pytest
import torch

from kansci.errors import DataError, SettingsError
from kansci.models import KAN, importance
from kansci.training import (
    TrainSettings,
    fit_population,
    fit_sparse,
    prune_and_refit,
    sparsify_and_prune,
    train_population,
)
from kansci.training.grids import adapt, moved
from kansci.training.initialise import initial_population
from kansci.training.levenberg import LevenbergMarquardt, mean_loss
from kansci.training.normal_equations import Rows
from kansci.training.population import Population

RNG = np.random.default_rng(1)
X = RNG.uniform(-1, 1, (600, 2))
Y = np.exp(np.sin(np.pi * X[:, 0]) + X[:, 1] ** 2)
X_NEW = RNG.uniform(-1, 1, (600, 2))
Y_NEW = np.exp(np.sin(np.pi * X_NEW[:, 0]) + X_NEW[:, 1] ** 2)
QUICK = TrainSettings(restarts=3, steps=8)


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def weights(model: KAN) -> list[torch.Tensor]:
    return list(model.state_dict().values())


@pytest.mark.parametrize("seed", [0, 1])
def test_accuracy_of_a_known_function(seed):
    trained = fit_population(X, Y, [2, 5, 1], seed=seed, validation=(X_NEW, Y_NEW))
    assert trained.validation_rmse[0] < 3e-3
    assert trained.validation_rmse == sorted(trained.validation_rmse)
    error = np.sqrt(np.mean((trained.model.predict(X_NEW)[:, 0] - Y_NEW) ** 2))
    np.testing.assert_allclose(trained.validation_rmse[0], error, rtol=1e-9)


def test_grid_extension_goes_on_improving():
    coarse, fine = (
        fit_population(X, Y, [2, 1, 1], TrainSettings(grids=grids), 0, validation=(X_NEW, Y_NEW))
        for grids in [(5,), (5, 10, 20)]
    )
    assert fine.model.grid == 20
    assert fine.validation_rmse[0] < 3e-5 < 1e-2 * coarse.validation_rmse[0]
    losses = fine.history["train_loss"]
    assert losses[-1] < losses[0]


def test_a_product_is_found():
    trained = fit_population(X, X[:, 0] * X[:, 1], [2, 2, 1])
    assert trained.validation_rmse[0] < 1e-5


def test_same_seed_same_bits_and_the_global_generator_untouched():
    state = torch.get_rng_state()
    first, second = (fit_population(X, Y, [2, 3, 1], QUICK, seed=5) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(weights(first.model), weights(second.model), strict=True))
    assert first.history == second.history
    other = fit_population(X, Y, [2, 3, 1], QUICK, seed=6)
    assert other.validation_rmse != first.validation_rmse
    assert torch.equal(torch.get_rng_state(), state)


def test_a_member_trains_as_it_would_alone():
    models = [KAN([2, 3, 1], seed=seed) for seed in range(3)]
    settings = TrainSettings(steps=6, validation_fraction=0)
    together = train_population(models, X, Y, settings)
    alone = sorted(train_population([model], X, Y, settings).train_rmse[0] for model in models)
    np.testing.assert_allclose(together.train_rmse, alone, rtol=1e-6)


@pytest.mark.parametrize("seed", [0, 1])
def test_sparsity_finds_the_shape(seed):
    trained = fit_sparse(X, Y, [2, 5, 1], TrainSettings(grids=(5, 10)), seed, validation=(X_NEW, Y_NEW))
    assert trained.model.width == (2, 1, 1)
    assert len(trained.model.edges()) == 3
    assert trained.validation_rmse[0] < 1e-3


def test_irrelevant_inputs_are_pruned():
    rows = np.column_stack([X[:, 0], RNG.normal(size=600), X[:, 1], RNG.normal(size=600)])
    model = fit_sparse(rows, Y, [4, 3, 1], seed=0).model
    assert {i for level, i, _ in model.edges() if level == 0} == {0, 2}
    assert importance(model, rows).inputs.argsort().tolist()[2:] in ([2, 0], [0, 2])
    assert model.prune_input(x=rows).width[0] == 2


def test_a_trained_network_is_made_smaller():
    y = X[:, 0] ** 3
    trained = fit_population(X, y, [2, 3, 1], QUICK)
    smaller = sparsify_and_prune(trained.model, X, y)
    assert smaller.model.n_parameters < trained.model.n_parameters
    assert {i for level, i, _ in smaller.model.edges() if level == 0} == {0}
    assert smaller.train_rmse[0] < 1e-3
    assert prune_and_refit([smaller.model], X, y, TrainSettings()).model.width == smaller.model.width


def test_units_of_the_data_do_not_matter():
    scaled = X * [1e-11, 3e8] + [0, 1e9]
    here, there = (fit_population(x, y, [2, 2, 1], QUICK) for x, y in [(X, Y), (scaled, 1e20 * Y)])
    np.testing.assert_allclose(np.array(there.train_rmse) / 1e20, here.train_rmse, rtol=1e-3)


def test_several_outputs():
    targets = np.column_stack([X[:, 0] * X[:, 1], X[:, 0] + X[:, 1]])
    trained = fit_population(X, targets, [2, 3, 2], TrainSettings(steps=30))
    assert trained.model.predict(X).shape == (600, 2)
    assert trained.validation_rmse[0] < 1e-3


@pytest.mark.parametrize("n_rows", [1, 2, 8, 25])
@pytest.mark.filterwarnings("ignore::kansci.errors.ExtrapolationWarning")
def test_few_rows(n_rows):
    trained = fit_population(X[:n_rows], Y[:n_rows], [2, 1, 1], TrainSettings(steps=10, smooth=1e-6))
    assert np.isfinite(trained.model.predict(X)).all()


def test_constant_columns_and_targets():
    x = np.column_stack([X[:, 0], np.full(600, 7.0)])
    trained = fit_population(x, np.full(600, 3.0), [2, 1, 1], QUICK)
    np.testing.assert_allclose(trained.model.predict(x)[:, 0], 3.0, rtol=1e-9)


def test_moving_a_grid_keeps_a_function_it_can_hold():
    start = initial_population(torch.tensor(X), torch.tensor(Y)[:, None], [2, 3, 1], QUICK, torch.Generator())
    rows = Rows(start.inputs(torch.tensor(X)), torch.tensor(Y)[:, None])
    same = start.with_layer(1, moved(start.layers[1], start.layers[1].basis.domain))
    torch.testing.assert_close(same.forward(rows.inputs), start.forward(rows.inputs), rtol=0, atol=1e-6)
    loss = mean_loss(start, rows)
    adapted, changed = adapt(start, rows, loss)
    after = mean_loss(adapted, rows)
    assert bool((after <= 1.011 * loss).all())
    kept = [member for member in range(3) if member not in changed.tolist()]
    assert torch.equal(after[kept], loss[kept])


def test_time_and_the_caller_can_stop_it():
    start = time.monotonic()
    trained = fit_population(X, Y, [2, 5, 5, 1], TrainSettings(steps=10**6, tolerance=0, seconds=0.5))
    assert trained.stopped
    assert time.monotonic() - start < 60
    assert np.isfinite(trained.model.predict(X)).all()
    stopped = fit_population(X, Y, [2, 2, 1], dataclasses.replace(QUICK, should_stop=lambda: True))
    assert stopped.stopped
    assert stopped.history["train_loss"] == []


def test_interruption_leaves_the_best_so_far():
    best = []

    def interrupt(event):
        best.append(event.best)
        if event.step == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_population(X, Y, [2, 3, 1], QUICK, on_step=interrupt)
    assert len(best) == 4
    assert np.std(best[-1]().predict(X)[:, 0] - Y) < np.std(Y)


def test_fit_in_place_as_pykans_users_do():
    model = KAN(width=[2, 2, 1], grid=3)
    dataset = {"train_input": X * 3 + 5, "train_label": Y, "test_input": X_NEW * 3 + 5, "test_label": Y_NEW}
    history = model.fit(dataset, opt="LM", steps=15)
    assert len(history["train_loss"]) == len(history["test_loss"]) == 15
    error = np.sqrt(np.mean((model.predict(X_NEW * 3 + 5)[:, 0] - Y_NEW) ** 2))
    np.testing.assert_allclose(history["test_loss"][-1], error, rtol=1e-9)
    assert history["train_loss"][-1] < 0.2 * history["train_loss"][0]
    refined = model.refine(6)
    assert refined.fit((X * 3 + 5, Y), steps=10)["train_loss"][-1] < history["train_loss"][-1]
    with pytest.raises(SettingsError, match="RMSprop"):
        model.fit(dataset, opt="RMSprop")
    with pytest.raises(SettingsError, match="stepz"):
        model.fit(dataset, stepz=3)


def test_batched_networks_come_apart_again():
    models = [KAN([2, 3, 1], seed=seed, base_fun="tanh").refine(7) for seed in range(3)]
    batch = Population.of(models)
    x = torch.tensor(X)
    for member, model in enumerate(models):
        assert torch.equal(batch.model(member)(x), model(x))
        torch.testing.assert_close(batch.forward(batch.inputs(x))[member], model(x).detach())
    torch.testing.assert_close(
        batch.refine(14).forward(batch.refine(14).inputs(x)), batch.forward(batch.inputs(x))
    )


def test_members_retire():
    x, y = torch.tensor(X), torch.tensor(X[:, :1])
    start = initial_population(x, y, [2, 1], QUICK, torch.Generator())
    optimiser = LevenbergMarquardt(start, Rows(start.inputs(x), y))
    for _ in range(60):
        optimiser.step()
    assert not bool(optimiser.active.any())


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"restarts": 0}, "restarts"),
        ({"grids": (5, 3)}, "grids"),
        ({"lamb": -1.0}, "lamb"),
        ({"validation_fraction": 1.0}, "validation_fraction"),
        ({"base_fun": "sinh"}, "base_fun"),
    ],
)
def test_wrong_settings_are_refused(changes, word):
    with pytest.raises(SettingsError, match=word):
        TrainSettings(**changes)


def test_wrong_data_are_refused():
    with pytest.raises(DataError, match="not finite"):
        fit_population(np.where(X > 0.9, np.nan, X), Y, [2, 1, 1])
    with pytest.raises(DataError, match="N rows"):
        fit_population(X[:5], Y, [2, 1, 1])
    with pytest.raises(SettingsError, match="2 inputs"):
        fit_population(X, Y, [3, 1, 1])
