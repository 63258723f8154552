"""Measures of quality against scikit-image and closed forms."""

import math

import numpy as np
import pytest
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from kansci.errors import DataError
from kansci.signals import chamfer, iou, psnr, snr, ssim

RANDOM = np.random.default_rng(0)
IMAGE = data.astronaut()[:96, :80] / 255
NOISY = IMAGE + 0.05 * RANDOM.normal(size=IMAGE.shape)


def test_psnr_and_ssim_are_those_of_scikit_image():
    assert psnr(IMAGE, NOISY) == pytest.approx(peak_signal_noise_ratio(IMAGE, NOISY, data_range=1))
    expected = structural_similarity(IMAGE, NOISY, data_range=1, channel_axis=-1)
    assert ssim(IMAGE, NOISY) == pytest.approx(expected)
    assert ssim(7 * IMAGE, 7 * NOISY, 7) == pytest.approx(expected)
    video, estimate = np.stack([IMAGE, IMAGE]), np.stack([IMAGE, NOISY])
    assert ssim(video, estimate, frames=True) == pytest.approx((1 + expected) / 2)
    assert ssim(video, estimate) is None  # two frames are less than the window


def test_limits():
    assert psnr(IMAGE, IMAGE) == math.inf
    assert psnr(np.zeros(4), np.full(4, 0.1), 2) == pytest.approx(20 * math.log10(2 / 0.1))
    t = np.linspace(0, 1, 1000, endpoint=False)
    tone = np.sin(2 * np.pi * 5 * t)
    assert snr(tone, 0.9 * tone) == pytest.approx(20)
    assert snr(np.zeros(3), np.ones(3)) == -math.inf
    with pytest.raises(DataError, match="cannot be compared"):
        psnr(np.zeros((2, 2)), np.zeros((2, 3)))


def test_iou_and_chamfer_have_their_closed_forms():
    x = np.linspace(0, 1, 1000, endpoint=False)
    assert iou(x < 0.5, x < 0.75) == pytest.approx(2 / 3)
    assert iou(x < 0, x < 0) == 1.0
    a, b = np.array([[0.0, 0], [1, 0]]), np.array([[0.0, 3]])
    assert chamfer(a, b) == pytest.approx(((3 + math.sqrt(10)) / 2 + 3) / 2)
    assert chamfer(a, a) == 0
