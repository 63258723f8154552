"""Exact Jacobians without automatic differentiation, and the normal equations they give.

The derivative of an output with respect to the weight c_jik of a layer is the back-propagated gradient of
node j times the function B_k(x_i): an outer product. So one pass forward for the functions and one back for
the node gradients is all there is to do.
"""

from dataclasses import dataclass

import torch

from kansci.kernels import edge_values, sum_edges
from kansci.models.importance import function_covariance
from kansci.training.population import Population

# Rows are taken in chunks of about this many Jacobian entries, to stay in the cache and bound the memory.
_CHUNK_ENTRIES = 1 << 20


@dataclass(frozen=True, eq=False)
class Rows:
    """Training rows and what the whole population shares about them.

    Attributes:
        inputs: the first layer's functions, shape (N, I, F).
        y: targets, shape (N, O).
    """

    inputs: torch.Tensor
    y: torch.Tensor

    def chunk(self, start: int, length: int) -> "Rows":
        """Give some of the rows."""
        return Rows(self.inputs[start : start + length], self.y[start : start + length])


@dataclass(frozen=True, eq=False)
class Pass:
    """One forward and backward pass: for each layer its functions and the gradients of the nodes it feeds.

    Attributes:
        functions: (P, n, I, F); the first layer's has no P.
        gradients: dy_o / dz_j, (P, n, O, J).
        outputs: (P, n, O).
    """

    functions: list[torch.Tensor]
    gradients: list[torch.Tensor]
    outputs: torch.Tensor


@dataclass(frozen=True, eq=False)
class NormalEquations:
    """The quadratic model of the loss around the present weights.

    Attributes:
        loss: half the mean squared residual, shape (P,).
        gradient: shape (P, n).
        hessian: Gauss-Newton approximation J'J / (N O), shape (P, n, n).
        covariance: of each layer's functions over the rows, (P, I, F, F).
        sensitivity: root mean square of the output's derivative by each layer's outgoing nodes, (P, J).
    """

    loss: torch.Tensor
    gradient: torch.Tensor
    hessian: torch.Tensor
    covariance: list[torch.Tensor]
    sensitivity: list[torch.Tensor]


def run(population: Population, inputs: torch.Tensor) -> Pass:
    """Go forward for the functions and back for the node gradients."""
    functions, slopes = [inputs], []
    values = sum_edges(inputs, population.layers[0].weight)
    for layer in population.layers[1:]:
        here, slope = layer.functions(values, (0, 1))
        functions.append(here)
        slopes.append(edge_values(slope, layer.weight))  # (P, n, J, I)
        values = sum_edges(here, layer.weight)
    n_out = values.shape[-1]
    gradient = torch.eye(n_out, dtype=values.dtype, device=values.device).expand(*values.shape, n_out)
    gradients = [gradient]
    for slope in reversed(slopes):
        gradient = gradient @ slope if n_out > 1 or slope.shape[-2] > 1 else slope
        gradients.insert(0, gradient)
    return Pass(functions, gradients, values)


def jacobian(population: Population, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Differentiate the outputs by all weights, layer after layer, each (J, I, F) flattened.

    Args:
        population: P networks.
        inputs: the first layer's functions, shape (N, I, F).

    Returns:
        Jacobian (P, N * O, n) and outputs (P, N, O).
    """
    through = run(population, inputs)
    return _assemble(population, through), through.outputs


def _assemble(population: Population, through: Pass) -> torch.Tensor:
    n_members, n_rows, n_out = through.outputs.shape
    n_weights = sum(layer.weight[0].numel() for layer in population.layers)
    whole = torch.empty(
        (n_members, n_rows, n_out, n_weights), dtype=torch.float64, device=through.outputs.device
    )
    start = 0
    for functions, gradient, layer in zip(
        through.functions, through.gradients, population.layers, strict=True
    ):
        flat = functions.flatten(-2)[..., None, None, :]
        n_nodes, length = gradient.shape[-1], gradient.shape[-1] * flat.shape[-1]
        block = whole[..., start : start + length].unflatten(-1, (n_nodes, flat.shape[-1]))
        torch.mul(gradient.unsqueeze(-1), flat, out=block)
        if not bool(layer.mask.all()):
            block.unflatten(-1, functions.shape[-2:]).mul_(layer.mask[:, None, None, :, :, None])
        start += length
    return whole.flatten(1, 2)


def normal_equations(population: Population, rows: Rows, *, statistics: bool = False) -> NormalEquations:
    """Build J'J and J'r over all rows.

    Args:
        population: P networks.
        rows: training rows.
        statistics: also give covariances and sensitivities, which the penalty needs.

    Returns:
        The normal equations, divided by the number of residuals.
    """
    n_members, n_rows, n_out = population.size, len(rows.y), rows.y.shape[1]
    n_weights = sum(layer.weight[0].numel() for layer in population.layers)
    length = max(32, _CHUNK_ENTRIES // (n_members * n_out * n_weights))
    hessian = rows.y.new_zeros((n_members, n_weights, n_weights))
    gradient = rows.y.new_zeros((n_members, n_weights, 1))
    loss = rows.y.new_zeros(n_members)
    passes = []
    for start in range(0, n_rows, length):
        part = rows.chunk(start, length)
        through = run(population, part.inputs)
        derivative = _assemble(population, through)
        residual = (through.outputs - part.y).flatten(1).unsqueeze(-1)
        hessian.baddbmm_(derivative.mT, derivative)
        gradient.baddbmm_(derivative.mT, residual)
        loss += residual.square().sum((1, 2))
        if statistics:
            passes.append(through)
    count = n_rows * n_out
    covariance, sensitivity = _statistics(passes) if statistics else ([], [])
    return NormalEquations(
        loss / (2 * count), gradient.squeeze(-1) / count, hessian / count, covariance, sensitivity
    )


def _statistics(passes: list[Pass]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    covariance, sensitivity = [], []
    for layer in range(len(passes[0].functions)):
        functions = torch.cat([through.functions[layer] for through in passes], dim=-3)
        gradients = torch.cat([through.gradients[layer] for through in passes], dim=1)
        covariance.append(function_covariance(functions))
        sensitivity.append(gradients.square().mean((1, 2)).sqrt())
    return covariance, sensitivity
