"""Starting points: smooth random edges, hidden nodes that fill their grids, a last layer solved for."""

import itertools
from dataclasses import replace

import torch

from kansci.basis import Basis, layer_specs, make_basis
from kansci.models.layer import n_base_functions
from kansci.models.nodes import Nodes, Width, read_width
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
    width: Width,
    settings: TrainSettings,
    generator: torch.Generator,
) -> Population:
    """Draw the members of a population.

    Every edge starts as a random combination of the first Chebyshev polynomials with amplitudes falling as a
    power of the order; hidden nodes are then scaled so that the rows fill [-1, 1]; the last layer is a ridge
    regression, for a product one for its first factor. Each member is the best of several such candidates.

    Args:
        x: rows (N, I).
        y: targets (N, O).
        width: nodes on each level, see `read_width`.
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
    levels = [Nodes(*level) for level in read_width(width, settings.mult_arity)]
    specs = layer_specs(settings.basis, len(levels) - 1)
    for number, (below, nodes) in enumerate(itertools.pairwise(levels)):
        shared, n_in = number == 0, below.n_nodes
        unit = torch.tensor([-1.0, 1.0], dtype=torch.float64)
        placed = domain if shared else unit.expand(n_candidates, n_in, 2)
        basis = make_basis(specs[number], settings.sizes[0], settings.k, placed)
        size = (n_candidates, nodes.n_subnodes, n_in)
        weight = random_coefs(size, basis, settings.restarts, generator)
        weight = torch.nn.functional.pad(weight, (n_base_functions(settings.base_fun), 0))
        layer = PopulationLayer.new(basis, settings.base_fun, weight, nodes, shared=shared)
        functions = layer.inputs(values)
        layer, values = _filled(layer, functions, generator)
        layers.append(layer)
    layers[-1] = _solved(layer, functions, y)
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


def _filled(
    layer: PopulationLayer, functions: torch.Tensor, generator: torch.Generator
) -> tuple[PopulationLayer, torch.Tensor]:
    """Scale the sums so that the rows fill [-1, 1], then the products' first factors so that those do.

    Every second factor, by chance, fills [0, 1] instead: some laws are reached only from factors that change
    sign, and others only from factors that do not.
    """
    sums = layer.sums(functions)
    low, high = sums.amin(dim=1), sums.amax(dim=1)
    middle = torch.zeros_like(low)
    factors = middle[:, layer.nodes.n_sum :]
    factors.copy_(0.5 * torch.randint(2, factors.shape, generator=generator))
    scale = 2 * (_FILL - middle) / (high - low).clamp(min=1e-300)
    shift = middle - 0.5 * (high + low) * scale
    nodes = layer.nodes(sums * scale.unsqueeze(1) + shift.unsqueeze(1))
    layer = layer.rescaled_sums(scale, shift)
    if layer.nodes.plain:
        return layer, nodes
    reach = nodes.abs().amax(dim=1).clamp(min=1e-300)
    reach[:, : layer.nodes.n_sum] = _FILL
    more = torch.ones_like(scale)
    for product in layer.nodes.products():
        more[:, product[0]] = _FILL / reach[:, layer.nodes.owner[product[0]]]
    return layer.rescaled_sums(more, torch.zeros_like(more)), nodes * (_FILL / reach).unsqueeze(1)


def _solved(layer: PopulationLayer, functions: torch.Tensor, y: torch.Tensor) -> PopulationLayer:
    """Solve for the sums that are outputs, and for the first factor of every product that is one."""
    weight = layer.weight.clone()
    design = functions.flatten(-2)  # ([P,] N, I F)
    n_sum, shape = layer.nodes.n_sum, weight.shape[2:]
    if n_sum:
        weight[:, :n_sum] = _ridge(design, y[:, :n_sum]).unflatten(-1, shape)
    sums = layer.sums(functions)
    for number, product in enumerate(layer.nodes.products()):
        others = sums[..., product[1:]].prod(dim=-1, keepdim=True)  # (P, N, 1)
        column = n_sum + number
        solution = _ridge(others * design, y[:, column : column + 1])
        weight[:, product[0]] = solution[:, 0].unflatten(-1, shape)
    return replace(layer, weight=weight)


def _ridge(design: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Regress y (N, O) on the columns of a design (..., N, n): (..., O, n)."""
    gram = design.mT @ design / len(y)
    ridge = _RIDGE * gram.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None]
    gram = gram + ridge * torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    return torch.linalg.solve(gram, design.mT @ y / len(y)).mT
