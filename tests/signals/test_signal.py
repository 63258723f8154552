"""Signals from arrays: places, scales, names, what is refused."""

import json

import numpy as np
import pytest

from kansci.errors import DataError
from kansci.signals import (
    Signal,
    audio_signal,
    field_signal,
    image_signal,
    resized,
    video_signal,
    volume_signal,
)

RANDOM = np.random.default_rng(0)


def test_samples_of_an_image_stand_in_the_middle_of_their_pixels():
    image = image_signal(RANDOM.integers(0, 256, (5, 8, 3), dtype=np.uint8))
    for axis, n in zip(image.unit_axes(), (5, 8), strict=True):
        np.testing.assert_allclose(axis, (2 * np.arange(n) + 1) / n - 1, atol=1e-15)
    assert image.unit_points().shape == (40, 2)
    np.testing.assert_array_equal(image.unit_points()[9], [image.unit_axes()[0][1], image.unit_axes()[1][1]])
    np.testing.assert_array_equal(image.flat_values()[9], image.values[1, 1])
    assert image.channels == ("red", "green", "blue")
    assert image.peak == 1.0


def test_twice_the_resolution_covers_the_same_box():
    image = image_signal(RANDOM.random((4, 6)))
    axes = image.axes_at((8, 12))
    np.testing.assert_allclose(axes[0].reshape(4, 2).mean(axis=1), image.axes[0])
    larger = image.with_values(np.zeros((8, 12, 1)), axes)
    np.testing.assert_array_equal(larger.box, image.box)
    assert larger.unit_axes()[1][0] == pytest.approx(1 / 12 - 1)
    sound = audio_signal(RANDOM.normal(size=9), 4.0)
    np.testing.assert_allclose(sound.axes[0], np.arange(9) / 4)
    np.testing.assert_allclose(sound.axes_at((17,))[0], np.arange(17) / 8)
    np.testing.assert_allclose(sound.unit_axes()[0], np.linspace(-1, 1, 9))


@pytest.mark.parametrize(
    ("stored", "value"),
    [(np.uint8(255), 1.0), (np.uint8(51), 0.2), (np.uint16(65535), 1.0), (np.bool_(True), 1.0), (0.25, 0.25)],
)
def test_integers_are_scaled_by_their_type_and_floats_are_kept(stored, value):
    array = np.zeros((3, 3), dtype=np.asarray(stored).dtype)
    array[1, 1] = stored
    assert image_signal(array).values.max() == pytest.approx(value)


def test_numbers_beyond_the_unit_interval_keep_their_units_and_range():
    volume = volume_signal(np.linspace(-1000, 3000, 64).reshape(4, 4, 4).astype(np.int16))
    assert (volume.values.min(), volume.values.max(), volume.peak) == (-1000, 3000, 4000)
    assert audio_signal(np.array([-(2**15), 2**14], np.int16), 8000).values[:, 0].tolist() == [-1.0, 0.5]
    assert audio_signal(np.array([0, 192], np.uint8), 8000).values[:, 0].tolist() == [-1.0, 0.5]


def test_points_that_fill_a_grid_become_one_in_any_order():
    x, y = np.array([0.0, 0.1, 0.5]), np.array([2.0, 3.0])
    points = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    order = RANDOM.permutation(6)
    field = field_signal(points[order], (10 * points[:, 0] + points[:, 1])[order], ("x", "y"))
    np.testing.assert_array_equal(field.axes[0], x)
    np.testing.assert_allclose(field.values[..., 0], 10 * x[:, None] + y)
    scattered = field_signal(points[:5], points[:5, 0])
    assert scattered.axes is None
    assert scattered.coordinates == ("x1", "x2")
    assert field_signal(np.vstack([points[:5], points[:1]]), np.arange(6.0)).axes is None  # one place twice


def test_a_signal_is_described_by_json_and_rebuilt():
    video = video_signal(RANDOM.integers(0, 256, (3, 4, 5, 3), dtype=np.uint8), 12.5)
    header = json.loads(json.dumps(video.header()))
    again = Signal.from_header(header, video.values, video.axes)
    assert again.header() == video.header()
    assert header["meta"]["frame_rate"] == 12.5


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: image_signal(np.array([[0.0, np.nan], [1, 2]])), "1 of 4 numbers are missing"),
        (lambda: image_signal(np.zeros((1, 1))), "at least 2"),
        (lambda: image_signal(np.zeros((4, 4, 7))), "is no image"),
        (lambda: image_signal(np.zeros((0, 4))), "empty"),
        (lambda: image_signal(np.array([["a", "b"]])), "real numbers"),
        (lambda: audio_signal(np.zeros(0), 8000), "no sound"),
        (lambda: audio_signal(np.zeros(1), 8000), "one sample"),
        (lambda: audio_signal(np.zeros(5), 0), "positive"),
        (lambda: field_signal(np.zeros((4, 2)), np.zeros(3)), r"\(N, d\) and \(N, C\)"),
        (lambda: field_signal(np.ones((4, 1)), np.arange(4)), "the same everywhere"),
        (lambda: volume_signal(np.zeros((3, 3))), "no volume"),
        (lambda: image_signal(np.full((4, 4), 0.5)).require_variation("a.png"), "a.png: constant"),
        (lambda: audio_signal(np.zeros(10), 8000).require_variation("a.wav"), "a.wav: silent"),
        (lambda: image_signal(RANDOM.random((4, 4))).axes_at((4,)), "2 numbers"),
    ],
)
def test_what_is_no_signal_is_refused_in_one_line(make, text):
    with pytest.raises(DataError, match=text) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_a_smaller_image_is_smoothed_before_and_keeps_its_proportions():
    wave = 0.5 + 0.5 * np.sin(2 * np.pi * np.arange(64) * 0.45)  # above the new limit of Nyquist
    image = image_signal(np.tile(wave, (32, 1)))
    small = resized(image, 16)
    assert small.shape == (8, 16)
    assert np.ptp(small.values) < 0.2
    np.testing.assert_allclose(small.unit_axes()[1], (2 * np.arange(16) + 1) / 16 - 1)
    assert resized(small, 100) is small
    assert resized(image, (5, 7)).shape == (5, 7)
