"""Multiplication nodes, formulas on edges, nodes' scales and biases, settings for each layer."""

import copy
import json
import pickle

import numpy as np
import pytest
import sympy
import torch

from kansci.errors import FormulaError, SettingsError
from kansci.models import KAN, Nodes, SymbolicFunction, importance

T = sympy.Symbol("t")
SIN = SymbolicFunction("sin", sympy.sin(T))
BUMP = SymbolicFunction("bump", sympy.exp(-0.1234567890123456789 * T**2) + sympy.besselj(0, T) / 3)


def network(**settings) -> KAN:
    """Two inputs; a sum, a product of 2 and one of 3; a sum and a product; two outputs."""
    model = KAN(
        [2, [1, 2], [1, 1], 2],
        grid=[3, 4, 5],
        k=[3, 2, 1],
        base_fun=["silu", "zero", "tanh"],
        mult_arity=[[], [2, 3], 2, []],
        basis=["bspline", "chebyshev", "bspline"],
        **settings,
    )
    first = model.layers[0].with_symbolic(1, 2, BUMP, (1.0, 0.2, 0.7, 0.1), keep_learned=True)
    first = first.with_symbolic(0, 0, SIN, (3.0, 0.4, 0.5, -0.2))
    return KAN.from_layers([first, *model.layers[1:]])


@pytest.fixture
def x():
    return torch.tensor(np.random.default_rng(0).uniform(-1, 1, (40, 2)))


def test_shapes_are_pykans():
    model = network()
    assert model.width == model.width_in == (2, 3, 2, 2)
    assert model.width_out == (2, 6, 3, 2)
    assert model.structure == ((2, 0), (1, 2), (1, 1), (2, 0))
    assert model.mult_arity == ((), (2, 3), (2,), ())
    assert [(layer.basis.grid_size, layer.base_fun) for layer in model.layers] == [
        (3, "silu"),
        (4, "zero"),
        (5, "tanh"),
    ]
    assert model.layers[1].mask.shape == (3, 3)
    assert KAN([3, [0, 2], 1], mult_arity=4).width_out == (3, 8, 1)


def test_a_product_multiplies_its_subnodes(x):
    model = network()
    for level, layer in enumerate(model.layers):
        values = model.activations(x)[level]
        n_out, n_in = layer.mask.shape
        columns = [sum(model.edge(level, i, j, values[:, i]) for i in range(n_in)) for j in range(n_out)]
        sums = torch.stack(columns, dim=1)
        groups = {0: [[0], [1, 2], [3, 4, 5]], 1: [[0], [1, 2]], 2: [[0], [1]]}[level]
        expected = torch.stack([sums[:, group].prod(dim=1) for group in groups], dim=1)
        torch.testing.assert_close(model.activations(x)[level + 1], expected)
    torch.testing.assert_close(model(x).detach(), expected)
    assert [values.shape[1] for values in model.get_act(x)] == [2, 3, 2, 2]


def test_scales_and_biases_are_pykans(x):
    nodes = Nodes(1, (2,)).with_affine(trainable=True)
    with torch.no_grad():
        nodes.subnode_scale.copy_(torch.tensor([2.0, 3.0, 0.5]))
        nodes.subnode_bias.copy_(torch.tensor([0.1, -0.2, 0.3]))
        nodes.node_scale.copy_(torch.tensor([1.5, -2.0]))
        nodes.node_bias.copy_(torch.tensor([0.7, 0.4]))
    z = torch.tensor([[1.0, 2.0, 4.0]], dtype=torch.float64)
    expected = torch.tensor([[1.5 * 2.1 + 0.7, -2 * (5.8 * 2.3) + 0.4]], dtype=torch.float64)
    torch.testing.assert_close(nodes(z).detach(), expected)
    model = network(affine_trainable=True)
    assert model.layers[1].nodes.node_scale.requires_grad
    torch.testing.assert_close(model(x), network()(x))


@pytest.mark.parametrize("arities", [(2,), (3,), (2, 4)])
def test_derivatives_by_factors_hold_where_factors_are_zero(arities):
    nodes = Nodes(2, arities).with_affine(trainable=False)
    z = torch.randn(5, nodes.n_subnodes, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    z[1, 2] = z[2, 2] = z[2, 3] = 0.0
    values, slopes = nodes.jet(z)
    jacobian = torch.stack([torch.autograd.functional.jacobian(nodes, row) for row in z.unsqueeze(1)])
    jacobian = jacobian[:, 0, :, 0]  # (N, M, J)
    identity = torch.eye(nodes.n_nodes, dtype=torch.float64).expand(5, -1, -1)
    torch.testing.assert_close(nodes.pulled(identity, slopes.detach()), jacobian)
    torch.testing.assert_close(values, nodes(z))


def test_modes_of_an_edge(x):
    model = network()
    assert [model.mode(0, 0, 0), model.mode(0, 1, 2), model.mode(0, 1, 0)] == ["s", "sn", "n"]
    assert model.remove_edge(0, 1, 0).mode(0, 1, 0) == ""
    assert {(0, 0, 0), (0, 1, 2)} <= set(model.edges())
    u = x[:, 0]
    torch.testing.assert_close(model.edge(0, 0, 0, u), 0.5 * torch.sin(3 * u + 0.4) - 0.2)
    learned = KAN.from_layers([model.layers[0].without_symbolic(1, 2), *model.layers[1:]])
    z = x[:, 1] + 0.2
    formula = 0.7 * (torch.exp(-0.1234567890123456789 * z**2) + torch.special.bessel_j0(z) / 3) + 0.1
    torch.testing.assert_close(model.edge(0, 1, 2, x[:, 1]), learned.edge(0, 1, 2, x[:, 1]) + formula)
    restored = model.layers[0].without_symbolic(0, 0)
    original = KAN([2, [1, 2], 1], grid=3, mult_arity=[[], [2, 3], []], base_fun="silu")
    torch.testing.assert_close(restored.weight, original.layers[0].weight)
    assert model.layers[0].without_symbolic(0, 0, restore=False).mode(0, 0) == ""
    replaced = model.layers[0].with_symbolic(0, 0, BUMP, (1, 0, 1, 0))
    assert [edge[:2] for edge in replaced.symbolic] == [(1, 2), (0, 0)]


@pytest.mark.parametrize("affine", [False, True])
def test_it_comes_back_from_its_description(affine, x):
    model = network(affine_trainable=affine)
    described = KAN.from_config(json.loads(json.dumps(model.to_config())), model.state_dict())
    for again in (described, model.copy(), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(again(x), model(x))
        assert again.to_config() == model.to_config()
    assert model.n_parameters == described.n_parameters


def test_a_description_runs_nothing_and_is_checked():
    config = network().to_config()
    for change in (
        {"formula": "__import__('os')"},
        {"formula": "x*y"},
        {"edge": [0, 9]},
        {"formula": "x" + "+x" * 600},
    ):
        wrong = copy.deepcopy(config)
        wrong["layers"][0]["symbolic"][0].update(change)
        with pytest.raises(SettingsError):
            KAN.from_config(wrong)
    with pytest.raises(FormulaError):
        SymbolicFunction("two", sympy.Symbol("a") * sympy.Symbol("b"))


@pytest.mark.parametrize(
    ("width", "arity"),
    [
        ([[2, 1], 1], 2),
        ([2, [0, 0], 1], 2),
        ([2, [1, 1, 1], 1], 2),
        ([2, [0, 1], 1], 1),
        ([2, [0, 2], 1], [[], [2], []]),
        ([2, [0, 2], 1], [2, 2]),
        ([2, [1, -1], 1], 2),
    ],
)
def test_impossible_structures_are_refused(width, arity):
    with pytest.raises(SettingsError, match=r"width|mult_arity"):
        KAN(width, mult_arity=arity)


def test_lists_for_each_layer_must_fit():
    with pytest.raises(SettingsError, match="grid"):
        KAN([2, 2, 1], grid=[3])


def test_it_is_differentiable(x):
    model = network(affine_trainable=True)
    torch.autograd.gradcheck(model, x[:3].clone().requires_grad_())
    names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]

    def outputs(*values):
        return torch.func.functional_call(model, dict(zip(names, values, strict=True)), (x[:3],))

    chosen = [dict(model.named_parameters())[name].detach().clone().requires_grad_() for name in names]
    torch.autograd.gradcheck(outputs, chosen)


def test_attribution_is_pykans_with_products(x):
    model = network()
    scores = importance(model, x)
    levels = [level.numpy() for level in model.activations(x)]
    score = np.eye(2)
    for level in (2, 1, 0):
        owner = model.layers[level].nodes.owner.numpy()
        functions = np.array(
            [
                [model.edge(level, i, j, levels[level][:, i]).numpy() for i in range(model.width[level])]
                for j in range(model.width_out[level + 1])
            ]
        )
        share = functions.std(-1) / functions.sum(1).std(-1)[:, None]
        edge_score = score[:, owner, None] * share
        np.testing.assert_allclose(scores.edges[level], edge_score.mean(0), rtol=1e-3, atol=1e-12)
        score = edge_score.sum(1)
        np.testing.assert_allclose(scores.nodes[level], score.mean(0), rtol=1e-3)
    np.testing.assert_array_equal(model.attribute(x).inputs, scores.inputs)
    assert model.feature_score.shape == (2,)
    assert [s.shape for s in model.edge_scores] == [(6, 2), (3, 3), (2, 2)]
    assert [len(s) for s in model.node_scores] == [2, 3, 2, 2]


def test_nodes_can_be_chosen_and_the_grid_refined(x):
    model = network(affine_trainable=True)
    torch.testing.assert_close(model.refine(8)(x), model(x))
    everything = [
        layer.select(torch.arange(n), torch.arange(m))
        for layer, n, m in zip(model.layers, model.width[:-1], model.width[1:], strict=True)
    ]
    torch.testing.assert_close(KAN.from_layers(everything)(x), model(x))
    first = model.layers[0].select(torch.tensor([1, 0]), torch.tensor([0, 2, 1]))
    assert first.nodes.arities == (3, 2)
    torch.testing.assert_close(first(x[:, [1, 0]]), model.layers[0](x)[:, [0, 2, 1]])
    with pytest.raises(SettingsError, match="multiply"):
        model.layers[0].select(torch.arange(2), torch.tensor([1, 0, 2]))
