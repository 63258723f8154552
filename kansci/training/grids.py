"""Grid adaptation: hidden grids follow the range of their activations."""

import torch

from kansci.kernels import edge_values
from kansci.training.levenberg import half_mean_square
from kansci.training.normal_equations import Rows
from kansci.training.population import Population, PopulationLayer

_MARGIN = 0.02
_ALLOWED_LOSS = 1.01


def adapt(population: Population, rows: Rows, loss: torch.Tensor) -> tuple[Population, torch.Tensor]:
    """Move each hidden layer's grid to the present range of its inputs and refit its edges.

    Args:
        population: P networks.
        rows: training rows.
        loss: half the mean squared residual of each member, (P,).

    Returns:
        The population, in which a member is changed only where that does not raise its loss, and the members
        that changed, as numbers.
    """
    changed = torch.zeros_like(loss, dtype=torch.bool)
    for number in range(1, len(population.layers)):
        values = population.levels(rows.inputs)[number - 1]
        layer = moved(population.layers[number], _range(values))
        trial = population.with_layer(number, layer)
        trial_loss = half_mean_square(trial, rows)
        better = trial_loss <= _ALLOWED_LOSS * loss
        index = better.nonzero().flatten()
        population = population.updated(index, trial.members(index))
        loss = torch.where(better, trial_loss, loss)
        changed |= better
    return population, changed.nonzero().flatten()


def moved(layer: PopulationLayer, domain: torch.Tensor) -> PopulationLayer:
    """Refit a layer's edges on another domain (..., I, 2), by least squares over evenly spread points."""
    basis = layer.basis.moved(domain)
    low, high = domain.unbind(-1)
    share = torch.linspace(0, 1, 4 * basis.size + 1, dtype=torch.float64, device=domain.device).unsqueeze(-1)
    points = low.unsqueeze(-2) + (high - low).unsqueeze(-2) * share  # (..., M, I)
    values = edge_values(layer.functions(points)[0], layer.weight)  # (P, M, J, I)
    target = PopulationLayer(basis, layer.base_fun, layer.weight, layer.mask, layer.shared)
    design = target.functions(points)[0].movedim(-2, -3)  # (..., I, M, F)
    fitted = torch.linalg.pinv(design, rtol=1e-8) @ values.movedim(-1, -3)  # (P, I, F, J)
    weight = fitted.mT.movedim(-3, -2) * layer.mask.unsqueeze(-1)
    return PopulationLayer(basis, layer.base_fun, weight, layer.mask, layer.shared)


def _range(values: torch.Tensor) -> torch.Tensor:
    """Range of each node over the rows with a small margin: (P, N, I) -> (P, I, 2)."""
    low, high = values.amin(dim=1), values.amax(dim=1)
    margin = _MARGIN * (high - low) + 1e-12 * (1 + low.abs())
    return torch.stack([low - margin, high + margin], dim=-1)
