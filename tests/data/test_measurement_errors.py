"""Standard deviations of the target and of inputs: read, validated, kept with their rows."""

import io

import numpy as np
import pytest

from kansci.data import Dataset, read_dataset
from kansci.discovery import DiscoverSettings, discover
from kansci.discovery.rows import all_rows, search_rows
from kansci.errors import DataError, RunError
from kansci.estimators.symbolic import SymbolicRegressor
from kansci.storage.table_file import read_table_file, table_bytes

ROWS = "1,.1,5,2,.2 2,.1,7,4,.1 3,,6,6,.3 4,.2,2,8,.4 5,.3,1,9, 6,.1,3,11,.5 7,.1,3,14,.6".split()
TEXT = "\n".join(["x,dx,z,y [m],dy", *ROWS, ""])


def read(text=TEXT, **arguments):
    return read_dataset(io.StringIO(text), "y", **arguments)


def test_they_are_no_inputs_and_go_with_their_rows():
    data = read(sigma="dy", input_sigma={"x": "dx"})
    assert data.inputs == ("x", "z")
    np.testing.assert_array_equal(data.sigma, [0.2, 0.1, 0.4, 0.5, 0.6])
    np.testing.assert_array_equal(data.input_sigma["x"], [0.1, 0.1, 0.2, 0.1, 0.1])
    assert data.notes == ("dropped 2 of 7 rows with missing or infinite values (first: line 4, column 'dx')",)
    part = data.rows([0, 2])
    np.testing.assert_array_equal(part.sigma, [0.2, 0.4])
    np.testing.assert_array_equal(part.input_sigma["x"], [0.1, 0.2])
    assert dict(data.select(["z"]).input_sigma) == {}
    standard, scaling = data.standardise()
    np.testing.assert_allclose(standard.sigma * scaling.y_scale, data.sigma)
    np.testing.assert_allclose(standard.input_sigma["x"] * scaling.scale[0], data.input_sigma["x"])


def test_arrays_bring_them_too():
    data = Dataset.from_arrays([1, 2, np.nan, 4], [1.0, 2, 3, 5], sigma=[0.1, 0.2, 0.3, 0.4])
    assert data.inputs == ("x1",)
    np.testing.assert_array_equal(data.sigma, [0.1, 0.2, 0.4])
    np.testing.assert_array_equal(Dataset.from_arrays([1, 2, 3], [1, 2, 4], sigma=2).sigma, [2, 2, 2])
    with pytest.raises(DataError, match="do not fit 3 rows"):
        Dataset.from_arrays([1, 2, 3], [1, 2, 4], sigma=[1, 2])


def test_without_them_the_columns_are_inputs():
    data = read()
    assert data.inputs == ("x", "dx", "z", "dy")
    assert data.sigma is None
    assert dict(data.input_sigma) == {}


def test_one_column_for_two_inputs():
    data = read(sigma="dy", input_sigma={"x": "dx", "z": "dx"})
    np.testing.assert_array_equal(data.input_sigma["x"], data.input_sigma["z"])


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        (TEXT, {"sigma": "dz"}, "no standard deviations' column 'dz'"),
        (TEXT, {"input_sigma": {"x": "dx"}}, "weigh against those of 'y .m.'"),
        (TEXT, {"sigma": "dy", "input_sigma": {"x": "dx", "dx": "dy"}}, "'dx', which is not an input"),
        (TEXT, {"sigma": "dy", "inputs": ["x", "dy"]}, "'dy' holds standard deviations"),
        (TEXT, {"sigma": "y"}, "holds standard deviations"),
        (TEXT, {"sigma": "dy", "input_sigma": {"y": "dx"}}, "is the target"),
        (TEXT, {"sigma": "dy", "inputs": ["z"], "input_sigma": {"x": "dx"}}, "'x', which is not an input"),
        (
            TEXT.replace(".4", "0"),
            {"sigma": "dy"},
            "line 5, column 'dy': the standard deviation of 'y .m.' is 0, it must be positive",
        ),
        (TEXT.replace(".4", "-1"), {"sigma": "dy"}, "is -1, it must be positive"),
        (TEXT.replace(".4", "few"), {"sigma": "dy"}, "line 5, column 'dy': 'few' is not a number"),
    ],
)
def test_one_line_says_what_is_wrong(text, arguments, message):
    with pytest.raises(DataError, match=message) as caught:
        read(text, **arguments)
    assert "\n" not in str(caught.value)


def test_a_run_keeps_them():
    data = read(sigma="dy", input_sigma={"z": "dx"})
    again = read_table_file(table_bytes(data), "data.npz")
    np.testing.assert_array_equal(again.sigma, data.sigma)
    assert list(again.input_sigma) == ["z"]
    np.testing.assert_array_equal(again.input_sigma["z"], data.input_sigma["z"])
    wrong = Dataset(data.X, data.y, data.inputs, data.target, sigma=-data.sigma)
    with pytest.raises(RunError, match="sigma must hold 5 positive standard deviations"):
        read_table_file(table_bytes(wrong), "data.npz")


def test_residuals_weigh_one_over_sigma():
    rng = np.random.default_rng(0)
    sigma = rng.uniform(0.1, 10, 2500)
    data = Dataset(rng.uniform(1, 2, (2500, 1)), rng.uniform(1, 9, 2500), ("x",), "y", sigma=sigma)
    rows = search_rows(data, 0)
    every = all_rows(data, rows)
    np.testing.assert_allclose(every.weight * sigma, every.weight[0] * sigma[0])
    assert np.log(every.weight).mean() == pytest.approx(0, abs=1e-12)
    at = np.searchsorted(np.sort(data.X[:, 0]), rows.columns[0])
    searched = sigma[np.argsort(data.X[:, 0])][at]
    np.testing.assert_allclose(rows.weight * searched, rows.weight[0] * searched[0])


def line():
    rng = np.random.default_rng(3)
    x, sigma = rng.uniform(1, 5, 60), np.where(np.arange(60) % 4, 0.02, 1.5)
    return x[:, None], 2.5 * x + sigma * rng.standard_normal(60), sigma


def check_the_weighted_slope(formula):
    """The closed form of the slope through the origin, its variance scaled by the residuals."""
    X, y, sigma = line()
    weight, x = sigma**-2, X[:, 0]
    slope = np.sum(weight * x * y) / np.sum(weight * x**2)
    variance = np.sum(weight * (y - slope * x) ** 2) / 59 / np.sum(weight * x**2)
    (constant,) = formula.constants
    assert constant.value == pytest.approx(slope, rel=1e-9)
    assert constant.stderr == pytest.approx(np.sqrt(variance), rel=1e-6)


def test_discovered_constants_have_the_errors_of_the_weighted_fit():
    X, y, sigma = line()
    data = Dataset(X, y, ("x",), "y", sigma=sigma)
    settings = DiscoverSettings(seconds=20, template="k*x")
    check_the_weighted_slope(discover(data, settings).formula)
    check_the_weighted_slope(SymbolicRegressor(20, template="k*x1").fit(X, y, sigma).formula)
    with pytest.raises(DataError, match="row 1: the standard deviation 0 is not"):
        SymbolicRegressor(20).fit(X, y, 0 * sigma)


def test_a_discovered_formula_is_refitted_with_them():
    X, y, sigma = line()
    data = Dataset(X, y, ("x",), "y", sigma=sigma)
    formula = discover(data, DiscoverSettings(seconds=20, template="k*x")).formula
    fitted = formula.refit(data)
    assert fitted.parameters["c0"] == pytest.approx(formula.constants[0].value, rel=1e-9)
    assert fitted.stderr["c0"] == pytest.approx(formula.constants[0].stderr, rel=1e-6)
