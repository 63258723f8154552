"""Monomials are complete, by degree, and within the limits of their features."""

from itertools import product
from math import comb

import numpy as np
import sympy
from hypothesis import given
from hypothesis import strategies as st

from kansci.search.monomials import GROUP_POWER, Feature, Monomials

SYMBOLS = sympy.symbols("a b c d")


def features(limits, rows=20):
    columns = np.random.default_rng(0).uniform(-3, 3, (len(limits), rows))
    return [Feature(x, s, p, g) for x, s, (p, g) in zip(columns, SYMBOLS, limits, strict=False)]


@given(st.integers(1, 4), st.integers(1, 5))
def test_the_count_is_binomial(n, degree):
    found = Monomials(features([(99, -1)] * n), 10**6, degree)
    assert len(found.exponents) == len(set(found.exponents)) == comb(n + degree, degree)
    assert found.degrees == sorted(found.degrees)


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from([-1, 0, 1])), min_size=1, max_size=4))
def test_max_power_and_groups_hold_and_nothing_else_is_left_out(limits):
    def allowed(e):
        sizes = [sum(p for p, (_, g) in zip(e, limits, strict=True) if g == group) for group in (0, 1)]
        return all(p <= m for p, (m, _) in zip(e, limits, strict=True)) and max(sizes) <= GROUP_POWER

    found = Monomials(features(limits), 10**6, 4)
    every = product(range(5), repeat=len(limits))
    assert set(found.exponents) == {e for e in every if sum(e) <= 4 and allowed(e)}


@given(st.integers(4, 60))
def test_only_whole_degrees_within_the_bound(most):
    sizes = [comb(3 + d, d) for d in range(9)]
    assert len(Monomials(features([(99, -1)] * 3), most, 8).exponents) == max(s for s in sizes if s <= most)


def test_a_term_has_the_values_of_its_column():
    given_features = features([(99, -1), (2, 0), (1, 0)])
    found = Monomials(given_features, 100, 3)
    for k in range(len(found.exponents)):
        value = sympy.lambdify(SYMBOLS[:3], found.term(k, 1.7))(*(f.values for f in given_features))
        np.testing.assert_allclose(value * np.ones(20), 1.7 * found.values[:, k], rtol=1e-13)


def test_degree_one_is_always_there():
    assert Monomials(features([(99, -1)] * 4), 1, 8).degrees == [0, 1, 1, 1, 1]
