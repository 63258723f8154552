"""Dimensionless groups against the textbooks', and the law that they bring out of noise."""

import numpy as np
import pytest
import sympy

from kansci.data import Dataset
from kansci.data.dimensions import parse_unit
from kansci.discovery import DiscoverSettings, discover
from kansci.search.dimensions import Units
from kansci.search.pi_groups import pi_groups
from kansci.search.problem import Problem


def groups(units, target):
    """The offered problems of a random table."""
    symbols = sympy.symbols(list(units), positive=True)
    rng = np.random.default_rng(0)
    columns = tuple(rng.uniform(1, 2, (len(symbols), 50)))
    table = Units({name: parse_unit(text) for name, text in units.items()}, parse_unit(target))
    return pi_groups(Problem(columns, tuple(symbols), rng.uniform(1, 2, 50)), table), table


PENDULUM = {"l": "m", "g": "m/s^2", "m": "kg", "phi": "rad"}
DRAG = {"rho": "kg/m^3", "v": "m/s", "d": "m", "mu": "Pa*s"}
PLANCK = {"nu": "Hz", "T": "K", "h": "J*s", "k": "J/K", "c": "m/s"}


def test_a_pendulum_depends_on_its_angle_only():
    found, _ = groups(PENDULUM, "s")
    assert [p.exprs for p in found] == [(sympy.Symbol("phi", positive=True),)]
    l, g = sympy.symbols("l g", positive=True)  # noqa: E741
    assert found[0].solution(sympy.S.One) == sympy.sqrt(l) / sympy.sqrt(g)


def test_drag_has_the_reynolds_number():
    found, _ = groups(DRAG, "N")
    reynolds = sympy.prod(sympy.symbols("rho v d", positive=True)) / sympy.Symbol("mu", positive=True)
    assert {group for p in found for group in p.exprs} == {reynolds}


def test_radiance_has_planck_s_ratio():
    found, _ = groups(PLANCK, "W/(m^2*Hz)")
    nu, T, h, boltzmann, _ = sympy.symbols("nu T h k c", positive=True)
    ratio = h * nu / (boltzmann * T)
    assert {group for p in found for group in p.exprs} <= {ratio, 1 / ratio}
    assert found


@pytest.mark.parametrize(("units", "target"), [(PENDULUM, "s"), (DRAG, "N"), (PLANCK, "J/m^2")])
def test_groups_are_pure_numbers_as_many_as_buckingham_says_and_carry_their_values(units, target):
    found, table = groups(units, target)
    names = {name for unit in table.columns.values() for name, _ in unit.base.items}
    matrix = [[float(dict(u.base.items).get(n, 0)) for u in table.columns.values()] for n in names]
    for p in found:
        assert p.size == len(units) - np.linalg.matrix_rank(matrix)
        assert all(table.of(group).is_one for group in p.exprs)
        assert table.of_target(p.lift).is_one


def test_the_values_are_those_of_the_expressions():
    symbols = sympy.symbols(list(DRAG), positive=True)
    for p in groups(DRAG, "N")[0]:
        original = tuple(np.random.default_rng(0).uniform(1, 2, (4, 50)))
        y = np.random.default_rng(0).uniform(1, 2, (5, 50))[-1]
        for column, expr in zip(p.columns, p.exprs, strict=True):
            np.testing.assert_allclose(column, sympy.lambdify(symbols, expr)(*original))
        lifted = sympy.lambdify([*symbols, "t"], p.solution(sympy.Symbol("t")))(*original, p.y)
        np.testing.assert_allclose(lifted, y)


def test_none_where_nothing_is_reached():
    """Random numbers: no power of r and of the masses is at work, so that no one constant is."""
    assert groups({"m1": "kg", "m2": "kg", "r": "m"}, "N")[0] == []
    assert groups({"a": "1", "b": "rad"}, "1")[0] == []


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize(
    ("units", "target", "law", "expected"),
    [
        ({"m": "kg", "M": "kg", "r": "m"}, "1/s^2", lambda m, M, r: 6.7 * (m + M) / r**3, "m*r**-3"),
        ({"L": "m", "phi": "rad", "m": "kg"}, "s", lambda L, p, m: np.sqrt(L) * (2 + np.sin(p)), "L**(1/2)"),
        ({"a": "m", "b": "m", "T": "K"}, "W", lambda a, b, T: 5.7 * T**4 * a * b / (1 + a / b), "T**4*a**2"),
    ],
)  # fmt: skip
def test_one_constant_with_a_unit_leaves_the_powers_to_the_data(units, target, law, expected, noise):
    """Kepler's third law, the pendulum, a radiating plate, without G, g and sigma among the columns."""
    rng = np.random.default_rng(1)
    columns = tuple(rng.uniform(1, 3, (3, 200)))
    symbols = sympy.symbols(list(units), positive=True)
    y = law(*columns) * (1 + noise * rng.normal(size=200))
    table = Units({name: parse_unit(text) for name, text in units.items()}, parse_unit(target))
    first = pi_groups(Problem(columns, tuple(symbols), y, errors=1 / y), table)[0]
    assert first.size == 1
    assert table.of(first.exprs[0]).is_one
    scale = sympy.parse_expr(expected, local_dict={str(s): s for s in symbols})
    assert first.solution(sympy.S.One) == scale
    np.testing.assert_allclose(first.y * sympy.lambdify(symbols, scale)(*columns), y)


def test_two_constants_are_not_taken_for_one():
    rng = np.random.default_rng(1)
    T, a, b = columns = tuple(rng.uniform(1, 3, (3, 200)))
    symbols = sympy.symbols("T a b", positive=True)
    table = Units({"T": parse_unit("K"), "a": parse_unit("m"), "b": parse_unit("m")}, parse_unit("W"))
    y = a * b * np.exp(-2.7 / T)
    assert pi_groups(Problem(columns, symbols, y), table) == []


@pytest.mark.slow
def test_a_law_of_five_columns_comes_out_of_noise_by_its_units():
    """10 % noise; without the units the search ends at a formula of twice the length."""
    rng = np.random.default_rng(1)
    names = ["A", "k", "m", "v", "x"]
    A, k, m, v, x = X = rng.uniform([1, 1, 1, 1, 1], [3, 3, 3, 3, 3], (300, 5)).T
    y = m * v**2 * np.exp(-k * x**2 / (m * v**2)) * A
    y = y + 0.1 * y.std() * rng.normal(size=300)
    units = {"A": "1", "k": "N/m", "m": "kg", "v": "m/s", "x": "m", "E": "J"}
    found = discover(Dataset.from_arrays(X.T, y, names, "E", units), DiscoverSettings(seconds=10))
    A, k, m, v, x = sympy.symbols(names)
    law = A * m * v**2 * sympy.exp(-k * x**2 / (m * v**2))
    rounded = found.formula.expr.xreplace(
        {f: sympy.Integer(round(f)) for f in found.formula.expr.atoms(sympy.Float) if abs(f - round(f)) < 0.1}
    )
    assert sympy.simplify(rounded - law) == 0
    assert found.to_json()["dimensions"] == "ok"
