"""Grids that follow samples, against numpy's quantiles and scipy's splines; what they gain in training."""

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline as ScipySpline

from kansci import KAN
from kansci.basis import BSpline
from kansci.errors import SettingsError
from kansci.training import TrainSettings, fit_population, grids
from kansci.training.checkpoint import Snapshot
from kansci.training.population import Population


def uneven_rows(n: int = 600, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    x = np.column_stack([generator.lognormal(0, 1.5, n), generator.uniform(-1, 1, n)])
    return x, np.log(x[:, 0]) + np.sin(2 * x[:, 1])


@pytest.mark.parametrize("grid_eps", [0.0, 0.3, 1.0])
def test_knots_are_quantiles_mixed_with_equal_steps(grid_eps):
    x = uneven_rows()[0]
    ends = torch.tensor(np.column_stack([x.min(axis=0), x.max(axis=0)]))
    basis = BSpline(7, 3, ends).following(torch.tensor(x), ends, grid_eps)
    share = np.linspace(0, 1, 8)
    even = ends[:, :1].numpy() + (ends[:, 1:] - ends[:, :1]).numpy() * share
    expected = grid_eps * even + (1 - grid_eps) * np.quantile(x, share, axis=0).T
    np.testing.assert_allclose(basis.grid, expected, rtol=1e-12, atol=1e-12)
    assert basis.uniform == (grid_eps == 1)
    many = torch.tensor(x).expand(4, -1, 2)
    several = BSpline(7, 3, ends.expand(4, 2, 2)).following(many, ends.expand(4, 2, 2), grid_eps)
    assert torch.equal(several.knots[2], basis.knots)


def test_equal_samples_leave_no_knots_together():
    x = torch.tensor([[0.0, 5.0]] * 90 + [[1.0, 5.0]] * 9 + [[2.0, 6.0]], dtype=torch.float64)
    ends = torch.stack([x.amin(0), x.amax(0)], dim=-1)
    for grid_eps in (0.0, 0.02):
        knots = BSpline(6, 3, ends).following(x, ends, grid_eps).knots
        assert bool((knots.diff(dim=-1) > 0).all())


def test_update_grid_from_samples_keeps_the_function_and_leaves_the_network():
    rows, _ = uneven_rows()
    x = torch.tensor(rows[rows[:, 0] < 5])
    model = KAN([2, 3, 1], grid=6, grid_range=(-1.0, 5.0), seed=1).remove_edge(0, 1, 2)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    # Splines on other knots hold the same function only up to the new intervals' size.
    errors = []
    with torch.no_grad():
        for fine in (model, model.refine(48)):
            miss = fine.update_grid_from_samples(x)(x) - model(x)
            errors.append(float(miss.std() / model(x).std()))
    assert errors[0] < 0.2
    assert errors[1] < 1e-3
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_updated_edges_are_scipys_splines_on_the_samples_range():
    x = torch.tensor(uneven_rows()[0])
    updated = KAN([2, 3, 1], base_fun="zero", seed=1).update_grid_from_samples(x, 0.1)
    again = KAN.from_config(updated.to_config(), updated.state_dict())
    for level, values in enumerate(updated.activations(x)[:-1]):
        layer = updated.layers[level]
        ends = torch.stack([values.amin(0), values.amax(0)], dim=-1)
        torch.testing.assert_close(layer.basis.domain, ends)
        points = torch.lerp(ends[0, 0], ends[0, 1], torch.linspace(0, 1, 50, dtype=torch.float64))
        spline = ScipySpline(layer.basis.knots[0].numpy(), layer.coef[0, 0].detach().numpy(), 3)
        np.testing.assert_allclose(updated.edge(level, 0, 0, points), spline(points), rtol=0, atol=1e-10)
        torch.testing.assert_close(again.edge(level, 0, 0, points), updated.edge(level, 0, 0, points))


def test_a_formula_and_the_function_below_it_stay():
    x = torch.linspace(-1, 1, 50, dtype=torch.float64).unsqueeze(-1)
    model = KAN([1, 1], grid=20)
    fixed = model.fix_symbolic(0, 0, 0, "sin", fit_params_bool=False)
    updated = fixed.update_grid_from_samples(x)
    assert torch.equal(updated(x), fixed(x))
    torch.testing.assert_close(updated.unfix_symbolic(0, 0, 0)(x), model(x), rtol=0, atol=1e-3)


@pytest.mark.parametrize(("x", "grid_eps", "message"), [
    (torch.zeros(5, 2), 1.5, "grid_eps=1.5"),
    (torch.zeros(5, 3), 0.5, "rows of 2 inputs"),
    (torch.zeros(0, 2), 0.5, "rows of 2 inputs"),
    (torch.full((5, 2), torch.nan), 0.5, "NaN"),
])  # fmt: skip
def test_impossible_samples_are_refused(x, grid_eps, message):
    with pytest.raises(SettingsError, match=message):
        KAN([2, 1]).update_grid_from_samples(x, grid_eps)
    with pytest.raises(SettingsError, match="grid_eps"):
        TrainSettings(grid_eps=-0.1)


def test_families_without_knots_move_to_the_samples():
    x = torch.tensor(uneven_rows()[0])
    updated = KAN([2, 2, 1], basis="chebyshev").update_grid_from_samples(x)
    torch.testing.assert_close(
        updated.layers[0].basis.domain, torch.stack([x.amin(0), x.amax(0)], dim=-1)
    )  # fmt: skip


def errors_of(rows, test, **options):
    trained = fit_population(*rows, [2, 2, 1], TrainSettings(restarts=3, grids=(5, 10), **options))
    miss = trained.model.predict(test[0])[:, 0] - test[1]
    return trained, float(np.sqrt(np.mean(miss**2)))


def test_quantiles_help_where_rows_are_uneven():
    rows = uneven_rows(1000, seed=10)
    far = rows[0][:, 0].max()
    x, y = uneven_rows(1000, seed=11)
    test = x[x[:, 0] < far], y[x[:, 0] < far]
    even, without = errors_of(rows, test)
    spread, with_quantiles = errors_of(rows, test, grid_eps=0.02)
    assert not spread.model.layers[0].basis.uniform
    assert spread.validation_rmse[0] < 0.5 * even.validation_rmse[0]
    assert with_quantiles < 0.5 * without
    assert spread.history["test_loss"][-1] == spread.validation_rmse[0]


def test_even_rows_train_as_without():
    x = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    rows = x, np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2)
    plain, quantiles = (errors_of(rows, rows, grid_eps=eps, steps=10)[0] for eps in (1.0, 0.0))
    assert plain.model.layers[0].basis.uniform
    assert plain.history == quantiles.history


def test_a_trial_that_does_not_help_is_not_taken(monkeypatch):
    rows = uneven_rows(200)
    keep, _ = errors_of(rows, rows, steps=10)
    at_quantiles = grids.at_quantiles

    def useless(population, x, grid_eps):
        moved = at_quantiles(population, x, grid_eps)
        return moved.with_weights([torch.zeros_like(layer.weight) for layer in moved.layers])

    monkeypatch.setattr(grids, "at_quantiles", useless)
    tried, _ = errors_of(rows, rows, steps=10, grid_eps=0.02)
    assert tried.history == keep.history


def test_a_resumed_run_ends_with_the_same_bits():
    rows = uneven_rows(200)
    points: list[Snapshot] = []

    def go(**more):
        settings = TrainSettings(restarts=2, steps=10, grids=(3, 6), grid_eps=0.02)
        return fit_population(*rows, [2, 2, 1], settings, **more)

    whole = go(on_checkpoint=lambda point: points.append(point.snapshot()))
    on_quantiles = [
        point for point in points if not Population.of(point.part("best").models()).layers[0].basis.uniform
    ]
    assert on_quantiles
    for point in (points[0], on_quantiles[0]):
        resumed = go(resume=point)
        assert resumed.history == whole.history
        for name, tensor in whole.model.state_dict().items():
            assert torch.equal(tensor, resumed.model.state_dict()[name])
