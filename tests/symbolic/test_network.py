"""From networks to formulas: composition by hand, and a trained network refitted to round-off."""

import numpy as np
import pytest
import sympy
import torch

from kansci.expressions.primitives import PRIMITIVES
from kansci.symbolic.match import Match
from kansci.symbolic.network import compose, edge_matches, snapped_networks
from kansci.symbolic.parametric import Parametric
from kansci.training import TrainSettings, fit_population

X, Y = sympy.symbols("x y", real=True)


def edge(name, a, b, c, d):
    return Match(PRIMITIVES[name], a, b, c, d, sympy.S.Zero, sympy.S.One, 0.0)


def test_composition_is_that_of_the_functions():
    matches = {
        (0, 0, 0): edge("sin", 3.0, 0.4, 0.5, 0.1),
        (0, 1, 0): edge("x^2", 1.0, 0.0, 0.25, -0.3),
        (0, 1, 1): edge("log", 1.0, 2.5, -1.5, 0.2),
        (1, 0, 0): edge("exp", 2.0, 0.0, 0.7, 0.05),
        (1, 1, 0): edge("tanh", 0.6, 0.1, 1.2, -0.5),
    }
    expr = compose((2, 2, 1), matches, [X, Y])
    x, y = np.random.default_rng(0).uniform(-1, 1, (2, 30))
    first = 0.5 * np.sin(3 * x + 0.4) + 0.1 + 0.25 * y**2 - 0.3
    second = -1.5 * np.log(y + 2.5) + 0.2
    expected = 0.7 * np.exp(2 * first) + 0.05 + 1.2 * np.tanh(0.6 * second + 0.1) - 0.5
    np.testing.assert_allclose(Parametric.of(expr, [X, Y]).predict([x, y]), expected, rtol=1e-12)


def test_missing_edges_are_zero():
    expr = compose((2, 1), {(0, 1, 0): edge("x", 1.0, 0.0, 2.0, 0.5)}, [X, Y])
    assert (float(expr.coeff(Y)), float(expr.subs(Y, 0))) == (2.0, 0.5)
    assert compose((1, 1), {}, [X]) == 0


def test_a_trained_network_becomes_the_law():
    """exp(sin(pi x) + y^2), the example of Liu et al. 2024 (KAN, arXiv:2404.19756)."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        X_rows = np.random.default_rng(0).uniform(-1, 1, (600, 2))
        y = np.exp(np.sin(np.pi * X_rows[:, 0]) + X_rows[:, 1] ** 2)
        model = fit_population(X_rows, y, [2, 1, 1], TrainSettings(), seed=0).model
    finally:
        torch.set_num_threads(threads)
    assert {e: m[0].primitive.name for e, m in edge_matches(model, X_rows).items()}[0, 0, 0] == "sin"
    columns = list(X_rows.T)
    errors = []
    for expr in snapped_networks(model, X_rows, [X, Y], most=6):
        _, fit = Parametric.of(expr, [X, Y]).refit(columns, y)
        errors.append(np.sqrt(fit.rss / len(y)) / y.std())
        if errors[-1] < 1e-8:
            break
    assert min(errors) < 1e-8


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_formulas_than_asked_for(most):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows = np.linspace(-1, 1, 60)[:, None]
    model = fit_population(rows, rows[:, 0] ** 2, [1, 1], TrainSettings(), seed=0).model
    torch.set_num_threads(threads)
    assert len(list(snapped_networks(model, rows, [X], most=most))) <= most
