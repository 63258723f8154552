"""Figures show the data they were given, and files of every kind are written."""

from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
import sympy
import torch

from kansci.data import Dataset
from kansci.errors import SettingsError
from kansci.models import KAN, SymbolicFunction
from kansci.plots import fit_figure, kan_figure, pareto_figure, save_figure
from kansci.plots.style import label, math_text, scale_for, symbol

FRONT = [
    {"formula": "2.5", "latex": "2.5", "complexity": 1, "nrmse": 1.0},
    {"formula": "exp(x)", "latex": "e^{x}", "complexity": 2, "nrmse": 0.1},
    {"formula": "x**x", "latex": "x^{x}", "complexity": 3, "nrmse": None},
    {"formula": "exp(x) + 1", "latex": "e^{x} + 1", "complexity": 4, "nrmse": 0.0},
]


@pytest.fixture
def one_input():
    x = np.linspace(0.5, 4, 25)
    return Dataset(x[:, None], x**2 + 0.1, ("t [s]",), "s", {"s": "m"})


def test_fit_of_one_input_has_points_curve_and_residuals(one_input):
    figure = fit_figure(one_input, lambda X: X[:, 0] ** 2, "$s = t^2$")
    upper, lower = figure.axes
    np.testing.assert_allclose(upper.collections[0].get_offsets()[:, 1], one_input.y)
    curve = upper.lines[0].get_xydata()
    np.testing.assert_allclose(curve[:, 1], curve[:, 0] ** 2)
    np.testing.assert_allclose(lower.collections[0].get_offsets()[:, 1], 0.1)
    assert (upper.get_ylabel(), lower.get_xlabel()) == ("$s$ (m)", "$t$ (s)")
    assert figure.get_suptitle() == "$s = t^2$"


def test_fit_over_decades_is_logarithmic_with_relative_residuals():
    x = np.geomspace(1, 1000, 10)
    upper, lower = fit_figure(Dataset(x[:, None], x**2, ("x",), "y"), lambda X: 0.9 * X[:, 0] ** 2).axes
    assert (upper.get_xscale(), upper.get_yscale()) == ("log", "log")
    np.testing.assert_allclose(lower.collections[0].get_offsets()[:, 1], 10.0)
    assert lower.get_ylabel() == "residual (%)"


def test_fit_of_several_inputs_compares_predicted_with_measured():
    X = np.random.default_rng(0).normal(size=(300, 2))
    data = Dataset(X, X.sum(axis=1), ("a", "b"), "y")
    upper, lower = fit_figure(data, lambda X: X[:, 0]).axes
    np.testing.assert_allclose(upper.collections[0].get_offsets(), np.column_stack([X[:, 0], data.y]))
    np.testing.assert_allclose(lower.collections[0].get_offsets()[:, 1], X[:, 1])


def test_a_title_too_long_to_read_is_left_out(one_input):
    formula = " + ".join(f"{k}.123456 t^{{{k}}}" for k in range(40))
    assert fit_figure(one_input, lambda X: X[:, 0], f"${formula}$").get_suptitle() == ""


def test_pareto_marks_the_chosen_formula_and_lists_all():
    figure = pareto_figure(FRONT, chosen="exp(x)")
    axes, legend = figure.axes
    others, chosen = (c.get_offsets() for c in axes.collections)
    np.testing.assert_allclose(chosen, [[2, 0.1]])
    np.testing.assert_allclose(others, [[1, 1.0], [4, 1e-16]])
    assert [text.get_text() for text in legend.texts[1::2]] == ["$2.5$", "$e^{x}$", "$x^{x}$", "$e^{x} + 1$"]


def test_network_has_one_curve_for_each_live_edge():
    model = KAN([2, 3, 1], seed=1).remove_edge(0, 1, 2)
    X = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    figure = kan_figure(model, X, ["x [m]", "theta"], ["y"], {(1, 0, 0): "e^u"})
    canvas, *insets = figure.axes
    assert len(insets) == 5 + 3
    curves = [inset.lines[0].get_xydata() for inset in insets]
    expected = model.edge(0, 0, 0, torch.as_tensor(curves[0][:, 0].copy())).numpy()
    assert any(np.allclose(curve[:, 1], expected) for curve in curves)
    assert {text.get_text() for text in canvas.texts} >= {"$y$", r"$\theta$"}
    assert [text.get_text() for inset in insets for text in inset.texts] == ["$e^u$"]


def test_factors_of_products_are_joined_in_their_node():
    model = KAN([2, [1, 2], 1], mult_arity=[[], [2, 3], []], seed=1)
    figure = kan_figure(model, np.random.default_rng(0).uniform(-1, 1, (30, 2)), ["a", "b"], ["y"])
    canvas, *insets = figure.axes
    assert len(insets) == 2 * 6 + 3
    crosses = [line.get_xydata()[0] for line in canvas.lines if line.get_marker() == "x"]
    assert len(crosses) == 2
    ends = [line.get_xydata()[1] for line in canvas.lines if len(line.get_xdata()) == 2]
    assert [sum(np.allclose(end, cross) for end in ends) for cross in crosses] == [2, 3]


def test_edges_with_a_formula_say_so():
    sine = SymbolicFunction("sin", sympy.sin(sympy.Symbol("t")))
    layer = KAN([2, 1]).layers[0].with_symbolic(0, 0, sine, (3.0, 0.0, 1.0, 0.5))
    model = KAN.from_layers([layer.with_symbolic(1, 0, sine, (1.0, 0.0, 1.0, 0.0), keep_learned=True)])
    figure = kan_figure(model, np.random.default_rng(0).uniform(-1, 1, (30, 2)), ["a", "b"], ["y"])
    alone, beside = (axes.lines[0] for axes in figure.axes[1:])
    assert (alone.get_linestyle(), beside.get_linestyle()) == ("-", "--")
    np.testing.assert_allclose(alone.get_ydata(), np.sin(3 * alone.get_xdata()) + 0.5)
    assert all("sin" in axes.texts[0].get_text() for axes in figure.axes[1:])


def test_network_insets_do_not_overlap_however_many():
    model = KAN([6, 12, 1])
    figure = kan_figure(model, np.random.default_rng(0).uniform(-1, 1, (20, 6)), list("abcdef"), ["y"])
    rows = {}
    for x, y, w, _ in (axes.get_position().bounds for axes in figure.axes[1:]):
        rows.setdefault(round(y, 6), []).append((x, x + w))
    assert sorted(len(row) for row in rows.values()) == [12, 72]
    for row in map(sorted, rows.values()):
        assert all(end <= start for (_, end), (start, _) in pairwise(row))


@pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_files_are_written_and_repeat_to_the_byte(suffix, magic, one_input, tmp_path):
    for name in ("a", "b"):
        save_figure(fit_figure(one_input, lambda X: X[:, 0] ** 2), tmp_path / f"{name}.{suffix}")
    content = (tmp_path / f"a.{suffix}").read_bytes()
    assert content.startswith(magic)
    assert content == (tmp_path / f"b.{suffix}").read_bytes()


def test_unknown_kinds_of_file_are_refused(one_input, tmp_path):
    with pytest.raises(SettingsError, match=r"\*\.pdf"):
        save_figure(fit_figure(one_input, lambda X: X[:, 0]), tmp_path / "a.docx")


def test_drawing_leaves_the_settings_of_matplotlib_alone(one_input):
    before = dict(mpl.rcParams)
    fit_figure(one_input, lambda X: X[:, 0])
    assert dict(mpl.rcParams) == before


def test_labels_and_scales():
    assert symbol("v_max") == r"$v_{\mathrm{max}}$"
    assert symbol("x1") == r"$x_{\mathrm{1}}$"
    assert symbol("lambda") == r"$\lambda$"
    assert symbol("cost $") == r"cost \$"
    assert label("T [K]") == "$T$ (K)"
    assert label("g", {"g": "m/s^2"}) == "$g$ (m/s$^{2}$)"
    assert math_text(r"2 \mathrm{conc}") == r"$2\, \mathrm{conc}$"
    assert math_text(r"\begin{cases} x \end{cases}", "plain") == "plain"
    assert scale_for(np.array([1.0, 100.0])) == "log"
    assert scale_for(np.array([-1.0, 100.0])) == "linear"
