"""What the pool keeps, refuses, and stops at."""

import time

import numpy as np
import pytest
import sympy
from scipy.optimize import curve_fit

from kansci.search.pool import ExactFoundError, Pool
from kansci.search.rows import Rows

SYMBOLS = x, z = sympy.symbols("x z", real=True)


def pool(noise=0.05, rows=200, seconds=60.0):
    rng = np.random.default_rng(0)
    columns = rng.uniform(-2, 2, (2, rows))
    y = np.exp(columns[0]) + 2 * columns[1] + noise * rng.normal(size=rows)
    order = rng.permutation(rows)
    table = Rows(tuple(columns), y, np.ones(rows), np.sort(order[rows // 5 :]), np.sort(order[: rows // 5]))
    return Pool(table, SYMBOLS, time.monotonic() + seconds)


def number(value):
    return sympy.Float(value, 17)


OFFERS = [
    number(1) * z,
    number(1.0) * x + number(0.5),
    number(0.3) * sympy.sin(number(1.1) * x * z),
    number(0.7) * sympy.exp(number(0.4) * x) + number(0.2) * z,
    number(1) * x + number(2) * z + number(3),
    number(0.7) * sympy.exp(x) + number(0.2) * z + number(0.1) * x * z**2,
    number(0.7) * sympy.exp(x) + number(0.2) * z + number(0.1) * sympy.sin(x) + number(0.1) * z**3,
]


@pytest.mark.parametrize("order", range(3))
def test_the_front_is_not_dominated_and_the_best_is_the_law(order):
    p = pool()
    for k in np.random.default_rng(order).permutation(len(OFFERS)):
        p.offer(OFFERS[k])
    n = len(p.rows.y)
    for one in p.candidates:
        for other in p.candidates:
            if one is not other:
                dominates = (
                    one.complexity <= other.complexity
                    and one.held <= other.held
                    and one.description_length(n) <= other.description_length(n)
                )
                assert not dominates
    assert [c.complexity for c in p.candidates] == sorted(c.complexity for c in p.candidates)
    law = p.best.expr
    assert (
        sympy.simplify(law.xreplace(dict.fromkeys(law.atoms(sympy.Float), sympy.S.One))) == sympy.exp(x) + z
    )
    assert p.best.held * p.rows.spread == pytest.approx(0.05, rel=0.3)  # the noise, not less
    values = sympy.lambdify(SYMBOLS, law)(*p.rows.columns)
    held = p.rows.held
    assert p.best.held == pytest.approx(np.sqrt(np.mean((values - p.rows.y)[held] ** 2)) / p.rows.y.std())


def test_an_exact_formula_ends_the_search_with_exact_constants():
    p = pool(noise=0.0)
    p.offer(OFFERS[1])
    with pytest.raises(ExactFoundError):
        p.offer(number(0.6) * sympy.exp(number(0.8) * x) + number(1.3) * z + number(0.4), ("a step",))
    assert p.best.exact
    assert sympy.simplify(p.best.expr - sympy.exp(x) - 2 * z) == 0
    assert p.best.trail == ("a step",)


@pytest.mark.parametrize(
    "formula",
    [
        sympy.sqrt(x) + number(1.5),
        sympy.log(z),
        sympy.zoo * x,
        sympy.nan * x,
        sympy.I * x + z,
        sympy.exp(sympy.exp(number(9) * x**2)),
        sympy.Add(*(sympy.sin(k * x) * sympy.cos(k * z) for k in range(1, 40))),
        sympy.Add(*(number(0.1 + k / 300) * x**k for k in range(170))),
    ],
)
def test_what_is_not_finite_real_and_short_is_refused(formula):
    p = pool()
    assert p.offer(formula) is None
    assert not p.candidates


def test_a_formula_is_not_refitted_twice():
    p = pool()
    assert p.offer(OFFERS[4]) is not None
    assert p.offer(number(9) * x - number(7) * z + number(2)) is None


def test_more_constants_than_rows_are_refused():
    p = pool(rows=6)
    powers = sympy.Add(*(number(0.1 + k) * x**k for k in range(6)))
    assert p.offer(powers) is None


def test_after_the_deadline_only_the_first_steps_are_taken():
    late = pool(seconds=-1)
    hard = sympy.Add(*(number(0.3 + k) * sympy.sin(number(1.1 + k) * x + number(k)) for k in range(9)))
    start = time.monotonic()
    late.offer(hard)
    assert time.monotonic() - start < 30


def test_two_numbers_that_come_out_equal_are_one_with_an_error_of_its_own():
    """A damped oscillation about an offset, its sine and cosine offered with frequencies of their own."""
    rng = np.random.default_rng(11)
    t = rng.uniform(0, 10, 200)
    y = 4 * np.exp(-0.3 * t) * np.cos(2.2 * t + 0.5) + 1.5 + 0.05 * rng.normal(size=200)
    X = sympy.Symbol("t", real=True)
    rows = Rows((t,), y, np.ones(200), np.arange(160), np.arange(160, 200))
    pool = Pool(rows, (X,), time.monotonic() + 60)
    wave = -2.0 * sympy.sin(2.19 * X) + 3.0 * sympy.cos(2.21 * X)
    found = pool.offer(sympy.exp(-0.31 * X) * wave + 1.4)

    def law(t, c, a, w, p, d):
        return c * np.exp(-a * t) * np.cos(w * t + p) + d

    values, _ = curve_fit(law, t[:160], y[:160], [4, 0.3, 2.2, 0.5, 1.5])
    least = np.sqrt(np.mean((law(t[:160], *values) - y[:160]) ** 2))
    assert found.train * rows.spread == pytest.approx(least, rel=0.03)  # exact numbers may cost a little
    assert len(found.model.parameters) + len(found.snapped) == 5
    assert np.linalg.cond(found.model.jacobian([t])) < 1e3
