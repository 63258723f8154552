"""How the sums of edges become nodes: most pass through, some are multiplied."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch

from kansci.errors import SettingsError

Width = Sequence[int | Sequence[int]]
Arity = int | Sequence[int | Sequence[int]]

_LARGEST_ARITY = 64
_WRONG_WIDTH = (
    "width={}: give at least inputs and outputs, each a positive whole number of nodes, or [sums, products] "
    "above the inputs"
)


class Nodes(torch.nn.Module):
    """M nodes out of J sums ("subnodes"): n_sum pass through, then each product takes the next ones.

    Scales and biases, as pykan's nodes have them: node = node_scale * (.) + node_bias, where (.) is a sum or
    a product of subnode_scale * sum + subnode_bias. Edges hold those of sums already, so nodes only have them
    where they are wanted. Tensors may carry leading dimensions (a population).

    Attributes:
        n_sum: number of sums that pass through.
        arities: number of factors of each product.
        affine: whether there are scales and biases.
        owner: for each subnode the number of its node, shape (J,).
    """

    tensor_names: ClassVar[tuple[str, ...]] = ("subnode_scale", "subnode_bias", "node_scale", "node_bias")
    owner: torch.Tensor
    subnode_scale: torch.Tensor
    subnode_bias: torch.Tensor
    node_scale: torch.Tensor
    node_bias: torch.Tensor

    def __init__(
        self,
        n_sum: int,
        arities: Sequence[int] = (),
        tensors: Mapping[str, torch.Tensor] | None = None,
        *,
        trainable: bool = False,
    ):
        """Arrange nodes.

        Args:
            n_sum: number of sums that pass through.
            arities: number of factors of each product.
            tensors: scales and biases, one for each of `tensor_names`; None for none.
            trainable: whether gradient methods train them.
        """
        super().__init__()
        self.n_sum, self.arities, self.trainable = n_sum, tuple(arities), trainable
        self.affine = tensors is not None
        owner = [*range(n_sum), *np.repeat(np.arange(n_sum, self.n_nodes), self.arities)]
        self.register_buffer("owner", torch.tensor(owner, dtype=torch.long), persistent=False)
        for name, tensor in (tensors or {}).items():
            setattr(self, name, torch.nn.Parameter(tensor.detach().clone(), requires_grad=trainable))

    @property
    def n_nodes(self) -> int:
        """Number of nodes M."""
        return self.n_sum + len(self.arities)

    @property
    def n_subnodes(self) -> int:
        """Number of sums J."""
        return self.n_sum + sum(self.arities)

    @property
    def plain(self) -> bool:
        """Whether every node is just its sum."""
        return not self.arities and not self.affine

    def with_affine(self, *, trainable: bool) -> "Nodes":
        """Give the same nodes with scales and biases, at first 1 and 0."""
        if self.affine:
            tensors = {name: getattr(self, name) for name in self.tensor_names}
        else:
            sizes = (self.n_subnodes, self.n_subnodes, self.n_nodes, self.n_nodes)
            values = (1.0, 0.0, 1.0, 0.0)
            tensors = {
                name: torch.full((size,), value, dtype=torch.float64, device=self.owner.device)
                for name, size, value in zip(self.tensor_names, sizes, values, strict=True)
            }
        return Nodes(self.n_sum, self.arities, tensors, trainable=trainable)

    def forward(self, sums: torch.Tensor) -> torch.Tensor:
        """Combine sums (..., N, J) into nodes (..., N, M)."""
        return sums if self.plain else self._combined(sums)[0]

    def jet(self, sums: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Combine sums (..., N, J) into nodes (..., N, M), with each node's derivative by its sums.

        The derivative by a factor is the product of the others, taken without a division, so that a factor
        may be zero.

        Args:
            sums: shape (..., N, J).

        Returns:
            Nodes, and the derivatives (..., N, J), None where all are 1.
        """
        if self.plain:
            return sums, None
        nodes, factors = self._combined(sums)
        slopes = torch.ones_like(sums)
        for group in self.products():
            for factor in group:
                slopes[..., factor] = _product(factors, [other for other in group if other != factor])
        if self.affine:
            scale = self.subnode_scale * self.node_scale[..., self.owner]
            slopes = slopes * scale.unsqueeze(-2)
        return nodes, slopes

    def pulled(self, gradient: torch.Tensor, slopes: torch.Tensor | None) -> torch.Tensor:
        """Pull gradients by nodes (..., N, O, M) back to their sums (..., N, O, J)."""
        return gradient if slopes is None else gradient[..., self.owner] * slopes.unsqueeze(-2)

    def products(self) -> list[range]:
        """List the subnodes of each product."""
        ends = np.cumsum([self.n_sum, *self.arities]).tolist()
        return [range(start, end) for start, end in pairwise(ends)]

    def _combined(self, sums: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        factors = sums
        if self.affine:
            factors = sums * self.subnode_scale.unsqueeze(-2) + self.subnode_bias.unsqueeze(-2)
        products = [_product(factors, group).unsqueeze(-1) for group in self.products()]
        nodes = torch.cat([factors[..., : self.n_sum], *products], dim=-1) if products else factors
        if self.affine:
            nodes = nodes * self.node_scale.unsqueeze(-2) + self.node_bias.unsqueeze(-2)
        return nodes, factors

    def rescaled(self, scale: torch.Tensor, shift: torch.Tensor) -> "Nodes":
        """Replace each node z by scale * z + shift, both (..., M)."""
        nodes = self.with_affine(trainable=self.trainable)
        shape = scale.shape[:-1]
        tensors = {name: getattr(nodes, name).expand(*shape, -1) for name in self.tensor_names}
        tensors["node_scale"] = tensors["node_scale"] * scale
        tensors["node_bias"] = tensors["node_bias"] * scale + shift
        return Nodes(self.n_sum, self.arities, tensors, trainable=self.trainable)

    def combined(self, function: Callable[..., torch.Tensor], *others: "Nodes") -> "Nodes":
        """Give the nodes whose scales and biases are `function` of these and the others'."""
        if not self.affine:
            return self
        everyone = (self, *others)
        tensors = {
            name: function(*(getattr(nodes, name) for nodes in everyone)) for name in self.tensor_names
        }
        return Nodes(self.n_sum, self.arities, tensors, trainable=self.trainable)

    def subnodes(self, nodes: torch.Tensor) -> torch.Tensor:
        """List the subnodes of some of the nodes, in the nodes' order."""
        wanted = [(self.owner == node).nonzero().flatten() for node in nodes.tolist()]
        return torch.cat(wanted) if wanted else self.owner[:0]

    def select(self, nodes: torch.Tensor) -> "Nodes":
        """Give some of the nodes, or all of them in another order.

        Args:
            nodes: their numbers, those of sums first.

        Returns:
            The nodes chosen.

        Raises:
            SettingsError: a product comes before a sum.
        """
        numbers = nodes.tolist()
        n_sum = sum(node < self.n_sum for node in numbers)
        if any(node >= self.n_sum for node in numbers[:n_sum]):
            raise SettingsError(f"nodes {numbers}: nodes that multiply stand after those that add")
        arities = [self.arities[node - self.n_sum] for node in numbers[n_sum:]]
        if not self.affine:
            return Nodes(n_sum, arities)
        subnodes = self.subnodes(nodes)
        kept = dict(zip(self.tensor_names, (subnodes, subnodes, nodes, nodes), strict=True))
        tensors = {name: getattr(self, name)[..., index] for name, index in kept.items()}
        return Nodes(n_sum, arities, tensors, trainable=self.trainable)


def _product(factors: torch.Tensor, group: Sequence[int]) -> torch.Tensor:
    product = factors[..., group[0]]
    for number in group[1:]:
        product = product * factors[..., number]
    return product


def read_width(width: Width, mult_arity: Arity = 2) -> list[tuple[int, tuple[int, ...]]]:
    """Read pykan's description of the nodes.

    Args:
        width: for each level, inputs first, the number of nodes that add, or [n_sum, n_mult] with the number
            of those that multiply.
        mult_arity: number of factors of every product, or for each level that of its products, as one number
            or a list.

    Returns:
        For each level the number of sums, and the arity of each product.

    Raises:
        SettingsError: fewer than two levels, a level without a node, or arities that do not fit.
    """
    levels = [_read_level(entry, list(width)) for entry in width]
    if len(levels) < 2 or levels[0][1] or any(n_sum + n_mult < 1 for n_sum, n_mult in levels):
        raise SettingsError(_WRONG_WIDTH.format(list(width)))
    arities = [mult_arity] * len(levels) if isinstance(mult_arity, int) else list(mult_arity)
    if len(arities) != len(levels):
        raise SettingsError(f"mult_arity={mult_arity}: give one number, or one entry for each level")
    specs = []
    for (n_sum, n_mult), arity in zip(levels, arities, strict=True):
        factors = (arity,) * n_mult if isinstance(arity, int) else tuple(arity)
        right = all(isinstance(n, int) and 2 <= n <= _LARGEST_ARITY for n in factors)
        if len(factors) != n_mult or not right:
            raise SettingsError(
                f"mult_arity={mult_arity}: each of a level's products needs a number of factors from 2 to "
                f"{_LARGEST_ARITY}"
            )
        specs.append((n_sum, factors))
    return specs


def _read_level(entry: int | Sequence[int], width: list) -> tuple[int, int]:
    pair = [entry, 0] if isinstance(entry, (int, np.integer)) else entry
    whole = isinstance(pair, Sequence) and all(isinstance(n, (int, np.integer)) and n >= 0 for n in pair)
    if not whole or len(pair) != 2:
        raise SettingsError(_WRONG_WIDTH.format(width))
    return int(pair[0]), int(pair[1])
