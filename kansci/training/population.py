"""Many KANs of one shape as one batch: every tensor leads with the population dimension P."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from kansci.basis import Basis
from kansci.errors import SettingsError
from kansci.kernels import sum_edges
from kansci.models import KAN, KANLayer, edge_functions
from kansci.models.layer import n_base_functions


@dataclass(frozen=True, eq=False)
class PopulationLayer:
    """One layer of every member.

    Attributes:
        basis: knots (P, I, T), or (I, T) where all members share them (the inputs).
        base_fun: name of the base function.
        weight: of each edge's F functions (F = K + 1 or K, see `edge_functions`), (P, J, I, F), zero where
            masked.
        mask: shape (P, J, I).
        shared: all members have the same basis.
    """

    basis: Basis
    base_fun: str
    weight: torch.Tensor
    mask: torch.Tensor
    shared: bool = False

    @property
    def n_base(self) -> int:
        """Number of functions, 1 or 0, before those of the basis."""
        return n_base_functions(self.base_fun)

    def functions(self, x: torch.Tensor, orders: tuple[int, ...] = (0,)) -> tuple[torch.Tensor, ...]:
        """Evaluate the edges' functions: x (P, N, I) -> one (P, N, I, F) for each order."""
        return edge_functions(self.basis, self.base_fun, x, orders)

    def rescaled(self, scale: torch.Tensor, shift: torch.Tensor) -> "PopulationLayer":
        """Replace each output node z by scale * z + shift, both (P, J); exact, as every basis holds 1."""
        weight = self.weight * scale[..., None, None]
        share = self.mask / self.mask.sum(dim=-1, keepdim=True).clamp(min=1)
        weight[..., self.n_base :] += (shift.unsqueeze(-1) * share).unsqueeze(-1) * self.basis.constant
        return replace(self, weight=weight)

    def mapped(self, function: Callable[..., torch.Tensor], *others: "PopulationLayer") -> "PopulationLayer":
        """Apply a function to every tensor that leads with P."""
        basis = (
            self.basis if self.shared else self.basis.combined(function, *(other.basis for other in others))
        )
        weight = function(self.weight, *(other.weight for other in others))
        return replace(
            self, basis=basis, weight=weight, mask=function(self.mask, *(other.mask for other in others))
        )


@dataclass(frozen=True, eq=False)
class Population:
    """P networks of one shape."""

    layers: tuple[PopulationLayer, ...]

    @classmethod
    def of(cls, models: Sequence[KAN]) -> "Population":
        """Batch networks of one shape.

        Args:
            models: of equal width, grid size and base function; their inputs' grids are the same.

        Returns:
            The batch.

        Raises:
            SettingsError: the networks differ in shape or in the inputs' grids.
        """
        first = models[0]
        if any(model.width != first.width or not _same_inputs(model, first) for model in models):
            raise SettingsError(
                "networks that train together must have one width and one grid for the inputs"
            )
        stacks = zip(*(model.layers for model in models), strict=True)
        return cls(tuple(_stack(layers, shared=number == 0) for number, layers in enumerate(stacks)))

    @property
    def size(self) -> int:
        """Number of members P."""
        return self.layers[0].weight.shape[0]

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Evaluate all members.

        Args:
            inputs: the first layer's functions at the rows, shape (N, I, F); shared, so computed once.

        Returns:
            Outputs, shape (P, N, O).
        """
        values = sum_edges(inputs, self.layers[0].weight)
        for layer in self.layers[1:]:
            values = sum_edges(layer.functions(values)[0], layer.weight)
        return values

    def levels(self, inputs: torch.Tensor) -> list[torch.Tensor]:
        """Give the values entering each layer after the first, and the outputs: each (P, N, nodes)."""
        values = [sum_edges(inputs, self.layers[0].weight)]
        for layer in self.layers[1:]:
            values.append(sum_edges(layer.functions(values[-1])[0], layer.weight))
        return values

    def inputs(self, x: torch.Tensor) -> torch.Tensor:
        """Evaluate the first layer's functions at the rows: x (N, I) -> (N, I, F)."""
        return self.layers[0].functions(x)[0]

    def members(self, index: torch.Tensor) -> "Population":
        """Give some of the members, by their numbers."""
        return Population(tuple(layer.mapped(lambda tensor: tensor[index]) for layer in self.layers))

    def with_weights(self, weights: Sequence[torch.Tensor]) -> "Population":
        """Give the population with other weights."""
        pairs = zip(self.layers, weights, strict=True)
        return Population(tuple(replace(layer, weight=weight) for layer, weight in pairs))

    def with_layer(self, number: int, layer: PopulationLayer) -> "Population":
        """Give the population with one layer exchanged."""
        return Population((*self.layers[:number], layer, *self.layers[number + 1 :]))

    def updated(self, index: torch.Tensor, other: "Population") -> "Population":
        """Give the population with members `index` replaced by those of `other`."""
        pairs = zip(self.layers, other.layers, strict=True)
        return Population(tuple(a.mapped(lambda x, y: x.index_copy(0, index, y), b) for a, b in pairs))

    def refine(self, size: int) -> "Population":
        """Give the same functions on grids of `size` intervals."""
        layers = []
        for layer in self.layers:
            basis, matrix = layer.basis.refine(max(size, layer.basis.grid_size))
            base, coef = layer.weight.tensor_split([layer.n_base], dim=-1)
            finer = (matrix.unsqueeze(-4) @ coef.unsqueeze(-1)).squeeze(-1)
            layers.append(replace(layer, basis=basis, weight=torch.cat([base, finer], dim=-1)))
        return Population(tuple(layers))

    def model(self, member: int) -> KAN:
        """Give one member as a network of its own."""
        layers = [layer.mapped(lambda tensor: tensor[member]) for layer in self.layers]
        return KAN.from_layers(
            [KANLayer(layer.basis, layer.base_fun, layer.weight, layer.mask) for layer in layers]
        )


def _same_inputs(one: KAN, other: KAN) -> bool:
    here, there = (model.layers[0].basis for model in (one, other))
    return here.to_config() == there.to_config() and all(
        torch.equal(getattr(here, name), getattr(there, name)) for name in here.tensor_names
    )


def _stack(layers: Sequence[KANLayer], *, shared: bool) -> PopulationLayer:
    first, *others = layers
    basis = first.basis
    if not shared:
        basis = basis.combined(lambda *knots: torch.stack(knots), *(layer.basis for layer in others))
    weight = torch.stack([layer.weight.detach() for layer in layers])
    return PopulationLayer(
        basis, first.base_fun, weight, torch.stack([layer.mask for layer in layers]), shared
    )
