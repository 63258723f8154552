"""Which formulas units allow, by hand and for random formulas that are right by construction."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from kansci.data.dimensions import ONE, parse_unit
from kansci.search.dimensions import Units
from kansci.search.problem import TARGET

m, v, c, d, t, phi, free = symbols = sympy.symbols("m v c d t phi free", positive=True)
UNITS = {"m": "kg", "v": "km/s", "c": "m/s", "d": "Mpc", "t": "s", "phi": "rad"}  # free has none
COLUMNS = {name: parse_unit(text) for name, text in UNITS.items()}
ENERGY = Units(COLUMNS, parse_unit("J"))


def k(value):
    """A fitted number."""
    return sympy.Float(value, 17)


POSSIBLE = [
    m * c**2 / sympy.sqrt(1 - v**2 / c**2),
    m * v**2 / 2 + sympy.pi * m * c**2 * sympy.sin(phi),
    k(3.1) * d,
    k(2.5) * sympy.exp(-k(0.3) * t) + k(1.5) * v,
    k(2.5) * k(1.2) ** t,
    k(1.3) * sympy.log(d) + k(2.2),
    k(1.3) * (sympy.log(v) - sympy.log(c)),
    k(7.5) * m ** sympy.Rational(1, 3) / sympy.sqrt(d),
    m * v * free,
    m * c**2 * sympy.Abs(v - c) / sympy.Max(v, c),
    m * c**2 * sympy.atan2(v, c),
    k(1.5) * sympy.tanh(k(0.2) * d + k(0.1)),
]
IMPOSSIBLE = [
    (m * c**2 / sympy.sqrt(1 - v**2 / c), "a sum of"),
    (m * v, "the formula has kg*km/s, the target J"),
    (m * c**2 * sympy.sin(t), "argument of sin, t has s"),
    (m * c**2 + m, "a sum of"),
    (m * c**2 + 1, "a sum of"),
    (k(1.3) * sympy.log(d), "argument of log"),
    (k(1.3) * (sympy.log(v) - sympy.log(t)), "the argument of log"),
    (m * c**2 * 2**t, "the exponent t has s"),
    (m * c**2 * sympy.Max(v, t), "Max compares"),
    (d ** k(1.73), "the formula has Mpc^1.73"),
]


@pytest.mark.parametrize("formula", POSSIBLE, ids=str)
def test_possible(formula):
    verdict = ENERGY.check(formula)
    assert verdict
    assert str(verdict) == "ok"


@pytest.mark.parametrize(("formula", "where"), IMPOSSIBLE, ids=str)
def test_impossible_and_where(formula, where):
    verdict = ENERGY.check(formula)
    assert not verdict
    assert where in str(verdict)


@pytest.mark.parametrize(
    ("formula", "units"),
    [
        (k(67.8) * d, {67.8: "J/Mpc"}),
        (k(2.5) * sympy.exp(-k(0.3) * t) + k(1.5) * v, {2.5: "J", -0.3: "1/s", 1.5: "J*s/km"}),
        (m * c**2 + k(4.5), {4.5: "J"}),
        (m * v**2 * sympy.sin(k(0.7) * t + k(0.1)), {0.7: "1/s", 0.1: ""}),
        (k(6.5) * m * free, {}),
    ],
)
def test_units_of_the_constants(formula, units):
    found = dict(ENERGY.check(formula).constants)
    assert found.keys() == units.keys()
    for value, text in units.items():
        assert found[value].base == parse_unit(text).base
    assert [str(found[value]) for value in (67.8, 2.5) if value in found] == [
        text for text in ("J/Mpc", "J") if text in units.values() and 4.5 not in units
    ]


@pytest.mark.parametrize(
    ("formula", "doubt"),
    [
        (k(7.5) * d ** k(1.4993), "7.5 carries J/Mpc^1.499"),
        (k(7.5) * d ** sympy.Rational(1, 5), "7.5 carries J/Mpc^(1/5)"),
        (5 * t**2, "the 5 of 5*t**2 carries J/s^2"),
        (m * v**2 + m, "the 1 of m carries J/kg"),
        (m * c**2 * sympy.cos(sympy.pi * t), "the 3.14159 of pi*t carries 1/s"),
    ],
    ids=str,
)
def test_what_is_possible_but_odd_is_said(formula, doubt):
    verdict = ENERGY.judge(formula, possible=True)
    assert verdict
    assert str(verdict) == f"suspicious: {doubt}"
    assert doubt.rsplit(" ", 1)[1] in {unit.shown for _, unit in verdict.constants}


def test_exact_numbers_carry_units_only_where_fitted_ones_stood():
    assert not ENERGY.judge(5 * t**2, possible=False)
    assert str(ENERGY.judge(m * c**2 / 2, possible=True)) == "ok"
    assert not ENERGY.judge(m * c**2 * sympy.sin(t + v), possible=False)


def test_numbers_without_a_size_of_their_own_have_no_unit():
    """Another unit of t changes the base of a power, another unit of d the number beside its logarithm."""
    assert dict(ENERGY.check(k(2.5) * k(1.2) ** t).constants).keys() == {2.5}
    assert dict(ENERGY.check(k(1.3) * sympy.log(d) + k(2.2)).constants).keys() == {1.3}
    assert dict(ENERGY.check(k(1.3) * sympy.log(v / c) + k(2.2)).constants).keys() == {1.3, 2.2}
    same_number_twice = ENERGY.check(k(1.3) * d + k(1.3) * t)
    assert same_number_twice
    assert same_number_twice.unit_of(1.3) is None
    assert ENERGY.check(k(1.5) * v ** sympy.Float(2)).unit_of(2.0) == "1"


def test_units_of_a_smaller_problem():
    assert str(ENERGY.of(m * v**2)) == "kg*km^2/s^2"
    assert ENERGY.of(v + t) is None
    assert ENERGY.of(free * v) is None
    assert ENERGY.of_target(TARGET * m).base == parse_unit("m^2/s^2").base
    assert ENERGY.of_target(sympy.sqrt(TARGET)).base == parse_unit("J^2").base
    assert ENERGY.of_target(sympy.exp(TARGET)) is None  # an energy is no exponential
    assert ENERGY.allow([v / c, v - c], TARGET * m)
    assert not ENERGY.allow([v + t], TARGET)
    assert not ENERGY.allow([v], TARGET + t)


NAMES = ("v", "c", "m", "t", "d")
POWERS = st.fixed_dictionaries({name: st.integers(-2, 2) for name in NAMES})


def monomial(powers):
    return sympy.prod([sympy.Symbol(name, positive=True) ** power for name, power in powers.items()])


@st.composite
def formulas(draw, depth=2):
    """A formula, and its unit by pint-read units and integer arithmetic alone; no sum collapses."""
    powers = draw(POWERS)
    expr, unit = monomial(powers), ONE
    for name, power in powers.items():
        unit *= COLUMNS[name] ** power
    if depth == 0:
        return expr, unit
    kind = draw(st.sampled_from(["ratio", "sum", "function", "power"]))
    inner, inner_unit = draw(formulas(depth=depth - 1))
    if kind == "ratio":
        return expr / inner, unit * inner_unit**-1
    if kind == "power":
        return expr * inner**2, unit * inner_unit**2
    # ratios of like quantities are pure numbers
    ratio = draw(st.sampled_from([v / c, v * t / d, (c * t / d) ** 2]))
    if kind == "sum":
        return inner * (1 + 3 * ratio), inner_unit
    return expr * sympy.sin(ratio) + expr * sympy.exp(-ratio), unit


@settings(max_examples=150, deadline=None, derandomize=True)
@given(formulas(), st.sampled_from(NAMES), st.sampled_from([-1, 1, 2]))
def test_a_right_formula_is_accepted_and_refused_with_one_exponent_changed(formula, name, change):
    expr, unit = formula
    assert Units(COLUMNS, unit).check(expr)
    assert Units(COLUMNS).of(expr).base == unit.base
    wrong = expr * sympy.Symbol(name, positive=True) ** change
    assert not Units(COLUMNS, unit).check(wrong)
    assert not Units(COLUMNS, unit).check(expr + wrong)
    assert Units(COLUMNS, unit).check(k(1.7) * wrong)  # a constant makes up for it


def test_verdicts_do_not_depend_on_the_order_of_terms():
    rng = np.random.default_rng(0)
    terms = [m * c**2, m * v**2, k(1.5) * t, k(2.5) * d]
    for _ in range(5):
        some = [terms[i] for i in rng.permutation(4)]
        assert ENERGY.check(sympy.Add(*some, evaluate=False))
        assert not ENERGY.check(sympy.Add(*some, m, evaluate=False))
