"""Shared and separate constants in one fit, against scipy's fit of the same model written out."""

import numpy as np
import sympy
from scipy.optimize import curve_fit

from kansci.symbolic.grouped import GroupedModel
from kansci.symbolic.parametric import Parametric

X, V, K = (sympy.Symbol(name, positive=True) for name in ("x", "V", "K"))


def table(seed=0):
    rng = np.random.default_rng(seed)
    x, index = rng.uniform(0.05, 2, 60), np.repeat([0, 1, 2], 20)
    y = np.array([200.0, 150, 90])[index] * x / (0.3 + x) + rng.normal(size=60)
    return x, index, y


def test_values_and_standard_errors_are_those_of_one_least_squares_problem():
    x, index, y = table()
    form = Parametric(V * X / (K + X), (X,), (V, K), np.array([100.0, 1.0]))
    model = GroupedModel.of(form, np.tile(form.values, (3, 1)), np.array([False, True]))
    fitted, fit = model.refit([x], index, y, np.ones(60))

    def written_out(_, k, *v):
        return np.array(v)[index] * x / (k + x)

    best, covariance = curve_fit(written_out, x, y, p0=[1, 100, 100, 100])
    np.testing.assert_allclose(fitted.values, best, rtol=1e-6)
    np.testing.assert_allclose(fit.rss, np.sum((written_out(x, *best) - y) ** 2), rtol=1e-9)
    errors = fitted.stderr([x], index, y, np.ones(60))
    np.testing.assert_allclose(errors, np.sqrt(np.diag(covariance)), rtol=1e-4)
    assert fitted.shared.tolist() == [False, True]


def test_groups_as_columns_is_the_same_model():
    x, index, _ = table()
    form = Parametric(V * X / (K + X), (X,), (V, K), np.zeros(2))
    values = np.array([[3.0, 0.1], [2, 0.1], [1, 0.1]])
    model = GroupedModel.of(form, values, np.array([False, True]))
    plain = model.with_groups_as_columns()
    columns = [x, *((index == g).astype(float) for g in range(3))]
    np.testing.assert_allclose(plain.predict(columns), model.predict([x], index))
    np.testing.assert_allclose(plain.jacobian(columns), model.jacobian([x], index))
