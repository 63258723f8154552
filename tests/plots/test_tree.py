"""The drawn tree says what was found."""

import pytest
import torch

from kansci.errors import SettingsError
from kansci.models import KAN
from kansci.plots import plot_tree, save_figure, tree_figure
from kansci.search.tree import Tree

TREE = Tree(
    [[[0], [1], [2], [3]], [[0, 1, 2], [3]], [[0, 1, 2, 3]]],
    [[3, 1], [2]],
    [["", "Id"], ["Mul"]],
    ("m", "v_0", "alpha", "temperature"),
)


@pytest.mark.parametrize("style", ["tree", "box"])
def test_inputs_and_signs_are_written(style, tmp_path):
    figure = tree_figure(TREE, style)
    (canvas,) = figure.axes
    texts = [text.get_text() for text in canvas.texts]
    assert texts == ["$F$", r"$\times$", "$m$", r"$v_{\mathrm{0}}$", r"$\alpha$", "temperature"]
    assert len(canvas.lines) == 7  # six branches and the output
    assert len(canvas.patches) == (2 if style == "box" else 0)
    for format_ in ("png", "svg", "pdf"):
        save_figure(figure, tmp_path / f"tree.{format_}")


def test_every_node_stands_above_the_middle_of_its_inputs():
    canvas = tree_figure(TREE).axes[0]
    signs = {text.get_text(): text.get_position()[0] for text in canvas.texts}
    assert signs["$F$"] == pytest.approx(signs[r"$v_{\mathrm{0}}$"])
    assert signs[r"$\times$"] == pytest.approx((signs["$m$"] + signs["temperature"]) / 2)


def test_a_network_and_a_function_draw_theirs():
    x = torch.rand(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.5
    drawn = plot_tree(lambda x: x[:, [0]] * x[:, [1]], x, ["a", "b"])
    assert r"$\times$" in [text.get_text() for text in drawn.axes[0].texts]
    network = KAN([2, 2, 1], seed=0).tree(in_var=["a", "b"], skip_sep_test=True)
    assert [text.get_text() for text in network.axes[0].texts] == ["$F$", "$a$", "$b$"]


def test_another_style_is_refused():
    with pytest.raises(SettingsError, match="style"):
        tree_figure(TREE, "bush")
