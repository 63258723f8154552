"""Grid adaptation: hidden grids follow the range of their activations."""

from dataclasses import replace

import torch

from kansci.kernels import edge_values
from kansci.training.levenberg import mean_loss
from kansci.training.normal_equations import Rows
from kansci.training.population import Population, PopulationLayer

_MARGIN = 0.02
_ALLOWED_LOSS = 1.01


def adapt(population: Population, rows: Rows, loss: torch.Tensor) -> tuple[Population, torch.Tensor]:
    """Move each hidden layer's grid to the present range of its inputs and refit its edges.

    Args:
        population: P networks.
        rows: training rows.
        loss: mean loss of each member, (P,).

    Returns:
        The population, in which a member is changed only where that does not raise its loss, and the members
        that changed, as numbers.
    """
    changed = torch.zeros_like(loss, dtype=torch.bool)
    for number in range(1, len(population.layers)):
        values = population.levels(rows.inputs)[number - 1]
        layer = moved(population.layers[number], _range(values))
        trial = population.with_layer(number, layer)
        trial_loss = mean_loss(trial, rows)
        better = trial_loss <= _ALLOWED_LOSS * loss
        index = better.nonzero().flatten()
        population = population.updated(index, trial.members(index))
        loss = torch.where(better, trial_loss, loss)
        changed |= better
    return population, changed.nonzero().flatten()


def moved(layer: PopulationLayer, domain: torch.Tensor) -> PopulationLayer:
    """Refit a layer's edges on another domain (..., I, 2), by least squares over evenly spread points.

    Base functions keep their weights: splines come so close to them that both together would get huge
    weights which cancel on the domain and nowhere else.
    """
    basis = layer.basis.moved(domain)
    low, high = domain.unbind(-1)
    share = torch.linspace(0, 1, 4 * basis.size + 1, dtype=torch.float64, device=domain.device).unsqueeze(-1)
    points = low.unsqueeze(-2) + (high - low).unsqueeze(-2) * share  # (..., M, I)
    values = edge_values(layer.functions(points)[0], layer.weight)  # (P, M, J, I)
    target = replace(layer, basis=basis)
    before, functions = target.functions(points)[0].tensor_split([layer.n_base], dim=-1)
    base = layer.weight[..., : layer.n_base]
    rest = values - edge_values(before, base)
    design = functions.movedim(-2, -3)  # (..., I, M, K)
    fitted = torch.linalg.pinv(design, rtol=1e-8) @ rest.movedim(-1, -3)  # (P, I, K, J)
    coef = fitted.mT.movedim(-3, -2) * layer.mask.unsqueeze(-1)
    return replace(target, weight=torch.cat([base, coef], dim=-1))


def _range(values: torch.Tensor) -> torch.Tensor:
    """Range of each node over the rows with a small margin: (P, N, I) -> (P, I, 2)."""
    low, high = values.amin(dim=1), values.amax(dim=1)
    margin = _MARGIN * (high - low) + 1e-12 * (1 + low.abs())
    return torch.stack([low - margin, high + margin], dim=-1)
