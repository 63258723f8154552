"""Differential equations solved: fields against exact solutions, closed forms proved, constants."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import sympy

import kansci
from kansci.errors import FormulaError, SettingsError
from kansci.storage import json_text

X, Y, T = sympy.symbols("x y t", real=True)


@pytest.mark.parametrize("name", ["poisson_kan", "wave", "klein_gordon", "reaction_diffusion", "heat_nd5"])
def test_closed_forms_of_built_in_problems_are_found_and_proved(name):
    solution = kansci.solve(name, seconds=20, reference=False)
    assert solution.proved
    for field, exact in solution.problem.exact.items():
        assert sympy.simplify(solution.formulas[field] - exact) == 0


UNSEEN = [
    ("u_xx = 6*x", {"x": [0, 1]}, {"boundary": "u = x"}, X**3),
    ("u_xxxx = 24", {"x": [0, 1]}, {"x = 0": ["u = 0", "u_x = 0"], "x = 1": ["u = 1", "u_x = 4"]}, X**4),
    (
        "y'' + 2/5*y' + 4*y = 0",
        {"t": [0, 6]},
        {"t = 0": ["y = 1", "y' = -1/5"]},
        sympy.exp(-T / 5) * sympy.cos(sympy.sqrt(99) * T / 5),
    ),
    (
        "u_t + 2*u_x = 0",
        {"x": [-3, 3], "t": [0, 1]},
        {"t = 0": "u = exp(-x^2)", "x = -3": "u = exp(-(x - 2*t)^2)"},
        sympy.exp(-((X - 2 * T) ** 2)),
    ),
]


@pytest.mark.parametrize(("equation", "domain", "conditions", "exact"), UNSEEN)
def test_closed_forms_of_other_equations(equation, domain, conditions, exact):
    solution = kansci.solve(equation, domain=domain, conditions=conditions, seconds=20, reference=False)
    assert solution.proved
    (formula,) = solution.formulas.values()
    assert sympy.simplify(formula - exact) == 0


def test_a_harmonic_function_on_a_disc():
    solution = kansci.solve(
        "u_xx + u_yy = 0",
        region="disc(0, 0, 1)",
        conditions={"boundary": "u = x^2 - y^2"},
        seconds=10,
        reference=False,
    )
    assert solution.proved
    assert sympy.expand(solution.formulas["u"] - (X**2 - Y**2)) == 0


def test_comparison_with_a_classical_solver_and_a_bound_that_holds():
    solution = kansci.solve("heat", seconds=5, closed_form=False)
    points = solution.problem.domain.sample(500, np.random.default_rng(5))
    exact = np.exp(-(math.pi**2) / 4 * points[:, 1]) * np.sin(math.pi * points[:, 0])
    gap = np.abs(solution.evaluate("u", points) - exact)
    assert gap.max() < 1e-11
    assert solution.reference.against == "exact"
    assert solution.reference.classical
    assert solution.reference.error < 1e-8
    assert gap.max() <= solution.bound.value + 1e-15
    slope = solution.evaluate("u", points, (1, 0))
    cosine = np.exp(-(math.pi**2) / 4 * points[:, 1]) * math.pi * np.cos(math.pi * points[:, 0])
    assert np.abs(slope - cosine).max() < 1e-9
    record = json.loads(json_text(solution.to_json()))
    assert (record["formula"], record["proved"], record["reference"]) == (None, False, "exact")
    assert record["rel_l2"] < 1e-11


def test_unknown_constants_come_with_errors_that_cover_the_truth():
    t = np.linspace(0, 3, 61)
    noise = 0.01 * np.random.default_rng(3).standard_normal(len(t))
    data = pd.DataFrame({"t": t, "y": 2 * np.exp(-0.7 * t) + noise})
    solution = kansci.solve(
        "y' = -k*y",
        domain={"t": [0, 3]},
        conditions={"t = 0": "y = 2"},
        unknowns={"k": 1},
        data=data,
        exact={"k": 0.7, "y": "2*exp(-0.7*t)"},
        seconds=10,
    )
    (k,) = solution.constants
    low, high = k.interval
    assert low < 0.7 < high
    assert high - low < 0.05
    assert k.exact == pytest.approx(0.7)
    assert solution.formulas is None
    assert solution.reference.rel_l2["y"] < 0.01


def test_no_formula_is_made_up_where_there_is_none():
    solution = kansci.solve(
        "u_t = u_xx + sin(u)",
        domain={"x": [0, 1], "t": [0, 0.1]},
        conditions={"boundary": "u = 0", "t = 0": "u = sin(pi*x)"},
        seconds=4,
        reference=False,
    )
    assert not solution.proved
    assert solution.formulas is None
    assert solution.numerical.residual < 1e-4


def test_a_stopped_run_gives_the_best_so_far():
    asked = iter([False] * 40)
    solution = kansci.solve("burgers", seconds=30, cancelled=lambda: next(asked, True))
    assert solution.interrupted
    assert np.isfinite(solution.evaluate("u", np.array([[0.5, 0.1]]))).all()


def test_errors_say_what_to_do():
    with pytest.raises(SettingsError, match="poisson"):
        kansci.solve("poison")
    with pytest.raises(SettingsError, match="no parameter 'mu'"):
        kansci.solve("burgers", parameters={"mu": 1})
    with pytest.raises(FormulaError):
        kansci.solve("u_xx = 6*x +", domain={"x": [0, 1]}, conditions={"boundary": "u = 0"})
    with pytest.raises(SettingsError, match="'colour'"):
        kansci.solve("poisson", colour="red")
    solution = kansci.solve("poisson", seconds=5, reference=False, closed_form=False)
    with pytest.raises(SettingsError, match="columns x, y"):
        solution.evaluate("u", np.zeros((3, 1)))
    with pytest.raises(SettingsError, match="no field 'w'"):
        solution.evaluate("w", np.zeros((3, 2)))


def test_a_solution_that_nothing_confirms_has_a_note():
    """u'' = -u with u(0) = 0 and u(pi) = 1 has no solution."""
    solution = kansci.solve(
        "u_xx = -u",
        domain={"x": [0, "pi"]},
        conditions={"x = 0": "u = 0", "x = pi": "u = 1"},
        model="separable",
        seconds=3,
        reference=False,
        closed_form=False,
    )
    assert any("nothing confirms the solution" in note for note in solution.notes)


def test_a_bound_above_the_solution_itself_is_not_told():
    """1/r has no bound on [0, 1], though the solution (1 - r^2) / 4 is found."""
    solution = kansci.solve(
        "u_rr + u_r/r = -1", domain={"r": [0, 1]}, conditions={"r = 1": "u = 0"}, seconds=3, reference=False
    )
    assert solution.bound.value is None
    assert "larger than the solution itself" in solution.bound.how
