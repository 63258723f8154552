"""Torch functions of expressions against mpmath, and their derivatives against automatic differentiation."""

import pickle

import mpmath
import numpy as np
import pytest
import sympy
import torch

from kansci.errors import FormulaError
from kansci.expressions.evaluate import evaluate, in_x
from kansci.expressions.parser import parse
from kansci.expressions.primitives import LIBRARY, X

DOMAIN = {"acosh": (1.05, 4), "x^(3/2)": (0.05, 3)}
OTHERS = [
    "cot(x) + sec(x)*csc(x)",
    "atan2(x, 2)",
    "coth(x)*erfc(x)",
    "Max(x, 1/2) + Min(x, 1/3)",
    "Heaviside(x - 1/2)*x",
    "gamma(x)*loggamma(x + 1)",
    "gamma(x - 3)",
    "log10(x) + log2(x) + cbrt(x)",
    "sinc(x)",
    "x**x + 2**x",
    "besselj(2, x) + besselj(3, 9*x) + besselj(-1, x)",
    "bessely(0, x) + bessely(3, x)",
    "besseli(1, x) + besseli(4, x)",
    "besselk(2, x)",
    "besselj(1/3, x)",
    "LambertW(x)",
    "sqrt(2)*pi",
]


def exactly(expr, nu, points):
    derivative = sympy.diff(expr, X, nu) if nu else expr
    with mpmath.workdps(40):
        return [float(derivative.subs(X, sympy.Float(float(x), 40)).evalf(40)) for x in points]


@pytest.mark.parametrize("nu", [0, 1, 2])
@pytest.mark.parametrize(
    ("name", "expr"),
    [*((p.name, p.expr) for p in LIBRARY), *((text, in_x(parse(text))) for text in OTHERS)],
    ids=str,
)
def test_values_and_derivatives_are_mpmaths(name, expr, nu):
    points = np.random.default_rng(3).uniform(*DOMAIN.get(name, (0.05, 0.95)), 12)
    values = evaluate(expr, torch.tensor(points), nu)
    # A removable singularity near zero costs digits: those of sin(x)/x^3 at 0.05 for nu = 2.
    np.testing.assert_allclose(values, exactly(expr, nu, points), rtol=2e-11, atol=1e-12)


@pytest.mark.parametrize("name", ["sin", "J0", "gaussian", "sqrt(1+x^2)", "x*log"])
def test_automatic_differentiation_works_twice(name):
    expr = next(p.expr for p in LIBRARY if p.name == name)
    x = torch.linspace(0.1, 0.9, 7, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(lambda x: evaluate(expr, x), x)
    torch.autograd.gradgradcheck(lambda x: evaluate(expr, x), x)


def test_outside_its_domain_a_function_is_nan():
    x = torch.tensor([-1.0, 0.5], dtype=torch.float64)
    assert evaluate(sympy.log(X), x).isnan().tolist() == [True, False]
    assert evaluate(sympy.cbrt(X), x).isnan().tolist() == [True, False]


def test_steps_are_flat_and_constants_have_the_shape_of_x():
    x = torch.linspace(-2, 2, 6, dtype=torch.float64).view(2, 3)
    assert torch.equal(evaluate(in_x(parse("floor(2*x) + ceiling(x)")), x, 1), torch.zeros_like(x))
    assert torch.equal(evaluate(sympy.Integer(3), x), torch.full_like(x, 3))
    assert torch.equal(evaluate(X, x, 1), torch.ones_like(x))


@pytest.mark.parametrize("text", ["x*y", "sqrt(-2)*x", "f(x)"])
def test_what_cannot_be_evaluated_is_refused(text):
    symbols = {name: sympy.Symbol(name) for name in "xy"}
    strange = {"sqrt(-2)*x": sympy.sqrt(-2) * symbols["x"], "f(x)": sympy.Function("f")(symbols["x"])}
    expr = strange.get(text) or parse(text, symbols)
    with pytest.raises(FormulaError):
        in_x(expr)


def test_expressions_in_any_symbol_are_brought_to_x():
    t = sympy.Symbol("t")
    expr = in_x(sympy.Abs(t) + 1)
    assert pickle.loads(pickle.dumps(expr)) == sympy.Abs(X) + 1
