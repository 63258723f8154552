"""Hand-counted: every variable, number, operator and function of the written form is one."""

import pytest

from kansci.expressions.parser import parse
from kansci.symbolic.complexity import complexity

COUNTED = {
    "x": 1,
    "3": 1,
    "2.5": 1,
    "pi": 1,
    "x + y": 3,
    "x - y": 3,
    "-x": 2,
    "-x - y": 4,  # - x - y
    "y - x": 3,
    "x + y + 1": 5,
    "x*y": 3,
    "2*x": 3,
    "-2*x": 3,
    "x/2": 3,  # 0.5 x
    "-x*y": 4,
    "x/y": 3,
    "x/(y*z)": 5,
    "x*y/z": 5,
    "1/x": 3,
    "x**2": 3,
    "1/x**2": 5,
    "sqrt(x)": 2,
    "1/sqrt(x)": 4,
    "x**3.7": 3,
    "x**y": 3,
    "sin(x)": 2,
    "exp(-x)": 3,
    "exp(-x**2/2)": 6,  # exp, -0.5 * x ^ 2
    "a*exp(-b*x)": 6,  # a / exp b * x
    "sin(2*x + 1)": 6,
    "sqrt(x**2 + y**2)": 8,
    "m*c**2/sqrt(1 - v**2/c**2)": 16,  # m * c ^ 2 / sqrt 1 - v ^ 2 / c ^ 2
    "G*m1*m2/r**2": 9,
    "besselj(0, x)": 3,
}


@pytest.mark.parametrize("text", COUNTED)
def test_counts(text):
    assert complexity(parse(text)) == COUNTED[text]
