"""The few wavelets that matter, where there may be fewer parameters than samples.

A signal with edges is nearly a sum of few wavelets: the M largest of them give the best M-term approximation
within a constant (DeVore, Nonlinear approximation, 1998, section 7). A term costs two numbers, its
coefficient and its place. Channels are rotated first so that they are uncorrelated (Karhunen-Loeve).
"""

import numpy as np

from kansci.basis.wavelet import bands, forward, inverse
from kansci.errors import SettingsError

__all__ = ["largest_terms"]


def largest_terms(values: np.ndarray, parameters: int) -> tuple[np.ndarray, int]:
    """Approximate samples on a grid by so many numbers.

    Args:
        values: shape (n_1, ..., n_d, C).
        parameters: how many numbers may be kept.

    Returns:
        The approximation, of the same shape, and how many numbers it needs: all of the samples, where these
        are no more than `parameters`.

    Raises:
        SettingsError: not even one term is affordable.
    """
    if values.size <= parameters:
        return values, values.size
    channels = values.shape[-1]
    overhead = channels + (channels**2 if channels > 1 else 0)
    count = (parameters - overhead) // 2
    if count < 1:
        raise SettingsError(f"parameters={parameters}: give at least {overhead + 2}")
    flat = values.reshape(-1, channels)
    mean = flat.mean(axis=0)
    _, _, turn = np.linalg.svd((flat - mean).T @ (flat - mean))
    turned = (values - mean) @ turn.T
    coefficients = [forward(turned[..., c]) for c in range(channels)]
    size = np.empty((channels, *values.shape[:-1]))
    for band in bands(values.shape[:-1]):
        for c in range(channels):
            size[c][band.where] = np.abs(coefficients[c][band.where]) * band.gain
    chosen = np.zeros(size.size, dtype=bool)
    chosen[np.argpartition(size.ravel(), -count)[-count:]] = True
    masks = chosen.reshape(size.shape)
    kept = [inverse(np.where(mask, c, 0.0)) for mask, c in zip(masks, coefficients, strict=True)]
    return np.stack(kept, axis=-1) @ turn + mean, 2 * count + overhead
