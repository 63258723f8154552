"""Steps of the search for small tables, coupled sums, several components and transformed targets."""

import time

import numpy as np
import pytest
import sympy

from kansci.search.changed_sums import changed_sums
from kansci.search.few_constants import few_constants
from kansci.search.further_terms import further_terms
from kansci.search.grammar import ANYTHING
from kansci.search.pool import Pool
from kansci.search.problem import TARGET, Problem
from kansci.search.rows import Rows
from kansci.search.simple_exponents import simple_exponents
from kansci.search.snap_additive import snapped_sums
from kansci.search.transformed import transformed_targets

A, B, C = sympy.symbols("a b c", positive=True)


def problem(columns, y, symbols=(A, B, C)):
    return Problem(tuple(columns), tuple(symbols[: len(columns)]), y)


def values(expr, columns, symbols=(A, B, C)):
    return sympy.lambdify(symbols[: len(columns)], expr, "numpy")(*columns)


def test_four_rows_are_enough_for_simple_exponents():
    """Kepler's law for binaries, where the exponents could not be fitted."""
    rng = np.random.default_rng(0)
    distance, first, second = rng.uniform(5, 60, 4), rng.uniform(0.5, 2, 4), rng.uniform(0.5, 2, 4)
    period = distance**1.5 / np.sqrt(first + second) * (1 + 0.002 * rng.normal(size=4))
    found = [e for e in simple_exponents(problem([distance, first, second], period)) if e is not None]
    constant, law = found[0].as_coeff_Mul()
    assert law == A ** sympy.Rational(3, 2) / sympy.sqrt(B + C)
    assert float(constant) == pytest.approx(1, abs=0.01)


def test_a_sum_after_a_change_of_variable():
    rng = np.random.default_rng(1)
    a, b = rng.uniform(1, 5, (2, 400))
    y = 3 * np.log(a) + np.exp(-2 * b / a)
    found = [e for e in changed_sums(problem([a, b], y)) if e is not None]
    errors = [np.abs(values(e, [a, b]) - y).max() for e in found]
    assert min(errors) < 1e-4  # before the refit


def test_components_are_found_one_after_the_other():
    """Two lines of a spectrum on a decaying background: the residuals are the noise that was put in."""
    rng = np.random.default_rng(2)
    x = np.sort(rng.uniform(0.5, 10, 300))
    law = 5 * np.exp(-x / 4) + 3 * np.exp(-(((x - 3) / 0.4) ** 2)) + 2 * np.exp(-(((x - 7) / 0.7) ** 2))
    y = law + 0.02 * rng.normal(size=300)
    rows = Rows((x,), y, np.ones(300), np.arange(240), np.arange(240, 300))
    pool = Pool(rows, (A,), time.monotonic() + 60)
    pool.offer(sympy.Float(4) * sympy.exp(-sympy.Float(0.3) * A))
    for formula in further_terms(pool, ANYTHING):
        if formula is not None:
            pool.offer(formula)
        if pool.best.train * y.std() < 0.022:
            break
    assert np.sqrt(np.mean((values(pool.best.expr, [x]) - law) ** 2)) < 0.01


def test_a_target_that_factors_under_a_sine():
    rng = np.random.default_rng(3)
    n, angle = rng.uniform(0.2, 0.9, 50), rng.uniform(0.1, 1.5, 50)
    y = np.arcsin(n * np.sin(angle))
    by_name = {p.lift.func: p for p in transformed_targets(problem([n, angle], y))}
    np.testing.assert_allclose(by_name[sympy.asin].y, n * np.sin(angle), rtol=1e-12)
    assert by_name[sympy.asin].lift == sympy.asin(TARGET)
    assert list(transformed_targets(by_name[sympy.asin])) == []


def test_a_stray_value_does_not_hide_the_scale_of_the_others():
    x = np.array([-1000.0, 0, 1, 2, 3, 4, 5, 6])
    y = 0.4 + 0.3 * 2**x
    errors = [np.abs(values(e, [x]) - y).max() for e in few_constants(problem([x], y)) if e is not None]
    assert min(errors) < 0.05 * y.std()


def test_a_sum_in_many_columns_does_not_try_every_combination_of_matches():
    """Four matches of each of ten parts would be a million sums."""
    rng = np.random.default_rng(4)
    symbols = sympy.symbols("x:10", positive=True)
    columns = rng.uniform(0.5, 3, (10, 300))
    law = columns[3] ** 2 + 2 * np.exp(-columns[7])
    found = list(snapped_sums(problem(columns, law + 0.01 * rng.normal(size=300), symbols)))
    with np.errstate(over="ignore"):
        errors = [np.sqrt(np.mean((values(e, columns, symbols) - law) ** 2)) for e in found]
    assert min(errors) < 0.02
