"""Exact derivatives by the coordinates in reverse mode, to learn from.

For networks of few outputs this is several times faster than forward mode (`kansci.inr.networks.derivatives`)
where the result is then differentiated by the weights.
"""

import torch

__all__ = ["gradient", "laplacian", "values_and_gradient"]


def values_and_gradient(network: torch.nn.Module, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Evaluate and differentiate at points (B, d): (B, C) and (B, C, d)."""
    values, slopes = _differentiated(network, points)[1:]
    return values, torch.stack(slopes, dim=1)


def gradient(network: torch.nn.Module, points: torch.Tensor) -> torch.Tensor:
    """Differentiate by every coordinate at points (B, d): (B, C, d)."""
    return values_and_gradient(network, points)[1]


def laplacian(network: torch.nn.Module, points: torch.Tensor) -> torch.Tensor:
    """Sum the second derivatives by each coordinate at points (B, d): (B, C)."""
    points, _, slopes = _differentiated(network, points)
    sums = []
    for slope in slopes:
        with torch.enable_grad():
            seconds = [_by_points(column, points) for column in slope.unbind(-1)]
        sums.append(sum((second[:, k] for k, second in enumerate(seconds)), start=points.new_zeros(())))
    return torch.stack(sums, dim=1)


def _differentiated(
    network: torch.nn.Module, points: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
    """Give the points as the root of a graph, the values there and each value's slopes (B, d)."""
    with torch.enable_grad():
        points = points.detach().requires_grad_()
        # with one more dimension in front edges are summed in plain operations, which have all derivatives
        values = network(points.unsqueeze(0)).squeeze(0)
        return points, values, [_by_points(column, points) for column in values.unbind(-1)]


def _by_points(column: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    if not column.requires_grad:  # constant, as the slopes of a piecewise linear network are
        return torch.zeros_like(points)
    slope = torch.autograd.grad(column.sum(), points, create_graph=True, allow_unused=True)[0]
    return torch.zeros_like(points) if slope is None else slope
