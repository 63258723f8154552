"""Exact Jacobians without automatic differentiation, and the normal equations they give.

The derivative of an output with respect to the weight c_jik of a layer is the back-propagated gradient of
sum j times the function B_k(x_i): an outer product. So one pass forward for the functions and one back for
the gradients is all there is to do.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import torch

from kansci.kernels import edge_values, sum_edges
from kansci.models.importance import function_covariance
from kansci.models.symbolic_edge import add_symbolic, inner, outer
from kansci.training.losses import LeastSquares, Loss, times_root, weighted_derivatives
from kansci.training.population import Population, PopulationLayer

# Rows are taken in chunks of about this many Jacobian entries, to stay in the cache and bound the memory.
_CHUNK_ENTRIES = 1 << 20


@dataclass(frozen=True, eq=False)
class Rows:
    """Training rows and what the whole population shares about them.

    Attributes:
        inputs: what the population's `inputs` gave, shape (N, I, F).
        y: targets, shape (N, O).
        weight: of each row, shape (N,), or None for ones.
        loss: what is asked of the outputs there.
    """

    inputs: torch.Tensor
    y: torch.Tensor
    weight: torch.Tensor | None = None
    loss: Loss = field(default_factory=LeastSquares)

    def chunk(self, start: int, length: int) -> "Rows":
        """Give some of the rows."""
        part = slice(start, start + length)
        weight = None if self.weight is None else self.weight[part]
        return Rows(self.inputs[part], self.y[part], weight, self.loss)

    def total(self, outputs: torch.Tensor) -> torch.Tensor:
        """Add up the weighted losses of outputs (P, N, O): (P,)."""
        return self.loss.total(outputs, self.y, self.weight)

    @property
    def count(self) -> torch.Tensor | int:
        """What to divide the total by."""
        return self.loss.count(self.y, self.weight)


@dataclass(frozen=True, eq=False)
class Pass:
    """One forward and backward pass: for each layer its functions and the gradients of the nodes it feeds.

    Attributes:
        functions: (P, n, I, F); the first layer's has no P.
        gradients: dy_o / dz_j by the sums, (P, n, O, J).
        by_affine: each symbolic edge's value by (a, b, c, d), (P, n, S, 4).
        outputs: (P, n, O).
    """

    functions: list[torch.Tensor]
    gradients: list[torch.Tensor]
    by_affine: list[torch.Tensor]
    outputs: torch.Tensor


@dataclass(frozen=True, eq=False)
class NormalEquations:
    """The quadratic model of the loss around the present weights.

    Attributes:
        loss: mean loss, shape (P,); for least squares half the mean squared residual.
        gradient: shape (P, n).
        hessian: generalised Gauss-Newton approximation J'WJ / (N O), shape (P, n, n).
        covariance: of each layer's functions over the rows, (P, I, F, F).
        sensitivity: root mean square of the output's derivative by each layer's sums, (P, J).
    """

    loss: torch.Tensor
    gradient: torch.Tensor
    hessian: torch.Tensor
    covariance: list[torch.Tensor]
    sensitivity: list[torch.Tensor]

    def put(self, index: torch.Tensor, other: "NormalEquations") -> None:
        """Replace gradient and Hessian of some members."""
        self.gradient[index] = other.gradient
        self.hessian[index] = other.hessian

    def for_population(self, size: int) -> "NormalEquations":
        """Give room for a whole population."""
        gradient, hessian = (t.new_zeros((size, *t.shape[1:])) for t in (self.gradient, self.hessian))
        return NormalEquations(self.loss.new_zeros(size), gradient, hessian, [], [])

    def add(self, forms: list[torch.Tensor], population: Population) -> None:
        """Add a penalty 0.5 w'Qw, of each layer's forms Q (P, J, I, F, F), in place."""
        start = 0
        for form, layer in zip(forms, population.layers, strict=True):
            n_members, n_out, n_in, size = layer.weight.shape
            end = start + n_out * n_in * size
            self.gradient[:, start:end] += (form @ layer.weight.unsqueeze(-1)).flatten(1)
            block = self.hessian[:, start:end, start:end]
            block = block.unflatten(1, (n_out * n_in, size)).unflatten(3, (n_out * n_in, size))
            block.diagonal(dim1=1, dim2=3).add_(form.reshape(n_members, -1, size, size).movedim(1, -1))
            start += layer.n_parameters

    def diagonal(self, index: torch.Tensor) -> torch.Tensor:
        """Diagonal (p, n) of some members' Hessians."""
        return self.hessian.diagonal(dim1=-2, dim2=-1)[index]

    def solve(self, index: torch.Tensor, damped: torch.Tensor) -> torch.Tensor:
        """Give some members' steps (p, n) for damping (p, n); zero where there is none."""
        hessian = self.hessian[index]
        hessian.diagonal(dim1=-2, dim2=-1).add_(damped)
        factor, failure = torch.linalg.cholesky_ex(hessian)
        step = -torch.cholesky_solve(self.gradient[index].unsqueeze(-1), factor).squeeze(-1)
        return step.masked_fill((failure != 0).unsqueeze(-1), 0.0)


def run(population: Population, inputs: torch.Tensor) -> Pass:
    """Go forward for the functions and back for the gradients by the sums."""
    ahead = [_forward(population.layers[0], inputs)]
    for layer in population.layers[1:]:
        ahead.append(_forward(layer, ahead[-1].nodes))
    outputs = ahead[-1].nodes
    n_out = outputs.shape[-1]
    gradient = torch.eye(n_out, dtype=outputs.dtype, device=outputs.device).expand(*outputs.shape, n_out)
    gradients: list[torch.Tensor] = []
    for layer, here in zip(reversed(population.layers), reversed(ahead), strict=True):
        gradient = layer.nodes.pulled(gradient, here.node_slopes)
        gradients.insert(0, gradient)
        if here.edge_slopes is not None:
            is_identity = layer is population.layers[-1] and here.node_slopes is None
            gradient = here.edge_slopes if is_identity else gradient @ here.edge_slopes
    return Pass([step.functions for step in ahead], gradients, [step.by_affine for step in ahead], outputs)


class _Ahead(NamedTuple):
    """What one layer leaves on the way forward.

    Attributes:
        functions: (P, n, I, F); the first layer's has no P.
        nodes: (P, n, M).
        edge_slopes: derivative of every edge, (P, n, J, I); None for the first layer.
        node_slopes: see `Nodes.jet`.
        by_affine: (P, n, S, 4).
    """

    functions: torch.Tensor
    nodes: torch.Tensor
    edge_slopes: torch.Tensor | None
    node_slopes: torch.Tensor | None
    by_affine: torch.Tensor


def _forward(layer: PopulationLayer, values: torch.Tensor) -> _Ahead:
    """Take one layer; `values` are its inputs, or for the first layer what it needs to know about them."""
    slopes: torch.Tensor | None = None
    if layer.shared:
        functions, x = layer.split(values)
    else:
        x = values
        functions, derivatives = layer.functions(x, (0, 1))
        slopes = edge_values(derivatives, layer.weight)
    sums = sum_edges(functions, layer.weight)
    by_affine = layer.affine.new_zeros((*sums.shape[:2], 0, 4))
    if x is not None and layer.symbolic:
        u = inner(layer.symbolic, layer.affine, x)
        f, slope = (outer(layer.symbolic, u, nu) for nu in (0, 1))
        a, _, c, _ = layer.affine.unsqueeze(-3).unbind(-1)
        sources, targets = [i for i, _, _ in layer.symbolic], [j for _, j, _ in layer.symbolic]
        sums = add_symbolic(sums, layer.symbolic, layer.affine, f)
        by_affine = torch.stack([c * slope * x[..., sources], c * slope, f, torch.ones_like(f)], dim=-1)
        if slopes is not None:
            slopes[..., targets, sources] += a * c * slope
    nodes, node_slopes = layer.nodes.jet(sums)
    return _Ahead(functions, nodes, slopes, node_slopes, by_affine)


def jacobian(population: Population, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Differentiate the outputs by all parameters.

    Layer after layer, first the weights (J, I, F), then (a, b, c, d) of the symbolic edges (S, 4), flattened.

    Args:
        population: P networks.
        inputs: what the population's `inputs` gave, shape (N, I, F).

    Returns:
        Jacobian (P, N * O, n) and outputs (P, N, O).
    """
    through = run(population, inputs)
    whole = _empty_jacobian(population, *through.outputs.shape[1:])
    return _assemble(population, through, whole), through.outputs


def _empty_jacobian(population: Population, n_rows: int, n_out: int) -> torch.Tensor:
    weight = population.layers[0].weight
    return weight.new_empty((population.size, n_rows, n_out, population.n_parameters))


def _assemble(population: Population, through: Pass, whole: torch.Tensor) -> torch.Tensor:
    """Fill the Jacobian `whole`, shape (P, n, O, n_parameters); return it as (P, n O, n_parameters)."""
    start = 0
    for functions, gradient, by_affine, layer in zip(
        through.functions, through.gradients, through.by_affine, population.layers, strict=True
    ):
        flat = functions.flatten(-2)[..., None, None, :]
        n_sums, length = gradient.shape[-1], gradient.shape[-1] * flat.shape[-1]
        block = whole[..., start : start + length].unflatten(-1, (n_sums, flat.shape[-1]))
        torch.mul(gradient.unsqueeze(-1), flat, out=block)
        if not bool(layer.mask.all()):
            block.unflatten(-1, functions.shape[-2:]).mul_(layer.mask[:, None, None, :, :, None])
        start += length
        if layer.symbolic:
            length = 4 * len(layer.symbolic)
            entering = gradient[..., [j for _, j, _ in layer.symbolic]].unsqueeze(-1)  # (P, n, O, S, 1)
            whole[..., start : start + length] = (entering * by_affine.unsqueeze(2)).flatten(-2)
            start += length
    return whole.flatten(1, 2)


def normal_equations(population: Population, rows: Rows, *, statistics: bool = False) -> NormalEquations:
    """Build J'WJ and J'g over all rows; for least squares J'J and J'r.

    Args:
        population: P networks.
        rows: training rows.
        statistics: also give covariances and sensitivities, which the penalty needs.

    Returns:
        The normal equations, divided by the number of terms.
    """
    n_members, n_rows, n_out = population.size, len(rows.y), rows.y.shape[1]
    n_weights = population.n_parameters
    length = max(32, _CHUNK_ENTRIES // (n_members * n_out * n_weights))
    hessian = rows.y.new_zeros((n_members, n_weights, n_weights))
    gradient = rows.y.new_zeros((n_members, n_weights, 1))
    loss = rows.y.new_zeros(n_members)
    passes = []
    whole = _empty_jacobian(population, min(length, n_rows), n_out)  # used again and again
    for start in range(0, n_rows, length):
        part = rows.chunk(start, length)
        through = run(population, part.inputs)
        derivative = _assemble(population, through, whole[:, : len(part.y)])
        slope, root = weighted_derivatives(part.loss, through.outputs, part.y, part.weight)
        gradient.baddbmm_(derivative.mT, slope.flatten(1).unsqueeze(-1))
        derivative = times_root(root, derivative)
        hessian.baddbmm_(derivative.mT, derivative)
        loss += part.total(through.outputs)
        if statistics:
            passes.append(through)
    count = rows.count
    covariance, sensitivity = _statistics(passes) if statistics else ([], [])
    return NormalEquations(
        loss / count, gradient.squeeze(-1) / count, hessian.div_(count), covariance, sensitivity
    )


def _statistics(passes: list[Pass]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    covariance, sensitivity = [], []
    for layer in range(len(passes[0].functions)):
        functions = torch.cat([through.functions[layer] for through in passes], dim=-3)
        gradients = torch.cat([through.gradients[layer] for through in passes], dim=1)
        covariance.append(function_covariance(functions))
        sensitivity.append(gradients.square().mean((1, 2)).sqrt())
    return covariance, sensitivity
