"""Networks of layers: functions on every node, then sums into the next nodes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from kansci.pde.jets import JetPlan
from kansci.pde.networks.expansion import Expansion
from kansci.pde.networks.network import AtPoints, Forward, Network
from kansci.pde.networks.tape import Tape

__all__ = ["Layer", "Stacked"]

Initial = Callable[[torch.Generator], torch.Tensor]


@dataclass(frozen=True, eq=False)
class Layer:
    """Functions of M nodes and their sums into J nodes.

    Attributes:
        expansions: one for all nodes, or one for each node.
        n_functions: number F of all functions of all nodes.
        n_outputs: number J of sums.
        initial: draws the first weights, (J, F).
        initial_bias: draws the first biases, (J,); None for a layer without.
    """

    expansions: Sequence[Expansion]
    n_functions: int
    n_outputs: int
    initial: Initial
    initial_bias: Initial | None = None

    @property
    def n_weights(self) -> int:
        """Number of weights and biases."""
        return self.n_outputs * (self.n_functions + (self.initial_bias is not None))

    def split(self, weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Give the weights (J, F) and biases (J,) that stand in a vector."""
        count = self.n_outputs * self.n_functions
        matrix = weights[:count].view(self.n_outputs, self.n_functions)
        return matrix, weights[count:] if self.initial_bias is not None else None

    def features(self, jet: torch.Tensor, plan: JetPlan) -> torch.Tensor:
        """Give the jet (C, N, F) of all functions of the nodes' jet (C, N, M)."""
        if len(self.expansions) == 1:
            return _expanded(self.expansions[0], jet, plan)
        columns = [_expanded(e, jet[..., k : k + 1], plan) for k, e in enumerate(self.expansions)]
        return torch.cat(columns, dim=-1)


def _expanded(expansion: Expansion, jet: torch.Tensor, plan: JetPlan) -> torch.Tensor:
    return plan.compose(expansion.derivatives(jet[0], plan.order), jet).flatten(-2)


class Stacked(Network):
    """Layers, one after another; the last has one output."""

    def __init__(self, layers: Sequence[Layer]):
        """Take over layers."""
        self.layers = list(layers)

    @property
    def n_weights(self) -> int:
        """Number of weights P."""
        return sum(layer.n_weights for layer in self.layers)

    def initial(self, seed: int) -> torch.Tensor:
        """Give weights to start from, (P,)."""
        generator = torch.Generator().manual_seed(seed)
        draws = (draw for layer in self.layers for draw in (layer.initial, layer.initial_bias) if draw)
        return torch.cat([draw(generator).flatten() for draw in draws])

    def at(self, inputs: torch.Tensor, plan: JetPlan) -> AtPoints:
        """Prepare for the jet of points (C, N, d); the first layer's functions are evaluated once."""
        first = self.layers[0].features(inputs, plan)
        sizes = [layer.n_weights for layer in self.layers]

        def forward(weights: torch.Tensor) -> Forward:
            tape, jet = Tape(), inputs
            for number, (layer, part) in enumerate(zip(self.layers, weights.split(sizes), strict=True)):
                features = layer.features(jet, plan) if number else first
                jet = tape.contract(features, *layer.split(part))
            value = jet[..., 0]
            return Forward(value.detach(), lambda g: tape.jacobian(value, g))

        return forward
