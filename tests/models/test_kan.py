"""The network: edges, surgery, importance, storage."""

import numpy as np
import pytest
import torch

from kansci.errors import SettingsError
from kansci.models import KAN, importance
from kansci.models.surgery import drop_dead_nodes


@pytest.fixture(params=["silu", "identity", "tanh", "zero"])
def model(request):
    return KAN(
        [3, 4, 2, 2], grid=4, k=3, base_fun=request.param, grid_range=[[-1, 1], [0, 5], [2, 3]], seed=3
    )


@pytest.fixture
def x():
    return torch.tensor(np.random.default_rng(0).uniform([-1, 0, 2], [1, 5, 3], (50, 3)))


def test_outputs_are_sums_of_edges(model, x):
    values = x
    for level in range(3):
        edges = [
            [model.edge(level, i, j, values[:, i]) for i in range(model.width[level])]
            for j in range(model.width[level + 1])
        ]
        values = torch.stack([torch.stack(row).sum(0) for row in edges], dim=1)
    torch.testing.assert_close(model(x), values)
    torch.testing.assert_close(model.activations(x)[-1], values)


def test_an_edge_is_base_function_plus_spline():
    model = KAN([1, 1], base_fun="silu", grid_range=(2.0, 6.0))
    layer, x = model.layers[0], torch.linspace(2, 6, 9, dtype=torch.float64)
    u = (x - 4) / 2
    spline = layer.basis.values(x.unsqueeze(1))[:, 0] @ layer.coef[0, 0]
    expected = layer.base_scale[0, 0] * u * torch.sigmoid(u) + spline
    torch.testing.assert_close(model.edge(0, 0, 0, x), expected.detach())


def test_get_fun_and_get_range(model):
    x, y = model.get_fun(0, 1, 2)
    torch.testing.assert_close(y, model.edge(0, 1, 2, x))
    assert model.get_range(0, 1, 2) == (0.0, 5.0, float(y.min()), float(y.max()))


@pytest.mark.parametrize("grid", [4, 8, 9, 15])
def test_refine_keeps_the_network(model, x, grid):
    refined = model.refine(grid)
    assert refined.grid == grid
    torch.testing.assert_close(refined(x), model(x), rtol=0, atol=1e-12)


def test_networks_come_back_from_their_description(model, x):
    changed = model.refine(7).remove_edge(0, 1, 2)
    again = KAN.from_config(changed.to_config(), changed.state_dict())
    assert torch.equal(again(x), changed(x))
    assert again.edges() == changed.edges()


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"width": [1]},
        {"width": [1, 1], "layers": []},
        {"width": [1, 1], "layers": [{"basis": "os.system"}]},
        [],
    ],
)
def test_a_wrong_description_is_refused(config):
    with pytest.raises(SettingsError):
        KAN.from_config(config)


def test_remove_edge_takes_its_function_away(model, x):
    edge = model.edge(2, 0, 1, model.activations(x)[2][:, 0])
    smaller = model.remove_edge(2, 0, 1)
    torch.testing.assert_close(smaller(x)[:, 1], (model(x)[:, 1] - edge).detach())
    assert (2, 0, 1) in model.edges()
    assert (2, 0, 1) not in smaller.edges()


def test_a_pruned_network_is_the_masked_one(model, x):
    masked = model.remove_node(1, 0).remove_node(1, 2)
    pruned = model.prune_node(active_neurons_id=[[1, 3], [0, 1]])
    assert pruned.width == (3, 2, 2, 2)
    torch.testing.assert_close(pruned(x), masked(x))
    torch.testing.assert_close(drop_dead_nodes(masked)(x), masked(x))
    assert drop_dead_nodes(masked).width == (3, 2, 2, 2)


def test_prune_input_takes_fewer_columns(model, x):
    pruned = model.prune_input(active_inputs=[0, 2])
    torch.testing.assert_close(pruned(x[:, [0, 2]]), model.remove_node(0, 1)(x))


def test_prune_drops_what_does_nothing(model, x):
    with torch.no_grad():
        model.layers[1].coef[:, 2] *= 1e-6
        model.layers[1].base_scale[:, 2] *= 1e-6
        model.layers[0].coef[:, 1] *= 1e-6
        model.layers[0].base_scale[:, 1] *= 1e-6
    pruned = model.prune(node_th=1e-2, edge_th=1e-3, x=x)
    assert pruned.width == (3, 3, 2, 2)
    assert all(i != 1 for level, i, _ in pruned.edges() if level == 0)
    assert model.prune_input(x=x).width[0] == 2
    assert model.prune().width[1] <= 4  # without rows, points over the grids do


def test_importance_is_pykans_attribution(model, x):
    scores = importance(model, x)
    levels = [level.detach().numpy() for level in model.activations(x)]
    score = np.eye(2)
    for level in (2, 1, 0):
        functions = np.array(
            [
                [
                    model.edge(level, i, j, torch.tensor(levels[level][:, i])).numpy()
                    for i in range(model.width[level])
                ]
                for j in range(model.width[level + 1])
            ]
        )
        share = functions.std(-1) / levels[level + 1].std(0)[:, None]
        edge_score = score[:, :, None] * share
        np.testing.assert_allclose(scores.edges[level], edge_score.mean(0), rtol=1e-3)
        score = edge_score.sum(1)
        np.testing.assert_allclose(scores.nodes[level], score.mean(0), rtol=1e-3)


def test_units_of_the_inputs_do_not_matter(x):
    model = KAN([3, 2, 1], grid_range=[[-1, 1], [0, 5], [2, 3]], seed=1)
    scale, shift = torch.tensor([1e-11, 3e8, 1.0]).double(), torch.tensor([0.0, 1e9, -7.0]).double()
    ends = torch.tensor([[-1.0, 1], [0, 5], [2, 3]]).double() * scale[:, None] + shift[:, None]
    other = KAN([3, 2, 1], grid_range=ends, seed=1)
    torch.testing.assert_close(other(x * scale + shift), model(x), rtol=0, atol=1e-6)


@pytest.mark.parametrize("width", [[2], [2, 0, 1], [2, 1.5, 1], []])
def test_impossible_widths_are_refused(width):
    with pytest.raises(SettingsError, match="width"):
        KAN(width)


def test_the_network_is_differentiable(model, x):
    torch.autograd.gradcheck(model, x[:3].clone().requires_grad_())
