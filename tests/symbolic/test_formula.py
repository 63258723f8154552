"""A formula in the hands of a user: tables of every kind, clear errors, LaTeX that compiles."""

import numpy as np
import pandas as pd
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from kansci.data import Dataset
from kansci.data.names import symbol_names
from kansci.errors import FormulaError
from kansci.symbolic.formula import Formula

FORMULA = Formula("m*v**2/2", {"m": "m [kg]", "v": "speed"}, "E [J]")
ROWS = np.array([[2.0, 3.0], [4.0, 5.0], [6.0, 1.0]])
TABLE = {"speed": ROWS[:, 1], "other": [0, 0, 0], "m [kg]": ROWS[:, 0], "E [J]": [9.0, 50.0, 3.0]}


@pytest.mark.parametrize(
    "data",
    [
        ROWS,
        ROWS.tolist(),
        TABLE,
        pd.DataFrame(TABLE),
        Dataset.from_arrays(ROWS, ROWS[:, 0], ["m [kg]", "speed"]),
    ],
    ids=["array", "list", "dict", "frame", "dataset"],
)
def test_predict_takes_every_table(data):
    np.testing.assert_array_equal(FORMULA.predict(data), [9.0, 50.0, 3.0])


def test_predict_edge_cases():
    assert Formula("x + 1", ["x"]).predict([1.0, 2.0]).tolist() == [2, 3]
    assert Formula("3", ["x"]).predict(np.zeros((4, 1))).tolist() == [3] * 4
    assert FORMULA.predict(np.zeros((0, 2))).shape == (0,)
    assert np.isnan(Formula("log(x)", ["x"]).predict([-1.0])).all()


def test_errors_name_the_column_and_the_shape():
    with pytest.raises(FormulaError, match=r"no column 'm \[kg\]' \(columns: speed\)"):
        FORMULA.predict({"speed": [1.0]})
    with pytest.raises(FormulaError, match=r"2 columns \(m \[kg\], speed\), got shape \(3,\)"):
        FORMULA.predict(np.zeros(3))
    with pytest.raises(FormulaError, match="free parameters: a, b"):
        Formula("a*x + b", ["x"]).predict([1.0])
    with pytest.raises(FormulaError, match=r"no values of 'y'"):
        Formula("a*x", ["x"]).fit([1.0, 2.0])


def test_columns_win_over_constants_and_the_rest_are_parameters():
    form = Formula("E*x + pi + a", ["x", "E"])
    assert form.parameters == ("a",)
    assert form.expr.has(sympy.pi)
    assert not form.expr.has(sympy.E)


def test_fit_on_a_table_gives_numbers_with_errors():
    x = np.linspace(0, 1, 40)
    fitted = Formula("a*x + b", {"x": "time"}, "height").fit(pd.DataFrame({"time": x, "height": 3 * x - 2}))
    assert fitted.parameters == pytest.approx({"a": 3, "b": -2}, rel=1e-12)
    assert fitted.stderr["a"] < 1e-12
    assert fitted.degrees_of_freedom == 38
    np.testing.assert_allclose(fitted.predict({"time": x}), 3 * x - 2, rtol=1e-12, atol=1e-13)
    assert [c.value for c in fitted.formula.constants] == list(fitted.parameters.values())


@given(st.lists(st.floats(1e-30, 1e30), min_size=1, max_size=4))
def test_the_text_keeps_every_bit(numbers):
    x = sympy.Symbol("x")
    expr = sympy.Add(*(sympy.Float(number, 17) * x**k for k, number in enumerate(numbers, 1)))
    again = Formula(Formula(expr, ["x"]).text, ["x"]).expr
    assert {float(n) for n in again.atoms(sympy.Float)} == {float(n) for n in expr.atoms(sympy.Float)}


LATEX = {
    "x": "x",
    "theta": r"\theta",
    "theta_1": r"\theta_{1}",
    "lambda": r"\lambda",
    "mass": r"\mathrm{mass}",
    "T_max": "T_{max}",
    "T_max_2": r"T_{max\_2}",
    "x1": "x_{1}",
    "x1_2": "{x_{1}}_{2}",
    "v [m/s]": "v",
    "_x": r"\text{\_x}",
    "a%b": r"\text{a\%b}",
    "50% of $ & #{}": r"\text{50\% of \$ \& \#\{\}}",
    r"a\b": r"\text{a\textbackslash{}b}",
}


@pytest.mark.parametrize("column", LATEX)
def test_latex_of_names(column):
    assert Formula("2", {}, column).latex() == f"{LATEX[column]} = 2"


@pytest.mark.parametrize("column", ["theta_1", "lambda", "mass", "T_max", "x1_2", "v [m/s]", "x"])
def test_latex_of_a_formula(column):
    symbol = next(iter(symbol_names([column])))
    text = Formula(f"1.23456*{symbol}**2", {symbol: column}, "y").latex(digits=3)
    space = r"\, " if "mathrm" in LATEX[column] else ""
    assert text == f"y = 1.23 {space}{LATEX[column]}^{{2}}"
