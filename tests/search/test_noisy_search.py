"""What the search does under noise, against explicit leave-one-out fits, scipy, and laws with noise added."""

import time

import numpy as np
import pytest
import sympy
from numpy.polynomial import legendre
from scipy.optimize import least_squares

from kansci.data import Dataset
from kansci.discovery import DiscoverSettings, discover
from kansci.search.judge import rarity
from kansci.search.noisy_relations import noisy_feature_relations, noisy_relations
from kansci.search.pool import ExactFoundError, Pool
from kansci.search.press import levelling, press
from kansci.search.problem import TARGET, Problem
from kansci.search.rows import Rows
from kansci.search.sparse_rational import backward_elimination, fit_quotient
from kansci.search.trial_reductions import trial_reductions
from kansci.search.whiteness import leaves_white_noise
from kansci.symbolic.parametric import Parametric

A, B, C, D = SYMBOLS = sympy.symbols("a b c d", positive=True)


def table(law, noise, rows=800, size=4, seed=0, high=4.0):
    rng = np.random.default_rng(seed)
    columns = tuple(rng.uniform(1, high, rows) for _ in range(size))
    y = sympy.lambdify(SYMBOLS[:size], law)(*columns)
    return Problem(columns, SYMBOLS[:size], y + noise * y.std() * rng.normal(size=rows))


def is_of_the_form(found, law, problem):
    """Whether the formula with its numbers refitted to the exact law is the law."""
    exact = sympy.lambdify(problem.exprs, law)(*problem.columns)
    start = Parametric.of(found, problem.exprs)
    for digits in (9, 1):  # a root may be real only near the law's own numbers
        near = start.with_values(np.array([float(f"{v:.{digits}g}") for v in start.values]))
        _, fit = near.refit(problem.columns, exact)
        if fit.rss < 1e-12 * (exact**2).sum():
            return True
    return False


def test_press_is_the_error_of_leaving_each_row_out():
    rng = np.random.default_rng(0)
    x, w = rng.uniform(-1, 2, 40), rng.uniform(0.5, 2, 40)
    y = np.exp(x) + 0.1 * rng.normal(size=40)
    u = 2 * (x - x.min()) / np.ptp(x) - 1
    errors = []
    for degree in range(1, 13):
        V = legendre.legvander(u, degree)
        out = []
        for k in range(40):
            rest = np.arange(40) != k
            c = np.linalg.lstsq(V[rest] * w[rest, None], w[rest] * y[rest], rcond=None)[0]
            out.append(w[k] * (y[k] - V[k] @ c))
        errors.append(np.array(out))
    best = min(errors, key=lambda e: (e**2).mean())
    left = press([x], y, w, most=100)
    assert np.allclose(left.residual, best, rtol=1e-6, atol=1e-9)


def test_noise_makes_polynomials_level_off():
    law = A * sympy.exp(-B) / C
    clean, noisy = (table(law, noise, size=3) for noise in (0.0, 0.1))
    assert levelling(clean.columns, clean.y, clean.weight, 200) < 0.3
    assert levelling(noisy.columns, noisy.y, noisy.weight, 200) == 1
    assert levelling(clean.columns, clean.columns[0] * clean.columns[1], clean.weight, 200) == 0


def test_a_quotient_is_fitted_as_scipy_fits_it():
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 1, 200)
    y = (1 + 2 * x) / (1 + 0.5 * x**2) + 0.01 * rng.normal(size=200)
    w = rng.uniform(0.5, 2, 200)
    tops, bottoms = np.stack([x**0, x], axis=1), np.stack([x**0, x**2], axis=1)
    fit = fit_quotient(tops, bottoms, y, w)
    reference = least_squares(
        lambda p: w * ((p[0] + p[1] * x) / (1 + p[2] * x**2) - y), [1, 1, 0], xtol=1e-15, ftol=1e-15
    )
    assert fit.mse == pytest.approx(2 * reference.cost / 200, rel=1e-6)
    assert np.allclose([*fit.p / fit.q[0], fit.q[1] / fit.q[0]], reference.x, rtol=1e-3)


def test_elimination_leaves_the_terms_of_the_law():
    rng = np.random.default_rng(2)
    terms = rng.normal(size=(500, 12))
    y = 3 * terms[:, 2] - terms[:, 7] + 0.1 * rng.normal(size=500)
    one = np.ones((500, 1))
    full = fit_quotient(terms, one, y, np.ones(500))
    path = backward_elimination(terms, one, y, np.ones(500), full, np.zeros(13))
    (two,) = [min((f for f in path if f.size == 2), key=lambda f: f.mse)]
    assert sorted(two.top.tolist()) == [2, 7]


@pytest.mark.parametrize("noise", [0.01, 0.1])
@pytest.mark.parametrize(
    "law",
    [(A * B + C * D) / (A + C), A * B / (1 + A * B + C**2), sympy.sqrt(A**2 + B * C), sympy.exp(1 - A / B)],
    ids=str,
)
def test_rational_laws_under_noise(law, noise):
    p = table(law, noise, size=len(law.free_symbols | {A, B, C}))
    found = [f for f in noisy_relations(p, np.inf) if f is not None]
    assert any(is_of_the_form(f, law, p) for f in found)


def test_a_root_of_a_law_with_a_cosine_where_noise_makes_the_target_negative():
    law = sympy.sqrt(A**2 + B**2 - 2 * A * B * sympy.cos(C - D))
    p = table(law, 0.1)
    assert (p.y < 0).any()
    found = [f for f in noisy_feature_relations(p, np.inf) if f is not None]
    assert any(is_of_the_form(f, law, p) for f in found[:3])


def test_reductions_under_noise_are_those_of_the_law():
    p = table(A / B**2 * sympy.sin(C - D), 0.1)
    together, *_ = (trial for trial in trial_reductions(p) if trial is not None)
    assert set(together.exprs) == {C - D}
    assert sympy.simplify(together.lift - TARGET * A / B**2) == 0


def test_weights_follow_the_target():
    """Errors of y / a count a times as much in the table."""
    p = table(A * sympy.sin(B), 0.05, size=2)
    smaller = p.with_target(p.y / p.columns[0], TARGET * A, slope=p.columns[0])
    assert np.allclose(smaller.weight, p.weight * p.columns[0])
    view = next(v for v in table(A + B, 0.0, size=2).views if v.name == "log(y)")
    assert np.allclose(view.slope, np.exp(view.values))


def test_rare_functions_cost_more():
    assert rarity(sympy.exp(A) * sympy.sqrt(B)) == 0
    assert 0 < rarity(sympy.asin(A)) < rarity(sympy.erf(A))
    assert rarity(A ** sympy.Rational(7, 3)) > 0


def rate(size, rows):
    """A table of c/(1 + c/k) exp(-E/T) or, of one column, c exp(-k c): with noise and without."""
    rng = np.random.default_rng(5)
    X = rng.uniform([0.1, 280][:size], [2, 400][:size], (rows, size))
    c = X[:, 0]
    y = 3.2 * c / (1 + 0.8 * c) * np.exp(-900 / X[:, 1]) if size == 2 else 3.2 * c * np.exp(-0.9 * c)
    noise = 0.02 * y.std() * rng.normal(size=rows)
    return [Dataset.from_arrays(X, values, ["c", "T"][:size], "rate") for values in (y + noise, y)]


def is_the_law(found, clean):
    _, fit = Parametric.of(found.formula.expr, sympy.symbols(clean.inputs)).refit(list(clean.X.T), clean.y)
    return fit.rss < 1e-12 * (clean.y**2).sum()


def test_a_search_under_noise_finds_the_law():
    def enough(event):
        if event.nrmse is not None and event.nrmse < 0.021:
            raise KeyboardInterrupt

    noisy, clean = rate(2, 200)
    assert is_the_law(discover(noisy, DiscoverSettings(seconds=200), enough), clean)


@pytest.mark.slow
def test_a_search_under_noise_ends_by_itself_with_the_law():
    noisy, clean = rate(1, 150)
    found = discover(noisy, DiscoverSettings(seconds=300))
    assert found.seconds < 200  # it need not use its time
    assert is_the_law(found, clean)


def test_white_noise_is_told_from_structure():
    p = table(A + B, 0.1, size=2)
    rows = Rows(p.columns, p.y, np.ones(len(p.y)), np.arange(600), np.arange(600, 800))
    for law, white in ((1.0 * A + 1.0 * B, True), (1.0 * sympy.log(A) + 1.0 * B, False)):
        candidate = Pool(rows, p.exprs, time.monotonic() + 60).offer(law)
        assert leaves_white_noise(candidate, rows) is white


def test_a_root_that_noise_made_complex_is_offered_with_rounded_numbers():
    rng = np.random.default_rng(0)
    a, b = columns = tuple(rng.uniform(1, 2, (2, 100)))
    y = np.abs(a - b)
    rows = Rows(columns, y, np.ones(100), np.arange(80), np.arange(80, 100))
    pool = Pool(rows, (A, B), time.monotonic() + 60)
    with pytest.raises(ExactFoundError):
        pool.offer(sympy.sqrt(0.998 * A**2 - 2.003 * A * B + 1.001 * B**2))
