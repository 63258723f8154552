"""How much each edge and node contributes to the output: computed from the rows given, stored nowhere."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from kansci.models.layer import edge_functions

if TYPE_CHECKING:
    from kansci.models.kan import KAN
    from kansci.models.layer import KANLayer

_N_POINTS = 1024


@dataclass(frozen=True)
class Importance:
    """Attribution scores of a KAN.

    Attributes:
        edges: for each layer the scores (J, I) of the edges into its subnodes.
        nodes: for each level, inputs first and outputs last, the scores (I,).
    """

    edges: list[torch.Tensor]
    nodes: list[torch.Tensor]

    @property
    def inputs(self) -> torch.Tensor:
        """Score of each input, shape (I,)."""
        return self.nodes[0]


def function_covariance(functions: torch.Tensor) -> torch.Tensor:
    """Covariance over the rows of each input's functions: (..., N, I, K) -> (..., I, K, K).

    An edge with weights w then has the standard deviation sqrt(w' C w), with no (N, J, I) tensor anywhere.
    """
    per_input = functions.movedim(-2, -3)
    centred = per_input - per_input.mean(dim=-2, keepdim=True)
    return centred.mT @ centred / centred.shape[-2]


def edge_deviation(weight: torch.Tensor, covariance: torch.Tensor) -> torch.Tensor:
    """Standard deviation of every edge: weight (..., J, I, K), covariance (..., I, K, K) -> (..., J, I)."""
    product = weight.movedim(-2, -3) @ covariance  # (..., I, J, K)
    variance = (product.movedim(-2, -3) * weight).sum(-1)
    return variance.clamp(min=0).sqrt()


def spread_points(model: "KAN") -> torch.Tensor:
    """Give rows (N, I) that are spread over the grids of the inputs."""
    low, high = model.layers[0].basis.domain.unbind(-1)
    points = torch.quasirandom.SobolEngine(model.width[0], scramble=False).draw(
        _N_POINTS, dtype=torch.float64
    )
    return low + (high - low) * points.to(low.device)


@torch.no_grad()
def importance(model: "KAN", x: torch.Tensor | np.ndarray) -> Importance:
    """Attribute the outputs to edges and nodes, from the last layer back to the inputs.

    A factor has the score of its product. An edge receives its share std(edge) / std(subnode) of the score of
    the subnode it enters; a node has the sum of its outgoing edges; outputs start at 1 and their scores are
    averaged (the rule of pykan's `attribute`; Liu et al., KAN 2.0, 2024).

    Args:
        model: the network.
        x: rows to attribute over, shape (N, I).

    Returns:
        Scores of edges and nodes.
    """
    values = torch.as_tensor(x, dtype=torch.float64)
    edge_stds, sum_stds = [], []
    for layer in model.layers:
        edge_stds.append(_edge_stds(layer, values))
        sums = layer.sums(values)
        sum_stds.append(sums.std(dim=0, correction=0))
        values = layer.nodes(sums)
    score = torch.eye(model.width[-1], dtype=torch.float64, device=values.device)
    edges, nodes = [], [score.mean(dim=0)]
    for layer, edge_std, sum_std in zip(
        reversed(model.layers), reversed(edge_stds), reversed(sum_stds), strict=True
    ):
        # pykan's guard 1e-4 is absolute; relative to the layer's largest sum it holds in any units.
        share = edge_std / (sum_std + 1e-4 * sum_std.max() + 1e-300).unsqueeze(-1)  # (J, I)
        edge_score = score[:, layer.nodes.owner].unsqueeze(-1) * share  # (O, J, I)
        score = edge_score.sum(dim=1)
        edges.append(edge_score.mean(dim=0))
        nodes.append(score.mean(dim=0))
    return Importance(edges[::-1], nodes[::-1])


def _edge_stds(layer: "KANLayer", values: torch.Tensor) -> torch.Tensor:
    functions = edge_functions(layer.basis, layer.base_fun, values)[0]
    stds = edge_deviation(layer.weight, function_covariance(functions))
    for i, j, _ in layer.symbolic:
        stds[j, i] = layer.edge(i, j, values[:, i]).std(correction=0)
    return stds
