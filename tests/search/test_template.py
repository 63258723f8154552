"""A required form is read, fitted with splines, and its functions are found."""

import pickle
import time

import numpy as np
import pytest
import sympy

from kansci.data import Dataset
from kansci.discovery import DiscoverSettings, discover
from kansci.errors import KansciError
from kansci.estimators import SymbolicRegressor
from kansci.search.form_splines import fit_form_splines
from kansci.search.grammar import ANYTHING
from kansci.search.rows import Rows
from kansci.search.template import read_template

SYMBOLS = x, z = sympy.symbols("x z", positive=True)


def columns(rows=400):
    return tuple(np.random.default_rng(0).uniform(0.5, 2, (2, rows)))


def splines(form, law, rows=400):
    table = columns(rows)
    held = np.arange(rows) % 5 == 0
    data = Rows(table, law(*table), np.ones(rows), np.flatnonzero(~held), np.flatnonzero(held))
    template = read_template(form, SYMBOLS, "y", ANYTHING)
    return fit_form_splines(template, SYMBOLS, data, 0, time.monotonic() + 60)


@pytest.mark.parametrize(
    ("form", "law"),
    [
        ("a*f(x) + g(z)", lambda x, z: 3 * np.exp(-x) + np.sqrt(z)),
        ("f(x)*g(z) + c", lambda x, z: np.sin(3 * x) * np.exp(z) + 2),
        ("f(x - b*z)", lambda x, z: np.sin(2 * x - z)),
        ("f(g(x) + h(z))", lambda x, z: np.sqrt(np.exp(x) + z**3)),
        ("f(x)/(1 + f(z))", lambda x, z: np.exp(x) / (1 + np.exp(z))),
    ],
)
def test_splines_fit_a_right_form_and_their_jacobian_is_right(form, law):
    fit, error = splines(form, law)
    assert error < 1e-3
    points, p = columns(50), fit.parameters
    J = fit.jacobian(points)
    for k in range(0, len(p), 5):
        step = 1e-5 * np.eye(len(p))[k]
        ends = [fit.with_parameters(p + sign * step).predict(points) for sign in (1, -1)]
        np.testing.assert_allclose(J[:, k], (ends[0] - ends[1]) / 2e-5, rtol=1e-4, atol=1e-6)


def test_a_wrong_form_shows_in_the_splines_error():
    assert splines("f(x) + g(z)", lambda x, z: np.sin(3 * x * z))[1] > 0.1


def found(form, law, noise=0.0, **settings):
    table = columns()
    y = law(*table) + noise * np.random.default_rng(1).normal(size=400)
    data = Dataset.from_arrays(np.stack(table, axis=1), y, ["x", "z"])
    return discover(data, DiscoverSettings(template=form, **{"seconds": 30, **settings}))


@pytest.mark.parametrize(
    ("form", "law", "formula"),
    [
        ("y = 3*f(x) + g(z)", lambda x, z: 3 * np.exp(-x) + np.sqrt(z), 3 * sympy.exp(-x) + sympy.sqrt(z)),
        ("a*x/(z + b)^c", lambda x, z: 2 * x / (z + 0.3) ** 1.5, 2 * x / (z + 0.3) ** 1.5),
        ("a*exp(-b*x) + c", lambda x, z: 2.5 * np.exp(-1.3 * x) + 0.7, 2.5 * sympy.exp(-1.3 * x) + 0.7),
        ("f(x) - f(z)", lambda x, z: np.sin(3 * x) - np.sin(3 * z), sympy.sin(3 * x) - sympy.sin(3 * z)),
        ("f(x - b*z)", lambda x, z: 2 * np.sin(3 * x - 2 * z), 2 * sympy.sin(3 * x - 2 * z)),
        ("f(x*z)*z^2", lambda x, z: z**2 * np.log(x * z + 1), z**2 * sympy.log(x * z + 1)),
        ("f(g(x) + h(z))", lambda x, z: np.sqrt(np.exp(x) + z**3), sympy.sqrt(sympy.exp(x) + z**3)),
    ],
)
def test_the_law_is_recovered_through_its_form(form, law, formula):
    discovery = found(form, law)
    assert discovery.exact
    expr = discovery.formula.expr.subs({"x": x, "z": z})
    for point in ({x: 0.83, z: 1.61}, {x: 1.9, z: 0.6}):
        assert float((expr - formula).subs(point)) == pytest.approx(0, abs=1e-9)


def test_with_noise_the_functions_are_still_named():
    discovery = found("f(x) + g(z)", lambda x, z: 3 * np.exp(-x) + np.sin(2 * z), noise=0.01, seconds=4)
    assert discovery.formula.expr.has(sympy.exp)
    assert discovery.formula.expr.has(sympy.sin) or discovery.formula.expr.has(sympy.cos)


def test_numbers_of_a_form_stay_and_added_functions_are_known_in_it():
    discovery = found(
        "a*gauss(1.5*x) + g(z)",
        lambda x, z: 2 * np.exp(-((1.5 * x) ** 2)) + 3 * z,
        functions={"gauss": "exp(-t^2)"},
        unary_operators=[],
    )
    a, b = sympy.symbols("x z")
    assert discovery.formula.expr == 2 * sympy.exp(-sympy.Rational(9, 4) * a**2) + 3 * b


def test_the_grammar_holds_for_a_form_too():
    discovery = found("f(x) + g(z)", lambda x, z: 3 * np.exp(-x) + z**2, unary_operators=["sqrt"], seconds=3)
    assert all(not candidate.formula.expr.has(sympy.exp) for candidate in discovery.front)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("f(x, z)", "f has 2 arguments"),
        ("a + b", "holds no column (columns: x, z)"),
        ("f(a) + x", "the argument of f(a) holds no column"),
        ("f(f(x))", "f stands inside itself"),
        ("f(g(x)) + g(f(z))", "stands inside itself"),
        ("q = f(x)", "must give the target 'y', not 'q'"),
        ("f(x) + 3*y", "holds the target 'y' itself"),
        ("f*f(x)", "a function and a constant"),
        ("a*f(x", "expected ')'"),
        ("log(-x*a^2)", "no formula that the settings allow is finite"),
        ("log(-exp(x*a))*f(z)", "no formula that the settings allow is finite"),
    ],
)
def test_wrong_forms_are_said_in_one_line(form, words):
    with pytest.raises(KansciError) as caught:
        found(form, lambda x, z: x + z, seconds=1)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_form_must_be_allowed_by_the_operators():
    with pytest.raises(KansciError, match="needs an operator"):
        found("a*sin(x) + f(z)", lambda x, z: x + z, unary_operators=["exp"])


def test_the_estimator_takes_form_and_grammar_and_can_be_pickled():
    table = columns(100)
    y = 3 * np.exp(-table[0]) + np.exp(-((2 * table[1]) ** 2))
    rules = {"functions": {"gauss": "exp(-t^2)"}, "unary_operators": ["exp"], "maxsize": np.int64(20)}
    model = SymbolicRegressor(seconds=20, template="f(x1) + gauss(b*x2)", **rules)
    model.fit(np.stack(table, axis=1), y)
    assert model.discovery_.exact
    assert pickle.loads(pickle.dumps(model)).formula.text == model.formula.text
