"""Formulas are made of what the user allows, on the front too."""

import math

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from kansci.data import Dataset
from kansci.discovery import DiscoverSettings, discover
from kansci.errors import KansciError
from kansci.expressions.custom import custom_primitive, written_out
from kansci.search.grammar import Grammar
from kansci.search.writing import Node, Writer
from kansci.symbolic.complexity import complexity

x, z = sympy.symbols("x z", positive=True)
ARITHMETIC = ["+", "-", "*", "/"]
BUILD = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "sin": sympy.sin,
    "exp": sympy.exp,
    "log": sympy.log,
    "sqrt": sympy.sqrt,
    "tanh": sympy.tanh,
    "square": lambda a: a**2,
}


def trees(unary):
    """What PySR could write with + - * / and these functions, as sympy holds it."""
    leaves = st.sampled_from([x, z, sympy.Integer(2), sympy.Rational(1, 3), sympy.Float(1.7)])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(lambda op, a, b: BUILD[op](a, b), st.sampled_from(ARITHMETIC), inner, inner),
            st.builds(lambda op, a: BUILD[op](a), st.sampled_from(unary), inner),
        ),
        max_leaves=6,
    )


@given(data=st.data())
def test_what_is_written_with_the_operators_is_allowed(data):
    unary = data.draw(st.lists(st.sampled_from(["sin", "exp", "log", "sqrt", "tanh", "square"]), min_size=1))
    expr = data.draw(trees(unary))
    if expr.has(sympy.zoo, sympy.nan, sympy.I) or expr.is_number:
        return
    assert Grammar(unary_operators=unary).allows(expr), (unary, expr)
    used = {f.func.__name__ for f in expr.atoms(sympy.Function) if not f.is_number}
    for name in used:
        others = [other for other in BUILD if other not in (name, *ARITHMETIC)]
        assert not Grammar(unary_operators=others).allows(expr)
    assert Grammar(maxsize=complexity(expr)).allows(expr)
    assert not Grammar(maxsize=complexity(expr) - 1).allows(expr) if complexity(expr) > 1 else True


@given(st.lists(st.integers(1, 6), min_size=2, max_size=8))
def test_the_depth_of_a_sum_is_that_of_the_flattest_tree(depths):
    def chain(depth):
        return Node("sin", (chain(depth - 1),)) if depth > 1 else Node("")

    # Golumbic (1976): Kraft's inequality decides
    assert Node("+", tuple(map(chain, depths))).depth == math.ceil(math.log2(sum(2**d for d in depths)))


@pytest.mark.parametrize(
    ("expr", "rules", "allowed"),
    [
        (sympy.sqrt(x), {"unary_operators": ["exp"]}, False),
        (sympy.sqrt(x), {"binary_operators": ["^"]}, True),
        (x**2.5, {"binary_operators": ["*", "/"]}, False),
        (x ** sympy.Rational(3, 2), {"unary_operators": ["sqrt"]}, True),
        (x**3, {"binary_operators": ["*"]}, True),
        (1 / x, {"binary_operators": ["*"]}, False),
        (1 / x, {"unary_operators": ["inv"]}, True),
        (x - z, {"binary_operators": ["+"]}, False),
        (x - 0.3 * z, {"binary_operators": ["+", "*"]}, True),
        (-x, {"unary_operators": ["neg"], "binary_operators": []}, True),
        (sympy.log(x) / sympy.log(10), {"unary_operators": ["log10"]}, True),
        (sympy.Max(x, z), {"binary_operators": ["max"]}, True),
        (x + z + x * z, {"maxdepth": 3}, True),
        (x + z + x * sympy.exp(z), {"maxdepth": 3}, False),
        (sympy.sin(x + sympy.sin(z)), {"nested_constraints": {"sin": {"sin": 0}}}, False),
        (sympy.sin(x) * sympy.sin(z), {"nested_constraints": {"sin": {"sin": 0}}}, True),
        (sympy.exp(sympy.exp(x)), {"nested_constraints": {"exp": {"exp": 1}}}, True),
        (sympy.exp(sympy.exp(sympy.exp(x))), {"nested_constraints": {"exp": {"exp": 1}}}, False),
        ((x + z) ** x, {"nested_constraints": {"^": {"+": 0}}}, False),
    ],
)
def test_what_counts(expr, rules, allowed):
    assert Grammar(**rules).allows(expr) is allowed


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"unary_operators": ["sine"]}, "'sine' is no operator (known: exp, log, sin"),
        ({"unary_operators": "sin"}, "list of names"),
        ({"binary_operators": ["+", "%"]}, "'%' is no operator (known: +, -, *, /, ^"),
        ({"maxsize": 0}, "maxsize=0"),
        ({"maxdepth": 2.5}, "maxdepth=2.5"),
        ({"nested_constraints": {"sin": 0}}, "nested_constraints="),
        ({"nested_constraints": {"sin": {"sin": -1}}}, "whole number"),
        ({"nested_constraints": {"sin": {"foo": 1}}}, "'foo' is no operator"),
        ({"functions": {"sin": "x"}}, "exists already"),
        ({"functions": {"square": "x^2"}}, "exists already"),
        ({"functions": {"g": "exp(-x*t)"}}, "one variable, it has t, x"),
        ({"functions": {"g": "3"}}, "one variable, it has none"),
        ({"functions": {"g": "exp("}}, "at column 5"),
        ({"functions": {"g": "sqrt(-1-x^2)"}}, "finite nowhere"),
        ({"functions": {"g h": "x"}}, "letters"),
        ({"functions": ["gauss"]}, "give names and formulas"),
    ],
)
def test_wrong_rules_are_said_in_one_line(rules, words):
    with pytest.raises(KansciError) as caught:
        DiscoverSettings(**rules)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_added_function_is_one_operator_that_is_written_out_at_the_end():
    gauss = custom_primitive("gauss", "exp(-t^2)")
    formula = 3 * gauss(2 * x + 1) + gauss(gauss(x))
    plain = 3 * sympy.exp(-((2 * x + 1) ** 2)) + sympy.exp(-sympy.exp(-2 * x**2))
    assert written_out(formula) == plain
    assert sympy.simplify(written_out(sympy.diff(formula, x)) - sympy.diff(plain, x)) == 0
    grammar = Grammar(unary_operators=[], functions={"gauss": "exp(-t^2)"})
    assert grammar.allows(3 * grammar.customs[0](x))
    assert not grammar.allows(3 * sympy.exp(-(x**2)))
    nested = Grammar(functions={"gauss": "exp(-t^2)"}, nested_constraints={"gauss": {"gauss": 0}})
    assert not nested.allows(nested.customs[0](nested.customs[0](x)))
    assert complexity(grammar.customs[0](x)) == 2


def table(law, seed=0):
    X = np.random.default_rng(seed).uniform(0.5, 2, (200, 2))
    return Dataset.from_arrays(X, law(*X.T), ["x", "z"])


def functions_in(expr):
    return {type(f).__name__ for f in expr.atoms(sympy.Function)}


LAWS = {
    "no sine": (
        lambda x, z: z * np.sin(2 * x),
        {"unary_operators": ["exp", "log"]},
        lambda e: functions_in(e) <= {"exp", "log"} and all(p.exp.is_Integer for p in e.atoms(sympy.Pow)),
    ),
    "cosine alone": (
        lambda x, z: z * np.sin(2 * x),
        {"unary_operators": ["cos"]},
        lambda e: functions_in(e) <= {"cos"},
    ),
    "a polynomial": (
        lambda x, z: np.exp(x * z),
        {"unary_operators": [], "binary_operators": ["+", "*"]},
        lambda e: e.is_polynomial(),
    ),
    "short": (lambda x, z: (x + z) ** 3 / z + x, {"maxsize": 5}, lambda e: complexity(e) <= 5),
    "nothing in an exponential": (
        lambda x, z: np.exp(-((x - 1) ** 2)) * z,
        {"nested_constraints": {"exp": {"^": 0, "*": 0, "/": 0, "square": 0}}},
        lambda e: not any(f.args[0].atoms(sympy.Mul, sympy.Pow) for f in e.atoms(sympy.exp)),
    ),
}


@pytest.mark.parametrize("law", LAWS)
def test_every_formula_of_the_front_obeys(law):
    values, rules, obeys = LAWS[law]
    found = discover(table(values), DiscoverSettings(seconds=1, **rules))
    assert found.front
    for candidate in (found, *found.front):
        assert obeys(candidate.formula.expr), candidate.formula.text


@pytest.mark.parametrize(
    ("law", "rules", "same"),
    [
        (lambda x, z: z * np.sin(2 * x), {"unary_operators": ["cos"]}, z * sympy.sin(2 * x)),
        (
            lambda x, z: (x + z) ** 3 / z,
            {"maxsize": 7, "binary_operators": ["+", "*", "/"]},
            (x + z) ** 3 / z,
        ),
        (
            lambda x, z: 2 * np.exp(-((2 * x * z - 1) ** 2)) - 3,
            {"unary_operators": ["gauss"], "functions": {"gauss": "exp(-t^2)"}},
            2 * sympy.exp(-((2 * x * z - 1) ** 2)) - 3,
        ),
    ],
)
def test_the_law_is_found_with_the_operators_that_are_left(law, rules, same):
    found = discover(table(law), DiscoverSettings(seconds=30, **rules))
    assert found.exact
    expr = found.formula.expr.subs({"x": x, "z": z})
    assert float(abs((expr - same).subs({x: 0.83, z: 1.61}))) < 1e-12


def test_a_writer_without_operators_writes_leaves_only():
    assert Writer(frozenset()).write(sympy.sqrt(2) * sympy.pi).depth == 1
