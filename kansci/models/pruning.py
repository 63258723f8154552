"""Networks without what matters little; `KAN` has these as methods, under pykan's names."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from kansci.errors import SettingsError
from kansci.models.auto_prune import pruned_by, rows_of
from kansci.models.importance import Importance, importance, spread_points
from kansci.models.surgery import above, drop_dead_nodes, keep, keep_hidden, rebuilt, with_edges

if TYPE_CHECKING:
    from kansci.models.kan import KAN
    from kansci.models.layer import KANLayer

Rows = torch.Tensor | np.ndarray
WORSE = 1.25
"""A pruned and retrained network may have this many times the held-out error of the whole."""


def prune(
    self: "KAN",
    node_th: float | str = 1e-2,
    edge_th: float | str = 3e-2,
    x: Rows | None = None,
    dataset: Any = None,
    worse: float = WORSE,
) -> "KAN":
    """Drop unimportant hidden nodes, then unimportant edges and the nodes that no path crosses any more.

    Args:
        self: the network.
        node_th: hidden nodes with a score not above it are dropped; "auto" takes the widest gap in them.
        edge_th: so are edges.
        x: rows (N, I) to judge by; without them the dataset's, or points spread over the inputs' grids.
        dataset: with "auto", rows to retrain on (see `prune_node`).
        worse: see `prune_node`.

    Returns:
        The smaller network.
    """
    fewer = prune_node(self, node_th, x=x, dataset=dataset, worse=worse)
    return _without_weak_edges(fewer, edge_th, x, dataset, worse, drop=True)


def prune_node(
    self: "KAN",
    threshold: float | str = 1e-2,
    mode: str = "auto",
    active_neurons_id: Sequence[Sequence[int]] | None = None,
    x: Rows | None = None,
    dataset: Any = None,
    worse: float = WORSE,
) -> "KAN":
    """Drop hidden nodes whose score is not above a threshold; each level keeps its best one.

    Args:
        self: the network.
        threshold: on the importance; "auto" takes the widest gap in the scores on a logarithmic scale.
        mode: "auto" by the threshold, "manual" by active_neurons_id, which alone says so too.
        active_neurons_id: the nodes to keep on each hidden level.
        x: rows (N, I) to judge by; without them the dataset's, or points spread over the inputs' grids.
        dataset: rows to train on, as in `fit`. With them "auto" retrains the pruned network, if need be on
            finer grids as long as it has no more weights than the whole, and takes the next weaker pruning
            if it is worse on held-out rows than the retrained whole.
        worse: by more than this factor.

    Returns:
        The smaller network, retrained only where said so.

    Raises:
        SettingsError: there is no such mode, or no list of nodes for every hidden level.
    """
    if active_neurons_id is not None:
        if len(active_neurons_id) != self.depth - 1:
            raise SettingsError(
                f"active_neurons_id: give one list for each of {self.depth - 1} hidden levels"
            )
        return keep_hidden(
            self, [torch.tensor(sorted(level), dtype=torch.long) for level in active_neurons_id]
        )
    if mode != "auto":
        raise SettingsError(f'mode={mode!r}: choose "auto", or "manual" with active_neurons_id')
    scores = _scores(self, x, dataset).nodes[1:-1]

    def cut(limit: float) -> tuple["KAN", torch.Tensor]:
        return keep_hidden(self, [above(score, limit) for score in scores]), torch.arange(self.width[0])

    return pruned_by(threshold, self, _joined(scores), cut, dataset, worse)


def prune_edge(
    self: "KAN",
    threshold: float | str = 3e-2,
    x: Rows | None = None,
    dataset: Any = None,
    worse: float = WORSE,
) -> "KAN":
    """Remove the edges, learned or symbolic, whose score is not above a threshold.

    Every layer keeps its best one, and so does every factor of a product that keeps another.

    Args:
        self: the network.
        threshold: on the importance; "auto" as in `prune_node`.
        x: rows (N, I) to judge by; without them the dataset's, or points spread over the inputs' grids.
        dataset: as in `prune_node`.
        worse: as in `prune_node`.

    Returns:
        The network with fewer edges, retrained only where said so.
    """
    return _without_weak_edges(self, threshold, x, dataset, worse, drop=False)


def prune_input(
    self: "KAN",
    threshold: float | str = 1e-2,
    active_inputs: Sequence[int] | None = None,
    x: Rows | None = None,
    dataset: Any = None,
    worse: float = WORSE,
) -> "KAN":
    """Drop inputs whose score is not above a threshold; the new network takes only the columns that are left.

    Args:
        self: the network.
        threshold: on the importance; "auto" as in `prune_node`.
        active_inputs: the inputs to keep, instead of the threshold.
        x: rows (N, I) to judge by; without them the dataset's, or points spread over the inputs' grids.
        dataset: as in `prune_node`.
        worse: as in `prune_node`.

    Returns:
        The smaller network, retrained only where said so.
    """
    rest = [torch.arange(n) for n in self.width[1:]]
    if active_inputs is not None:
        return keep(self, [torch.tensor(list(active_inputs), dtype=torch.long), *rest])
    scores = _scores(self, x, dataset).inputs

    def cut(limit: float) -> tuple["KAN", torch.Tensor]:
        kept = above(scores, limit)
        return keep(self, [kept, *rest]), kept

    return pruned_by(threshold, self, scores, cut, dataset, worse)


def _without_weak_edges(
    model: "KAN", threshold: float | str, x: Rows | None, dataset: Any, worse: float, *, drop: bool
) -> "KAN":
    """Prune edges and, if `drop`, the nodes that no path crosses then."""
    scores = _scores(model, x, dataset).edges

    def cut(limit: float) -> tuple["KAN", torch.Tensor]:
        pairs = zip(model.layers, scores, strict=True)
        fewer = rebuilt(
            model, [with_edges(layer, _kept_edges(layer, score, limit)) for layer, score in pairs]
        )
        return drop_dead_nodes(fewer) if drop else fewer, torch.arange(model.width[0])

    live = [score[layer.live] for layer, score in zip(model.layers, scores, strict=True)]
    return pruned_by(threshold, model, _joined(live), cut, dataset, worse)


def _scores(model: "KAN", x: Rows | None, dataset: Any) -> Importance:
    if x is None and dataset is not None:
        x = rows_of(dataset)["train_input"]
    return importance(model, spread_points(model) if x is None else x)


def _joined(scores: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.cat([score.flatten() for score in scores]) if scores else torch.zeros(0)


def _kept_edges(layer: "KANLayer", score: torch.Tensor, threshold: float) -> torch.Tensor:
    """Where the edges stay (J, I)."""
    kept = (score > threshold) & layer.live
    kept[score.argmax() // score.shape[1], score.argmax() % score.shape[1]] = True
    fed = kept.any(dim=1)
    partly = torch.stack([fed[layer.nodes.owner == owner].any() for owner in layer.nodes.owner])
    for j in (partly & ~fed).nonzero().flatten().tolist():  # an empty factor would make the product zero
        kept[j, score[j].argmax()] = True
    return kept
