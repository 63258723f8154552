"""Simplifications by the data's signs keep every value on the rows."""

import numpy as np
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from kansci.search.data_form import on_the_data

SYMBOLS = x, c = sympy.symbols("x c", real=True)
RNG = np.random.default_rng(0)
COLUMNS = (RNG.uniform(1, 2, 60), RNG.uniform(3, 4, 60))


def test_signs_that_are_fixed_are_used():
    expressions = {
        sympy.Abs(x - 1): x - 1,
        sympy.Abs(x - c): c - x,
        sympy.sqrt(1 / (c - x)): 1 / sympy.sqrt(c - x),
        sympy.sqrt((x - c) ** 2 * x): sympy.sqrt(x) * (c - x),
        sympy.log(sympy.Abs(sympy.sin(x))): sympy.log(sympy.sin(x)),
        x + sympy.Abs(sympy.Abs(x - c) + 1): c + 1,
    }
    for before, after in expressions.items():
        assert sympy.simplify(on_the_data(before, SYMBOLS, COLUMNS) - after) == 0, before
        assert not on_the_data(before, SYMBOLS, COLUMNS).has(sympy.Abs)


def test_signs_that_change_are_not():
    turns = sympy.Float(1.5)
    for expr in (
        sympy.Abs(x - turns),
        sympy.sqrt((x - turns) ** 2),
        ((x - turns) ** 2) ** sympy.Rational(3, 2),
    ):
        assert on_the_data(expr, SYMBOLS, COLUMNS) == expr


LEAVES = st.sampled_from([x, c, sympy.Integer(2), sympy.Float(1.5), sympy.pi])
POWERS = st.sampled_from([sympy.Rational(p) for p in ("1/2", "-1/2", "3/2", "2", "-1", "1/3")])


def larger(part):
    return st.one_of(
        st.tuples(part, part).map(lambda p: p[0] - p[1]),
        st.tuples(part, part).map(lambda p: p[0] * p[1]),
        st.tuples(part, POWERS).map(lambda p: sympy.Pow(*p)),
        part.map(sympy.Abs),
        part.map(sympy.cos),
    )


@settings(max_examples=150)
@given(st.recursive(LEAVES, larger, max_leaves=6))
def test_values_are_kept(expr):
    with np.errstate(all="ignore"):
        before, after = (
            sympy.lambdify(SYMBOLS, e)(*(column + 0j for column in COLUMNS)) * np.ones(60)
            for e in (expr, on_the_data(expr, SYMBOLS, COLUMNS))
        )
    real = np.isfinite(before) & (np.abs(before.imag) < 1e-12)
    np.testing.assert_allclose(after[real].real, before[real].real, rtol=1e-9, atol=1e-9)
