"""The penalty of pykan's `fit`, for optimisers that follow a gradient (Liu et al., KAN, 2024)."""

from dataclasses import dataclass

import torch

from kansci.kernels import edge_values
from kansci.models import KAN, edge_functions

_MOST_ROWS = 1024


@dataclass(frozen=True)
class EdgePenalty:
    """lamb * sum over layers of lamb_l1 * L1 + lamb_entropy * entropy + the coefficients' parts.

    The size of an edge is the standard deviation of its learned function over the rows, relative to that of
    its input; sizes enter the L1 norm, and as shares of their row and of their column two entropies.

    Attributes:
        lamb: weight of the whole.
        lamb_l1: of the sum of the edges' sizes.
        lamb_entropy: of the entropies.
        lamb_coef: of the mean absolute coefficient of each edge.
        lamb_coefdiff: of the mean absolute difference of neighbouring coefficients.
    """

    lamb: float
    lamb_l1: float = 1.0
    lamb_entropy: float = 2.0
    lamb_coef: float = 0.0
    lamb_coefdiff: float = 0.0

    def value(self, model: KAN, x: torch.Tensor) -> torch.Tensor:
        """Evaluate the penalty from rows x (N, I), of which at most 1024, evenly spread, are looked at."""
        values = x[:: -(-len(x) // _MOST_ROWS)]
        total = values.new_zeros(())
        for layer in model.layers:
            edges = edge_values(edge_functions(layer.basis, layer.base_fun, values)[0], layer.weight)
            size = _deviation(edges) / (_deviation(values) + 0.1)  # (J, I)
            total = total + self.lamb_l1 * size.sum() + self.lamb_entropy * _entropies(size)
            total = total + self.lamb_coef * (layer.mask * layer.coef.abs().mean(-1)).sum()
            jumps = layer.coef.diff(dim=-1).abs().mean(-1)
            total = total + self.lamb_coefdiff * (layer.mask * jumps).sum()
            values = layer(values)
        return self.lamb * total


def _deviation(values: torch.Tensor) -> torch.Tensor:
    # The tiny addend keeps the root's slope finite where an edge is zero.
    return (values.var(dim=0, correction=0) + 1e-24).sqrt()


def _entropies(size: torch.Tensor) -> torch.Tensor:
    total = size.new_zeros(())
    for dim in (0, 1):
        share = size / (size.sum(dim=dim, keepdim=True) + 1)
        total = total - (share * (share + 1e-4).log2()).sum(dim).mean()
    return total
