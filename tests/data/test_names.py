"""Symbols for column names: the formula reads back, in our grammar and in sympy."""

import keyword

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from kansci.data.names import RESERVED, find_column, nearest, split_unit, symbol_names
from kansci.expressions.parser import CONSTANTS, FUNCTIONS, parse


@given(st.lists(st.text(min_size=1, max_size=12).filter(str.strip), unique=True, min_size=1, max_size=8))
def test_symbols_are_distinct_and_parse(columns):
    symbols = symbol_names(columns)
    assert list(symbols.values()) == columns
    for symbol in symbols:
        assert symbol.isidentifier()
        assert not keyword.iskeyword(symbol)
        assert symbol not in RESERVED
    text = " + ".join(symbols)
    locals_ = {name: sympy.Symbol(name) for name in symbols}
    assert parse(text, list(symbols)) == sum(locals_.values())
    assert sympy.parse_expr(text, local_dict=locals_) == sum(locals_.values())


def test_names_that_mean_something_to_the_printer_are_reserved():
    # gamma and beta are far more often a quantity than the function, so they stay as they are.
    assert set(FUNCTIONS) | set(CONSTANTS) <= RESERVED | {"gamma", "beta"}


def test_quantities_keep_their_names():
    columns = ["S", "N", "Q", "beta", "gamma", "E_n", "θ", "x1"]
    assert symbol_names(columns) == {column: column for column in columns}
    assert symbol_names(["E", "I", "lambda", "if", "sin"]) == {
        "E_": "E", "I_": "I", "lambda_": "lambda", "if_": "if", "sin_": "sin",
    }  # fmt: skip


def test_the_column_that_is_its_own_symbol_wins():
    assert symbol_names(["a b", "a_b", "a-b"]) == {"a_b_2": "a b", "a_b": "a_b", "a_b_3": "a-b"}


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("v[m/s]", ("v", "m/s")),
        ("T (K) ", ("T", "K")),
        ("f(x)", ("f(x)", "")),
        ("[m]", ("[m]", "")),
        ("a [ ]", ("a", "")),
    ],
)
def test_units_in_brackets(column, expected):
    assert split_unit(column) == expected


def test_a_column_is_found_with_or_without_its_unit():
    columns = ["v [m/s]", "wave length", "v2"]
    assert find_column("v", columns) == "v [m/s]"
    assert find_column("wave_length", columns) == "wave length"
    assert find_column("w", columns) is None
    assert "did you mean 'wave length'" in nearest("Wavelength", columns)
