"""Formulas that differ in their numbers only are one form; others are not."""

import pytest
import sympy

from kansci.evidence.forms import form, parts, structure

NAMES = "x y v c m a b".split()
SYMBOLS = {name: sympy.Symbol(name) for name in NAMES}


def read(text):
    return sympy.parse_expr(text, local_dict=SYMBOLS)


@pytest.mark.parametrize(
    "texts",
    [
        ["2.01*x", "1.99*x", "x", "pi*x", "-x/3", "2*x**1.02"],
        ["2.5*x + 1", "x - 0.98", "1 + x/2"],
        ["3*x**2", "x**1.97", "2.2*x**2.0"],
        ["x**1.5", "2*x**(3/2)", "x**1.49"],
        ["exp(-x/2 + 1) - 4", "2**x + 1", "3.1*exp(0.7*x) - 0.2"],
        ["log(3*x)", "log(x) + 1", "2.2*log(x) - 0.1"],
        ["1/(1.5 + 0.3*x)", "2/(x + 3)", "0.7/(2*x + 1)"],
        ["x*(x + 1.3)", "x**2 + 0.5*x", "2*x + 3*x**2"],
        ["m*c**2/sqrt(1 - v**2/c**2)", "1.02*m*c**2/sqrt(0.99 - 1.01*v**2/c**2)"],
        ["exp(-(a/b)**2/2)/(sqrt(2*pi)*b)", "0.4*exp(-0.51*a**2/b**2)/b"],
    ],
)
def test_numbers_do_not_matter(texts):
    assert len({form(read(text)) for text in texts}) == 1


def test_everything_else_does():
    different = ["x", "x + 1", "x**2", "x**3", "x**1.2", "1/x", "sqrt(x)", "exp(x)", "exp(x) + 1", "sin(x)"]
    different += ["sin(x + 1)", "cos(x)", "log(x)", "y", "x*y", "x/y", "x + y", "exp(x**2)", "exp(x*y)", "0"]
    assert len({form(read(text)) for text in different}) == len(different)


def test_signs_of_inputs_count_only_where_they_are_known():
    root, power = read("sqrt(a**3)"), read("a**1.5")
    assert form(root, ["a"]) == form(power, ["a"])
    assert form(read("abs(x)")) != form(read("x"))


def test_structure_names_what_acts_together():
    energy = structure(read("m*c**2/sqrt(1 - v**2/c**2)"))
    assert energy.inputs == ("c", "m", "v")
    assert set(energy.groups) == {"c**2*m", "v/c"}
    assert structure(read("sqrt((x - y)**2 + (2*a - 1.01*b)**2)")).groups == ("a - #*b", "x - y")
    assert structure(read("exp(x) + sin(y)")).groups == ()


def test_parts_are_terms_and_functions():
    assert parts(read("2*x*exp(-3*x) + 1.5*y - 2")) == ("exp(#*x)", "x*exp(#*x)", "y")
