"""Differences between formulas, networks and data that are known beforehand."""

import json

import numpy as np
import pytest
import sympy

from kansci.data import Dataset
from kansci.errors import SettingsError
from kansci.evidence.fidelity import fidelity
from kansci.evidence.resisting import resisting_edges
from kansci.models import KAN, SymbolicFunction
from kansci.symbolic.formula import Formula

X = sympy.Symbol("x")


def table(function, inputs=("a [m]", "b"), n=300, seed=0):
    rows = np.random.default_rng(seed).uniform(1, 3, (n, len(inputs)))
    return Dataset.from_arrays(rows, function(*rows.T), list(inputs))


def network(*functions):
    """A network [I, 1] that is the sum of these functions of its inputs."""
    model = KAN([len(functions), 1], grid_range=(1.0, 3.0))
    layer = model.layers[0]
    for i, expr in enumerate(functions):
        layer = layer.with_symbolic(i, 0, SymbolicFunction(str(expr), expr), (1.0, 0.0, 1.0, 0.0))
    return KAN.from_layers([layer])


def test_known_differences():
    data = table(lambda a, b: a * b)
    data.y[17] += 2.0  # an outlier
    formula = Formula("a*b + 0.25", data.symbols)
    result = fidelity(formula, data)
    (gap,) = result.gaps
    assert (gap.pair, gap.row, gap.count, gap.undefined) == ("formula - data", 18, 300, 0)
    expected = np.full(300, 0.25)
    expected[17] -= 2.0
    np.testing.assert_allclose([gap.rms, gap.largest], [np.sqrt(np.mean(expected**2)), 1.75], rtol=1e-12)
    assert gap.at == {"a [m]": data.X[17, 0], "b": data.X[17, 1]}
    assert result.rows[0][-1].startswith("row 18: a [m] = ")


def test_formula_against_network_on_and_off_the_grid():
    data = table(lambda a, b: a**2 + b)
    model = network(X**2, X)
    result = fidelity(Formula("a**2 + b + (b - 2)**4", data.symbols), data, model, seed=3)
    assert [(gap.pair, gap.where) for gap in result.gaps] == [
        ("formula - data", "rows"),
        ("network - data", "rows"),
        ("formula - network", "rows"),
        ("formula - network", "box"),
        ("formula - network", "outside"),
    ]
    assert result.gap("network - data").rms < 1e-14
    low, high = data.X[:, 1].min(), data.X[:, 1].max()
    box, outside = result.gap("formula - network", "box"), result.gap("formula - network", "outside")
    # mean of (b - 2)^8 over the range of b
    mean = ((high - 2) ** 9 - (low - 2) ** 9) / 9 / (high - low)
    np.testing.assert_allclose(box.rms, np.sqrt(mean), rtol=2e-3)
    np.testing.assert_allclose(box.largest, max(high - 2, 2 - low) ** 4, rtol=2e-2)
    assert outside.largest == pytest.approx((max(high - 2, 2 - low) + 0.1 * (high - low)) ** 4, rel=2e-2)
    assert (
        result.to_json()
        == fidelity(Formula("a**2 + b + (b - 2)**4", data.symbols), data, model, seed=3).to_json()
    )
    json.dumps(result.to_json(), allow_nan=False)


def test_undefined_points_are_counted_and_constant_columns_allowed():
    rows = np.column_stack([np.linspace(-1, 1, 40), np.full(40, 2.0)])
    data = Dataset(rows, rows[:, 0], ("x1", "x2"), "y")
    gap = fidelity(Formula("sqrt(x1)*x2", data.symbols), data).gaps[0]
    assert (gap.count, gap.undefined) == (40, 20)
    nowhere = fidelity(Formula("sqrt(x1 - 5)", data.symbols), data)
    assert nowhere.gaps[0].rms is None
    assert nowhere.rows[0][2] == "-"


def test_refusals():
    data = table(lambda a, b: a * b)
    with pytest.raises(SettingsError, match="does not fit 2 inputs"):
        fidelity(Formula("a", data.symbols), data, network(X))
    with pytest.raises(SettingsError, match="no network - data on box"):
        fidelity(Formula("a", data.symbols), data).gap("network - data", "box")


def test_the_edge_that_no_function_describes_resists():
    data = table(lambda a, b: a + b)
    model = KAN([2, 1], grid=40, grid_range=(1.0, 3.0), base_fun="zero", seed=0)
    points = np.linspace(1, 3, 400)
    layer = model.layers[0]
    import torch

    grid = torch.as_tensor(np.stack([points, points], axis=1))
    noise = np.interp(points, np.linspace(1, 3, 23), np.random.default_rng(5).standard_normal(23))
    targets = torch.as_tensor(np.stack([np.exp(points), 10 * noise], axis=1))[:, None, :]
    layer.coef.data = layer.basis.fit(grid, targets)
    first, second = resisting_edges(model, data)
    assert (first.edge, first.source, first.resists) == ((0, 1, 0), "b", True)
    assert first.r2 < 0.9
    assert (second.source, second.primitive, second.resists) == ("a [m]", "exp", False)
    # c exp(a x) + d of the edge
    a, _, c, d = second.params
    np.testing.assert_allclose(c * np.exp(a * points) + d, np.exp(points), rtol=1e-3)
    assert "edge (0, 1, 0) from b" in str(first)
    assert json.loads(json.dumps(first.to_json()))["edge"] == [0, 1, 0]
    with pytest.raises(SettingsError, match="floor=2"):
        resisting_edges(model, data, 2)
