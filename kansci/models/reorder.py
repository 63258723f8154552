"""Another order of the hidden nodes; the function is the same."""

from typing import TYPE_CHECKING

import numpy as np
import torch

from kansci.errors import SettingsError
from kansci.models.importance import importance, spread_points

if TYPE_CHECKING:
    from kansci.models.kan import KAN

Rows = torch.Tensor | np.ndarray


def swap(self: "KAN", l: int, i1: int, i2: int) -> "KAN":  # noqa: E741
    """Exchange two hidden nodes, with all their edges.

    Args:
        self: the network.
        l: a hidden level, from 1.
        i1: number of a node.
        i2: number of another of the same kind: nodes that multiply stand after those that add.

    Returns:
        The network; its function is the same.

    Raises:
        SettingsError: there are no such nodes, or one adds and the other multiplies.
    """
    if not 0 < l < self.depth or not all(0 <= i < self.width[l] for i in (i1, i2)):
        raise SettingsError(f"no hidden nodes {i1} and {i2} on level {l}: the width is {list(self.width)}")
    n_sum = self.structure[l][0]
    if (i1 < n_sum) != (i2 < n_sum):
        raise SettingsError(f"nodes {i1} and {i2} of level {l}: one adds, the other multiplies")
    order = list(range(self.width[l]))
    order[i1], order[i2] = order[i2], order[i1]
    return _reordered(self, l, order)


def auto_swap(self: "KAN", x: Rows | None = None) -> "KAN":
    """Order the hidden nodes so that important edges are short; the drawing crosses less.

    Args:
        self: the network.
        x: rows (N, I) to judge importance by; without them, points spread over the inputs' grids.

    Returns:
        The network; its function is the same.
    """
    scores = [_by_nodes(self, layer, score) for layer, score in enumerate(_edge_scores(self, x))]
    orders = [list(range(n)) for n in self.width]
    better = True
    while better:
        better = False
        for level in range(1, self.depth):
            better |= _improve(orders, level, scores, self.structure[level][0])
    model = self
    for level in range(1, self.depth):
        model = _reordered(model, level, orders[level])
    return model if model is not self else self.copy()


def connection_cost(self: "KAN", x: Rows | None = None) -> float:
    """Give the sum over edges of importance times length, nodes of a level spread evenly over [0, 1]."""
    scores = [_by_nodes(self, layer, score) for layer, score in enumerate(_edge_scores(self, x))]
    orders = [list(range(n)) for n in self.width]
    return sum(_cost(orders, level, scores[level]) for level in range(self.depth))


def _edge_scores(model: "KAN", x: Rows | None) -> list[torch.Tensor]:
    return importance(model, spread_points(model) if x is None else x).edges


def _by_nodes(model: "KAN", level: int, score: torch.Tensor) -> np.ndarray:
    """Scores of a layer's edges (J, I) added up by the node they enter, (M, I)."""
    nodes = model.layers[level].nodes
    return (
        torch.zeros(nodes.n_nodes, score.shape[1], dtype=score.dtype).index_add(0, nodes.owner, score).numpy()
    )


def _cost(orders: list[list[int]], level: int, score: np.ndarray) -> float:
    below, above = (_places(orders[k]) for k in (level, level + 1))
    return float((score * np.abs(above[:, None] - below)).sum())


def _places(order: list[int]) -> np.ndarray:
    """Where each node stands in [0, 1] if they stand in this order."""
    places = np.empty(len(order))
    places[order] = (np.arange(len(order)) + 0.5) / len(order)
    return places


def _improve(orders: list[list[int]], level: int, scores: list[np.ndarray], n_sum: int) -> bool:
    """Exchange the pair of a level's nodes that shortens most, until none does; whether any did."""
    improved = False
    order = orders[level]
    pairs = [(a, b) for b in range(len(order)) for a in range(b) if (order[a] < n_sum) == (order[b] < n_sum)]

    def cost() -> float:
        return _cost(orders, level - 1, scores[level - 1]) + _cost(orders, level, scores[level])

    def after(a: int, b: int) -> float:
        order[a], order[b] = order[b], order[a]
        value = cost()
        order[a], order[b] = order[b], order[a]
        return value

    while pairs:
        best = min(pairs, key=lambda pair: after(*pair))
        if after(*best) >= cost() * (1 - 1e-12):
            break
        order[best[0]], order[best[1]] = order[best[1]], order[best[0]]
        improved = True
    return improved


def _reordered(model: "KAN", level: int, order: list[int]) -> "KAN":
    chosen = torch.tensor(order)
    layers = [layer.changed() for layer in model.layers]
    layers[level - 1] = layers[level - 1].select(torch.arange(model.width[level - 1]), chosen)
    layers[level] = layers[level].select(chosen, torch.arange(model.width[level + 1]))
    return type(model).from_layers(layers)
