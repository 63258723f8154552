"""Chirps as a first guess at a formula: A exp(-b t) cos(c0 + c1 t + c2 t^2) + m, fitted to samples in time.

Of all chirp rates c2 the right one makes a tone of the chirp, whose line in the spectrum is then the highest
(dechirping: Abatzoglou, IEEE Trans. AES 22, 1986). Amplitudes are linear and are solved for at every
step of the rest (variable projection: Golub and Pereyra, SIAM J. Numer. Anal. 10, 1973).
"""

import numpy as np
import sympy
from scipy.interpolate import CubicSpline
from scipy.optimize import least_squares

__all__ = ["oscillations"]

_MOST_AT_FIRST = 4096
"""Samples for the sweep; longer signals are taken in by doubling."""
_PADDING = 4
_FEWEST = 16


def oscillations(t: np.ndarray, y: np.ndarray, symbol: sympy.Symbol) -> list[sympy.Expr]:
    """Fit a damped tone and a damped chirp to samples.

    Args:
        t: increasing times, (N,).
        y: values, (N,).
        symbol: that stands for time.

    Returns:
        The two as expressions, floating-point constants in them; none for fewer than 16 samples.
    """
    if len(t) < _FEWEST or np.ptp(y) == 0:
        return []
    even = np.linspace(t[0], t[-1], len(t))
    values = y if np.allclose(t, even, atol=1e-3 * (even[1] - even[0])) else CubicSpline(t, y)(even)
    first = min(len(t), _MOST_AT_FIRST)
    found = []
    for rates in (np.zeros(1), _rates(even[:first])):
        shape = _swept(even[:first], values[:first], rates)
        count = first
        while True:
            shape = _fitted(t[:count], y[:count], shape, chirped=len(rates) > 1)
            if count == len(t):
                break
            count = min(2 * count, len(t))
        found.append(_written(t, y, shape, symbol))
    return found


def _rates(t: np.ndarray) -> np.ndarray:
    """Chirp rates c2 up to those that sweep through half of all frequencies; ends off by a quarter turn."""
    whole, step = t[-1] - t[0], t[1] - t[0]
    most = np.pi / (2 * step * whole)
    return np.arange(-most, most, np.pi / (2 * (whole / 2) ** 2))


def _swept(t: np.ndarray, y: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """Damping, frequency and rate (b, c1, c2) about t = 0 with the highest line."""
    middle = (t[0] + t[-1]) / 2
    s, centred, size = t - middle, y - y.mean(), _PADDING * len(t)
    best, shape = -1.0, np.zeros(3)
    for c2 in rates:
        line = np.abs(np.fft.fft(centred * np.exp(-1j * c2 * s**2), size)[: size // 2])
        place = int(line.argmax())
        if line[place] > best:
            best = float(line[place])
            c1 = 2 * np.pi * place / (size * (t[1] - t[0]))
            shape = np.array([0.0, c1 - 2 * c2 * middle, c2])
    return shape


def _columns(t: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """What has linear factors, (N, 3), times of the order of the whole record."""
    b, c1, c2 = shape
    with np.errstate(over="ignore"):
        size = np.exp(np.clip(-b * t, -300, 300))
    phase = c1 * t + c2 * t**2
    return np.stack([size * np.cos(phase), size * np.sin(phase), np.ones_like(t)], axis=1)


def _fitted(t: np.ndarray, y: np.ndarray, shape: np.ndarray, *, chirped: bool) -> np.ndarray:
    whole = np.abs(t).max()
    units = np.array([1 / whole, 1 / whole, 1 / whole**2])

    def full(free: np.ndarray) -> np.ndarray:
        return units * (free if chirped else np.append(free, 0.0))

    def left(free: np.ndarray) -> np.ndarray:
        columns = _columns(t, full(free))
        return np.asarray(columns @ np.linalg.lstsq(columns, y, rcond=None)[0] - y)

    start = (shape / units)[: 3 if chirped else 2]
    found = least_squares(left, start, xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=100)
    return full(found.x)


def _written(t: np.ndarray, y: np.ndarray, shape: np.ndarray, symbol: sympy.Symbol) -> sympy.Expr:
    b, c1, c2 = (float(x) for x in shape)
    p, q, mean = (float(x) for x in np.linalg.lstsq(_columns(t, shape), y, rcond=None)[0])
    amplitude, turned = float(np.hypot(p, q)), float(np.arctan2(-q, p))
    phase = c2 * symbol**2 + c1 * symbol + turned
    return amplitude * sympy.exp(-b * symbol) * sympy.cos(phase) + mean
