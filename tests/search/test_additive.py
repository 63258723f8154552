"""Closed-form fits of sums and products give back the parts that the data were made of."""

import numpy as np
import pytest

from kansci.search.additive import additive, canonical, multiplicative

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (3, 900))
F, G, H = np.sin(2 * X[0]), np.exp(X[1]), X[2] ** 2 - X[2]


def misfit(part, truth, *, offset):
    """Relative error of ``truth`` as a multiple of ``part``, plus a constant if ``offset``."""
    A = np.column_stack([part, np.ones_like(part)]) if offset else part[:, None]
    residual = truth - A @ np.linalg.lstsq(A, truth, rcond=None)[0]
    return residual.std() / truth.std()


def test_the_parts_of_a_sum():
    fit = additive(X, F - 2 * G + H + 5)
    assert fit.error < 1e-3
    for part, truth in zip(fit.parts, (F, -2 * G, H), strict=True):
        np.testing.assert_allclose(part - part.mean(), truth - truth.mean(), atol=3e-3)


def test_the_error_of_a_sum_is_the_noise_or_what_is_not_a_sum():
    noise = 0.3 * RNG.normal(size=900)
    assert additive(X, F + G + H + noise).error == pytest.approx(0.3 / (F + G + H + noise).std(), rel=0.1)
    pure = RNG.normal(size=900)
    assert additive(X, pure).error == pytest.approx(1, abs=0.1)
    product = X[0] * X[1]  # orthogonal to every sum of functions of one variable
    assert additive(X, product).error > 0.9


@pytest.mark.parametrize("rows", [15, 30, 60])
def test_few_rows_and_few_distinct_values(rows):
    columns = [X[0][:rows], np.arange(rows) % 2.0, np.arange(rows) % 3.0]
    fit = additive(columns, 2 * columns[0] + columns[1] - columns[2] ** 2)
    assert fit.error < 1e-9
    assert misfit(fit.parts[2], columns[2] ** 2, offset=True) < 1e-9


@pytest.mark.parametrize(
    ("outer", "inner"), [(np.exp, np.log), (np.sinh, np.arcsinh), (lambda s: 1 / (s + 6), lambda y: 1 / y)]
)
def test_the_canonical_pair_undoes_the_outer_function(outer, inner):
    y = outer(F + G + H)
    fit = canonical(X, y)
    assert fit.error < 0.01
    assert misfit(fit.target, inner(y), offset=True) < 0.02
    slopes = [np.polyfit(truth, part, 1)[0] for part, truth in zip(fit.parts, (F, G, H), strict=True)]
    assert np.ptp(slopes) < 0.02 * abs(slopes[0])  # one scale for all parts


def test_canonical_finds_the_exponential_of_sine_and_square():
    x, z = X[:2]
    y = np.exp(np.sin(3 * x) + z**2)
    fit = canonical([x, z], y)
    assert misfit(fit.target, np.log(y), offset=True) < 0.01
    assert misfit(fit.parts[0], np.sin(3 * x), offset=True) < 0.01
    assert misfit(fit.parts[1], z**2, offset=True) < 0.01


def test_the_factors_of_a_product_that_changes_sign():
    truth = (F, X[1] ** 3 - 0.5, np.cos(4 * X[2]))
    fit = multiplicative(X, np.prod(truth, axis=0))
    assert fit.error < 0.01
    for part, factor in zip(fit.parts, truth, strict=True):
        assert misfit(part, factor[: len(part)], offset=False) < 0.02


def test_a_sum_is_not_a_product():
    assert multiplicative(X, F + G - H).error > 0.1
