"""Power laws and rational relations come back exactly; what is neither gives no relation."""

import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import gamma

from kansci.search.algebra import power_law, relation
from kansci.search.monomials import Feature
from kansci.search.problem import TARGET, views

X = sympy.symbols("x y z", positive=True)
EXPONENTS = st.fractions(-4, 4, max_denominator=6)


def uniform(n, size, low=0.4, high=2.5, seed=0):
    return list(np.random.default_rng(seed).uniform(low, high, (size, n)))


def rational_relation(columns, y, view="y", most=200):
    """The law of y that a relation in one view of it gives."""
    features = [Feature(x, s) for x, s in zip(columns, X, strict=False)]
    (chosen,) = (v for v in views(y) if v.name == view)
    found = relation(features, chosen, most)
    return None if found is None else chosen.inverse.xreplace({TARGET: found})


@given(
    st.lists(EXPONENTS, min_size=1, max_size=3),
    st.floats(1e-3, 1e3).flatmap(lambda c: st.sampled_from([c, -c])),
    st.integers(0, 99),
)
def test_monomials_with_rational_exponents_are_exact(powers, c, seed):
    columns = uniform(40, len(powers), seed=seed)
    y = c * np.prod([x ** float(p) for x, p in zip(columns, powers, strict=True)], axis=0)
    law, error = power_law(columns, X[: len(powers)], y)
    monomial = sympy.prod([s ** sympy.Rational(p) for s, p in zip(X, powers, strict=False)])
    assert float(law / monomial) == pytest.approx(c, rel=1e-11)  # a number: every exponent is the true one
    assert error < 1e-13


@pytest.mark.parametrize("noise", [1e-6, 0.01, 0.1])
def test_the_error_of_a_power_law_is_the_relative_noise(noise):
    columns = uniform(4000, 2)
    y = -3 * columns[0] ** 1.5 / columns[1] * np.exp(noise * np.random.default_rng(1).normal(size=4000))
    law, error = power_law(columns, X[:2], y)
    assert error == pytest.approx(noise, rel=4 / np.sqrt(2 * 4000))
    powers = {base: float(power) for base, power in law.as_powers_dict().items() if base in X}
    assert powers == pytest.approx({X[0]: 1.5, X[1]: -1}, abs=10 * noise / np.sqrt(4000))


def test_a_power_law_needs_one_sign_and_enough_rows():
    (x,) = uniform(30, 1)
    assert power_law([x], X[:1], x - 1) is None
    assert power_law([x[:2]], X[:1], x[:2]) is None
    assert power_law([x, 2 * x], X[:2], x) is None


@st.composite
def polynomials(draw, variables, terms):
    monomials = [sympy.prod(m) for d in range(4) for m in _choices(variables, d)]
    picked = draw(st.lists(st.sampled_from(monomials), min_size=1, max_size=terms, unique=True))
    return sum(draw(st.sampled_from([-5, -3, -2, -1, 1, 2, 3, 4])) * m for m in picked)


def _choices(variables, degree):
    return sympy.utilities.iterables.multiset_combinations(list(variables) * degree, degree)


@settings(max_examples=60)
@given(st.data(), st.integers(2, 3), st.sampled_from(["y", "y^2", "1/y"]))
def test_rational_functions_of_small_integers_are_found(data, n, view):
    variables = X[:n]
    P, Q = data.draw(polynomials(variables, 4)), data.draw(polynomials(variables, 3))
    law = sympy.cancel(P / Q)
    assume(law.free_symbols)
    columns = uniform(420, n)
    value = sympy.lambdify(variables, sympy.sqrt(law) if view == "y^2" else law)
    denominator = np.broadcast_to(sympy.lambdify(variables, sympy.fraction(law)[1])(*columns), 420)
    with np.errstate(invalid="ignore"):
        y = np.broadcast_to(value(*columns), 420)
    # poles among the rows leave no digits to judge by
    assume(np.isfinite(y).all() and np.abs(denominator).min() > 0.02 * np.abs(denominator).max())
    assume(view == "y" or (y > 1e-3).all())
    found = rational_relation(columns, y, view)
    assert found is not None
    fresh = uniform(50, n, seed=1)
    with np.errstate(invalid="ignore"):
        truth = np.broadcast_to(value(*fresh), 50)
    ours = np.broadcast_to(sympy.lambdify(variables, found)(*fresh), 50)
    inside = np.isfinite(truth)
    np.testing.assert_allclose(ours[inside], truth[inside], rtol=1e-9, atol=1e-9 * np.abs(y).max())


def test_a_relation_is_the_law_itself():
    a, b = uniform(300, 2)
    found = rational_relation([a, b], (a**2 - 3 * b) / (1 + a * b))
    difference = sympy.nsimplify(found, tolerance=1e-9, rational=True) - (X[0] ** 2 - 3 * X[1]) / (
        1 + X[0] * X[1]
    )
    assert sympy.simplify(difference) == 0


@pytest.mark.parametrize("n", [200, 2000])
@pytest.mark.parametrize(
    "law",
    [
        lambda a, b: np.exp(a),
        lambda a, b: np.sin(a * b),
        lambda a, b: gamma(a),
        lambda a, b: np.exp(a) / b,
        lambda a, b: np.sqrt(a) + np.log(b),
        lambda a, b: np.random.default_rng(3).normal(size=a.size),
        lambda a, b: a / b * (1 + 1e-6 * np.random.default_rng(3).normal(size=a.size)),
    ],
)
def test_what_is_not_rational_gives_no_relation(law, n):
    columns = uniform(n, 2)
    y = law(*columns)
    for most in (60, 200, 600):
        for view in {"y", "1/y", "y^2"} & {view.name for view in views(y)}:
            assert rational_relation(columns, y, view, most) is None
            assert rational_relation(columns[:1], y, view, most) is None


@pytest.mark.parametrize("size", [1e-170, 1e170])
def test_columns_whose_powers_leave_the_range_of_floats_give_a_finite_relation_or_none(size):
    u, v = uniform(200, 2)
    found = rational_relation([u * size, v * size], (u**2 + v) / (1 + v**2))
    assert found is None or not found.has(sympy.nan, sympy.zoo, sympy.oo)
