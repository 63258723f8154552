"""Operations that give a new network: what they keep, and what they take away."""

import itertools

import numpy as np
import pytest
import sympy
import torch

from kansci.errors import SettingsError
from kansci.make_dataset import create_dataset
from kansci.models import KAN, SymbolicFunction
from kansci.models.auto_prune import gap_thresholds
from kansci.models.surgery import drop_dead_nodes

SINE = SymbolicFunction("sin", sympy.sin(sympy.Symbol("x")))


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(params=[False, True], ids=["plain", "affine"])
def model(request):
    """Two levels with products, formulas on some edges, and affine nodes that are not the identity."""
    network = KAN(
        [2, [3, 2], [2, 1], 2],
        mult_arity=[[], [2, 3], [2], []],
        grid=3,
        affine_trainable=request.param,
        seed=4,
    )
    layers = list(network.layers)
    layers[0] = layers[0].with_symbolic(1, 4, SINE, (2.0, 0.3, 0.7, -0.1))
    layers[1] = layers[1].with_symbolic(3, 0, SINE, (1.5, 0.0, 0.4, 0.0), keep_learned=True)
    if request.param:
        generator = torch.Generator().manual_seed(0)
        for layer in layers:
            for name in layer.nodes.tensor_names:
                tensor = getattr(layer.nodes, name).data
                tensor += 0.1 * torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
    return KAN.from_layers(layers)


@pytest.fixture
def x():
    return torch.tensor(np.random.default_rng(0).uniform(-1, 1, (60, 2)))


def by_hand(model, x, without=()):
    """The network evaluated edge by edge, subnode by subnode, without some edges."""
    values = x
    for level, layer in enumerate(model.layers):
        sums = torch.zeros(len(x), model.width_out[level + 1], dtype=torch.float64)
        for edge in model.edges():
            _, i, j = edge
            if edge[0] == level and edge not in without:
                sums[:, j] += model.edge(*edge, values[:, i])
        if layer.nodes.affine:
            sums = layer.nodes.subnode_scale * sums + layer.nodes.subnode_bias
        n_sum, ends = layer.nodes.n_sum, np.cumsum([layer.nodes.n_sum, *layer.nodes.arities])
        products = [sums[:, a:b].prod(dim=1) for a, b in itertools.pairwise(ends)]
        values = torch.cat([sums[:, :n_sum], *(p[:, None] for p in products)], dim=1)
        if layer.nodes.affine:
            values = layer.nodes.node_scale * values + layer.nodes.node_bias
    return values.detach()


def test_remove_edge_takes_learned_and_symbolic_functions(model, x):
    assert {model.mode(0, 1, 4), model.mode(1, 3, 0)} == {"s", "sn"}
    for edge in [(0, 0, 5), (0, 1, 4), (1, 3, 0), (2, 1, 1)]:
        smaller = model.remove_edge(*edge)
        assert set(model.edges()) - set(smaller.edges()) == {edge}
        torch.testing.assert_close(smaller(x).detach(), by_hand(model, x, [edge]))


@pytest.mark.parametrize("node", [(0, 1), (1, 3), (1, 4), (2, 2), (2, 0)])
def test_remove_node_takes_all_edges_of_its_factors(model, x, node):
    level, i = node
    below = (
        [] if level == 0 else [j for j, owner in enumerate(model.layers[level - 1].nodes.owner) if owner == i]
    )
    down = [e for e in model.edges() if e[0] == level - 1 and e[2] in below]
    up = [e for e in model.edges() if e[:2] == node]
    for mode, gone in {"all": down + up, "up": up, "down": down}.items():
        smaller = model.remove_node(*node, mode)
        assert set(model.edges()) - set(smaller.edges()) == set(gone)
        torch.testing.assert_close(smaller(x).detach(), by_hand(model, x, gone))


def test_pruned_nodes_are_removed_nodes(model, x):
    pruned = model.prune_node(active_neurons_id=[[0, 2, 4], [1, 2]])
    assert pruned.structure == ((2, 0), (2, 1), (1, 1), (2, 0))
    assert pruned.mult_arity == ((), (3,), (2,), ())
    masked = model.remove_node(1, 1).remove_node(1, 3).remove_node(2, 0)
    torch.testing.assert_close(pruned(x), masked(x))
    torch.testing.assert_close(drop_dead_nodes(masked)(x), masked(x))
    assert drop_dead_nodes(masked).structure == pruned.structure


def test_a_product_without_a_factor_is_dead(model):
    without_a_factor = model.remove_edge(0, 0, 4).remove_edge(0, 1, 4)
    assert drop_dead_nodes(without_a_factor).mult_arity[1] == (3,)


def test_prune_edge_leaves_no_product_without_a_factor(model, x):
    pruned = model.prune_edge(threshold=0.3, x=x)
    for layer in pruned.layers:
        fed = layer.live.any(dim=1)
        for node in range(layer.nodes.n_nodes):
            factors = fed[layer.nodes.owner == node]
            assert bool(factors.all()) or not bool(factors.any()) or node < layer.nodes.n_sum


@pytest.mark.parametrize("change", [
    lambda m: m.expand_width(1, 2),
    lambda m: m.expand_width(1, 1, False, 3),
    lambda m: m.expand_width(2, 2, False, [2, 4]),
    lambda m: m.expand_depth(),
    lambda m: m.expand_width(1, 2).expand_width(2, 1).expand_depth().perturb(3.0, seed=2),
])  # fmt: skip
def test_a_larger_network_is_the_same_function(model, x, change):
    larger = change(model)
    assert sum(larger.width) > sum(model.width)
    assert torch.equal(larger(x), model(x))
    again = KAN.from_config(larger.to_config(), larger.state_dict())
    assert torch.equal(again(x), model(x))


def test_new_nodes_train_after_perturb(x):
    rows = (x, x[:, :1] * x[:, 1:])
    small = KAN([2, 1, 1], grid=3)
    small.fit(rows, steps=30)
    alone = small.copy().fit(rows, steps=30)["train_loss"][-1]
    wider = small.expand_width(1, 2).perturb(seed=1)
    assert wider.width == (2, 3, 1)
    assert len(wider.edges()) == 9
    assert wider.fit(rows, steps=60)["train_loss"][-1] < 0.2 * alone


def test_perturb_touches_what_it_says(model, x):
    few = model.remove_edge(0, 0, 0)
    assert few.perturb(mode="minimal").edges() == few.edges()
    assert len(few.perturb(mode="all").edges()) == len(model.edges())
    same, other = (few.perturb(0.5, "all", seed=s)(x) for s in (1, 2))
    assert torch.equal(same, few.perturb(0.5, "all", seed=1)(x))
    assert not torch.equal(same, other)
    assert not torch.equal(same, few(x))
    with pytest.raises(SettingsError, match="mode"):
        few.perturb(mode="intrusive")


def test_swap_moves_nodes_and_keeps_the_function(model, x):
    for level, i1, i2 in [(1, 0, 2), (1, 3, 4), (2, 0, 1)]:
        swapped = model.swap(level, i1, i2)
        torch.testing.assert_close(swapped(x), model(x), rtol=0, atol=1e-13)
        a, b = (m.activations(x)[level] for m in (model, swapped))
        torch.testing.assert_close(a[:, [i1, i2]], b[:, [i2, i1]])
    assert model.swap(1, 3, 4).mult_arity[1] == (3, 2)
    with pytest.raises(SettingsError, match="adds"):
        model.swap(1, 0, 3)
    with pytest.raises(SettingsError, match="hidden"):
        model.swap(0, 0, 1)


def test_auto_swap_shortens_the_connections(model, x):
    network = KAN([3, 4, 3], seed=0, grid=3)
    for level, i, j in network.edges():  # node 3 - i of the hidden level belongs to input i
        if (level == 0 and i != 3 - j) or (level == 1 and j != 3 - i):
            network = network.remove_edge(level, i, j)
    ordered = network.auto_swap()
    assert ordered.connection_cost() < 0.5 * network.connection_cost()
    rows = torch.rand(20, 3, dtype=torch.float64)
    torch.testing.assert_close(ordered(rows), network(rows), rtol=0, atol=1e-14)
    torch.testing.assert_close(model.auto_swap(x)(x), model(x), rtol=0, atol=1e-13)


def test_thresholds_lie_in_gaps():
    strong, weak = gap_thresholds(torch.tensor([1.0, 0.5, 1e-5, 2e-5, 1e-7]))
    assert 2e-5 < strong < 0.5
    assert 1e-7 < weak < 1e-5
    assert gap_thresholds(torch.tensor([1.0, 0.7, 0.4])) == []
    assert gap_thresholds(torch.zeros(4)) == []
    assert len(gap_thresholds(torch.tensor([0.0, 0.0, 1.0]))) == 1


@pytest.fixture(scope="module")
def table():
    law = lambda x: torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2)  # noqa: E731
    return create_dataset(law, n_var=3, train_num=400, test_num=200)


@pytest.fixture(scope="module")
def sparse(table):
    network = KAN([3, 4, 1], seed=0)
    network.fit(table, steps=60, lamb=1e-2)
    return network


def test_auto_thresholds_find_the_law(sparse, table):
    pruned = sparse.prune("auto", "auto", dataset=table)
    assert pruned.width[1] == 1
    assert pruned.edges() == [(0, 0, 0), (0, 1, 0), (1, 0, 0)]
    fewer = pruned.prune_input("auto", dataset=table)
    assert fewer.width == (2, 1, 1)
    error = (fewer(table["test_input"][:, :2]) - table["test_label"]).square().mean().sqrt()
    assert error < 1e-2
    assert sparse.prune_node("auto", x=table["train_input"]).width == (3, 1, 1)  # by the gap alone


def test_a_pruning_that_hurts_is_not_taken(table):
    """x*y needs two sums of squares: whatever the scores, one hidden node is not enough."""
    network = KAN([2, 2, 1], grid=4, seed=1)
    x = table["train_input"][:, :2]
    rows = (x, x[:, :1] * x[:, 1:])
    network.fit(rows, steps=60)
    kept = network.prune_node("auto", dataset=rows, worse=1.25)
    strong = network.prune_node(10.0, x=x)
    assert kept.width == (2, 2, 1)
    assert strong.width == (2, 1, 1)


def test_nothing_changes_in_place(model, x):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.prune(x=x), model.remove_node(1, 0), model.expand_width(1, 1), model.perturb(), model.swap(1, 0, 1)
    after = model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)


@pytest.mark.parametrize("call", [
    lambda m: m.remove_edge(0, 2, 0),
    lambda m: m.remove_edge(0, 0, 8),
    lambda m: m.remove_node(1, 5),
    lambda m: m.remove_node(1, 0, "left"),
    lambda m: m.prune_node("best"),
    lambda m: m.prune_node(mode="manual"),
    lambda m: m.prune_node(active_neurons_id=[[0]]),
    lambda m: m.expand_width(0, 1),
    lambda m: m.expand_width(1, 1, False, 1),
    lambda m: m.prune("auto", dataset={"x": 1}),
])  # fmt: skip
def test_impossible_requests_are_refused(model, call):
    with pytest.raises(SettingsError):
        call(model)
