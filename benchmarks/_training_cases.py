"""Functions to fit: the toy functions and special functions of the KAN paper (arXiv:2404.19756).

The paper does not print the ranges of the special functions. Here both arguments are in the unit square, as
in the comparison by Yu et al. (arXiv:2407.16674), or start at 1 where there is a pole at 0; the spherical
harmonics are taken on the whole sphere.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

ROWS = 1000

Function = Callable[..., np.ndarray]
Rows = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Case:
    """A function of I inputs, its box, the shape of network, and the paper's best RMSE if it prints one."""

    name: str
    function: Function
    box: tuple[tuple[float, float], ...]
    width: tuple[int, ...]
    paper: float | None = None

    def rows(self, n: int = ROWS, seed: int = 0) -> Rows:
        """X (n, I), uniform in the box, and y (n,)."""
        generator = np.random.default_rng(seed)
        x = np.column_stack([generator.uniform(low, high, n) for low, high in self.box])
        return x, self.function(*x.T)

    def train_and_test(self) -> tuple[Rows, Rows]:
        """Rows to train on and rows to judge by."""
        return self.rows(seed=0), self.rows(seed=1)


def _unit(n: int) -> tuple[tuple[float, float], ...]:
    return ((-1.0, 1.0),) * n


TOY = [
    Case("J0(20x)", lambda x: special.j0(20 * x), _unit(1), (1, 1)),
    Case("exp(sin(pi x) + y^2)", lambda x, y: np.exp(np.sin(np.pi * x) + y**2), _unit(2), (2, 1, 1)),
    Case("x y", lambda x, y: x * y, _unit(2), (2, 2, 1)),
    Case(
        "exp(mean sin^2(pi x/2)), 100 inputs",
        lambda *x: np.exp(np.mean([np.sin(np.pi * xi / 2) ** 2 for xi in x], axis=0)),
        _unit(100),
        (100, 1, 1),
    ),
    Case(
        "exp((sin(pi(a^2+b^2)) + sin(pi(c^2+d^2)))/2)",
        lambda a, b, c, d: np.exp(
            (np.sin(np.pi * (a**2 + b**2)) + np.sin(np.pi * (c**2 + d**2))) / 2
        ),
        _unit(4),
        (4, 4, 2, 1),
    ),
]  # fmt: skip

HELLO = Case("exp(sin(pi x) + y^2)", TOY[1].function, _unit(2), (2, 5, 1))


SHAPES = [(2, 1, 1), (2, 2, 1), (2, 5, 1), (2, 5, 5, 1)]
"""Tried on every special function; the paper sweeps over depths 2 to 6."""


def _harmonic(m: int, n: int) -> Function:
    return lambda azimuth, polar: special.sph_harm_y(n, m, polar, azimuth).real


_UNIT = (0.0, 1.0)
_SQUARE = (_UNIT, _UNIT)
_FROM_ONE = (_UNIT, (1.0, 2.0))  # where the function has a pole at 0
_SPHERE = ((0.0, 2 * np.pi), (0.0, np.pi))

SPECIAL = [
    Case(name, function, box, SHAPES[-1], paper)
    for name, function, box, paper in [
        ("ellipj", lambda u, m: special.ellipj(u, m)[0], _SQUARE, 1.33e-4),
        ("ellipkinc", special.ellipkinc, _SQUARE, 1.24e-4),
        ("ellipeinc", special.ellipeinc, _SQUARE, 8.26e-5),
        ("jv", special.jv, _SQUARE, 1.64e-3),
        ("yv", special.yv, _FROM_ONE, 1.49e-5),
        ("kv", special.kv, _FROM_ONE, 2.52e-5),
        ("iv", special.iv, _SQUARE, 9.28e-3),
        ("lpmv, m=0", lambda v, x: special.lpmv(0, v, x), _SQUARE, 5.25e-5),
        ("lpmv, m=1", lambda v, x: special.lpmv(1, v, x), _SQUARE, 6.90e-4),
        ("lpmv, m=2", lambda v, x: special.lpmv(2, v, x), _SQUARE, 2.26e-4),
        ("sph_harm(0,1)", _harmonic(0, 1), _SPHERE, 2.21e-7),
        ("sph_harm(1,1)", _harmonic(1, 1), _SPHERE, 1.22e-4),
        ("sph_harm(0,2)", _harmonic(0, 2), _SPHERE, 1.95e-7),
        ("sph_harm(1,2)", _harmonic(1, 2), _SPHERE, 1.50e-5),
        ("sph_harm(2,2)", _harmonic(2, 2), _SPHERE, 9.45e-5),
    ]
]
