"""Known symmetries are found first, absent ones not at all, and a reduction never changes the data."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from kansci.search.problem import TARGET, Problem
from kansci.search.surrogate import polynomial_surrogate
from kansci.search.symmetry import reductions

X = sympy.symbols("x y z", positive=True)
x, y, z = X


def problem(law, span=(1, 2), rows=1200, idle=()):
    used = [s for s in X if s in law.free_symbols.union(idle)]
    columns = np.random.default_rng(0).uniform(*span, (len(used), rows))
    return Problem(tuple(columns), tuple(used), sympy.lambdify(used, law)(*columns))


def found(law, threshold=None, **options):
    p = problem(law, **options)
    g = polynomial_surrogate(p.columns, p.y)
    return [r.problem for r in reductions(p, g, max(1e-4, 12 * g.error) if threshold is None else threshold)]


@pytest.mark.parametrize(
    ("law", "columns", "lift"),
    [
        (sympy.exp(-x / y), {y / x}, TARGET),
        (sympy.sin(x - y), {x - y}, TARGET),
        (sympy.log(x + 2 * y) / (x + 2 * y), {x + 2 * y}, TARGET),
        (sympy.exp(x * y) + z**3, {x * y, z}, TARGET),
        (sympy.sin(x * y) + z, {x, y}, TARGET + z),
        (x**2 * sympy.exp(sympy.sin(y)), {y}, TARGET * x**2),
        (sympy.cos(sympy.sqrt(x**2 + y**2)), {x**2 + y**2}, TARGET),
        (x * sympy.exp(y / x) * sympy.cos(z), {x / y, z}, TARGET * y),
        (sympy.sqrt(y) * sympy.exp(sympy.sin(3 * z)), {z}, TARGET * sympy.sqrt(y)),
    ],
)
def test_the_first_reduction_is_the_symmetry_of_the_law(law, columns, lift):
    first = found(law)[0]
    assert (set(first.exprs), first.lift) == (columns, lift)


def test_a_column_that_does_nothing_is_dropped():
    first = found(sympy.cos(y) + sympy.sin(3 * y * z), idle=X)[0]
    assert (set(first.exprs), first.lift) == ({y, z}, TARGET)


def test_homogeneous_laws_are_measured_in_one_of_their_variables():
    # no two of the columns act together, all three do
    law = x**2 * sympy.sin(y / x) * sympy.exp(z / y) + y * z
    first = found(law)[0]
    assert first.size == 2
    scale = sympy.Symbol("s", positive=True)
    grown = {s: scale * s for s in X}
    assert all(sympy.simplify(e.subs(grown, simultaneous=True) - e) == 0 for e in first.exprs)
    assert sympy.simplify(first.lift.subs(grown, simultaneous=True) / first.lift) == scale**2


@pytest.mark.parametrize("span", [(1, 2), (-1, 1)])
@pytest.mark.parametrize(
    "law", [x * sympy.sin(y) + y * sympy.exp(x), sympy.exp(x * y) + sympy.sin(x + 2 * y)]
)
def test_a_law_without_symmetry_has_none(law, span):
    assert not found(law, threshold=1e-3, span=span)


PARTS = [x, y**2, x * y, x / y, sympy.sin(x), sympy.exp(y - z), sympy.cos(x + z), 1 / z, sympy.sqrt(z) * y]


@settings(max_examples=40)
@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=3, unique=True), st.booleans(), st.booleans())
def test_every_reduction_keeps_the_data(parts, product, signs):
    """True or false, a reduction only rewrites the table: lifted back, its target is the old one."""
    law = sympy.Mul(*parts) if product else sympy.Add(*parts)
    p = problem(law + (x + y + z) / 1000, rows=150)
    if signs:
        p = Problem(tuple(c - 1.4 for c in p.columns), sympy.symbols("x y z", real=True), p.y)
    g = polynomial_surrogate(p.columns, p.y)
    for reduction in reductions(p, g, threshold=10):
        q = reduction.problem
        back = sympy.lambdify([TARGET, *p.exprs], q.lift)(q.y, *p.columns)
        np.testing.assert_allclose(back, p.y, rtol=1e-12, atol=1e-12 * np.abs(p.y).max())
        for column, expr in zip(q.columns, q.exprs, strict=True):
            np.testing.assert_allclose(column, sympy.lambdify(p.exprs, expr)(*p.columns), rtol=1e-12)
        assert q.size < p.size
