"""Formulas compiled into networks: the value is sympy's, and the formula comes back."""

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kansci.errors import FormulaError, SettingsError
from kansci.models import KAN
from kansci.symbolic.kanpiler import kanpiler
from kansci.symbolic.network_formula import formula_gap

A, B, C = sympy.symbols("a b c")
ROWS = np.random.default_rng(0).uniform(0.3, 1.2, (12, 3))


def exact(expr, rows=ROWS, symbols=(A, B, C)):
    """Sympy's own value at 30 digits."""
    return np.array(
        [float(sympy.N(expr.subs(dict(zip(symbols, map(sympy.Float, r), strict=True))), 30)) for r in rows]
    )


def computed(model, rows=ROWS):
    with torch.no_grad():
        return model(torch.tensor(rows)).numpy()


@pytest.mark.parametrize("expr", [
    sympy.sin(5 * A) + sympy.cos(3 * A),  # of which pykan 0.2.8 drops a term
    sympy.exp(sympy.sin(sympy.pi * A) + B**2),
    sympy.exp(-(((A - B) / C) ** 2) / 2) / sympy.sqrt(2 * sympy.pi * C**2),
    (A + B) * (B - C) * 2,
    (A + B) * (B - C) * (A + C) * (A + 2 * B),
    A * B * C + A * B + sympy.sin(A * B),
    A**B + 2**C,
    sympy.sqrt(1 + A**2 + B**2 - 2 * A * B * sympy.cos(C)),
    1 / (1 + 1 / (1 + A)),
    sympy.log(A + B * C) ** 2 + A / 3 + sympy.Float(2.5) * B,
    sympy.besselj(1, 3 * A + B) + sympy.erf(C) + sympy.Abs(A - B),
    sympy.tanh(sympy.sin(sympy.cos(A))) * A**5,
    A,
    sympy.pi + 0 * A,
    sympy.Rational(7, 3),
    A + A**2 + A**3,
    (A + B) ** 3,
], ids=str)  # fmt: skip
def test_value_and_formula(expr):
    model = kanpiler([A, B, C], expr)
    np.testing.assert_allclose(computed(model)[:, 0], exact(expr), rtol=1e-12, atol=1e-13)
    assert model.symbolic_formula(var=[A, B, C]) == ([expr], [A, B, C])
    assert formula_gap(model, ROWS) < 1e-13
    again = KAN.from_config(model.to_config(), model.state_dict())
    assert again.symbolic_formula(var=[A, B, C])[0] == [expr]


NUMBERS = st.one_of(
    st.integers(1, 5).map(sympy.Integer),
    st.tuples(st.integers(1, 7), st.integers(2, 7)).map(lambda pq: sympy.Rational(*pq)),
    st.just(sympy.pi / 4),
)
FUNCTIONS = st.sampled_from([
    sympy.sin, sympy.cos, sympy.tanh, sympy.atan, lambda e: sympy.exp(-(e**2)),
    lambda e: sympy.sqrt(1 + e**2), lambda e: sympy.log(2 + e**2), lambda e: 1 / (1 + e**2),
    lambda e: e**2, lambda e: e**3,
])  # fmt: skip


def grown(children):
    return st.one_of(
        st.tuples(children, children).map(lambda pair: pair[0] + pair[1]),
        st.tuples(children, children).map(lambda pair: pair[0] * pair[1]),
        st.tuples(children, children).map(lambda pair: pair[0] - pair[1]),
        st.tuples(NUMBERS, children).map(lambda pair: pair[0] * pair[1]),
        st.tuples(FUNCTIONS, children).map(lambda pair: pair[0](pair[1])),
    )


EXPRESSIONS = st.recursive(st.one_of(st.sampled_from([A, B, C]), NUMBERS), grown, max_leaves=9)


@settings(max_examples=120, deadline=None)
@given(EXPRESSIONS)
def test_any_expression_is_computed_exactly_and_comes_back(expr):
    model = kanpiler([A, B, C], expr)
    np.testing.assert_allclose(computed(model, ROWS[:4])[:, 0], exact(expr, ROWS[:4]), rtol=1e-10, atol=1e-10)
    (back,) = model.symbolic_formula(var=[A, B, C])[0]
    assert back == expr or sympy.expand(back - expr) == 0


def test_several_outputs_in_the_order_given():
    texts = ["u*v", "sin(u)", "u*v", "2*u + v/3", "u*v + 1"]
    model = kanpiler(["u", "v"], texts)
    formulas, (u, v) = model.symbolic_formula(["u", "v"])
    assert formulas == [u * v, sympy.sin(u), u * v, 2 * u + v / 3, u * v + 1]
    rows = ROWS[:, :2]
    expected = np.stack([exact(f, rows, (u, v)) for f in formulas], axis=1)
    np.testing.assert_allclose(computed(model, rows), expected, rtol=1e-13)


def test_a_subexpression_is_one_node():
    model = kanpiler([A, B], sympy.sin(A * B) + sympy.cos(3 * A * B) * sympy.exp(-A * B) + sympy.log(A * B))
    assert model.mult_arity == ((), (2,), (2,), ())
    assert model.width[1] == 1


def test_a_compiled_network_trains():
    """The constants of a formula are fitted to data of the same law with others."""
    x = torch.tensor(np.random.default_rng(1).uniform(-1, 1, (200, 2)))
    y = 1.3 * torch.exp(torch.sin(2.9 * x[:, [0]] + 0.1) + 0.8 * x[:, [1]] ** 2)
    model = kanpiler(["p", "q"], "exp(sin(pi*p) + q^2)")
    before = float((model(x) - y).square().mean().sqrt().detach())
    history = model.fit((x, y), steps=60)["train_loss"]
    assert before > 0.1
    assert history[-1] < 1e-10
    formulas, _ = model.symbolic_formula()
    assert formulas[0].free_symbols == set(sympy.symbols("x_1 x_2"))


@pytest.mark.parametrize(
    ("error", "arguments"),
    [
        (FormulaError, (["a"], "a + b")),
        (SettingsError, ([A], A + B)),
        (SettingsError, (["a"], [])),
        (SettingsError, (["a", "a"], "a")),
        (SettingsError, ([], "1")),
        (FormulaError, ([A, B], sympy.Max(A, B))),
        (FormulaError, ([A, B], sympy.Function("f")(A))),
        (FormulaError, (["a"], "__import__('os')")),
    ],
)
def test_what_cannot_be_compiled_is_refused(error, arguments):
    with pytest.raises(error):
        kanpiler(*arguments)
