"""Starting points: smooth random edges, hidden nodes that fill their grids, a last layer solved for."""

import itertools
from collections.abc import Sequence

import torch

from kansci.basis import Basis, layer_specs, make_basis
from kansci.kernels import sum_edges
from kansci.models.layer import n_base_functions
from kansci.training.population import Population, PopulationLayer
from kansci.training.settings import TrainSettings

_CANDIDATES = 12
_ENOUGH_ROWS = 500
_N_MODES = 4
_POWERS = (1.5, 1.5, 4.0)
_FILL = 0.95
_RIDGE = 1e-4


def data_domain(x: torch.Tensor) -> torch.Tensor:
    """Give each column's range, widened where it is a single value: (N, I) -> (I, 2)."""
    low, high = x.amin(dim=0), x.amax(dim=0)
    flat = (high - low) <= 1e-12 * torch.maximum(low.abs(), high.abs())
    half = torch.where(flat, low.abs().clamp(min=1.0), torch.zeros_like(low))
    return torch.stack([low - half, high + half], dim=-1)


def initial_population(
    x: torch.Tensor,
    y: torch.Tensor,
    width: Sequence[int],
    settings: TrainSettings,
    generator: torch.Generator,
) -> Population:
    """Draw the members of a population.

    Every edge starts as a random combination of the first Chebyshev polynomials with amplitudes falling as a
    power of the order; hidden nodes are then scaled so that the rows fill [-1, 1]; the last layer is a ridge
    regression. Each member is the best of several such candidates.

    Args:
        x: rows (N, I).
        y: targets (N, O).
        width: nodes on each level.
        settings: sizes, families and base function.
        generator: source of the random numbers.

    Returns:
        P networks.
    """
    layers: list[PopulationLayer] = []
    domain = data_domain(x)
    stride = -(-len(x) // _ENOUGH_ROWS)
    values, y = x[::stride], y[::stride]
    n_candidates = _CANDIDATES * settings.restarts
    specs = layer_specs(settings.basis, len(width) - 1)
    for number, (n_in, n_out) in enumerate(itertools.pairwise(width)):
        shared = number == 0
        unit = torch.tensor([-1.0, 1.0], dtype=torch.float64)
        placed = domain if shared else unit.expand(n_candidates, n_in, 2)
        basis = make_basis(specs[number], settings.grids[0], settings.k, placed)
        weight = random_coefs((n_candidates, n_out, n_in), basis, settings.restarts, generator)
        weight = torch.nn.functional.pad(weight, (n_base_functions(settings.base_fun), 0))
        layer = PopulationLayer(basis, settings.base_fun, weight, torch.ones_like(weight[..., 0]), shared)
        functions = layer.functions(values)[0]
        if number < len(width) - 2:
            layer, values = _filled(layer, functions)
        else:
            layer = _solved(layer, functions, y)
        layers.append(layer)
    population = Population(tuple(layers))
    loss = (population.forward(population.inputs(x[::stride])) - y).square().mean((1, 2))
    best = loss.view(_CANDIDATES, settings.restarts).argmin(dim=0)
    return population.members(best * settings.restarts + torch.arange(settings.restarts))


def random_coefs(
    shape: tuple[int, int, int], basis: Basis, n_members: int, generator: torch.Generator
) -> torch.Tensor:
    """Draw smooth functions for all edges: coefficients of shape (*shape, K).

    Every third member starts smoother, because some laws are reached only from nearly linear edges and others
    (a sine inside) hardly ever.
    """
    unit = basis.from_config(basis.to_config(), torch.tensor([[-1.0, 1.0]], dtype=torch.float64))
    points = torch.linspace(-1, 1, 4 * basis.size, dtype=torch.float64)
    orders = torch.arange(1, _N_MODES + 1, dtype=torch.float64)
    modes = torch.cos(orders * points.clamp(-1, 1).arccos().unsqueeze(-1))  # (M, modes)
    coefs = unit.fit(points.unsqueeze(-1), modes.unsqueeze(-1))[:, 0]  # (modes, K)
    members = torch.arange(shape[0]) % n_members
    powers = torch.tensor(_POWERS, dtype=torch.float64)[members % len(_POWERS)]
    amplitude = torch.randn((*shape, _N_MODES), generator=generator, dtype=torch.float64)
    return (amplitude / orders ** powers[:, None, None, None]) @ coefs


def _filled(layer: PopulationLayer, functions: torch.Tensor) -> tuple[PopulationLayer, torch.Tensor]:
    values = sum_edges(functions, layer.weight)
    low, high = values.amin(dim=1), values.amax(dim=1)
    scale = 2 * _FILL / (high - low).clamp(min=1e-300)
    shift = -0.5 * (high + low) * scale
    return layer.rescaled(scale, shift), values * scale.unsqueeze(1) + shift.unsqueeze(1)


def _solved(layer: PopulationLayer, functions: torch.Tensor, y: torch.Tensor) -> PopulationLayer:
    design = functions.flatten(-2)  # ([P,] N, I * (F))
    gram = design.mT @ design / len(y)
    ridge = _RIDGE * gram.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None]
    gram = gram + ridge * torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    solution = torch.linalg.solve(gram, design.mT @ y / len(y)).mT  # ([P,] O, I * (F))
    weight = solution.expand(*layer.weight.shape[:2], -1).reshape(layer.weight.shape)
    return PopulationLayer(layer.basis, layer.base_fun, weight.clone(), layer.mask, layer.shared)
