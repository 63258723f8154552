"""Curves made from a primitive are found again, to round-off or to their noise."""

import numpy as np
import pytest
import sympy

from kansci.expressions.primitives import LIBRARY, PRIMITIVES
from kansci.symbolic.match import match

DOMAIN = {"acosh": (1.2, 4), "bose": (0.3, 3), "x*log": (0.1, 3)}


def curve(primitive, seed, n=200):
    """Points of c*f(a*x + b) + d whose argument a*x + b covers an interesting part of the function."""
    rng = np.random.default_rng(seed)
    low, high = DOMAIN.get(primitive.name, (0.15, 0.9))
    a, b = (rng.uniform(0.5, 3) if primitive.scale else 1.0), (rng.uniform(-1, 1) if primitive.shift else 0.0)
    inside = np.sort(rng.uniform(low, high, n))
    c, d = rng.uniform(0.5, 4) * rng.choice([-1, 1]), rng.normal()
    return (inside - b) / a, c * primitive.values(inside) + d


def value(m, x):
    return sympy.lambdify(SYMBOL, m.expr(SYMBOL), ["numpy", "scipy"])(x)


SYMBOL = sympy.Symbol("x", real=True)


@pytest.mark.parametrize("primitive", LIBRARY, ids=lambda primitive: primitive.name)
def test_a_primitive_is_found_to_round_off(primitive):
    for seed in range(4):
        x, y = curve(primitive, seed)
        best = min(match(x, y, library=[primitive]), key=lambda m: m.nrmse)
        assert best.nrmse < 1e-9
        np.testing.assert_allclose(value(best, x), y, atol=1e-8 * y.std())


@pytest.mark.parametrize("name", ["x^2", "sin", "exp", "log", "tanh", "1/x"])
def test_the_whole_library_prefers_the_primitive(name):
    x, y = curve(PRIMITIVES[name], 5)
    best = match(x, y, top=3)[0]
    assert best.nrmse < 1e-9
    assert best.primitive.name == name


@pytest.mark.parametrize("name", ["x", "x^2", "sin", "exp", "gaussian", "erf"])
def test_noise_of_one_percent_stays_noise_of_one_percent(name):
    x, y = curve(PRIMITIVES[name], 7)
    y = y + 0.01 * y.std() * np.random.default_rng(0).normal(size=y.size)
    best = match(x, y, library=[PRIMITIVES[name]])[0]
    assert 0.007 < best.nrmse < 0.012


@pytest.mark.parametrize("name", ["sqrt", "log", "1/x", "1/sqrt", "x^(3/2)", "x*log"])
def test_functions_of_a_falling_argument(name):
    x = np.linspace(0, 1.4, 100)
    y = 2 * PRIMITIVES[name].values(1.5 - x) - 0.3
    best = match(x, y, library=[PRIMITIVES[name]])[0]
    np.testing.assert_allclose(value(best, x), y, rtol=1e-8, atol=1e-8)


def test_many_periods():
    x = np.linspace(0, 1, 400)
    best = match(x, np.sin(150 * x + 1), library=[PRIMITIVES["sin"]])[0]
    assert best.nrmse < 1e-9
    assert abs(best.a) == pytest.approx(150, rel=1e-9)


def test_powers_of_x_before_and_inside_the_function():
    x = np.linspace(0.5, 2, 200)
    y = x**-1 * (1.5 * np.exp(-0.7 * x**2) + 0.2)
    powers, inners = (sympy.S.Zero, sympy.S.NegativeOne), (sympy.S.One, sympy.Integer(2))
    best = match(x, y, powers, inners, library=[PRIMITIVES["exp"], PRIMITIVES["sin"]])[0]
    assert (best.primitive.name, best.power, best.inner) == ("exp", -1, 2)
    assert (best.a, best.c, best.d) == pytest.approx((-0.7, 1.5, 0.2), rel=1e-8)
    np.testing.assert_allclose(value(best, x), y, rtol=1e-9)


def test_frames_that_are_not_real_are_left_out():
    x = np.linspace(-1, 1, 50)
    half, inverse = sympy.Rational(1, 2), sympy.S.NegativeOne
    assert match(x, x, powers=(half, inverse), inners=(half,), library=[PRIMITIVES["x"]]) == []
    assert match(1e200 * (2 + x), x, powers=(sympy.Integer(2),), library=[PRIMITIVES["x"]]) == []


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_match_nothing(bad):
    x = np.linspace(0, 1, 20)
    y = np.where(np.arange(20) == 7, bad, x)
    assert match(x, y, library=LIBRARY[:3]) == []
    assert match(y, x, library=LIBRARY[:3]) == []


def test_few_points_and_constants():
    assert match(np.zeros(0), np.zeros(0)) == []
    assert match(np.array([0.0, 1.0]), np.array([0.0, 1.0])) == []
    assert match(np.ones(20), np.linspace(0, 1, 20), library=LIBRARY[:5]) == []
    flat = match(np.linspace(0, 1, 20), np.full(20, 0.1), library=LIBRARY[:5])
    assert all(np.isfinite(m.nrmse) and m.nrmse <= 2 for m in flat)
    np.testing.assert_allclose(value(flat[0], np.linspace(0.2, 0.4, 5)), 0.1, rtol=1e-12)
