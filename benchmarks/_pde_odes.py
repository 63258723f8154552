"""Solutions of known ordinary differential equations, for the discovery of equations from data."""

from collections.abc import Callable

import numpy as np
from _pde_case import Case
from scipy.integrate import solve_ivp

__all__ = ["lorenz", "lotka", "other_odes"]


def _ode(name: str, f: Callable, start: list, t: np.ndarray, fields: dict[str, int], truth: dict) -> Case:
    y = solve_ivp(f, (t[0], t[-1]), start, "DOP853", t, rtol=1e-11, atol=1e-11).y
    return Case(name, {"t": t}, "t", {k: y[i] for k, i in fields.items()}, truth)


def lorenz() -> Case:
    return _ode(
        "Lorenz",
        lambda t, s: [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]],
        [-8, 7, 27],
        np.linspace(0, 10, 1001),
        {"x": 0, "y": 1, "z": 2},
        {
            "x_t": {"x": -10.0, "y": 10.0},
            "y_t": {"x": 28.0, "y": -1.0, "x*z": -1.0},
            "z_t": {"x*y": 1.0, "z": -8 / 3},
        },
    )


def lotka() -> Case:
    return _ode(
        "Lotka-Volterra",
        lambda t, s: [1.1 * s[0] - 0.4 * s[0] * s[1], 0.1 * s[0] * s[1] - 0.4 * s[1]],
        [10, 5],
        np.linspace(0, 50, 1001),
        {"prey": 0, "pred": 1},
        {"prey_t": {"prey": 1.1, "pred*prey": -0.4}, "pred_t": {"pred*prey": 0.1, "pred": -0.4}},
    )


def other_odes() -> list[Case]:
    return [
        _ode(
            "van der Pol",
            lambda t, s: [s[1], 1.5 * (1 - s[0] ** 2) * s[1] - s[0]],
            [2, 0],
            np.linspace(0, 25, 801),
            {"x": 0},
            {"x_tt": {"x": -1.0, "x_t": 1.5, "x**2*x_t": -1.5}},
        ),
        _ode(
            "damped pendulum",
            lambda t, s: [s[1], -0.15 * s[1] - 2 * np.sin(s[0])],
            [2.6, 0],
            np.linspace(0, 20, 801),
            {"theta": 0},
            {"theta_tt": {"theta_t": -0.15, "sin(theta)": -2.0}},
        ),
        _ode(
            "forced oscillator",
            lambda t, s: [s[1], -0.2 * s[1] - 4 * s[0] + 1.5 * np.cos(3 * t)],
            [1, 0],
            np.linspace(0, 20, 801),
            {"x": 0},
            {"x_tt": {"x_t": -0.2, "x": -4.0, "cos(3*t)": 1.5}},
        ),
        _ode(
            "Duffing",
            lambda t, s: [s[1], -0.1 * s[1] + s[0] - s[0] ** 3],
            [1.8, 0],
            np.linspace(0, 30, 801),
            {"x": 0},
            {"x_tt": {"x_t": -0.1, "x": 1.0, "x**3": -1.0}},
        ),
        _ode(
            "logistic",
            lambda t, s: [0.8 * s[0] * (1 - s[0] / 5)],
            [0.2],
            np.linspace(0, 12, 400),
            {"N": 0},
            {"N_t": {"N": 0.8, "N**2": -0.16}},
        ),
        _ode(
            "cubic oscillator",
            lambda t, s: [-0.1 * s[0] ** 3 + 2 * s[1] ** 3, -2 * s[0] ** 3 - 0.1 * s[1] ** 3],
            [2, 0],
            np.linspace(0, 15, 1001),
            {"x": 0, "y": 1},
            {"x_t": {"x**3": -0.1, "y**3": 2.0}, "y_t": {"x**3": -2.0, "y**3": -0.1}},
        ),
        _ode(
            "SIR",
            lambda t, s: [-0.5 * s[0] * s[1], 0.5 * s[0] * s[1] - 0.15 * s[1], 0.15 * s[1]],
            [0.99, 0.01, 0.0],
            np.linspace(0, 60, 600),
            {"S": 0, "J": 1, "R": 2},
            {"S_t": {"J*S": -0.5}, "J_t": {"J*S": 0.5, "J": -0.15}, "R_t": {"J": 0.15}},
        ),
        _ode(
            "Roessler",
            lambda t, s: [-s[1] - s[2], s[0] + 0.2 * s[1], 0.2 + s[2] * (s[0] - 5.7)],
            [3, 5, 0],
            np.linspace(0, 40, 2001),
            {"x": 0, "y": 1, "z": 2},
            {
                "x_t": {"y": -1.0, "z": -1.0},
                "y_t": {"x": 1.0, "y": 0.2},
                "z_t": {"1": 0.2, "z": -5.7, "x*z": 1.0},
            },
        ),
    ]
