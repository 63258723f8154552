"""Compiled models against sympy's own arbitrary-precision evaluation and differences."""

import numpy as np
import pytest
import sympy

from kansci.errors import FormulaError
from kansci.expressions.parser import FUNCTIONS
from kansci.symbolic.formula import Formula
from kansci.symbolic.parametric import Parametric, compile_expr

AT = np.linspace(0.21, 0.87, 7)
ARGUMENTS = {"atan2": "{}, 0.4", "Max": "{}, 0.5", "Min": "{}, 0.5", "acosh": "{} + 1"}
CALLS = [
    f"{name}({'1, {}' if name.startswith('bessel') else ARGUMENTS.get(name, '{}')})"
    for name in sorted(FUNCTIONS)
]


@pytest.mark.parametrize("call", CALLS)
def test_values_and_derivatives_of_every_function(call):
    formula = Formula(call.format("x"), ["x"])
    exact = [formula.expr.evalf(30, subs={sympy.Symbol("x"): sympy.Float(float(x), 30)}) for x in AT]
    np.testing.assert_allclose(formula.predict(AT), np.array(exact, float), rtol=1e-13)

    form = Formula("c*" + call.format("(a*x + b)"), ["x"])
    names = [sympy.Symbol(name) for name in form.parameters]
    model = Parametric(form.expr, (sympy.Symbol("x"),), tuple(names), np.array([0.93, 0.05, 1.7]))
    for k, step in enumerate(1e-6 * np.eye(3)):
        ahead, behind = (model.predict([AT], model.values + sign * step) for sign in (1, -1))
        np.testing.assert_allclose(model.jacobian([AT])[:, k], (ahead - behind) / 2e-6, rtol=1e-6, atol=1e-8)


def test_a_parameter_without_derivative_is_an_error_of_ours():
    with pytest.raises(FormulaError, match="no derivative in closed form"):
        Formula("besselj(a, x)", ["x"]).fit(AT, AT)


def test_symbols_may_be_called_like_generated_names_and_functions():
    x0, x1, sine = sympy.Symbol("x0", positive=True), sympy.Symbol("x1", positive=True), sympy.Symbol("sin")
    expr = sympy.sin(x0 * x1 + 1) * (x0 * x1 + 1) ** 2 + sympy.exp(x0 + x1) * (x0 + x1) + sympy.sin(sine)
    value = compile_expr(expr, [x0, x1, sine])(*np.array([[0.3], [0.4], [0.5]]))
    assert value[0] == pytest.approx(float(expr.subs({x0: 0.3, x1: 0.4, sine: 0.5})), rel=1e-14)


def test_where_the_model_is_not_real_it_is_nan():
    x = sympy.Symbol("x")
    value = compile_expr(sympy.sqrt(x) + sympy.log(x), [x])(np.array([-1.0, 4.0]))
    np.testing.assert_allclose(value, [np.nan, 2 + np.log(4)])
    assert compile_expr(sympy.Integer(3), [x])(AT).shape == AT.shape


def test_every_float_is_free_and_its_negative_is_the_same_number():
    x, y = sympy.symbols("x y")
    expr = 2.5 * x**2 - 2.5 * y + sympy.pi * x / 3 + 0.7
    model = Parametric.of(expr, [x, y])
    assert sorted(abs(model.values)) == [0.7, 2.5]
    assert float((model.to_expr() - expr).subs({x: 1.3, y: 0.4})) == pytest.approx(0, abs=1e-14)
    assert model.fixed({model.parameters[0]: sympy.S.Half}).parameters == model.parameters[1:]


def test_the_slope_of_a_power_at_zero():
    """0**p log 0 is 0 in the limit, and rows at zero do not keep a power law from being fitted."""
    x = np.array([0.0, 0.0, 1.0, 2.0, 3.0])
    model = Parametric.of(Formula("1.5*x**2.5", ["x"]).expr, [sympy.Symbol("x")])
    np.testing.assert_allclose(
        model.jacobian([x]), np.column_stack([x**2.5, 1.5 * x**2.5 * np.log(np.maximum(x, 1e-9))]), atol=1e-15
    )
    assert model.refit([x], 2 * x**1.5)[0].values == pytest.approx([2, 1.5], rel=1e-10)
