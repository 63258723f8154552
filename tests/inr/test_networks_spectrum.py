"""The band of a signal, on signals whose band is known, and the frequencies that follow from it."""

import math

import numpy as np
import pytest

from kansci.errors import DataError, SettingsError
from kansci.inr.networks import KINDS, band, make_network, suggested_frequency


def centres(count):
    return (2 * np.arange(count) + 1) / count - 1


def waves(frequencies, points):
    """A sum of waves exp(i k x) of equal energy, with a mean that must not count."""
    phases = points @ np.asarray(frequencies, dtype=float).T + np.arange(len(frequencies))
    return 7 + np.cos(phases).sum(-1, keepdims=True)


@pytest.mark.parametrize("count", [200, 201, 1000])
@pytest.mark.parametrize("frequency", [20.0, 60.0, 250.0])
def test_the_band_of_a_wave_is_its_frequency(count, frequency):
    x = centres(count)
    found = band(waves([[frequency]], x[:, None]), [x])
    assert found == pytest.approx(frequency, abs=2.1 * math.pi)


def test_the_band_of_an_image_counts_the_faster_axis():
    axes = [centres(96), centres(64)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    assert band(waves([[10, 70], [40, 5]], points), axes) == pytest.approx(70, abs=2.1 * math.pi)
    assert band(waves([[10, 70], [40, 5]], points), axes, share=0.4) == pytest.approx(40, abs=2.1 * math.pi)


def test_scattered_points_and_uneven_axes_have_the_same_band():
    points = np.random.default_rng(0).uniform(-1, 1, (4000, 2))
    found = band(waves([[12, 25]], points), points=points, share=0.8)
    assert found == pytest.approx(25, abs=2.1 * math.pi)
    x = np.sinh(centres(800)) / math.sinh(1)
    assert band(waves([[50]], x[:, None]), [x]) == pytest.approx(50, abs=2.1 * math.pi)


def test_the_band_is_between_the_longest_wave_and_the_nyquist_frequency():
    x = centres(64)
    noise = np.random.default_rng(0).normal(size=(64, 1))
    assert 0.8 * math.pi * 32 < band(noise, [x]) <= math.pi * 32 * (1 + 1e-12)
    assert band(np.ones((64, 1)), [x]) == pytest.approx(math.pi)


@pytest.mark.parametrize("kind", KINDS)
def test_every_family_takes_what_is_suggested(kind):
    x = centres(400)
    slow, fast = (suggested_frequency(kind, waves([[f]], x[:, None]), [x]) for f in (30, 600))
    assert fast > 2 * slow or fast == slow == KINDS[kind].frequency
    assert make_network(kind, 1, 1, frequency=fast, width=8).config["frequency"] == fast


def test_bad_signals_are_refused():
    x = centres(8)
    with pytest.raises(DataError, match="not finite"):
        band(np.full((8, 1), np.nan), [x])
    with pytest.raises(DataError, match="do not fit"):
        band(np.ones((9, 1)), [x])
    with pytest.raises(DataError, match="do not fit"):
        band(np.ones((9, 1)), points=np.ones((8, 2)))
    with pytest.raises(SettingsError, match="model='sirne'"):
        suggested_frequency("sirne", np.ones((8, 1)), [x])
