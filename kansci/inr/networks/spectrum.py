"""How fine a detail a network should begin with, read off the spectrum of the signal.

Published values fit the signals of their papers: omega_0 = 30 an image, 3000 a recording. Here they follow
from the band of the signal: the smallest frequency w, in radians per unit of [-1, 1], such that all waves
exp(i k x) with every |k_i| <= w hold a share of the energy about the mean. An axis of n samples holds none
beyond pi n / 2 (Nyquist), so a grid's band never exceeds it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kansci.errors import DataError, SettingsError
from kansci.inr.networks.kinds import KINDS

__all__ = ["band", "suggested_frequency"]

SHARE = 0.99
_CELLS = 4_000_000


def suggested_frequency(
    kind: str,
    values: np.ndarray,
    axes: Sequence[np.ndarray] | None = None,
    points: np.ndarray | None = None,
) -> float:
    """Give the `frequency` of `make_network` that suits a signal.

    Args:
        kind: family of the network.
        values: the signal, (n_1, ..., n_d, C) on a grid or (N, C) at points.
        axes: d arrays (n_i,) of a grid, in [-1, 1].
        points: shape (N, d), in [-1, 1], if there is no grid.

    Returns:
        What `frequency` counts for this family; the published value where no rule does better.

    Raises:
        SettingsError: there is no such family.
    """
    if kind not in KINDS:
        raise SettingsError(f"model={kind!r}: choose one of {', '.join(KINDS)}")
    return _RULES[kind](values, axes, points) if kind in _RULES else KINDS[kind].frequency


def band(
    values: np.ndarray,
    axes: Sequence[np.ndarray] | None = None,
    points: np.ndarray | None = None,
    share: float = SHARE,
) -> float:
    """Give the frequency below which a share of a signal's energy about its mean lies.

    Signals do not end where they began; a Hann window keeps that step from counting as high frequencies.
    Scattered points are first put on a grid of about as many cells, each with the value nearest to it.

    Args:
        values: shape (n_1, ..., n_d, C) on a grid, or (N, C) at points.
        axes: d arrays (n_i,), in [-1, 1].
        points: shape (N, d), in [-1, 1].
        share: of the energy.

    Returns:
        The frequency in radians per unit, at least that of the longest wave, pi.

    Raises:
        DataError: values are not finite, or do not fit the axes or the points.
    """
    values = np.asarray(values, dtype=float)
    if not np.isfinite(values).all():
        raise DataError("values: some are not finite; remove or mark them as missing")
    if axes is None:
        values, axes = _gridded(values, points)
    if values.shape[:-1] != tuple(len(x) for x in axes):
        raise DataError(
            f"values of shape {values.shape} do not fit axes of {[len(x) for x in axes]} positions"
        )
    for number, x in enumerate(axes):
        values = _even(values, np.asarray(x, dtype=float), number)
    energy, frequency = _spectrum(values, [float(np.ptp(x)) for x in axes])
    order = np.argsort(frequency, kind="stable")
    total = np.cumsum(energy[order])
    if not total[-1] > 0:
        return math.pi
    return max(math.pi, float(frequency[order][np.searchsorted(total, share * total[-1])]))


def _spectrum(values: np.ndarray, lengths: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Give the energy of every wave, summed over channels, and the greatest of its frequencies by axis."""
    from scipy.fft import fftn

    shape, d = values.shape[:-1], values.ndim - 1
    frequency = np.zeros(shape)
    window = np.ones(shape)
    for number, (n, length) in enumerate(zip(shape, lengths, strict=True)):
        along = tuple(-1 if i == number else 1 for i in range(d))
        step = length / (n - 1) if n > 1 else 1.0
        k = 2 * math.pi * np.abs(np.fft.fftfreq(n, step))
        frequency = np.maximum(frequency, k.reshape(along))
        window = window * np.hanning(n + 2)[1:-1].reshape(along)
    window = window[..., None]
    centred = (values - (window * values).sum(tuple(range(d))) / window.sum()) * window
    energy = np.abs(fftn(centred, axes=tuple(range(d)))) ** 2
    return energy.sum(-1).ravel(), frequency.ravel()


def _even(values: np.ndarray, x: np.ndarray, number: int) -> np.ndarray:
    """Interpolate along one axis so that its positions are evenly spaced, if they are not."""
    even = np.linspace(x[0], x[-1], len(x))
    if len(x) < 3 or np.allclose(x, even, rtol=0, atol=1e-3 * abs(x[1] - x[0])):
        return values
    from scipy.interpolate import interp1d

    return interp1d(x, values, axis=number)(even)


def _gridded(values: np.ndarray, points: np.ndarray | None) -> tuple[np.ndarray, list[np.ndarray]]:
    """Put scattered values on a grid of about as many cells."""
    from scipy.spatial import cKDTree

    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or len(points) != len(values):
        raise DataError(f"values of shape {values.shape} do not fit points of shape {points.shape}")
    d = points.shape[1]
    count = max(4, round(min(len(points), _CELLS) ** (1 / d)))
    axes = [(2 * np.arange(count) + 1) / count - 1 for _ in range(d)]
    cells = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, d)
    _, nearest = cKDTree(points).query(cells)
    return values[nearest].reshape(*(count,) * d, -1), axes


@dataclass(frozen=True)
class _Rule:
    """frequency = factor * sqrt(d)^root * band, between `least` and `most`; a whole number if it counts."""

    factor: float
    share: float = SHARE
    root: int = 0
    least: float = 0.0
    most: float = math.inf
    whole: bool = False

    def __call__(self, values: np.ndarray, axes: Any, points: Any) -> float:
        d = len(axes) if axes is not None else np.shape(points)[-1]
        found = self.factor * math.sqrt(d) ** self.root * band(values, axes, points, self.share)
        return min(max(self.least, float(math.ceil(found)) if self.whole else found), self.most)


_RULES: dict[str, _Rule] = {
    "siren": _Rule(1 / 2),  # layers above double the frequencies, and more
    "finer": _Rule(1 / 4),  # so does |z| + 1
    # All layers have theirs: above the published value they break down, or learn no better
    "wire": _Rule(1 / 30, root=1, least=4, most=20),
    "gaussian": _Rule(1 / 32, root=1, least=5, most=30),  # nearly linear below 5
    "snake": _Rule(1 / 4, root=1, most=20),
    "fourier": _Rule(1 / (3 * math.pi), share=0.9),  # three standard deviations of pi B
    # No more functions than published: they take the parameters that the layers above need
    "fkan": _Rule(1 / 2, least=8, most=270, whole=True),
    "sl2a": _Rule(1 / 2, least=8, most=512, whole=True),
}
"""From the band to what a family calls its frequency; the other families have none, or gain nothing by one.

Against the published value, at equal steps (150 to 600) and with 20,000 parameters, dB: images of 128^2
pixels (coffee, coins, rocket, moon), a plucked string of 8192 samples, a field of 96^2 with a front.

    siren     images +1.0 to +3.7   string +11.0   field  +4.3
    finer     images  0.0 to +0.3   string  +8.0   field  +9.4
    fourier   images +2.1 to +5.3   string  +8.4   field +18.5
    gaussian  image +11.9           (coffee, 256^2, 50,000 parameters, 200 steps)
    wire      image  +7.5           (the same; published: omega 20, s 30)
    snake     image   0.0           string   0.0   field +24.4   (coffee)
    fkan      image  +5.1           string   0.0   field  +7.1   (moon)
    sl2a      image  +0.8           string   0.0   field +13.4   (moon)
    kan       image  -0.6                          field  +0.1   (moon: hence no rule)

0.0 stands where the rule ends at the published value. Bird song, whose band is 8600, Fourier features learnt
(+16.6), siren, finer and gaussian did not. The bounds of the rules follow from these figures, too.
"""
