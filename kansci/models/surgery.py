"""Finer grids, and networks without some nodes or edges; `KAN` has these as methods, under pykan's names."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from kansci.errors import SettingsError

if TYPE_CHECKING:
    from kansci.models.kan import KAN
    from kansci.models.layer import KANLayer


def refine(self: "KAN", new_grid: int) -> "KAN":
    """Give the same function on a finer grid: knots are inserted, or further functions added at zero.

    Only Gaussian bumps cannot represent it exactly; they come as close as least squares does.

    Args:
        self: the network.
        new_grid: number of intervals of every layer's grid; layers that have more keep them.

    Returns:
        The refined network.
    """
    return rebuilt(self, [layer.refine(max(new_grid, layer.basis.grid_size)) for layer in self.layers])


def remove_edge(self: "KAN", l: int, i: int, j: int) -> "KAN":  # noqa: E741
    """Give the network without edge (l, i, j), learned or symbolic."""
    check_edge(self, l, i, j)
    kept = torch.ones_like(self.layers[l].mask, dtype=torch.bool)
    kept[j, i] = False
    return rebuilt(
        self, [with_edges(layer, kept) if m == l else layer for m, layer in enumerate(self.layers)]
    )


def remove_node(self: "KAN", l: int, i: int, mode: str = "all") -> "KAN":  # noqa: E741
    """Give the network without the edges of a node, which stays as an empty place.

    Args:
        self: the network.
        l: level, inputs are 0.
        i: number of the node.
        mode: "all" its edges, those that go "up" from it, or those that come from "down" below.

    Returns:
        The network.

    Raises:
        SettingsError: there is no such node or mode.
    """
    if not 0 <= l < len(self.width) or not 0 <= i < self.width[l]:
        raise SettingsError(f"no node {i} on level {l}: the width is {list(self.width)}")
    if mode not in {"all", "up", "down"}:
        raise SettingsError(f'mode={mode!r}: choose "all", "up" or "down"')
    layers = list(self.layers)
    if l > 0 and mode != "up":
        below = layers[l - 1]
        layers[l - 1] = with_edges(below, (below.nodes.owner != i).unsqueeze(-1))
    if l < len(layers) and mode != "down":
        layers[l] = with_edges(layers[l], torch.arange(self.width[l]) != i)
    return rebuilt(self, layers)


def drop_dead_nodes(self: "KAN") -> "KAN":
    """Drop hidden nodes that no live path crosses; each level keeps at least one.

    A product is crossed if every one of its factors is.
    """
    reached = [torch.ones(self.width[0], dtype=torch.bool)]
    for layer in self.layers:
        sums = (layer.live & reached[-1]).any(dim=1)
        reached.append(torch.stack([sums[layer.nodes.owner == m].all() for m in range(layer.nodes.n_nodes)]))
    useful = [torch.ones(self.width[-1], dtype=torch.bool)]
    for layer in reversed(self.layers):
        useful.insert(0, (layer.live & useful[0][layer.nodes.owner].unsqueeze(-1)).any(dim=0))
    levels = zip(reached[1:-1], useful[1:-1], strict=True)
    return keep_hidden(self, [above((before & after).double(), 0.5) for before, after in levels])


def above(score: torch.Tensor, threshold: float) -> torch.Tensor:
    """List the places whose score is above a threshold, or that of the best."""
    kept = (score > threshold).nonzero().flatten()
    return kept if len(kept) else score.argmax().unsqueeze(0)


def keep_hidden(model: "KAN", hidden: Sequence[torch.Tensor]) -> "KAN":
    """Give the network with some of the nodes of each hidden level."""
    return keep(model, [torch.arange(model.width[0]), *hidden, torch.arange(model.width[-1])])


def keep(model: "KAN", kept: Sequence[torch.Tensor]) -> "KAN":
    """Give the network with some of the nodes of each level, inputs and outputs among them."""
    layers = [layer.select(kept[m], kept[m + 1]) for m, layer in enumerate(model.layers)]
    return rebuilt(model, layers)


def with_edges(layer: "KANLayer", kept: torch.Tensor) -> "KANLayer":
    """Give the layer with the edges where `kept` (broadcast to (J, I)) is true."""
    kept = kept.expand(layer.mask.shape)
    places = [s for s, (i, j, _) in enumerate(layer.symbolic) if kept[j, i]]
    return layer.changed(
        mask=layer.mask * kept,
        symbolic=[layer.symbolic[s] for s in places],
        affine=layer.affine.detach()[places],
    )


def rebuilt(model: "KAN", layers: Sequence["KANLayer"]) -> "KAN":
    """Give a network of copies of layers, of the same class."""
    return type(model).from_layers([layer.changed() for layer in layers])


def check_edge(model: "KAN", l: int, i: int, j: int) -> None:  # noqa: E741
    """Refuse the name of an edge that does not exist.

    Args:
        model: the network.
        l: layer.
        i: node of level l.
        j: subnode of level l + 1.

    Raises:
        SettingsError: there is no such edge.
    """
    if not (0 <= l < model.depth and 0 <= i < model.width[l] and 0 <= j < model.width_out[l + 1]):
        raise SettingsError(f"no edge ({l}, {i}, {j}): the levels have {list(model.width_out)} (sub)nodes")
