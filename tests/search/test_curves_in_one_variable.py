"""The searches in one variable have the true law among what they offer, before and after noise."""

import numpy as np
import pytest
import sympy

from kansci.search.few_constants import few_constants
from kansci.search.index import single_indices
from kansci.search.pairs import two_terms
from kansci.search.problem import TARGET, Problem
from kansci.symbolic.parametric import Parametric

X = sympy.Symbol("x", positive=True)
PAIRS = {
    "two exponentials": 2 * sympy.exp(-0.5 * X) + 3 * sympy.exp(-2.2 * X),
    "a damped oscillation": 3 * sympy.exp(-0.31 * X) * sympy.sin(4.27 * X),
    "two frequencies": sympy.sin(2.3 * X) + 0.7 * sympy.cos(5.1 * X),
    "two powers": 3 * X**2 - 2 * sympy.sqrt(X),
}
FEW = {
    "proportional": (2 * X, 1),
    "decay": (5 * sympy.exp(-0.73 * X), 2),
    "approach": (2 - 2 * sympy.exp(-0.9 * X), 2),
    "Michaelis-Menten": (3 * X / (X + 0.83), 2),
    "logarithm": (1.5 * sympy.log(X) + 2, 2),
    "reciprocal": (1 / (3 * X + 2), 2),
    "hyperbola": (sympy.sqrt(2 * X**2 + 1.3), 2),
    "oscillation": (3 * sympy.cos(1.3 * X) + 5, 3),
}


def fits(problem, formulas, most=9):
    """Relative errors of the offered formulas with at most so many constants, refitted one by one."""
    for formula in formulas:
        model = None if formula is None else Parametric.of(formula, problem.exprs)
        if model is not None and len(model.parameters) <= most:
            model = model.refit(problem.columns, problem.y)[0]
            yield np.sqrt(np.mean((model.predict(problem.columns) - problem.y) ** 2)) / problem.y.std()


def curve(law, rows, noise=0.0):
    x = np.linspace(0.3, 5, rows)
    y = sympy.lambdify(X, law)(x)
    return Problem((x,), (X,), y + noise * y.std() * np.random.default_rng(1).normal(size=rows))


@pytest.mark.parametrize("law", PAIRS)
def test_two_terms(law):
    clean, noisy = curve(PAIRS[law], 300), curve(PAIRS[law], 300, noise=0.05)
    assert any(error < 1e-9 for error in fits(clean, two_terms(clean)))
    assert any(0.042 < error < 0.055 for error in fits(noisy, two_terms(noisy)))


@pytest.mark.parametrize("law", FEW)
def test_few_constants(law):
    expr, count = FEW[law]
    clean, noisy = curve(expr, 40), curve(expr, 40, noise=0.05)
    assert any(error < 1e-9 for error in fits(clean, few_constants(clean), count))
    assert any(0.035 < error < 0.06 for error in fits(noisy, few_constants(noisy), count))


def test_an_index_is_found_however_often_the_target_oscillates():
    x, t, h = sympy.symbols("x t h", positive=True)
    columns = np.random.default_rng(0).uniform(1, 3, (3, 1000))
    y = np.sin(7 * columns[0] * columns[1] / columns[2]) ** 2
    ((ratio, found),) = single_indices(Problem(tuple(columns), (x, t, h), y, 2 * TARGET, ("before",)))
    assert found.exprs == (x * t / h,)
    assert (found.lift, found.trail[0]) == (2 * TARGET, "before")
    np.testing.assert_allclose(found.columns[0], columns[0] * columns[1] / columns[2])
    order = np.argsort(found.columns[0])  # von Neumann's ratio, written out
    assert ratio == pytest.approx(np.diff(y[order]).var() / (2 * y.var()), rel=1e-3)


def test_sums_are_indices_too_and_noise_is_none():
    symbols = sympy.symbols("a b c", real=True)
    columns = np.random.default_rng(0).normal(size=(3, 1500))
    found = list(
        single_indices(Problem(tuple(columns), symbols, np.cos(3 * (columns[0] - columns[1] + columns[2]))))
    )
    assert found[0][1].exprs == (symbols[0] - symbols[1] + symbols[2],)
    assert not list(single_indices(Problem(tuple(columns), symbols, columns[0] * columns[1])))
