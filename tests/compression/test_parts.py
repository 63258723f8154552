"""The wavelets, the coder and the contexts under the compressed files."""

import numpy as np
import pytest
import pywt

from kansci.basis.wavelet import bands, forward, inverse
from kansci.compression.bit_coder import ONE, Decoder, Encoder
from kansci.compression.contexts import Predictor, features, from_other, phases
from kansci.compression.magnitudes import Distributions
from kansci.errors import DataError


@pytest.mark.parametrize("shape", [(1,), (4,), (17,), (1000,), (5, 6), (33, 64), (7, 3, 20), (2, 9, 5, 6)])
def test_the_transform_is_inverted_and_its_bands_fill_the_array(shape):
    values = np.random.default_rng(0).standard_normal(shape)
    np.testing.assert_allclose(inverse(forward(values)), values, atol=1e-12)
    count = np.zeros(shape, dtype=int)
    for band in bands(shape):
        count[band.where] += 1
    assert np.all(count == 1)


def test_the_wavelets_are_those_of_pywavelets_away_from_the_ends():
    values = np.random.default_rng(1).standard_normal(256)
    low, high = pywt.dwt(values, pywt.Wavelet("bior4.4"), "symmetric")
    finest = forward(values)[128:]
    np.testing.assert_allclose(finest[20:100], -high[22:102], atol=1e-8)
    assert len(low) > 128  # not critically sampled: the reason for an own transform


def test_gains_are_the_norms_of_the_basis_functions():
    random, shape = np.random.default_rng(2), (256, 256)
    for band in bands(shape)[-6:]:
        coefficients = np.zeros(shape)
        coefficients[band.where] = random.standard_normal(coefficients[band.where].shape)
        energy = np.sum(inverse(coefficients) ** 2) / np.sum(coefficients**2)
        assert energy == pytest.approx(band.gain**2, rel=0.03)


def test_flags_cost_their_information_and_numbers_of_any_width_come_back():
    random = np.random.default_rng(3)
    chances = random.integers(100, ONE - 100, 20_000)
    flags = (random.random(20_000) * ONE < chances).astype(np.int64)
    widths = random.integers(0, 32, 5_000)
    numbers = random.integers(0, 1 << 31, 5_000) % (1 << widths)
    encoder = Encoder()
    encoder.flags(flags, chances)
    encoder.numbers(numbers, widths)
    information = -np.log2(np.where(flags, chances, ONE - chances) / ONE).sum() + widths.sum()
    assert information <= 8 * len(encoder.content()) < information * 1.002 + 64
    decoder = Decoder(encoder.content())
    assert np.array_equal(decoder.flags(flags, chances), flags)
    assert np.array_equal(decoder.numbers(numbers, widths), numbers)


def test_magnitudes_of_any_size_come_back_and_cost_their_entropy():
    random = np.random.default_rng(4)
    expected = random.integers(0, 1 << 16, 30_000)
    magnitudes = np.floor(random.exponential(expected / 16)).astype(np.int64)
    magnitudes[:3] = (1 << 30, 12345678, 0)
    classes, encoder = Distributions.classes(expected), Encoder()
    writer, reader = Distributions(), Distributions()
    for part in np.split(np.arange(30_000), 10):
        writer.code(encoder, magnitudes[part], classes[part])
        writer.learn(classes[part], magnitudes[part])
    decoder = Decoder(encoder.content())
    for part in np.split(np.arange(30_000), 10):
        found = reader.code(decoder, np.zeros_like(part), classes[part])
        assert np.array_equal(found, magnitudes[part])
        reader.learn(classes[part], found)
    mean = np.maximum(expected / 16, 0.1)  # of an exponential distribution, rounded down
    entropy = np.log2(np.e * mean).sum()
    assert 8 * len(encoder.content()) < entropy * 1.05


def test_the_predictor_is_the_least_squares_fit():
    random = np.random.default_rng(5)
    rows = random.integers(1, 500, (20_000, 3)).astype(np.float64)
    magnitudes = np.round(rows @ [0.5, 0.25, 0.125] / 16).astype(np.int64)
    predictor = Predictor(3)
    predictor.learn(rows, magnitudes)
    np.testing.assert_allclose(predictor.expect(rows) / 16, magnitudes, atol=1.5)
    other = Predictor(3)  # its sums are exact: the same to the last bit in any order, on any machine
    other.learn(rows[::-1], magnitudes[::-1])
    assert np.array_equal(other._matrix, predictor._matrix)
    assert np.array_equal(other._right, predictor._right)


def test_features_are_the_mean_magnitudes_of_the_neighbours_already_coded():
    random = np.random.default_rng(6)
    order = phases(2)
    band, parent = random.integers(0, 9, (8, 10)), random.integers(0, 9, (4, 5))
    fixed = from_other(parent, band.shape)
    rows = features(band, order[:3], order[3], fixed).reshape(4, 5, -1)
    (row, column), place = order[3], (1, 2)
    i, j = 2 * place[0] + row, 2 * place[1] + column
    near = [
        np.mean([band[i + di, j + dj] for di in {-a, a} for dj in {-b, b}])
        for a, b in [(row ^ other[0], column ^ other[1]) for other in order[:3]]
    ]
    np.testing.assert_array_equal(rows[place][:3], np.floor(16 * np.array(near)))
    assert rows[place][3] == 16 * parent[place]


def test_data_that_no_coder_wrote_are_refused():
    with pytest.raises(DataError, match="damaged"):
        Decoder(b"123")
    decoder = Decoder(b"\xff" * 12)
    with pytest.raises(DataError, match="damaged"):
        decoder.flags(np.zeros(500), np.full(500, ONE // 3))
