"""Variance-informed initialisation against closed forms, sampling, and networks that are really drawn."""

import math

import numpy as np
import pytest
import torch

from kansci.basis.activations import ACTIVATIONS, gaussian
from kansci.inr.networks import make_network
from kansci.inr.networks.variance import DRIFT, backward_factor, second_moments, stationary, variances


@pytest.mark.parametrize("s", [0.1, 0.7, 2.0])
def test_moments_against_closed_forms(s):
    a = (3 * s) ** 2
    assert second_moments(lambda z: torch.sin(3 * z), s) == pytest.approx(
        (0.5 * (1 - math.exp(-2 * a)), 4.5 * (1 + math.exp(-2 * a))), rel=1e-12
    )
    assert backward_factor(lambda z: torch.sin(3 * z), s) == pytest.approx(a / math.tanh(a), rel=1e-12)
    r = (s / 0.8) ** 2
    assert second_moments(lambda z: gaussian(z / 0.8), s)[0] == pytest.approx((1 + 2 * r) ** -0.5, rel=1e-12)
    assert backward_factor(lambda z: gaussian(z / 0.8), s) == pytest.approx(r**2 / (1 + 2 * r), rel=1e-12)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_moments_against_sampling(name):
    f = ACTIVATIONS[name]
    z = 0.9 * torch.randn(1_000_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    value, slope = torch.func.jvp(f, (z,), (torch.ones_like(z),))
    for moment, samples in zip(second_moments(f, 0.9), (value**2, slope**2), strict=True):
        error = float(samples.std()) / math.sqrt(len(z))
        assert moment == pytest.approx(float(samples.mean()), abs=4 * error + 1e-12)


def test_the_gaussian_has_one_stationary_deviation():
    found = stationary(lambda z: gaussian(z / 0.3), 0.3)
    s = 0.3 * math.sqrt(1 + math.sqrt(2))
    assert found.deviation == pytest.approx(s, rel=1e-10)
    assert found.gain == pytest.approx(s * (3 + 2 * math.sqrt(2)) ** 0.25, rel=1e-10)
    assert found.factor == pytest.approx(1, rel=1e-10)


def test_where_no_deviation_is_stationary_the_drift_is_bounded():
    sine = stationary(lambda z: torch.sin(30 * z), 1 / 30)
    a = (30 * sine.deviation) ** 2
    assert a / math.tanh(a) == pytest.approx(1 + DRIFT, rel=1e-9)
    assert sine.gain == pytest.approx(sine.deviation * math.sqrt(2 / (1 - math.exp(-2 * a))), rel=1e-10)
    assert (1 + DRIFT) ** 6 < 1.05


@pytest.mark.parametrize("name", ["relu", "identity"])
def test_where_every_deviation_is_stationary_it_is_the_scale(name):
    found = stationary(ACTIVATIONS[name])
    assert found.deviation == 1
    assert found.gain == pytest.approx(math.sqrt(2) if name == "relu" else 1, rel=1e-12)


@pytest.mark.parametrize("kind", ["siren", "fkan"])
def test_values_and_gradients_keep_their_variance_over_six_layers(kind):
    drawn = []
    for seed in range(8):
        depth, options = (8, {"frequency": 8}) if kind == "fkan" else (7, {})
        options |= {"width": [256] * depth, "initialisation": "vi3nr"}
        network = make_network(kind, 2, 1, seed=seed, **options)
        points = 2 * torch.rand((24, 2), generator=torch.Generator().manual_seed(seed)) - 1
        drawn.append([v[-6:] for v in variances(network, points)])
    for over_layers in np.mean(drawn, axis=0):
        assert np.abs(over_layers / over_layers.mean() - 1).max() < 0.05
