"""The optimiser against automatic differentiation, numpy and scipy."""

import numpy as np
import pytest
import torch
from scipy.optimize import least_squares

from kansci.models import KAN
from kansci.training.levenberg import LevenbergMarquardt, mean_loss
from kansci.training.normal_equations import Rows, jacobian, normal_equations
from kansci.training.penalty import combined, group_sparsity, smoothness
from kansci.training.population import Population

RNG = np.random.default_rng(0)
X = torch.tensor(RNG.uniform(-1, 1, (60, 2)))
Y = torch.stack([torch.exp(X[:, 0]) * X[:, 1], X[:, 0] - X[:, 1] ** 2], dim=1)


def population(width, base_fun="silu", members=3, grid=3) -> Population:
    models = [KAN(width, grid=grid, base_fun=base_fun, seed=seed) for seed in range(members)]
    models[0] = models[0].remove_edge(0, 1, 0)
    return Population.of(models)


def flat(batch: Population) -> torch.Tensor:
    return torch.cat([layer.weight.flatten(1) for layer in batch.layers], dim=1)


def outputs(weights: torch.Tensor, batch: Population, member: int, x: torch.Tensor) -> torch.Tensor:
    """The network's own forward pass as a function of all weights."""
    model, start = batch.model(member), 0
    state = {}
    for number, layer in enumerate(model.layers):
        size = layer.weight.numel()
        part = weights[start : start + size].view_as(layer.weight)
        n_base = part.shape[-1] - layer.coef.shape[-1]
        state[f"layers.{number}.coef"] = part[..., n_base:]
        if n_base:
            state[f"layers.{number}.base_scale"] = part[..., 0]
        start += size
    return torch.func.functional_call(model, state, x)


@pytest.mark.parametrize("width", [[2, 1], [2, 3, 1], [2, 3, 2, 1], [2, 3, 2]])
@pytest.mark.parametrize("base_fun", ["silu", "zero"])
def test_jacobian_is_autograds(width, base_fun):
    batch = population(width, base_fun)
    mine, values = jacobian(batch, batch.inputs(X))
    for member in range(batch.size):
        expected = torch.func.jacrev(outputs)(flat(batch)[member], batch, member, X)
        torch.testing.assert_close(mine[member], expected.flatten(0, 1).detach(), rtol=0, atol=1e-9)
        torch.testing.assert_close(values[member], batch.model(member)(X).detach())


def test_normal_equations_in_chunks_are_the_whole(monkeypatch):
    batch = population([2, 3, 2])
    rows = Rows(batch.inputs(X), Y)
    derivative, values = jacobian(batch, rows.inputs)
    residual = (values - Y).flatten(1)
    monkeypatch.setattr("kansci.training.normal_equations._CHUNK_ENTRIES", 1)
    equations = normal_equations(batch, rows, statistics=True)
    torch.testing.assert_close(equations.hessian, derivative.mT @ derivative / 120)
    torch.testing.assert_close(equations.gradient, (derivative.mT @ residual.unsqueeze(-1)).squeeze(-1) / 120)
    torch.testing.assert_close(equations.loss, residual.square().mean(1) / 2)
    edge = batch.model(1).edge(0, 1, 2, X[:, 1])
    weight = batch.layers[0].weight[1, 2, 1]
    deviation = (weight @ equations.covariance[0][1] @ weight).sqrt()
    torch.testing.assert_close(deviation, edge.std(correction=0))


def test_a_linear_problem_is_lstsqs():
    batch = population([2, 1], "zero", members=2)
    rows = Rows(batch.inputs(X), Y[:, :1])
    optimiser = LevenbergMarquardt(batch, rows, tolerance=0.0)
    for _ in range(40):
        optimiser.step()
    for member, mask in enumerate(batch.layers[0].mask):
        design = (rows.inputs * mask[0].unsqueeze(-1)).flatten(1).numpy()
        best = np.linalg.lstsq(design, Y[:, :1].numpy(), rcond=None)[0]
        residual = design @ best - Y[:, :1].numpy()
        np.testing.assert_allclose(optimiser.loss[member], 0.5 * np.mean(residual**2), rtol=1e-10)


def test_a_nonlinear_problem_ends_at_scipys_cost():
    batch = population([2, 1, 1], "zero", members=2, grid=2)
    rows = Rows(batch.inputs(X), Y[:, :1])
    optimiser = LevenbergMarquardt(batch, rows, tolerance=0.0)
    for _ in range(150):
        optimiser.step()
    for member in range(batch.size):
        start = flat(optimiser.population)[member].numpy()

        def residual(weights, member=member):
            return (outputs(torch.tensor(weights), batch, member, X) - Y[:, :1]).flatten().detach().numpy()

        def derivative(weights, member=member):
            parts, end = [], 0
            for layer in batch.layers:
                size = layer.weight[0].numel()
                parts.append(torch.tensor(weights[end : end + size]).view_as(layer.weight[:1]))
                end += size
            one = batch.members(torch.tensor([member])).with_weights(parts)
            return jacobian(one, rows.inputs)[0][0].numpy()

        polished = least_squares(
            residual, start, derivative, method="trf", x_scale="jac", xtol=1e-12, max_nfev=60
        )
        assert float(optimiser.loss[member]) <= polished.cost / 60 * (1 + 1e-2)


def test_losses_never_rise():
    batch = population([2, 4, 1], members=4)
    optimiser = LevenbergMarquardt(batch, Rows(batch.inputs(X), Y[:, :1]))
    before = optimiser.loss.clone()
    for _ in range(15):
        moved = optimiser.step()
        assert bool((optimiser.loss[moved] < before[moved]).all())
        assert torch.equal(optimiser.loss[~moved], before[~moved])
        before = optimiser.loss.clone()
    assert float(before.max()) < 1e-3
    torch.testing.assert_close(before, mean_loss(optimiser.population, Rows(batch.inputs(X), Y[:, :1])))


def test_penalties_add_their_own_derivatives():
    batch = population([2, 3, 1])
    rows = Rows(batch.inputs(X), Y[:, :1])
    plain, penalised = (normal_equations(batch, rows, statistics=True) for _ in range(2))
    penalty = combined([group_sparsity(batch, plain, 0.1), smoothness(batch, 0.01)])
    penalty.add_to(penalised, batch)
    weights = [layer.weight.clone().requires_grad_() for layer in batch.layers]

    def value(*weights):
        return penalty.value(batch.with_weights(weights))

    gradient = torch.autograd.grad(value(*weights).sum(), weights)
    torch.testing.assert_close(
        penalised.gradient - plain.gradient, torch.cat([part.flatten(1) for part in gradient], dim=1)
    )
    step = torch.randn_like(plain.gradient)
    parts = step.split([weight[0].numel() for weight in weights], dim=1)
    moved = [weight.detach() + part.view_as(weight) for weight, part in zip(weights, parts, strict=True)]
    form = ((penalised.hessian - plain.hessian) @ step.unsqueeze(-1)).squeeze(-1)
    expected = value(*weights) + ((penalised.gradient - plain.gradient) * step + 0.5 * form * step).sum(1)
    torch.testing.assert_close(value(*moved), expected.detach())
