"""Exact numbers are found where they are, and not where they are not."""

import math

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from kansci.symbolic.constants import recognise, snap_constants
from kansci.symbolic.parametric import Parametric

X = sympy.Symbol("x", real=True)
SIGNS = st.sampled_from([-1, 1])
FRACTIONS = st.builds(sympy.Rational, st.integers(1, 60), st.integers(1, 60))
EXACT = st.one_of(
    st.integers(1, 10**6).map(sympy.Integer),
    FRACTIONS,
    st.builds(lambda f, k: f * sympy.pi**k, FRACTIONS, st.integers(-3, 3)),
    st.builds(lambda f, r: f * sympy.sqrt(r), FRACTIONS, st.sampled_from([2, 3, 5, 6, 7, 10])),
    st.builds(lambda n, d: sympy.Float(f"{n}e-{d}", 15), st.integers(1, 99_999), st.integers(1, 6)),
)


@given(EXACT, SIGNS, st.floats(-0.9, 0.9))
def test_exact_numbers_are_found(number, sign, error):
    exact = sign * number
    value = float(exact)
    found, saved = recognise(value * (1 + 1e-12 * error), 1e-12 * abs(value))
    assert saved > 0
    assert float(found) == pytest.approx(value, rel=1e-14)
    if not exact.is_Float:  # a decimal may be the same number as a fraction
        assert (
            sympy.simplify(sympy.nsimplify(found, rational=True) - exact) == 0
            if found.is_Float
            else found == exact
        )


@pytest.mark.parametrize(
    ("tolerance", "share"), [(1e-12, 0.01), (1e-9, 0.02), (1e-6, 0.1), (1e-3, 0.1), (1e-2, 0.1)]
)
def test_other_numbers_are_left_alone(tolerance, share):
    rng = np.random.default_rng(0)
    draws = np.exp(rng.uniform(math.log(0.01), math.log(100), 2000))
    found = [recognise(value, tolerance * value) for value in draws]
    assert sum(f is not None for f in found) <= share * 2000
    for value, f in zip(draws, found, strict=True):
        assert f is None or abs(float(f[0]) - value) <= 1.001 * max(tolerance, 1e-11) * value


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e-320, 1e308, -1e-200])
def test_extremes_are_left_alone(value):
    assert recognise(value, 0.0) is None


def test_zero_is_what_is_smaller_than_its_error():
    assert recognise(1e-9, 1e-8)[0] == 0
    assert recognise(0.0, 0.0)[0] == 0


def snapped(expr, columns, y, variables=(X,)):
    model, _ = Parametric.of(expr, variables).refit(columns, y)
    return snap_constants(model, columns, y)


@pytest.mark.parametrize("seed", range(5))
def test_a_power_law_keeps_its_exponent_unless_it_is_a_fraction(seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.5, 5, 300)
    for exponent, exact in ((1.5, True), (1.37, False)):
        y = 2.3456789 * x**exponent + 0.01 * rng.normal(size=300)
        model, _ = snapped(sympy.Float(2.0) * X ** sympy.Float(1.2), [x], y)
        powers = {power.exp for power in model.expr.atoms(sympy.Pow)}
        assert (sympy.Rational(3, 2) in powers) == exact
        fitted = model.to_expr().subs(X, 2).evalf()
        assert float(fitted) == pytest.approx(2.3456789 * 2**exponent, rel=2e-3)


def test_redundant_parameters_go_without_loss():
    x = np.linspace(0, 2, 50)
    y = 3.21718394857 * np.exp(-0.71316294053 * x)
    form = sympy.Float(1.1) * sympy.exp(sympy.Float(0.3) - sympy.Float(0.9) * X)
    model, _ = snapped(form, [x], y)
    assert len(model.parameters) == 2
    np.testing.assert_allclose(model.predict([x]), y, rtol=1e-12)


def test_a_constant_that_does_nothing_becomes_zero():
    x = np.linspace(1, 2, 50)
    model, _ = snapped(sympy.Float(2.1) * X + sympy.Float(0.1) * sympy.exp(X), [x], 2.13472938471 * x)
    assert model.expr.has(sympy.exp) is False
    assert model.values == pytest.approx([2.13472938471], rel=1e-13)


def test_exact_data_give_the_exact_formula():
    t = np.linspace(0.1, 3, 80)
    model, found = snapped(
        sympy.Float(4.0) * sympy.sqrt(sympy.Float(0.3) * X + sympy.Float(0.2)),
        [t],
        2 * np.pi * np.sqrt(t / 9.81 + 0.25),
    )
    assert not [p for p in model.parameters if abs(model.values[model.parameters.index(p)]) > 1e6]
    np.testing.assert_allclose(model.predict([t]), 2 * np.pi * np.sqrt(t / 9.81 + 0.25), rtol=1e-10)
    assert found
