"""A law is the same in every system of units: an independent check of the units that constants get.

Measure length, mass and time in units that are smaller by any factors. Columns, target and the
constants change by the factors of their units, and the formula must still hold, number by number.
"""

import numpy as np
import sympy
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from kansci.data.dimensions import parse_unit
from kansci.search.dimensions import Units

UNITS = {"m": "kg", "v": "km/s", "c": "m/s", "d": "Mpc", "t": "s", "F": "N", "phi": "rad"}
COLUMNS = {name: parse_unit(text) for name, text in UNITS.items()}
SYMBOLS = sympy.symbols(list(UNITS), positive=True)
TARGETS = ["J", "m/s", "1", "kg*m^(1/2)/s"]
FUNCTIONS = [sympy.sin, sympy.tanh, sympy.exp, sympy.atan, sympy.erf]
FACTORS = st.fixed_dictionaries({name: st.floats(0.2, 5) for name in ("length", "mass", "time")})


@st.composite
def numbers(draw, low=0.3, high=3.0):
    """A fitted number."""
    return sympy.Float(low + (high - low) * draw(st.integers(0, 2**40)) / 2**40, 17)


@st.composite
def monomials(draw, most=2):
    powers = [draw(st.integers(-most, most)) for _ in SYMBOLS]
    return sympy.prod(s**p for s, p in zip(SYMBOLS, powers, strict=True))


@st.composite
def formulas(draw, depth=2):
    """Formulas with fitted numbers; most are possible for some units of these."""
    term = draw(numbers()) * draw(monomials())
    if depth == 0:
        return term
    kind = draw(st.sampled_from(["sum", "function", "root", "real power", "max", "atan2", "logs", "abs"]))
    inner, argument = draw(formulas(depth=depth - 1)), draw(numbers(0.01, 0.1)) * draw(monomials(1))
    if kind == "sum":
        return term + inner
    if kind == "function":
        return term * draw(st.sampled_from(FUNCTIONS))(argument + draw(numbers())) + inner
    if kind == "root":
        return draw(monomials()) * sympy.sqrt(draw(monomials()) + draw(numbers()) * draw(monomials()))
    if kind == "real power":
        return term * draw(monomials(1)) ** sympy.Float(draw(st.integers(-1500, 1500)) / 1000, 17)
    if kind == "max":
        return sympy.Max(term, inner)
    if kind == "atan2":
        return term * sympy.atan2(draw(numbers()) * draw(monomials()), draw(monomials()))
    if kind == "logs":
        x, z = (draw(monomials(1)) for _ in range(2))
        return draw(numbers()) * sympy.log(x * draw(numbers()) / z + 2)
    return inner * sympy.Abs(draw(monomials()) - draw(numbers()) * draw(monomials())) ** 2


def factor(unit, factors):
    """By what a number in this unit grows."""
    return float(np.prod([factors[name] ** float(power) for name, power in unit.base.items]))


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(formulas(), st.sampled_from(TARGETS), FACTORS, st.integers(0, 2**31))
def test_a_possible_formula_holds_in_every_system_of_units(formula, target, factors, seed):
    table = Units(COLUMNS, parse_unit(target))
    verdict = table.check(formula)
    assume(verdict)
    units = dict(verdict.constants)
    assume(all(units[value].base == unit.base for value, unit in verdict.constants))  # no number stands twice
    numbers_of = {number: float(number) for number in formula.atoms(sympy.Float)}
    assume(set(numbers_of.values()) <= set(units))  # all are determined
    X = np.random.default_rng(seed).uniform(0.8, 1.6, (len(SYMBOLS), 20))
    other_X = [factor(COLUMNS[s.name], factors) * x for s, x in zip(SYMBOLS, X, strict=True)]
    other = formula.xreplace(
        {
            number: sympy.Float(value * factor(units[value], factors), 17)
            for number, value in numbers_of.items()
        }
    )
    modules = ["numpy", "scipy"]
    y = sympy.lambdify(SYMBOLS, formula, modules)(*X)
    other_y = sympy.lambdify(SYMBOLS, other, modules)(*other_X)
    assume(np.isfinite(y).all())
    np.testing.assert_allclose(
        other_y, factor(table.target, factors) * y, rtol=1e-7, atol=1e-9 * np.abs(y).max()
    )


@settings(max_examples=100, deadline=None, derandomize=True)
@given(monomials(), monomials(), FACTORS)
def test_an_impossible_sum_does_not_hold_in_another_system(first, second, factors):
    units = Units(COLUMNS)
    verdict = units.check(first + second)
    grown = [factor(units.of(term), factors) for term in (first, second)]
    assume(verdict or abs(np.log(grown[0] / grown[1])) > 1e-6)
    assert bool(verdict) == (abs(np.log(grown[0] / grown[1])) < 1e-9)
