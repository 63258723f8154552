"""Larger networks that compute the same: more nodes on a level, another level, edges brought to life.

New nodes have no edges yet, as pykan's, and the new level carries each output through an identity edge, so
the function does not change by a single bit. `perturb` then gives edges to train.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sympy
import torch

from kansci.basis import glorot_deviation, make_basis
from kansci.errors import SettingsError
from kansci.models.importance import spread_points
from kansci.models.layer import KANLayer, n_base_functions
from kansci.models.nodes import Nodes
from kansci.models.symbolic_edge import SymbolicFunction

if TYPE_CHECKING:
    from kansci.models.kan import KAN

_MODES = ("non-intrusive", "minimal", "all")
IDENTITY = SymbolicFunction("x", sympy.Symbol("x"))


def expand_width(
    self: "KAN",
    layer_id: int,
    n_added_nodes: int,
    sum_bool: bool = True,  # noqa: FBT001, FBT002 (pykan's signature)
    mult_arity: int | Sequence[int] = 2,
) -> "KAN":
    """Add nodes without edges to a hidden level.

    Args:
        self: the network.
        layer_id: the level, 1 is the first hidden one.
        n_added_nodes: how many.
        sum_bool: whether they add, else they multiply. Nodes that add come after the level's others that do,
            nodes that multiply at its end.
        mult_arity: factors of each new product, one number or one for each.

    Returns:
        The wider network; its function is the same.

    Raises:
        SettingsError: the level is not hidden, or the numbers are impossible.
    """
    if not 0 < layer_id < self.depth or n_added_nodes < 1:
        raise SettingsError(
            f"layer_id={layer_id}, n_added_nodes={n_added_nodes}: hidden levels are 1 to {self.depth - 1}, "
            "and at least one node can be added"
        )
    arities = [mult_arity] * n_added_nodes if isinstance(mult_arity, int) else list(mult_arity)
    if not sum_bool and (len(arities) != n_added_nodes or min(arities) < 2):
        raise SettingsError(f"mult_arity={mult_arity}: give each new product 2 factors or more")
    layers = [layer.changed() for layer in self.layers]
    below, above = layers[layer_id - 1], layers[layer_id]
    nodes, wider = below.nodes, Nodes(below.nodes.n_sum, (*below.nodes.arities, *arities))
    if sum_bool:
        wider = Nodes(nodes.n_sum + n_added_nodes, nodes.arities)
    place = nodes.n_sum if sum_bool else nodes.n_nodes
    subplace = nodes.n_sum if sum_bool else nodes.n_subnodes
    layers[layer_id - 1] = _with_outputs(below, wider, place, subplace)
    layers[layer_id] = _with_inputs(above, place, n_added_nodes)
    return type(self).from_layers(layers)


def _with_outputs(layer: KANLayer, nodes: Nodes, place: int, subplace: int) -> KANLayer:
    """The layer with more nodes: new ones from `place` on, their sums from `subplace` on."""
    count, extra = nodes.n_subnodes - layer.nodes.n_subnodes, nodes.n_nodes - layer.nodes.n_nodes
    if layer.nodes.affine:
        old, nodes = layer.nodes, nodes.with_affine(trainable=layer.nodes.trainable)
        for name in nodes.tensor_names:
            at, size = (subplace, count) if name.startswith("sub") else (place, extra)
            filled = _inserted(getattr(old, name).detach(), at, size, float(name.endswith("scale")))
            getattr(nodes, name).data = filled
    return layer.changed(
        weight=_inserted(_weights(layer), subplace, count),
        mask=_inserted(layer.mask, subplace, count),
        nodes=nodes,
        symbolic=[(i, j + count * (j >= subplace), f) for i, j, f in layer.symbolic],
    )


def _with_inputs(layer: KANLayer, place: int, count: int) -> KANLayer:
    """The layer with `count` more inputs from `place` on, their grids like that of the input before."""
    n_in = layer.mask.shape[1]
    like = torch.tensor([*range(place), *[max(place - 1, 0)] * count, *range(place, n_in)])
    return layer.changed(
        basis=layer.basis.select(like),
        weight=_inserted(_weights(layer).movedim(1, 0), place, count).movedim(0, 1),
        mask=_inserted(layer.mask.mT, place, count).mT,
        symbolic=[(i + count * (i >= place), j, f) for i, j, f in layer.symbolic],
    )


def _weights(layer: KANLayer) -> torch.Tensor:
    """Weights of all edges (J, I, F), also of those that are masked."""
    base = layer.base_scale.detach().unsqueeze(-1)
    return torch.cat([base[..., : n_base_functions(layer.base_fun)], layer.coef.detach()], dim=-1)


def _inserted(tensor: torch.Tensor, place: int, count: int, value: float = 0.0) -> torch.Tensor:
    new = tensor.new_full((count, *tensor.shape[1:]), value)
    return torch.cat([tensor[:place], new, tensor[place:]])


@torch.no_grad()
def expand_depth(self: "KAN", x: torch.Tensor | None = None) -> "KAN":
    """Add a level after the outputs, which pass through it on symbolic edges "x".

    Args:
        self: the network.
        x: rows (N, I) whose outputs place the new layer's grids; without them, points spread over the
            inputs' grids.

    Returns:
        The deeper network; its function is the same.
    """
    last, size = self.layers[-1], self.width[-1]
    outputs = self.activations(spread_points(self) if x is None else x)[-1]
    finite = outputs[outputs.isfinite().all(dim=1)]
    finite = finite if len(finite) else outputs.new_zeros(1, size)
    low, high = finite.amin(dim=0), finite.amax(dim=0)
    half = (0.5 * (high - low)).where(high > low, torch.ones_like(low))
    domain = torch.stack([0.5 * (low + high) - half, 0.5 * (low + high) + half], dim=-1)
    basis = make_basis(last.basis.to_config(), last.basis.grid_size, 3, domain)
    weight = torch.zeros((size, size, n_base_functions(last.base_fun) + basis.size), dtype=torch.float64)
    layer = KANLayer(
        basis,
        last.base_fun,
        weight,
        torch.zeros((size, size), dtype=torch.float64),
        symbolic=[(i, i, IDENTITY) for i in range(size)],
        affine=torch.tensor([[1.0, 0.0, 1.0, 0.0]] * size, dtype=torch.float64),
    )
    return type(self).from_layers([*(old.changed() for old in self.layers), layer])


def perturb(self: "KAN", mag: float = 1.0, mode: str = "non-intrusive", seed: int = 0) -> "KAN":
    """Bring edges to life with random learned functions.

    Args:
        self: the network.
        mag: size of the random functions, 1 for that of a new network.
        mode: "non-intrusive" changes no output: every edge that does not exist gets a learned function,
            random where it enters a node that nothing leaves, else zero. "minimal": the edges that exist get
            a random function in addition, and so do all edges with "all".
        seed: of the random coefficients.

    Returns:
        The network.

    Raises:
        SettingsError: there is no such mode.
    """
    if mode not in _MODES:
        raise SettingsError(f"mode={mode!r}: choose one of {', '.join(_MODES)}")
    generator = torch.Generator().manual_seed(seed)
    layers = []
    for level, layer in enumerate(self.layers):
        n_out = layer.mask.shape[0]
        coef = torch.randn(layer.coef.shape, generator=generator, dtype=torch.float64)
        noise = mag * coef * glorot_deviation(layer.basis, n_out)
        live, existing = layer.live, layer.mask.bool()
        if mode == "minimal":
            chosen, brought = live, existing | live
        elif mode == "all":
            chosen = brought = torch.ones_like(live)
        else:
            chosen, brought = ~live & _idle(self, level).unsqueeze(-1), existing | ~live
        layers.append(_revived(layer, brought, noise * chosen.unsqueeze(-1)))
    return type(self).from_layers(layers)


def _idle(model: "KAN", level: int) -> torch.Tensor:
    """Which sums of a layer enter a node that nothing leaves, (J,)."""
    nodes = model.layers[level].nodes
    if level + 1 == model.depth:
        return torch.zeros(nodes.n_subnodes, dtype=torch.bool)
    return ~model.layers[level + 1].live.any(dim=0)[nodes.owner]


def _revived(layer: KANLayer, brought: torch.Tensor, noise: torch.Tensor) -> KANLayer:
    """The layer with learned functions where `brought` (J, I), those that are new from zero, plus noise."""
    weight = layer.weight.detach().clone()
    weight[..., n_base_functions(layer.base_fun) :] += noise
    return layer.changed(weight=weight, mask=brought.to(layer.mask))
