"""Many KANs of one shape as one batch: every tensor leads with the population dimension P."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from kansci.basis import Basis
from kansci.errors import SettingsError
from kansci.kernels import sum_edges
from kansci.models import KAN, KANLayer, Nodes, edge_functions
from kansci.models.layer import n_base_functions
from kansci.models.symbolic_edge import SymbolicEdge, add_symbolic, inner, outer


@dataclass(frozen=True, eq=False)
class PopulationLayer:
    """One layer of every member.

    What a layer needs to know about a row is F numbers for each input, its functions there; where it has
    symbolic edges, the input itself stands behind them.

    Attributes:
        basis: knots (P, I, T), or (I, T) where all members share them (the inputs).
        base_fun: name of the base function.
        weight: of each edge's F functions (F = K + 1 or K, see `edge_functions`), (P, J, I, F), zero where
            masked.
        mask: shape (P, J, I).
        nodes: how the J sums become M nodes, scales and biases with P in front.
        symbolic: (i, j, function) of the S symbolic edges, the same for all members.
        affine: their rows (a, b, c, d), shape (P, S, 4).
        shared: all members have the same basis.
    """

    basis: Basis
    base_fun: str
    weight: torch.Tensor
    mask: torch.Tensor
    nodes: Nodes
    symbolic: tuple[SymbolicEdge, ...]
    affine: torch.Tensor
    shared: bool = False

    @classmethod
    def new(
        cls, basis: Basis, base_fun: str, weight: torch.Tensor, nodes: Nodes, *, shared: bool
    ) -> "PopulationLayer":
        """Build a layer without masks and symbolic edges."""
        no_affine = weight.new_zeros((weight.shape[0], 0, 4))
        mask = torch.ones_like(weight[..., 0])
        return cls(basis, base_fun, weight, mask, nodes, (), no_affine, shared)

    @property
    def n_base(self) -> int:
        """Number of functions, 1 or 0, before those of the basis."""
        return n_base_functions(self.base_fun)

    @property
    def n_parameters(self) -> int:
        """Number of parameters of a member: weights, then (a, b, c, d) of each symbolic edge."""
        return self.weight.shape[1:].numel() + 4 * len(self.symbolic)

    def functions(self, x: torch.Tensor, orders: tuple[int, ...] = (0,)) -> tuple[torch.Tensor, ...]:
        """Evaluate the edges' functions: x (P, N, I) -> one (P, N, I, F) for each order."""
        return edge_functions(self.basis, self.base_fun, x, orders)

    def inputs(self, x: torch.Tensor) -> torch.Tensor:
        """Give what the layer needs to know about rows x (..., N, I): (..., N, I, F), or F + 1."""
        functions = self.functions(x)[0]
        return torch.cat([functions, x.unsqueeze(-1)], dim=-1) if self.symbolic else functions

    def split(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Take `inputs` apart into functions and, where it is needed, x."""
        return (inputs[..., :-1], inputs[..., -1]) if self.symbolic else (inputs, None)

    def sums(self, inputs: torch.Tensor) -> torch.Tensor:
        """Add up the edges: (..., N, I, F) -> (P, N, J)."""
        functions, x = self.split(inputs)
        sums = sum_edges(functions, self.weight)
        if x is None:
            return sums
        f = outer(self.symbolic, inner(self.symbolic, self.affine, x))
        return add_symbolic(sums, self.symbolic, self.affine, f)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Give the nodes: (..., N, I, F) -> (P, N, M)."""
        return self.nodes(self.sums(inputs))

    def moved_by(self, step: torch.Tensor) -> "PopulationLayer":
        """Add a step (P, n_parameters) to the parameters."""
        by_weight, by_affine = step.split([self.weight.shape[1:].numel(), 4 * len(self.symbolic)], dim=1)
        weight = self.weight + by_weight.view_as(self.weight)
        return replace(self, weight=weight, affine=self.affine + by_affine.view_as(self.affine))

    def rescaled(self, scale: torch.Tensor, shift: torch.Tensor) -> "PopulationLayer":
        """Replace each node z by scale * z + shift, both (P, M); exact."""
        nodes = self.nodes
        if nodes.affine or (nodes.arities and bool((shift != 0).any())):
            return replace(self, nodes=nodes.rescaled(scale, shift))
        later_factors = [factor for product in nodes.products() for factor in product[1:]]
        by_sum, shift_by_sum = scale[:, nodes.owner], shift[:, nodes.owner]
        by_sum[:, later_factors] = 1.0
        return self.rescaled_sums(by_sum, shift_by_sum)

    def rescaled_sums(self, scale: torch.Tensor, shift: torch.Tensor) -> "PopulationLayer":
        """Replace each sum z by scale * z + shift, both (P, J); exact, as every basis holds 1."""
        weight = self.weight * scale[..., None, None]
        n_edges = self.mask.sum(dim=-1, keepdim=True)
        share = self.mask / n_edges.clamp(min=1)
        weight[..., self.n_base :] += (shift.unsqueeze(-1) * share).unsqueeze(-1) * self.basis.constant
        affine = self.affine.clone()
        for s, (_, j, _) in enumerate(self.symbolic):
            affine[:, s, 2:] *= scale[:, j, None]
            if j not in {edge[1] for edge in self.symbolic[:s]}:  # the first one shifts, if no other can
                affine[:, s, 3] += torch.where(n_edges[:, j, 0] == 0, shift[:, j], 0.0)
        return replace(self, weight=weight, affine=affine)

    def mapped(self, function: Callable[..., torch.Tensor], *others: "PopulationLayer") -> "PopulationLayer":
        """Apply a function to every tensor that leads with P."""
        layers = (self, *others)
        return replace(
            self,
            basis=self.basis if self.shared else self.basis.combined(function, *(o.basis for o in others)),
            weight=function(*(layer.weight for layer in layers)),
            mask=function(*(layer.mask for layer in layers)),
            nodes=self.nodes.combined(function, *(other.nodes for other in others)),
            affine=function(*(layer.affine for layer in layers)),
        )


@dataclass(frozen=True, eq=False)
class Population:
    """P networks of one shape."""

    layers: tuple[PopulationLayer, ...]

    @classmethod
    def of(cls, models: Sequence[KAN]) -> "Population":
        """Batch networks of one shape.

        Args:
            models: of one structure (sizes, families, symbolic functions), with the same grids of the inputs.

        Returns:
            The batch.

        Raises:
            SettingsError: the networks differ in shape or in the inputs' grids.
        """
        first = models[0]
        if not all(_alike(model, first) for model in models[1:]):
            raise SettingsError(
                "networks that train together must have one structure and one grid for the inputs"
            )
        stacks = zip(*(model.layers for model in models), strict=True)
        return cls(tuple(_stack(layers, shared=number == 0) for number, layers in enumerate(stacks)))

    @property
    def size(self) -> int:
        """Number of members P."""
        return self.layers[0].weight.shape[0]

    @property
    def n_parameters(self) -> int:
        """Number of parameters of a member."""
        return sum(layer.n_parameters for layer in self.layers)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Evaluate all members.

        Args:
            inputs: what `inputs` gave for the rows, shape (N, I, F); shared, so computed once.

        Returns:
            Outputs, shape (P, N, O).
        """
        return self.levels(inputs)[-1]

    def levels(self, inputs: torch.Tensor) -> list[torch.Tensor]:
        """Give the values entering each layer after the first, and the outputs: each (P, N, nodes)."""
        values = [self.layers[0].forward(inputs)]
        for layer in self.layers[1:]:
            values.append(layer.forward(layer.inputs(values[-1])))
        return values

    def inputs(self, x: torch.Tensor) -> torch.Tensor:
        """Evaluate the first layer's functions at the rows: x (N, I) -> (N, I, F), see `PopulationLayer`."""
        return self.layers[0].inputs(x)

    def members(self, index: torch.Tensor) -> "Population":
        """Give some of the members, by their numbers."""
        return Population(tuple(layer.mapped(lambda tensor: tensor[index]) for layer in self.layers))

    def moved_by(self, step: torch.Tensor) -> "Population":
        """Add a step (P, n) to the parameters, in the order of the Jacobian's columns."""
        parts = step.split([layer.n_parameters for layer in self.layers], dim=1)
        pairs = zip(self.layers, parts, strict=True)
        return Population(tuple(layer.moved_by(part) for layer, part in pairs))

    def rescaled(self, scale: torch.Tensor, shift: torch.Tensor) -> "Population":
        """Replace each output y by scale * y + shift, both broadcast to (P, O)."""
        last = self.layers[-1]
        size = (self.size, last.nodes.n_nodes)
        layer = last.rescaled(scale.expand(size), shift.expand(size))
        return self.with_layer(len(self.layers) - 1, layer)

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
            [
                KANLayer(
                    layer.basis,
                    layer.base_fun,
                    layer.weight,
                    layer.mask,
                    layer.nodes,
                    layer.symbolic,
                    layer.affine,
                )
                for layer in layers
            ]
        )


def _alike(one: KAN, other: KAN) -> bool:
    here, there = (model.layers[0].basis for model in (one, other))
    return one.to_config() == other.to_config() and all(
        torch.equal(getattr(here, name), getattr(there, name)) for name in here.tensor_names
    )


def _stack(layers: Sequence[KANLayer], *, shared: bool) -> PopulationLayer:
    first, *others = layers

    def stacked(*tensors: torch.Tensor) -> torch.Tensor:
        return torch.stack([tensor.detach() for tensor in tensors])

    return PopulationLayer(
        first.basis if shared else first.basis.combined(stacked, *(layer.basis for layer in others)),
        first.base_fun,
        stacked(*(layer.weight for layer in layers)),
        stacked(*(layer.mask for layer in layers)),
        first.nodes.combined(stacked, *(layer.nodes for layer in others)),
        first.symbolic,
        stacked(*(layer.affine for layer in layers)),
        shared,
    )
