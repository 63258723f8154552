"""Solutions of known equations, accurate to about eight digits, for the discovery of equations from data.

Periodic problems: Fourier pseudo-spectral in space, an integrating factor for the linear part, DOP853 in
time (LSODA without the factor where the linear part is very stiff).
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from _pde_case import Case
from _pde_odes import lorenz, lotka, other_odes
from scipy.integrate import solve_ivp

__all__ = ["NAMED", "Case", "cases"]

NAMED = ("heat", "burgers", "kdv", "allen_cahn", "fisher", "wave", "lorenz", "lotka")
"""The equations with stated targets; the others are there so that nothing is tuned to these."""


def _periodic(
    u0: np.ndarray, length: float, symbols: list, nonlinear: Callable, t: np.ndarray
) -> list[np.ndarray]:
    """Fields u_i(x, t), each (nx, nt), of u_t = symbol(k) u + nonlinear(u, k)."""
    fields, n = u0.shape
    k = 2 * np.pi / length * np.fft.rfftfreq(n, 1 / n)
    linear = np.array([s(k) * np.ones_like(k, dtype=complex) for s in symbols])
    mask = k < k.max() * 2 / 3

    def slope(time: float, state: np.ndarray) -> np.ndarray:
        w = state.view(complex).reshape(fields, -1)
        hat = w * np.exp(linear * time)
        u = np.fft.irfft(hat, n)
        out = np.array([np.fft.rfft(v) for v in nonlinear(u, hat, k, n)]) * mask
        return (out * np.exp(-linear * time)).ravel().view(float)

    if np.abs(linear.real).max() * (t[1] - t[0]) > 300:  # too stiff for an integrating factor

        def plain(time: float, state: np.ndarray) -> np.ndarray:
            u = state.reshape(fields, n)
            hat = np.fft.rfft(u)
            new = np.array([np.fft.rfft(v) for v in nonlinear(u, hat, k, n)]) * mask
            return np.fft.irfft(new + linear * hat * mask, n).ravel()

        y = solve_ivp(plain, (t[0], t[-1]), u0.ravel(), "LSODA", t, rtol=1e-9, atol=1e-9).y
        return list(y.reshape(fields, n, len(t)))

    pieces, state = [u0], np.fft.rfft(u0)
    for left, right in pairwise(t):  # restarted: the integrating factor stays small
        run = solve_ivp(slope, (0, right - left), state.ravel().view(float), "DOP853", rtol=1e-9, atol=1e-9)
        state = run.y[:, -1].copy().view(complex).reshape(fields, -1) * np.exp(linear * (right - left))
        pieces.append(np.fft.irfft(state, n))
    return [np.array([p[f] for p in pieces]).T for f in range(fields)]


def _d(hat: np.ndarray, k: np.ndarray, n: int, order: int = 1) -> np.ndarray:
    return np.fft.irfft((1j * k) ** order * hat, n)


def _heat() -> Case:
    x, t = np.linspace(0, 1, 128), np.linspace(0, 1, 101)
    u = sum(
        a * np.exp(-0.1 * (m * np.pi) ** 2 * t) * np.sin(m * np.pi * x)[:, None]
        for m, a in ((1, 1), (2, -0.6), (3, 0.5))
    )
    return Case("heat", {"x": x, "t": t}, "t", {"u": u}, {"u_t": {"u_xx": 0.1}})


def _one(  # noqa: PLR0913, PLR0917 (what makes an equation)
    name: str,
    n: int,
    span: tuple[float, float],
    t: np.ndarray,
    u0: Callable,
    symbol: Callable,
    nonlinear: Callable,
    truth: dict,
) -> Case:
    x = span[0] + (span[1] - span[0]) * np.arange(n) / n
    (u,) = _periodic(u0(x)[None], span[1] - span[0], [symbol], nonlinear, t)
    return Case(name, {"x": x, "t": t}, "t", {"u": u}, {"u_t": truth})


def _burgers() -> Case:
    return _one(
        "Burgers",
        256,
        (-8, 8),
        np.linspace(0, 10, 101),
        lambda x: np.exp(-((x + 2) ** 2)),
        lambda k: -0.1 * k**2,
        lambda u, h, k, n: [-u[0] * _d(h[0], k, n)],
        {"u_xx": 0.1, "u*u_x": -1.0},
    )


def _kdv() -> Case:
    def u0(x: np.ndarray) -> np.ndarray:
        return sum(c / 2 / np.cosh(np.sqrt(c) / 2 * (x - a)) ** 2 for c, a in ((6.0, -6.0), (2.0, 0.0)))

    return _one(
        "KdV",
        256,
        (-12, 12),
        np.linspace(0, 2, 101),
        u0,
        lambda k: 1j * k**3,
        lambda u, h, k, n: [-6 * u[0] * _d(h[0], k, n)],
        {"u_xxx": -1.0, "u*u_x": -6.0},
    )


def _allen_cahn() -> Case:
    return _one(
        "Allen-Cahn",
        256,
        (-1, 1),
        np.linspace(0, 1, 101),
        lambda x: x**2 * np.cos(np.pi * x),
        lambda k: -0.001 * k**2,
        lambda u, h, k, n: [5 * (u[0] - u[0] ** 3)],
        {"u_xx": 0.001, "u": 5.0, "u**3": -5.0},
    )


def _fisher() -> Case:
    return _one(
        "Fisher-KPP",
        256,
        (-20, 20),
        np.linspace(0, 8, 101),
        lambda x: 0.5 * np.exp(-(x**2) / 4) + 0.3 * np.exp(-((x - 9) ** 2)),
        lambda k: -0.5 * k**2,
        lambda u, h, k, n: [u[0] * (1 - u[0])],
        {"u_xx": 0.5, "u": 1.0, "u**2": -1.0},
    )


def _wave() -> Case:
    x, t = np.linspace(0, 1, 128), np.linspace(0, 2, 101)
    u = sum(
        a * np.cos(1.5 * m * np.pi * t) * np.sin(m * np.pi * x)[:, None]
        for m, a in ((1, 1), (2, 0.5), (3, -0.3))
    )
    return Case("wave", {"x": x, "t": t}, "t", {"u": u}, {"u_tt": {"u_xx": 2.25}})


def _advection() -> Case:
    return _one(
        "advection-diffusion",
        128,
        (0, 10),
        np.linspace(0, 4, 81),
        lambda x: np.exp(-((x - 3) ** 2)) + 0.4 * np.sin(2 * np.pi * x / 10),
        lambda k: -0.8j * k - 0.15 * k**2,
        lambda u, h, k, n: [0 * u[0]],
        {"u_x": -0.8, "u_xx": 0.15},
    )


def _kuramoto() -> Case:
    return _one(
        "Kuramoto-Sivashinsky",
        256,
        (0, 44),
        np.linspace(20, 60, 201),
        lambda x: np.cos(2 * np.pi * x / 44) * (1 + np.sin(2 * np.pi * x / 22)),
        lambda k: k**2 - k**4,
        lambda u, h, k, n: [-u[0] * _d(h[0], k, n)],
        {"u_xx": -1.0, "u_xxxx": -1.0, "u*u_x": -1.0},
    )


def _cubic_advection() -> Case:
    return _one(
        "modified KdV with damping",
        200,
        (-10, 10),
        np.linspace(0, 3, 91),
        lambda x: 1.5 / np.cosh(1.2 * (x + 3)) + 0.8 / np.cosh(x - 3),
        lambda k: 0.5j * k**3 - 0.1,
        lambda u, h, k, n: [-2 * u[0] ** 2 * _d(h[0], k, n)],
        {"u_xxx": -0.5, "u": -0.1, "u**2*u_x": -2.0},
    )


def _source() -> Case:
    n, length = 100, 2 * np.pi
    x = length * np.arange(n) / n
    return _one(
        "heat with source sin(x)",
        n,
        (0, length),
        np.linspace(0, 3, 61),
        lambda x: np.cos(2 * x) + 0.5 * np.sin(x) ** 2,
        lambda k: -0.3 * k**2,
        lambda u, h, k, n: [np.sin(x)],
        {"u_xx": 0.3, "sin(x)": 1.0},
    )


def _gray() -> Case:
    n, length, t = 128, 40.0, np.linspace(0, 20, 101)
    x = length * np.arange(n) / n
    u0 = np.array(
        [
            1.2 * np.exp(-((x - 15) ** 2) / 4) - 1.0 + 0.3 * np.cos(2 * np.pi * x / length),
            -0.4 + 0.5 * np.exp(-((x - 26) ** 2) / 9),
        ]
    )
    u, v = _periodic(
        u0,
        length,
        [lambda k: -1.0 * k**2, lambda k: -0.5 * k**2],
        lambda u, h, k, n: [u[0] - u[0] ** 3 / 3 - u[1], 0.3 * u[0] - 0.25 * u[1] + 0.2],
        t,
    )
    return Case(
        "FitzHugh-Nagumo, two fields",
        {"x": x, "t": t},
        "t",
        {"u": u, "v": v},
        {
            "u_t": {"u_xx": 1.0, "u": 1.0, "u**3": -1 / 3, "v": -1.0},
            "v_t": {"v_xx": 0.5, "u": 0.3, "v": -0.25, "1": 0.2},
        },
    )


def _schroedinger() -> Case:
    n, length, t = 128, 20.0, np.linspace(0, 2, 81)
    x = -10 + length * np.arange(n) / n
    psi = 1.5 / np.cosh(x + 2) * np.exp(1j * x) + 1.0 / np.cosh(x - 3) * np.exp(-0.5j * x)
    k = 2 * np.pi / length * np.fft.fftfreq(n, 1 / n)
    out, steps = [psi], 400
    for a, b in pairwise(t):
        h = (b - a) / steps
        for _ in range(steps):
            psi = np.fft.ifft(np.exp(-0.25j * h * k**2) * np.fft.fft(psi))
            psi = psi * np.exp(1j * h * np.abs(psi) ** 2)
            psi = np.fft.ifft(np.exp(-0.25j * h * k**2) * np.fft.fft(psi))
        out.append(psi)
    p = np.array(out).T
    return Case(
        "nonlinear Schroedinger, real and imaginary",
        {"x": x, "t": t},
        "t",
        {"u": p.real, "v": p.imag},
        {
            "u_t": {"v_xx": -0.5, "u**2*v": -1.0, "v**3": -1.0},
            "v_t": {"u_xx": 0.5, "u*v**2": 1.0, "u**3": 1.0},
        },
    )


def _heat2d() -> Case:
    x, y, t = np.linspace(0, 1, 25), np.linspace(0, 2, 29), np.linspace(0, 1, 31)
    modes = ((1, 1, 1.0), (2, 1, -0.7), (1, 3, 0.6), (2, 2, 0.4))
    u = sum(
        a
        * np.sin(m * np.pi * x)[:, None, None]
        * np.cos(q * np.pi * y / 2)[:, None]
        * np.exp(-(0.05 * (m * np.pi) ** 2 + 0.2 * (q * np.pi / 2) ** 2) * t)
        for m, q, a in modes
    )
    return Case(
        "anisotropic heat, two dimensions",
        {"x": x, "y": y, "t": t},
        "t",
        {"u": u},
        {"u_t": {"u_xx": 0.05, "u_yy": 0.2}},
    )


def _klein() -> Case:
    n, length, t = 128, 20.0, np.linspace(0, 6, 121)
    x = -10 + length * np.arange(n) / n
    u0 = np.array([2.5 * np.exp(-(x**2)) - 1.5 * np.exp(-((x - 4) ** 2) / 2), 0 * x])
    u, _ = _periodic(
        u0,
        length,
        [lambda k: 0 * k, lambda k: 0 * k],
        lambda u, h, k, n: [u[1], _d(h[0], k, n, 2) - np.sin(u[0])],
        t,
    )
    return Case("sine-Gordon", {"x": x, "t": t}, "t", {"u": u}, {"u_tt": {"u_xx": 1.0, "sin(u)": -1.0}})


def _telegraph() -> Case:
    n, length, t = 128, 10.0, np.linspace(0, 5, 101)
    x = length * np.arange(n) / n
    u0 = np.array([np.exp(-((x - 4) ** 2) * 2) + 0.3 * np.sin(4 * np.pi * x / length), 0 * x])
    u, _ = _periodic(
        u0,
        length,
        [lambda k: 0 * k, lambda k: 0 * k],
        lambda u, h, k, n: [u[1], 1.5 * _d(h[0], k, n, 2) - 0.4 * u[1]],
        t,
    )
    return Case(
        "telegraph (damped wave)",
        {"x": x, "t": t},
        "t",
        {"u": u},
        {"u_tt": {"u_xx": 1.5, "u_t": -0.4}},
    )


def cases() -> dict[str, Callable[[], Case]]:
    """Makers of the data by name."""
    fields = (
        _heat,
        _burgers,
        _kdv,
        _allen_cahn,
        _fisher,
        _wave,
        _advection,
        _kuramoto,
        _cubic_advection,
        _source,
        _gray,
        _schroedinger,
        _heat2d,
        _klein,
        _telegraph,
    )
    return {
        **{f.__name__[1:]: f for f in fields},
        "lorenz": lorenz,
        "lotka": lotka,
        **{c.name.replace(" ", "_"): (lambda c=c: c) for c in other_odes()},
    }
