"""Training of coordinate networks: what it reaches, and that it goes on with the same bits."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy import sparse

from kansci.errors import DataError, RunError, SettingsError
from kansci.inr.measurements import Measurements
from kansci.inr.model import cell_centres
from kansci.inr.networks import make_network
from kansci.inr.training import TrainSettings, train
from kansci.inr.training.rates import LEARNING_RATES, learning_rate
from kansci.inr.training.surroundings import Surroundings
from kansci.inr.training.weights import Weights
from kansci.signals.shapes import analytic_shape


def signal(x, y):
    return 0.5 + 0.2 * np.sin(3 * x) * np.cos(5 * y) + 0.2 * np.cos(4 * x + 2 * y)


AXES = (cell_centres(24), cell_centres(20))
GRID = np.meshgrid(*AXES, indexing="ij")
POINTS = np.stack(GRID, axis=-1).reshape(-1, 2)
VALUES = signal(*GRID).reshape(-1, 1)
SETTINGS = TrainSettings(steps=400, batch=128, learning_rate=5e-3)


def small(seed=0, frequency=5.0):
    return make_network("siren", 2, 1, width=24, depth=2, frequency=frequency, seed=seed)


def at(network, points):
    with torch.no_grad():
        return network(torch.tensor(points, dtype=torch.float32)).numpy()


def weights(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def test_a_band_limited_signal_is_fitted_on_the_grid_and_between():
    network = small()
    result = train(network, Measurements(VALUES, AXES), SETTINGS)
    error = at(network, POINTS) - VALUES
    assert result.loss == pytest.approx(np.mean(error**2), rel=1e-3)
    assert result.psnr == pytest.approx(-10 * np.log10(np.mean(error**2)), abs=0.01)
    assert result.psnr > 43
    between = np.random.default_rng(0).uniform(-0.95, 0.95, (500, 2))
    assert np.sqrt(np.mean((at(network, between)[:, 0] - signal(*between.T)) ** 2)) < 0.02


def test_a_function_is_found_from_its_gradient_up_to_a_constant():
    x, y = GRID
    slopes = [
        0.6 * np.cos(3 * x) * np.cos(5 * y) - 0.8 * np.sin(4 * x + 2 * y),
        -np.sin(3 * x) * np.sin(5 * y) - 0.4 * np.sin(4 * x + 2 * y),
    ]
    data = Measurements(np.stack(slopes, axis=-1).reshape(-1, 1, 2), AXES, derivative="gradient")
    network = small()
    train(network, data, SETTINGS)
    error = at(network, POINTS) - VALUES
    assert np.std(error) < 0.01
    assert np.std(VALUES) > 0.15


def test_a_function_is_found_from_its_laplacian_up_to_a_harmonic_one():
    x, y = GRID
    laplacian = -0.2 * 34 * np.sin(3 * x) * np.cos(5 * y) - 0.2 * 20 * np.cos(4 * x + 2 * y)
    network = small()
    train(network, Measurements(laplacian.reshape(-1, 1), AXES, derivative="laplacian"), SETTINGS)
    network, h = network.double(), 1e-3
    moves = torch.tensor([[h, 0], [-h, 0], [0, h], [0, -h], [0, 0]], dtype=torch.float64)
    with torch.no_grad():
        *around, middle = (network(torch.tensor(POINTS) + move)[:, 0] for move in moves)
    error = ((sum(around) - 4 * middle) / h**2).numpy() - laplacian.ravel()
    assert np.sqrt(np.mean(error**2)) < 0.05 * np.std(laplacian)


def test_sums_of_values_are_enough():
    """Means of 2 x 2 cells, of a signal that is smooth on that scale."""
    rows = (np.add.outer(np.arange(24) // 2 * 10, np.arange(20) // 2)).ravel()
    operator = sparse.csr_array((np.full(480, 0.25), (rows, np.arange(480))), shape=(120, 480))
    network = small(frequency=3.0)
    train(network, Measurements(operator @ VALUES, AXES, operator=operator), SETTINGS)
    assert np.sqrt(np.mean((at(network, POINTS) - VALUES) ** 2)) < 0.02


@pytest.mark.parametrize("name", ["torus", "box"])
def test_the_distance_of_a_solid_is_found_from_points_and_normals(name):
    solid = analytic_shape(name)
    points, normals = solid.oriented_points(5000, 0)
    network = make_network("siren", 3, 1, width=32, depth=3, frequency=5.0)
    settings = TrainSettings(steps=300, batch=256, learning_rate=2e-3, loss="sdf")
    result = train(network, Measurements(normals, points=points), settings)
    places = np.random.default_rng(1).uniform(-1, 1, (10_000, 3))
    exact, found = solid.signed_distance(places), at(network, places)[:, 0]
    error = np.abs(found - exact)
    assert np.isnan(result.psnr)
    assert error[np.abs(exact) < 0.2].mean() < 0.01  # half a percent of the box
    assert error.mean() < 0.02  # kinks inside count
    assert np.sum((found < 0) & (exact < 0)) / np.sum((found < 0) | (exact < 0)) > 0.95


def test_points_with_normals_tell_the_distance_of_any_place():
    """A wedge of 30 degrees: beyond its edge the nearest point may be on a face that one is behind."""
    half, along = np.radians(15), np.random.default_rng(0).uniform(0, 1, (4000, 1))
    faces = [np.array([-np.cos(half), s * np.sin(half)]) for s in (1, -1)]
    outward = [np.array([np.sin(half), s * np.cos(half)]) for s in (1, -1)]
    points = np.concatenate([along[i::2] * face for i, face in enumerate(faces)])
    normals = np.repeat(outward, 2000, axis=0)
    places = np.random.default_rng(1).uniform(-0.4, 0.4, (4000, 2))
    x, y = places[:, 0], np.abs(places[:, 1])
    t = np.maximum(-np.cos(half) * x + np.sin(half) * y, 0)  # how far along the nearer face
    exact = np.hypot(x + t * np.cos(half), y - t * np.sin(half))
    exact *= np.where(np.sin(half) * x + np.cos(half) * y > 0, 1, -1)
    found = Surroundings(points, normals, 0).distances(places)
    assert np.abs(found - exact)[np.abs(exact) > 0.01].max() < 0.002


def test_an_occupancy_is_found():
    disc = (np.hypot(*GRID) < 0.6).astype(float).reshape(-1, 1)
    network = small()
    train(network, Measurements(disc, AXES), dataclasses.replace(SETTINGS, loss="bce"))
    inside = at(network, POINTS) > 0
    assert np.sum(inside & (disc > 0)) / np.sum(inside | (disc > 0)) > 0.98


@pytest.mark.parametrize("sampling", ["uniform", "int", "recent"])
def test_it_goes_on_with_the_same_bits(sampling):
    data = Measurements(VALUES, AXES)
    settings = TrainSettings(steps=40, batch=100, sampling=sampling, checkpoint_every=17)
    whole, part, states = small(), small(), []
    result = train(whole, data, settings, on_state=states.append)
    seen = iter(range(1000))
    stopped = train(part, data, settings, cancelled=lambda: next(seen) >= 17)
    assert (stopped.reason, stopped.steps) == ("cancelled", 17)
    for state in (stopped.state, states[0]):
        resumed = small(seed=5)
        again = train(resumed, data, settings, resume=state)
        assert torch.equal(weights(resumed), weights(whole))
        assert (again.psnr, len(again.history)) == (result.psnr, len(result.history))
    with pytest.raises(RunError, match="begin anew"):
        train(make_network("siren", 2, 1, width=8), data, settings, resume=states[0])


def test_wide_networks_of_waves_learn_at_lower_rates():
    def rate(kind, width):
        return learning_rate(make_network(kind, 2, 1, width=width, frequency=8))

    assert rate("siren", 200) == pytest.approx(rate("siren", 100) / 2)
    assert rate("siren", 10) == LEARNING_RATES["siren"]
    assert rate("relu", 200) == rate("relu", 10) == LEARNING_RATES["relu"]


def test_training_that_is_lost_ends_with_the_best_weights():
    network = small()
    start = weights(network)
    settings = dataclasses.replace(SETTINGS, learning_rate=1e30)
    result = train(network, Measurements(VALUES, AXES), settings)
    assert (result.reason, result.rollbacks) == ("diverged", 21)
    assert torch.equal(weights(network), start)


def test_a_loss_that_leaps_leads_back_to_the_best_weights():
    network = small()
    kept = Weights(network, 1e-3)
    kept.judge(1.0)
    best = weights(network)
    for parameter in network.parameters():
        parameter.data.add_(1.0)
    kept.judge(3.9)
    assert kept.rollbacks == 0
    kept.judge(4.1)
    assert (kept.rollbacks, kept.scale) == (1, 0.5)
    assert torch.equal(weights(network), best)


def test_the_clock_ends_it_and_the_progress_is_told():
    told = []
    result = train(small(), Measurements(VALUES, AXES), TrainSettings(seconds=0.3), on_progress=told.append)
    assert result.reason == "seconds"
    assert [progress.step for progress in told] == list(range(1, result.steps + 1))
    assert told[-1].psnr > told[0].psnr
    assert told[-1].learning_rate < told[len(told) // 2].learning_rate


@pytest.mark.parametrize("option", [{"precision": "bfloat16"}, {"sampling": "nint"}])
def test_other_ways_to_compute_reach_it_too(option):
    result = train(small(), Measurements(VALUES, AXES), dataclasses.replace(SETTINGS, **option))
    assert result.psnr > 35


@pytest.mark.parametrize(
    ("values", "settings", "message"),
    [
        (np.full((480, 1), np.nan), {}, "finite"),
        (VALUES - 9, {"loss": "bce"}, "between 0 and 1"),
        (np.zeros((480, 3)), {}, "the network gives 1"),
        (np.zeros((480, 3)), {"loss": "sdf"}, "2 components of a normal"),
    ],
)
def test_data_that_do_not_suit_are_refused(values, settings, message):
    with pytest.raises((DataError, SettingsError), match=message):
        train(small(), Measurements(values, AXES), TrainSettings(steps=1, **settings))


@pytest.mark.parametrize("option", [{"steps": 0}, {"loss": "mae"}, {"sampling": "best"}, {"seconds": np.inf}])
def test_settings_are_checked(option):
    with pytest.raises(SettingsError, match=next(iter(option))):
        TrainSettings(**option)
