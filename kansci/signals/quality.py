"""How near an estimate is to a reference: one definition of each measure."""

import math

import numpy as np

from kansci.errors import DataError

__all__ = ["chamfer", "iou", "psnr", "snr", "ssim"]

WINDOW = 7
"""Side of the uniform window of the structural similarity, the default of scikit-image."""


def psnr(reference: np.ndarray, estimate: np.ndarray, peak: float = 1.0) -> float:
    """Peak signal-to-noise ratio in dB, 10 log10(peak^2 / MSE).

    Args:
        reference: any shape.
        estimate: the same shape; it is not clipped.
        peak: the range of the data; 1 for images in [0, 1].

    Returns:
        The ratio, with the mean square error over all samples and channels; infinite if there is none.
    """
    difference = _difference(reference, estimate)
    error = float(np.mean(difference**2))
    return 10 * math.log10(peak**2 / error) if error > 0 else math.inf


def snr(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Signal-to-noise ratio in dB, 10 log10(sum s^2 / sum (s - e)^2).

    Args:
        reference: s, any shape; its mean is not taken off.
        estimate: e, the same shape.

    Returns:
        The ratio; infinite without an error, minus infinite for a reference of zeros.
    """
    error = float(np.sum(_difference(reference, estimate) ** 2))
    power = float(np.sum(np.asarray(reference, dtype=np.float64) ** 2))
    if error == 0:
        return math.inf
    return 10 * math.log10(power / error) if power > 0 else -math.inf


def ssim(
    reference: np.ndarray, estimate: np.ndarray, peak: float = 1.0, *, frames: bool = False
) -> float | None:
    """Mean structural similarity (Wang et al. 2004) as scikit-image computes it.

    The window is uniform, 7 samples along each axis, with sample covariances, K1 = 0.01 and K2 = 0.03.
    Channels are averaged.

    Args:
        reference: (H, W, C), or (D, H, W, C) for windows in three dimensions.
        estimate: the same shape.
        peak: the range of the data.
        frames: the first axis counts the frames of a video: the mean over its frames.

    Returns:
        The mean; None where the window does not fit, or for arrays of other dimension.
    """
    from skimage.metrics import structural_similarity

    _difference(reference, estimate)
    reference, estimate = np.asarray(reference, float), np.asarray(estimate, float)
    if frames:
        each = [ssim(r, e, peak) for r, e in zip(reference, estimate, strict=True)]
        found = [value for value in each if value is not None]
        return float(np.mean(found)) if found else None
    if reference.ndim not in {3, 4} or min(reference.shape[:-1]) < WINDOW:
        return None
    return float(
        structural_similarity(reference, estimate, win_size=WINDOW, data_range=peak, channel_axis=-1)
    )


def iou(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Intersection over union of two sets.

    Args:
        reference: occupancy, true inside, any shape.
        estimate: the same shape.

    Returns:
        The number of points in both, divided by that in either; 1 if both are empty.
    """
    reference, estimate = np.asarray(reference, dtype=bool), np.asarray(estimate, dtype=bool)
    _same_shape(reference, estimate)
    union = int(np.sum(reference | estimate))
    return float(np.sum(reference & estimate)) / union if union else 1.0


def chamfer(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Chamfer distance of two surfaces given by points on them.

    Args:
        reference: (N, d).
        estimate: (M, d).

    Returns:
        Half the sum of the mean distance from each reference point to the nearest estimated one and of the
        mean distance the other way, in the units of the points (not squared).
    """
    from scipy.spatial import cKDTree

    there = cKDTree(estimate).query(reference)[0].mean()
    back = cKDTree(reference).query(estimate)[0].mean()
    return float(there + back) / 2


def _difference(reference: np.ndarray, estimate: np.ndarray) -> np.ndarray:
    reference, estimate = np.asarray(reference, dtype=np.float64), np.asarray(estimate, dtype=np.float64)
    _same_shape(reference, estimate)
    return reference - estimate


def _same_shape(reference: np.ndarray, estimate: np.ndarray) -> None:
    if reference.shape != estimate.shape or reference.size == 0:
        raise DataError(f"arrays of shapes {reference.shape} and {estimate.shape} cannot be compared")
