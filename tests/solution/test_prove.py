"""Proofs of formulas that solve their problems, and refusals of those that do not."""

import numpy as np
import pytest
import sympy

from kansci.errors import SettingsError
from kansci.pde.statement import problem
from kansci.solution.normal_form import numerator_in_generators
from kansci.solution.prove import prove

x, y, z, t = sympy.symbols("x y z t", real=True)
SQUARE = {"x": [0, 1], "y": [0, 1]}


def poisson(**more):
    return problem("-u_xx - u_yy = 2*pi^2*sin(pi*x)*sin(pi*y)", SQUARE, {"boundary": "u = 0"}, **more)


PROVED = {
    "Poisson": (poisson(), {"u": sympy.sin(sympy.pi * x) * sympy.sin(sympy.pi * y)}),
    "soliton": (
        problem(
            "u_t + 6*u*u_x + u_xxx = 0",
            {"x": [-10, 10], "t": [0, 1]},
            {
                "t = 0": "u = 2/cosh(x)^2",
                "x = -10": "u = 2/cosh(x - 4*t)^2",
                "x = 10": ["u = 2/cosh(x - 4*t)^2", "u_x = -4*sinh(x - 4*t)/cosh(x - 4*t)^3"],
            },
        ),
        {"u": 2 / sympy.cosh(x - 4 * t) ** 2},
    ),
    "decimal numbers of the problem": (
        problem(
            "u_t = 0.01*u_xx", {"x": [0, "pi"], "t": [0, 1]}, {"t = 0": "u = 0.5*sin(x)", "boundary": "u = 0"}
        ),
        {"u": sympy.sin(x) * sympy.exp(-t / 100) / 2},
    ),
    "periodic": (
        problem("u_t + u_x = 0", {"x": [0, "2*pi"], "t": [0, 1]}, {"t = 0": "u = sin(x)"}, periodic=["x"]),
        {"u": sympy.sin(x) * sympy.cos(t) - sympy.cos(x) * sympy.sin(t)},
    ),
    "flux out of a ball": (
        problem("laplacian(u) = 6", {}, {"boundary": "u_n + u = 3"}, region="ball(0, 0, 0, 1)"),
        {"u": x**2 + y**2 + z**2},
    ),
    "distance in a ring": (
        problem(
            "u_x^2 + u_y^2 = 1",
            {},
            {"hole": "u = 1/4", "elsewhere": "u = 1"},
            region="disc(0, 0, 1) - disc(0, 0, 1/4)",
            faces={"hole": "disc(0, 0, 1/4)"},
        ),
        {"u": sympy.sqrt(x**2 + y**2)},
    ),
    "triangle": (
        problem("u_xx + u_yy = 0", {}, {"boundary": "u = x^2 - y^2"}, region="polygon(0, 0, 2, 0, 0, 1)"),
        {"u": (x - y) * (x + y)},
    ),
    "complex": (
        problem(
            "i*h_t + h_xx/2 = 0",
            {"x": [0, "2*pi"], "t": [0, 1]},
            {"t = 0": "h = exp(i*x)"},
            complex=["h"],
            periodic=["x"],
        ),
        None,
    ),
}


@pytest.mark.parametrize("name", PROVED)
def test_solutions_are_proved(name):
    stated, formulas = PROVED[name]
    if formulas is None:
        phase = x - t / 2
        formulas = dict(
            zip((f.name for f in stated.fields), (sympy.cos(phase), sympy.sin(phase)), strict=True)
        )
    proof = prove(stated, formulas)
    assert proof.proved, proof.sentence
    assert proof.sup_norm == 0.0
    assert "PROVED" in proof.sentence


def test_an_error_in_the_interior_has_its_sup_norm():
    proof = prove(
        poisson(), {"u": sympy.sin(sympy.pi * x) * sympy.sin(sympy.pi * y) + x * y * (1 - x) * (1 - y) / 7}
    )
    assert not proof.proved
    assert not proof.equations[0].is_zero
    assert all(condition.is_zero for condition in proof.conditions)
    # |2 x (1 - x) + 2 y (1 - y)| / 7 is largest in the middle
    np.testing.assert_allclose(proof.sup_norm, 1 / 7, rtol=1e-6)


def test_an_error_on_one_side_is_found_there():
    proof = prove(poisson(), {"u": sympy.sin(sympy.pi * x) * sympy.sin(sympy.pi * y) + x})
    assert proof.equations[0].is_zero
    assert [condition.is_zero for condition in proof.conditions].count(False) == 3
    np.testing.assert_allclose(proof.sup_norm, 1, rtol=1e-6)


def test_rounded_numbers_are_never_a_proof():
    proof = prove(poisson(), {"u": sympy.sin(sympy.Float(np.pi) * x) * sympy.sin(sympy.pi * y)})
    assert not proof.proved
    assert "decimal" in proof.sentence
    assert proof.sup_norm < 1e-12


@pytest.mark.parametrize(
    ("stated", "formula", "word"),
    [
        (problem("x*u_x = -u", {"x": [-1, 2]}, {"x = 2": "u = 1/2"}), 1 / x, "smooth"),
        (problem("u_x*u_x = 1", {"x": [-1, 2]}, {"x = 2": "u = 2"}), sympy.Abs(x), "smooth"),
        (problem("u_x = u", {"x": [0, 1]}, {"x = 0": "u = 1"}), 1 + x, "not zero"),
        (
            problem("u_t + u_x = 0", {"x": [0, 1], "t": [0, 1]}, {"t = 0": "u = x"}, periodic=["x"]),
            x - t,
            "periodic",
        ),
    ],
)
def test_formulas_that_are_no_solution(stated, formula, word):
    proof = prove(stated, {"u": formula})
    assert not proof.proved
    assert word in proof.sentence


def test_bad_formulas_are_refused_in_one_line():
    with pytest.raises(SettingsError, match="no formula for u"):
        prove(poisson(), {})
    with pytest.raises(SettingsError, match="holds a, not only x, y"):
        prove(poisson(), {"u": sympy.Symbol("a") * x})


def test_the_normal_form_is_zero_for_identities_and_for_nothing_else():
    x, y = sympy.symbols("x y", real=True)
    zeros = (
        sympy.cosh(x + y) - sympy.cosh(x) * sympy.cosh(y) - sympy.sinh(x) * sympy.sinh(y),
        sympy.tanh(x) ** 2 + sympy.cosh(x) ** -2 - 1,
        sympy.exp(x * sympy.sqrt(4 * sympy.pi**2 + 400)) - sympy.exp(x * sympy.sqrt(sympy.pi**2 + 100)) ** 2,
        sympy.sin(2 * x - y) ** 4 - (1 - sympy.cos(y - 2 * x) ** 2) ** 2,
    )
    for expr in zeros:
        assert numerator_in_generators(expr) == 0
        assert numerator_in_generators(expr + sympy.exp(-x)) != 0
