"""Samples on grids of one to three dimensions as bytes and back."""

import base64

import numpy as np
import pytest
from skimage import data

from kansci.compression.samples import compress, decompress
from kansci.errors import DataError, SettingsError

FIRST_VERSION = (
    "0s`v)ct3`Ke;5D&01^NI00|8rK`((HL8e-!rvLx{|4Z*h_<w`b_|J1c`VJX<`R-uH`gu7?_(H>RUmH}izqp|?w;jR4"
    "#s4VPd$6VgNuw`%D+-STsy_)r1dL!PWHG(ZZyu$RZf<186YPrOrF3b!bdfaR6%Gqhfv4s6UM0yrtbjQoP8e4HyMtUr"
    "8WN4Qzoyuu3Aex0vis#WhYe3zy5K5;ndp}d6~>q#A9K_lQGq7_(ZwV7IsCC+2&=JLJh}-yHYg{n8LHqlWV1|EK(;Td"
    "H#(;#FNWEM9u+miJD0onrEAC3?6b!H6Ve*g%vU@n7lIvt#W<MHe6hQ~^M#*=CQuuxyK!gv)0s$k)@9>+%mU^P8aH(>"
    "@7pSRJ5O7pHa!6}+uyE)vuEhh2V@B>mHVC<IDatkt;t-Vm4qRfh!fz)H*g>wvhz5IsQYUu-@fa;Z?-5dT#^(e>;fS_"
    "z;(x%3KGMRpt=&*dNyd($L4DYYe+>}g(AgbOfAUd!kE(0F(J330_cZf02<-^EI(J<cm"
)


def psnr(values, decoded, peak):
    return 10 * np.log10(peak**2 / np.mean((values - decoded) ** 2))


def sound():
    time = np.arange(20_001) / 8000
    left = np.sin(2 * np.pi * (200 + 300 * time) * time) * np.exp(-time)
    return np.stack([left, 0.5 * left + 0.01 * np.random.default_rng(0).standard_normal(time.size)], axis=1)


def volume():
    z, y, x = np.meshgrid(*[np.linspace(-1, 1, n) for n in (20, 24, 31)], indexing="ij")
    return np.exp(-4 * (x**2 + y**2 + z**2) + np.sin(9 * x * y))[..., None]


SIGNALS = {"sound": sound(), "image": data.astronaut()[100:228, 150:301] / 255, "volume": volume()}


@pytest.mark.parametrize("name", SIGNALS)
def test_a_psnr_is_reached_and_hardly_exceeded(name):
    values = SIGNALS[name]
    decoded = decompress(compress(values, psnr=40, peak=1))
    assert decoded.shape == values.shape
    assert 40 <= psnr(values, decoded, 1.0) < 40.1


@pytest.mark.parametrize("name", SIGNALS)
def test_a_size_is_kept_and_hardly_missed(name):
    values = SIGNALS[name]
    content = compress(values, bits_per_sample=1.5, peak=1)
    assert 0.98 * 1.5 < 8 * len(content) / values[..., 0].size <= 1.5


def test_quality_sets_the_error_from_coarse_to_nearly_lossless():
    values = SIGNALS["image"]
    errors = [
        psnr(values, decompress(compress(values, quality=q, peak=1)), 1.0) for q in (0, 25, 50, 75, 100)
    ]
    assert errors == sorted(errors)
    assert errors[2] == pytest.approx(41, abs=2)
    assert errors[-1] > 58


def test_white_noise_needs_what_rate_distortion_theory_says():
    noise = np.random.default_rng(1).standard_normal((256, 256, 1))
    content = compress(noise, psnr=30, peak=1.0)
    bound = 30 / 6.02  # bits of a Gaussian source at that error; a uniform quantiser needs 0.254 more
    assert bound < 8 * len(content) / noise.size < bound + 0.35


def test_channels_that_say_the_same_are_hardly_paid_twice():
    grey = SIGNALS["image"][..., :1]
    one, three = (len(compress(v, psnr=38, peak=1)) for v in (grey, grey * [1.0, 0.5, 2.0]))
    assert three < 1.6 * one  # the third channel is twice as loud: one bit more for its axis


@pytest.mark.parametrize(
    "values", [np.zeros((6, 7, 1)), np.full((3, 2), 7.7), np.array([[1e-9], [3e-9]]), np.array([[5.0, 1e20]])]
)
def test_constant_and_tiny_arrays(values):
    decoded = decompress(compress(values, quality=80))
    np.testing.assert_allclose(decoded, values, atol=1e-2 * (np.ptp(values) or 1))


def test_the_same_values_give_the_same_bytes():
    values = SIGNALS["image"][:40]
    assert compress(values, quality=40) == compress(values.copy(), quality=40)


def test_impossible_wishes_are_one_line():
    values = SIGNALS["image"][:20, :20]
    for wish in ({"psnr": 300}, {"psnr": 40, "quality": 3}, {"quality": 101}, {"bits_per_sample": 1e-6}):
        with pytest.raises(SettingsError):
            compress(values, **wish)
    with pytest.raises(SettingsError, match="peak"):
        compress(values, peak=-1)
    for wrong in (np.zeros(5), np.zeros((0, 1)), np.full((4, 1), np.nan), np.zeros((4, 65))):
        with pytest.raises(DataError):
            compress(wrong)


def test_a_file_of_the_first_version_is_still_read():
    content = base64.b85decode(FIRST_VERSION)
    i, j, k = np.indices((24, 18, 2))
    values = ((i * i + 3 * j * i * (k + 1)) % 97 + 5 * j) / 16.0 + np.where(i > 11, 9.0, 0.0)
    decoded = decompress(content)
    assert np.abs(decoded - values).max() < 1.2
    np.testing.assert_allclose(decoded[5, 7], [5.079472163980855, 4.550753874487203], rtol=1e-9)
    assert decoded.sum() == pytest.approx(8604.236898591429, rel=1e-12)
