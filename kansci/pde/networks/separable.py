"""Sums of products of functions of one coordinate each: separable KANs.

u(x_1, ..., x_d) = sum_r prod_a f_ra(x_a) (Cho et al., Separable PINN, 2023; Jacob et al., SPIKANs, 2024). A
derivative of the sum is the sum of products of the factors' derivatives, without Faa di Bruno's formula.
Where all products of the coordinates' basis functions are affordable, `TensorProduct` has a coefficient for
each of them: the separable network of full rank, linear in its weights.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch

from kansci.pde.jets import Index, JetPlan
from kansci.pde.networks.expansion import Expansion
from kansci.pde.networks.network import AtPoints, Forward, Network

__all__ = ["Separable", "SumOfOnes", "TensorProduct"]


class _Linear(Network, ABC):
    """A network that is linear in its weights: its features are evaluated once and for all."""

    linear = True

    def __init__(self, expansions: Sequence[Expansion]):
        """Take over the functions of each coordinate."""
        self.expansions = list(expansions)

    def initial(self, seed: int) -> torch.Tensor:
        """Start from zero, whatever the seed."""
        return torch.zeros(self.n_weights, dtype=torch.float64)

    @abstractmethod
    def _features(self, factors: Sequence[torch.Tensor], index: Index) -> torch.Tensor:
        """Give a derivative of everything that has a weight, (N, P)."""

    def at(self, inputs: torch.Tensor, plan: JetPlan) -> AtPoints:
        """Prepare for the jet of points (C, N, d): evaluate the functions of each coordinate."""
        factors = _factors(self.expansions, inputs, plan)
        features = torch.stack([self._features(factors, index) for index in plan.indices])

        def forward(weights: torch.Tensor) -> Forward:
            return Forward(features @ weights, lambda g: torch.einsum("cn,cnp->np", g, features))

        return forward


class TensorProduct(_Linear):
    """A weight for every product of the coordinates' functions, K_1 K_2 ... K_d in all."""

    @property
    def n_weights(self) -> int:
        """Number of weights P."""
        return math.prod(expansion.size for expansion in self.expansions)

    def _features(self, factors: Sequence[torch.Tensor], index: Index) -> torch.Tensor:
        return _outer([f[nu] for f, nu in zip(factors, index, strict=True)])


class SumOfOnes(_Linear):
    """A sum of functions of one coordinate each: a KAN without a hidden layer."""

    @property
    def n_weights(self) -> int:
        """Number of weights P."""
        return sum(expansion.size for expansion in self.expansions)

    def _features(self, factors: Sequence[torch.Tensor], index: Index) -> torch.Tensor:
        return torch.cat(_alone(factors, index), dim=-1)


def _alone(factors: Sequence[torch.Tensor], index: Sequence[int]) -> list[torch.Tensor]:
    """Derivatives of functions of one coordinate: those by another coordinate vanish."""
    others = [sum(index) - nu for nu in index]
    return [
        f[nu] if not rest else torch.zeros_like(f[0])
        for f, nu, rest in zip(factors, index, others, strict=True)
    ]


class Separable(Network):
    """R products of one function for each of d coordinates."""

    def __init__(self, expansions: Sequence[Expansion], rank: int, spread: float = 0.5):
        """Take over the functions.

        Args:
            expansions: for each coordinate its K_a functions.
            rank: number R of products.
            spread: of the factors about 1 at the start.
        """
        self.expansions, self.rank, self.spread = list(expansions), rank, spread
        self._sizes = [rank * expansion.size for expansion in expansions]

    @property
    def n_weights(self) -> int:
        """Number of weights P."""
        return sum(self._sizes)

    def initial(self, seed: int) -> torch.Tensor:
        """Give weights to start from, (P,): near products of ones, less of the rapidly varying functions."""
        generator = torch.Generator().manual_seed(seed)
        parts = []
        for expansion in self.expansions:
            fall = 1 / (1.0 + torch.arange(expansion.size, dtype=torch.float64))
            draws = torch.randn((self.rank, expansion.size), generator=generator, dtype=torch.float64)
            draws *= self.spread * fall
            draws[:, 0] += 1.0  # the first function of polynomials and harmonics is 1
            parts.append(draws.flatten())
        return torch.cat(parts)

    def split(self, weights: torch.Tensor) -> list[torch.Tensor]:
        """Give the weights of each coordinate's functions, each (R, K_a)."""
        return [w.view(self.rank, -1) for w in weights.split(self._sizes)]

    def at(self, inputs: torch.Tensor, plan: JetPlan) -> AtPoints:
        """Prepare for the jet of points (C, N, d): evaluate the functions of each coordinate."""
        features = _factors(self.expansions, inputs, plan)

        def forward(weights: torch.Tensor) -> Forward:
            matrices = [w.mT for w in self.split(weights)]
            factors = [f @ w for f, w in zip(features, matrices, strict=True)]  # each (orders, N, R)
            value = torch.stack([_product(factors, a).sum(-1) for a in plan.indices])
            return Forward(value, lambda g: self._jacobian(g, factors, features, plan))

        return forward

    def _jacobian(
        self,
        g: torch.Tensor,
        factors: Sequence[torch.Tensor],
        features: Sequence[torch.Tensor],
        plan: JetPlan,
    ) -> torch.Tensor:
        blocks = []
        for axis, (factor, feature) in enumerate(zip(factors, features, strict=True)):
            slopes = torch.zeros_like(factor)
            for row, index in zip(g, plan.indices, strict=True):
                slopes[index[axis]] += row.unsqueeze(-1) * _product(factors, index, without=axis)
            blocks.append((slopes.permute(1, 2, 0) @ feature.permute(1, 0, 2)).flatten(1))
        return torch.cat(blocks, dim=1)


def _factors(expansions: Sequence[Expansion], inputs: torch.Tensor, plan: JetPlan) -> list[torch.Tensor]:
    """For each coordinate its functions' derivatives by it, (orders, N, K)."""
    dimensions = inputs.shape[-1]
    factors = []
    for axis, expansion in enumerate(expansions):
        unit = tuple(int(k == axis) for k in range(dimensions))
        order = max(index[axis] for index in plan.indices)
        scale = inputs[plan.position[unit], 0, axis] if order else torch.ones(())
        values = expansion.values(inputs[0, :, axis : axis + 1], order)
        factors.append(torch.stack([value[:, 0] * scale**nu for nu, value in enumerate(values)]))
    return factors


def _product(
    factors: Sequence[torch.Tensor], index: Sequence[int], without: int | None = None
) -> torch.Tensor:
    parts = [f[nu] for axis, (f, nu) in enumerate(zip(factors, index, strict=True)) if axis != without]
    return math.prod(parts[1:], start=parts[0]) if parts else torch.ones_like(factors[0][0])


def _outer(factors: Sequence[torch.Tensor]) -> torch.Tensor:
    """All products, row by row: (N, K_1), (N, K_2), ... -> (N, K_1 K_2 ...)."""
    result = factors[0]
    for factor in factors[1:]:
        result = (result.unsqueeze(-1) * factor.unsqueeze(-2)).flatten(1)
    return result
