"""Rate-distortion curves, their differences, and the goal: better than JPEG at every rate."""

import numpy as np
import pytest
from skimage import data

from kansci.compression.rate_distortion import Point, gain, rate_change, rate_distortion
from kansci.errors import DataError


def test_differences_of_curves_that_are_known():
    rates = np.geomspace(0.1, 4, 9)
    reference = [Point(rate, 30 + 6 * np.log2(rate)) for rate in rates]
    better = [Point(rate, 32 + 6 * np.log2(rate)) for rate in rates]
    assert gain(better, reference) == pytest.approx((2.0, 2.0))
    assert rate_change(better, reference) == pytest.approx(2 ** (-2 / 6) - 1)
    with pytest.raises(DataError, match="no sizes in common"):
        gain([Point(9.0, 30.0), Point(10.0, 31.0)], reference)


@pytest.mark.parametrize("image", ["brick", "colorwheel"])  # not looked at while the method was made
def test_better_than_jpeg_at_every_rate(image):
    pixels = getattr(data, image)()
    pixels = np.atleast_3d(pixels)[100:228, 100:228, :3]
    own, jpeg = (rate_distortion(pixels, codec) for codec in ("kansci", "jpeg"))
    mean, least = gain(own, jpeg)
    assert mean > 1
    assert least > 0
    assert rate_change(own, jpeg) < -0.1


def test_only_pixels_of_8_bits():
    with pytest.raises(DataError, match="8 bits"):
        rate_distortion(np.zeros((8, 8, 3)), "jpeg")
