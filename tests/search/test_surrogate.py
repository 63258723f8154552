"""The surrogate's gradients against sympy's derivatives, and its error against fresh rows."""

import numpy as np
import pytest
import sympy

from kansci.search.surrogate import polynomial_surrogate

X = sympy.symbols("x y z", positive=True)
x, y, z = X
LAWS = {
    "polynomial": (x**3 * y - 2 * y * z + 1, (-2, 2)),
    "trigonometric": (sympy.sin(x * y) + sympy.cos(z), (-1, 1)),
    "product": (x**2 * sympy.sqrt(y) / z, (1, 5)),
    "negative": (-sympy.exp(x / y) * z, (1, 2)),
}


def table(law, span, n=900, seed=0):
    columns = np.random.default_rng(seed).uniform(*span, (3, n))
    return list(columns), sympy.lambdify(X, law)(*columns)


@pytest.mark.parametrize("law", LAWS)
def test_gradients_and_values(law):
    expr, span = LAWS[law]
    columns, target = table(expr, span)
    g = polynomial_surrogate(columns, target)
    at = [c[g.rows] for c in columns]
    assert g.error < 1e-4
    np.testing.assert_allclose(g.f, target[g.rows], atol=10 * g.error * target.std())
    for k, variable in enumerate(X):
        slope = np.broadcast_to(sympy.lambdify(X, sympy.diff(expr, variable))(*at), len(g.rows))
        size = target.std() / np.ptp(columns[k])
        # a polynomial's slope is worse than its value by the square of its degree (Markov)
        np.testing.assert_allclose(g.df[:, k], slope, atol=300 * g.error * size + 1e-9 * np.abs(slope).max())


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.2])
@pytest.mark.parametrize("law", [sympy.sin(3 * x * y) + z, sympy.Abs(x - y) + z, sympy.exp(x) / (z + y)])
def test_the_error_is_honest(law, noise):
    """It is that of the true law, which only the test knows, plus the noise."""
    columns, target = table(law, (0.5, 2))
    noisy = target + noise * target.std() * np.random.default_rng(5).normal(size=len(target))
    g = polynomial_surrogate(columns, noisy)
    inner = np.sqrt(np.mean((g.f - target[g.rows]) ** 2)) / target.std()
    assert 0.8 * np.hypot(noise, inner) < g.error < 1.3 * noise + 5 * inner


def test_too_little_data_gives_none():
    assert polynomial_surrogate([np.arange(19.0)], np.arange(19.0)) is None
    assert polynomial_surrogate([], np.arange(50.0)) is None
