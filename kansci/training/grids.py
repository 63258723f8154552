"""Grid adaptation: hidden grids follow the range of their activations, knots their quantiles."""

from dataclasses import replace

import torch

from kansci.basis import Basis, BSpline
from kansci.models.grid_update import refitted
from kansci.training.levenberg import mean_loss
from kansci.training.normal_equations import Rows
from kansci.training.population import Population, PopulationLayer

_MARGIN = 0.02
_ALLOWED_LOSS = 1.01
_UNEVEN = 0.25


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


def at_quantiles(population: Population, x: torch.Tensor, grid_eps: float) -> Population:
    """Move knots to quantiles of what enters their layer, hidden grids to its range; refit the edges.

    Args:
        population: P networks.
        x: training rows (N, I).
        grid_eps: see `Basis.following`.

    Returns:
        The population, whose functions are about the same.
    """
    for number, layer in enumerate(population.layers):
        values, domain = x, layer.basis.domain
        if number > 0:
            values = population.levels(population.inputs(x))[number - 1]
            domain = _range(values)
        basis = layer.basis.following(values, domain, grid_eps)
        population = population.with_layer(number, _on(layer, basis))
    return population


def uneven(population: Population, x: torch.Tensor, grid_eps: float) -> bool:
    """Tell whether at quantiles some knot of an input would be far from where it is, by the grid's width."""
    basis = population.layers[0].basis
    if not isinstance(basis, BSpline):
        return False
    low, high = basis.domain.unbind(-1)
    shift = basis.following(x, basis.domain, grid_eps).grid - basis.grid
    return bool((shift.abs().amax(dim=-1) > _UNEVEN * (high - low)).any())


def moved(layer: PopulationLayer, domain: torch.Tensor) -> PopulationLayer:
    """Refit a layer's edges on another domain (..., I, 2)."""
    return _on(layer, layer.basis.moved(domain))


def _on(layer: PopulationLayer, basis: Basis) -> PopulationLayer:
    return replace(layer, basis=basis, weight=refitted(layer.basis, basis, layer.base_fun, layer.weight))


def _range(values: torch.Tensor) -> torch.Tensor:
    """Range of each node over the rows with a small margin: (P, N, I) -> (P, I, 2)."""
    low, high = values.amin(dim=1), values.amax(dim=1)
    margin = _MARGIN * (high - low) + 1e-12 * (1 + low.abs())
    return torch.stack([low - margin, high + margin], dim=-1)
