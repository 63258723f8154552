"""Every family in a network: training, surgery, storage, and a warning outside the grid."""

import numpy as np
import pytest
import torch

from kansci.basis import basis_names
from kansci.errors import ExtrapolationWarning, SettingsError
from kansci.models import KAN, importance
from kansci.training import TrainSettings, fit_population, train_population

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (400, 2)) * [3.0, 1e-3] + [5.0, 2e-3]
U = (X - [5.0, 2e-3]) / [3.0, 1e-3]
Y = np.exp(np.sin(2 * U[:, 0]) + U[:, 1] ** 2)
SPECS = [*basis_names(), ["fourier", "bspline"], {"basis": "rational", "groups": 1}]
DOMAIN = [[2.0, 8.0], [1e-3, 3e-3]]


@pytest.fixture(params=SPECS, ids=str)
def spec(request):
    return request.param


def test_a_network_of_any_family_is_trained_pruned_and_refined(spec):
    settings = TrainSettings(basis=spec, restarts=2, steps=25, grids=(5, 8))
    trained = fit_population(X, Y, [2, 3, 1], settings)
    assert trained.validation_rmse[0] < (0.15 if spec == "hat" else 0.05)
    model = trained.model
    assert model.grid == 8
    sparser = model.remove_edge(0, 1, 2)
    again = train_population([sparser], X, Y, TrainSettings(steps=3, grids=(8,)))
    assert (0, 1, 2) not in again.model.edges()
    scores = importance(model, X)
    std = model.edge(0, 1, 2, X[:, 1]).std(correction=0)
    total = model.activations(X)[1][:, 2].std(correction=0)
    share = float(scores.edges[0][2, 1] / scores.nodes[1][2])
    assert abs(share - float(std / total)) < 1e-3 * share + 1e-6


def test_a_network_of_any_family_comes_back_from_its_description(spec):
    model = KAN([2, 3, 1], grid=4, basis=spec, grid_range=DOMAIN, seed=1).refine(6)
    again = KAN.from_config(model.to_config(), model.state_dict())
    rows = torch.tensor(X)
    assert torch.equal(again(rows), model(rows))
    pruned = model.prune_node(active_neurons_id=[[0, 2]])
    torch.testing.assert_close(pruned(rows), model.remove_node(1, 1)(rows))
    assert torch.equal(KAN.from_config(pruned.to_config(), pruned.state_dict())(rows), pruned(rows))
    torch.testing.assert_close(
        model.prune_input(active_inputs=[1])(rows[:, 1:]), model.remove_node(0, 0)(rows)
    )


def test_the_family_may_change_from_layer_to_layer():
    model = KAN([2, 3, 1], basis=["fourier", "rbf"])
    assert [layer.basis.to_config()["basis"] for layer in model.layers] == ["fourier", "rbf"]
    with pytest.raises(SettingsError, match="3 bases for 2 layers"):
        KAN([2, 3, 1], basis=["bspline"] * 3)
    with pytest.raises(SettingsError, match="wavelet"):
        KAN([2, 1], basis="wavelet")


@pytest.mark.parametrize("spec", ["sine", "rational", {"basis": "fourier", "learned": True}], ids=str)
def test_a_basis_of_its_own_parameters_learns_them(spec):
    model = KAN([1, 1], grid=3, basis=spec, base_fun="zero", seed=2)
    x = torch.linspace(-1, 1, 80, dtype=torch.float64).unsqueeze(1)
    y = torch.sin(4.4 * x) / (1 + x**2)
    own = list(model.layers[0].basis.parameters())
    before = [parameter.detach().clone() for parameter in own]
    optimiser = torch.optim.LBFGS(model.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = (model(x) - y).square().mean()
        loss.backward()
        return loss

    first = float(closure().detach())
    optimiser.step(closure)
    assert float(closure().detach()) < 1e-2 * first
    assert all(bool((parameter != old).any()) for parameter, old in zip(own, before, strict=True))


def test_rows_outside_the_grid_are_counted():
    model = KAN([2, 2, 1], grid_range=DOMAIN)
    far = X[:10].copy()
    far[:3, 0] = 20.0
    with pytest.warns(ExtrapolationWarning, match=r"3 of 10 rows \(30\.0%\)"):
        predicted = model.predict(far)
    rows = torch.tensor(far)
    np.testing.assert_array_equal(predicted, model(rows).detach().numpy())  # in training mode: no warning
    with pytest.warns(ExtrapolationWarning):
        model.eval()(rows)
    model.predict(X)
    model.remove_node(0, 0).predict(far)  # the input that is far is not used
    KAN([2, 1], basis="fourier", grid_range=DOMAIN).predict(far)
