"""Operations on a KAN that return a new one; `KAN` has them as methods, named as pykan's users know them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from kansci.errors import SettingsError
from kansci.models.importance import Importance, importance

if TYPE_CHECKING:
    from kansci.models.kan import KAN
    from kansci.models.layer import KANLayer

Rows = torch.Tensor | np.ndarray
_N_SAMPLES = 1024


def refine(self: "KAN", new_grid: int) -> "KAN":
    """Give the same function on a finer grid: knots are inserted, or further functions added at zero.

    Only Gaussian bumps cannot represent it exactly; they come as close as least squares does.

    Args:
        self: the network.
        new_grid: number of intervals of every layer's grid; layers that have more keep them.

    Returns:
        The refined network.
    """
    return _rebuilt(self, [layer.refine(max(new_grid, layer.basis.grid_size)) for layer in self.layers])


def prune(self: "KAN", node_th: float = 1e-2, edge_th: float = 3e-2, x: Rows | None = None) -> "KAN":
    """Drop unimportant hidden nodes, then unimportant edges.

    Args:
        self: the network.
        node_th: hidden nodes with a score not above it are dropped.
        edge_th: so are edges.
        x: rows (N, I) to judge by; without them, points spread over the inputs' grids.

    Returns:
        The smaller network, not retrained.
    """
    return prune_edge(prune_node(self, node_th, x=x), edge_th, x=x)


def prune_node(
    self: "KAN", threshold: float = 1e-2, active: Sequence[Sequence[int]] | None = None, x: Rows | None = None
) -> "KAN":
    """Drop hidden nodes whose score is not above a threshold; each level keeps its best one.

    Args:
        self: the network.
        threshold: on the importance.
        active: the nodes to keep on each hidden level, instead of the threshold.
        x: rows (N, I) to judge by; without them, points spread over the inputs' grids.

    Returns:
        The smaller network, not retrained.
    """
    if active is None:
        kept = [_above(score, threshold) for score in _scores(self, x).nodes[1:-1]]
    else:
        kept = [torch.as_tensor(list(level), dtype=torch.long) for level in active]
    return _keep(self, [torch.arange(self.width[0]), *kept, torch.arange(self.width[-1])])


def prune_edge(self: "KAN", threshold: float = 3e-2, x: Rows | None = None) -> "KAN":
    """Mask the edges whose score is not above a threshold; every output keeps its best one.

    Args:
        self: the network.
        threshold: on the importance.
        x: rows (N, I) to judge by; without them, points spread over the inputs' grids.

    Returns:
        The smaller network, not retrained.
    """
    layers = []
    for layer, score in zip(self.layers, _scores(self, x).edges, strict=True):
        keep = score > threshold
        keep[score.argmax() // score.shape[1], score.argmax() % score.shape[1]] = True
        layers.append(_masked(layer, layer.mask * keep))
    return _rebuilt(self, layers)


def prune_input(
    self: "KAN", threshold: float = 1e-2, active_inputs: Sequence[int] | None = None, x: Rows | None = None
) -> "KAN":
    """Drop inputs whose score is not above a threshold; the new network takes only the columns that are left.

    Args:
        self: the network.
        threshold: on the importance.
        active_inputs: the inputs to keep, instead of the threshold.
        x: rows (N, I) to judge by; without them, points spread over the inputs' grids.

    Returns:
        The smaller network, not retrained.
    """
    kept = (
        _above(_scores(self, x).inputs, threshold)
        if active_inputs is None
        else torch.tensor(list(active_inputs))
    )
    return _keep(self, [kept, *(torch.arange(n) for n in self.width[1:])])


def remove_edge(self: "KAN", l: int, i: int, j: int) -> "KAN":  # noqa: E741
    """Give the network with edge (l, i, j) masked."""
    _check_index(self, l, i, j)
    mask = self.layers[l].mask.clone()
    mask[j, i] = 0
    return _rebuilt(self, [_masked(layer, mask) if m == l else layer for m, layer in enumerate(self.layers)])


def remove_node(self: "KAN", l: int, i: int) -> "KAN":  # noqa: E741
    """Give the network with every edge into and out of node i of level l masked."""
    if not 0 <= l < len(self.width) or not 0 <= i < self.width[l]:
        raise SettingsError(f"no node {i} on level {l}: the width is {list(self.width)}")
    layers = list(self.layers)
    if l > 0:
        mask = layers[l - 1].mask.clone()
        mask[i] = 0
        layers[l - 1] = _masked(layers[l - 1], mask)
    if l < len(layers):
        mask = layers[l].mask.clone()
        mask[:, i] = 0
        layers[l] = _masked(layers[l], mask)
    return _rebuilt(self, layers)


def drop_dead_nodes(self: "KAN") -> "KAN":
    """Drop hidden nodes that no live path crosses; each level keeps at least one."""
    depth = len(self.layers)
    reached = [torch.ones(self.width[0], dtype=torch.bool)]
    for layer in self.layers:
        reached.append((layer.mask.bool() & reached[-1]).any(dim=1))
    useful = [torch.ones(self.width[-1], dtype=torch.bool)]
    for layer in reversed(self.layers):
        useful.insert(0, (layer.mask.bool() & useful[0].unsqueeze(-1)).any(dim=0))
    kept = [torch.arange(self.width[0])]
    for level in range(1, depth):
        kept.append(_above((reached[level] & useful[level]).double(), 0.5))
    return _keep(self, [*kept, torch.arange(self.width[-1])])


def _scores(model: "KAN", x: Rows | None) -> Importance:
    if x is None:
        low, high = model.layers[0].basis.domain.unbind(-1)
        points = torch.quasirandom.SobolEngine(model.width[0], scramble=False).draw(
            _N_SAMPLES, dtype=torch.float64
        )
        x = low + (high - low) * points
    return importance(model, x)


def _above(score: torch.Tensor, threshold: float) -> torch.Tensor:
    kept = (score > threshold).nonzero().flatten()
    return kept if len(kept) else score.argmax().unsqueeze(0)


def _keep(model: "KAN", kept: Sequence[torch.Tensor]) -> "KAN":
    layers = [layer.select(kept[m], kept[m + 1]) for m, layer in enumerate(model.layers)]
    return _rebuilt(model, layers)


def _masked(layer: "KANLayer", mask: torch.Tensor) -> "KANLayer":
    n_out, n_in = mask.shape
    changed = layer.select(torch.arange(n_in), torch.arange(n_out))
    changed.mask = mask.to(layer.mask)
    return changed


def _rebuilt(model: "KAN", layers: Sequence["KANLayer"]) -> "KAN":
    return type(model).from_layers([_masked(layer, layer.mask) for layer in layers])


def _check_index(model: "KAN", l: int, i: int, j: int) -> None:  # noqa: E741
    if not (0 <= l < model.depth and 0 <= i < model.width[l] and 0 <= j < model.width[l + 1]):
        raise SettingsError(f"no edge ({l}, {i}, {j}): the width is {list(model.width)}")
