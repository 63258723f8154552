"""Enclosures hold every value that mpmath finds in the box, and are not much wider than mpmath's own."""

import mpmath
import numpy as np
import pytest
import sympy

from kansci.evidence.intervals import Interval, enclose
from kansci.expressions.parser import parse

FORMULAS = [
    "x**2 - 3*x*y + y**3 - 7/3",
    "1/(x - y) + 1/y**2",
    "exp(x)*sin(3*y) + cos(x*y)",
    "log(x) + sqrt(y) + x**0.3 + x**(-1.5)",
    "tan(x) + cot(y) + sec(x) + csc(y) + coth(x)",
    "asin(x/4)*acos(y/4) + atanh(x/5)",
    "cosh(x) - sinh(y)*tanh(x) + asinh(x) + atan(y) + acosh(y)",
    "erf(x) - erfc(y) + sinc(5*x) + atan2(x, y)",
    "Abs(x) + sign(y) + Max(x, y) - Min(x, 2) + floor(x) + ceiling(y)",
    "gamma(x) + besselj(0, 3*x) + besselj(2, y)",
    "LambertW(x) + x**y",
]


def enclosure(expr, ends):
    box = {s: Interval(np.array([low]), np.array([high])) for s, (low, high) in ends.items()}
    low, high = enclose(expr, box)
    return low[0], high[0]


@pytest.mark.parametrize("text", FORMULAS)
def test_every_value_of_mpmath_lies_inside(text):
    expr, generator = parse(text), np.random.default_rng(0)
    symbols = sorted(expr.free_symbols, key=str)
    function = sympy.lambdify(symbols, expr, "mpmath")
    for _ in range(40):
        middle, half = generator.uniform(-4, 4, len(symbols)), 3 * generator.uniform(0, 1, len(symbols)) ** 3
        ends = {s: (m - h, m + h) for s, m, h in zip(symbols, middle, half, strict=True)}
        low, high = enclosure(expr, ends)
        points = [generator.uniform(*pair, 8) for pair in ends.values()]
        for point in zip(*points, strict=True):
            try:
                value = function(*map(mpmath.mpf, point))
            except (ZeroDivisionError, ValueError):
                continue
            if isinstance(value, mpmath.mpc) and value.imag != 0:
                continue
            assert low <= mpmath.re(value) <= high, (ends, point)


def test_enclosures_are_as_tight_as_mpmaths():
    x, y = sympy.symbols("x y")
    expr = sympy.exp(x) * sympy.sin(y) + x**2 * sympy.log(y + 3) - 1 / (x + 5)
    generator = np.random.default_rng(1)
    for _ in range(50):
        low, high = np.sort(generator.uniform(-2, 2, (2, 2)), axis=0)
        ours = enclosure(expr, {x: (low[0], high[0]), y: (low[1], high[1])})
        u, v = (mpmath.iv.mpf([a, b]) for a, b in zip(low, high, strict=True))
        theirs = mpmath.iv.exp(u) * mpmath.iv.sin(v) + u**2 * mpmath.iv.log(v + 3) - 1 / (u + 5)
        np.testing.assert_allclose(ours, [float(theirs.a), float(theirs.b)], rtol=1e-12, atol=1e-12)
        assert ours[0] <= float(theirs.a) + 1e-15
        assert ours[1] >= float(theirs.b) - 1e-15


def test_what_is_nowhere_real_is_empty_and_the_unknown_is_the_whole_line():
    x = sympy.Symbol("x")
    assert np.isnan(enclosure(sympy.log(x), {x: (-2.0, -1.0)})).all()
    assert np.isnan(enclosure(1 + sympy.sqrt(x - 3), {x: (0.0, 1.0)})).all()
    assert enclosure(sympy.bessely(0, x), {x: (1.0, 2.0)}) == (-np.inf, np.inf)
    assert enclosure(sympy.sqrt(x), {x: (0.0, 4.0)})[0] == 0.0
