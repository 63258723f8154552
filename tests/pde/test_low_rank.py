"""Separable networks of low rank: many coordinates, few products."""

import numpy as np
import pytest

from kansci.pde.low_rank import low_rank_levels
from kansci.pde.networks.separable import SumOfOnes
from kansci.pde.resolution import needed_sizes
from kansci.pde.solver import SolveSettings, solve_problem
from kansci.pde.statement import problem
from kansci.pde.system import prepare

BOX = {f"x{k}": [0, 1] for k in range(1, 6)}
SINES = [f"sin(pi*x{k})" for k in range(1, 6)]


def total(x):
    return np.sin(np.pi * x).sum(1)


def product(x):
    return np.exp(x[:, 0] - x[:, 1]) * np.cos(x[:, 2]) * np.exp(-x[:, 3])


PROBLEMS = {
    "a sum": (
        problem(f"-laplacian(u) = pi^2*({'+'.join(SINES)})", BOX, {"boundary": f"u = {'+'.join(SINES)}"}),
        total,
        1e-9,
    ),
    "a product": (
        problem(
            "laplacian(u) = 2*g",
            {f"x{k}": [0, 1] for k in range(1, 5)},
            {"boundary": "u = g"},
            parameters={"g": "exp(x1 - x2)*cos(x3)*exp(-x4)"},
        ),
        product,
        1e-8,
    ),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_closed_forms_are_met(case):
    stated, exact, tolerance = PROBLEMS[case]
    told = []
    settings = SolveSettings(seconds=60)
    found = solve_problem(stated, settings, told.append, lambda: bool(told) and told[-1].residual < 1e-9)
    x = stated.domain.sample(500, np.random.default_rng(2))
    np.testing.assert_allclose(found.evaluate("u", x), exact(x), atol=tolerance)
    gradient = (exact(x + 1e-6 * np.eye(x.shape[1])[0]) - exact(x - 1e-6 * np.eye(x.shape[1])[0])) / 2e-6
    first = (1,) + (0,) * (x.shape[1] - 1)
    np.testing.assert_allclose(found.evaluate("u", x, first), gradient, atol=1e-7)


def test_a_sum_is_tried_first_and_is_enough():
    stated, exact, _ = PROBLEMS["a sum"]
    piece = next(low_rank_levels(prepare(stated), lambda: False))
    assert isinstance(piece.models["u"].network, SumOfOnes)
    x = stated.domain.sample(200, np.random.default_rng(2))
    np.testing.assert_allclose(piece.jet("u", x, [(0,) * 5])[0], exact(x), atol=1e-5)


def test_the_rank_rises_to_what_is_needed():
    stated = problem(
        "-laplacian(u) = 4*pi^2*one + pi^2*other",
        {f"x{k}": [0, 1] for k in range(1, 5)},
        {"boundary": "u = 0"},
        parameters={
            "common": "sin(pi*x3)*sin(pi*x4)",
            "one": "sin(pi*x1)*sin(pi*x2)*common",
            "other": "sin(2*pi*x1)*sin(2*pi*x2)*common",
        },
    )
    x = stated.domain.sample(300, np.random.default_rng(3))
    s = np.sin(np.pi * x)
    exact = s.prod(1) + np.sin(2 * np.pi * x[:, 0]) * np.sin(2 * np.pi * x[:, 1]) * s[:, 2] * s[:, 3] / 10
    ranks, size = [], np.inf
    for piece in low_rank_levels(prepare(stated), lambda: False):
        ranks.append(getattr(piece.models["u"].network, "rank", 0))
        size = np.abs(piece.jet("u", x, [(0,) * 4])[0] - exact).max()
        if size < 1e-6:
            break
    assert size < 1e-6
    assert ranks[-1] >= 2
    assert ranks == sorted(ranks)


def test_known_functions_say_how_many_polynomials_are_needed():
    system = prepare(
        problem(
            "u_xx + u_yy = sin(20*x)*y",
            {"x": [-1, 1], "y": [-1, 1]},
            {"boundary": "u = 0"},
        )
    )
    x, y = needed_sizes(system, 6)
    coefficients = np.polynomial.chebyshev.chebinterpolate(lambda s: np.sin(20 * s), 60)
    last = np.flatnonzero(np.abs(coefficients) > 1e-9 * np.abs(coefficients).max())[-1]
    assert last < x < last + 10
    assert y < 12
