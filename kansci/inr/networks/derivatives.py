"""Exact derivatives by the coordinates, in forward mode: as many passes as coordinates, no graph.

They are themselves differentiable by the weights, for data that are gradients or Laplacians.
"""

from collections.abc import Callable

import torch

__all__ = ["gradient", "laplacian"]

Network = Callable[[torch.Tensor], torch.Tensor]


def gradient(network: Network, points: torch.Tensor) -> torch.Tensor:
    """Differentiate by every coordinate.

    Args:
        network: from (..., B, d) to (..., B, C).
        points: shape (B, d).

    Returns:
        Shape (B, C, d).
    """
    columns = [_slope(network, e)(points.unsqueeze(0)) for e in _directions(points)]
    return torch.stack(columns, dim=-1).squeeze(0)


def laplacian(network: Network, points: torch.Tensor) -> torch.Tensor:
    """Sum the second derivatives by each coordinate; arguments as `gradient`.

    Returns:
        Shape (B, C). Of a piecewise linear network, as of ReLU, it is zero.
    """
    terms = [_slope(_slope(network, e), e)(points.unsqueeze(0)) for e in _directions(points)]
    return torch.stack(terms).sum(0).squeeze(0)


def _directions(points: torch.Tensor) -> torch.Tensor:
    """Unit vectors, (d, 1, 1, d).

    With a dimension in front of the points, edges are summed in plain operations, which have a forward mode;
    the compiled sums over edges have none.
    """
    d = points.shape[-1]
    return torch.eye(d, dtype=points.dtype, device=points.device).reshape(d, 1, 1, d)


def _slope(function: Network, direction: torch.Tensor) -> Network:
    """Give the derivative of `function` along one direction, as a function of the points."""
    return lambda x: torch.func.jvp(function, (x,), (direction.expand_as(x),))[1]
