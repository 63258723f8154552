"""Losses of coordinate networks, one number a row.

The signed distance is learnt from points on a surface and the outward unit normals n there by u = 0 and
|grad u - n| on the surface and the Eikonal equation |grad u| = 1 everywhere, as by Gropp et al., "Implicit
geometric regularization for learning shapes", 2020. Off the surface the Eikonal equation has many solutions
beside the distance, of either sign, with kinks anywhere, and exp(-alpha |u|) of Sitzmann et al., "Implicit
neural representations with periodic activation functions", 2020, eq. 6, leaves the choice to chance. Here the
distances that the points themselves tell choose it, see `kansci.inr.training.surroundings`.
"""

from collections.abc import Callable

import torch

__all__ = ["ROW_LOSSES", "distance_loss"]

_DISTANCE = 10.0
"""Weight of the distances beside that of the slopes."""


def _squares(values: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return (values - targets).square().flatten(1).mean(1)


def _cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return loss.flatten(1).mean(1)


ROW_LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "mse": _squares,
    "bce": _cross_entropy,
}
"""Values (B, ...) and targets (B, ...) -> (B,)."""


def distance_loss(
    values: torch.Tensor, gradients: torch.Tensor, normals: torch.Tensor, distances: torch.Tensor
) -> torch.Tensor:
    """Ask for u = 0 and grad u = n on the surface, |grad u| = 1 everywhere and the known u elsewhere.

    Args:
        values: u at B points of the surface, then at B points off it, (2B, 1).
        gradients: there, (2B, d).
        normals: outward unit normals at the points of the surface, (B, d).
        distances: what is known of u at the points off it, (B,).

    Returns:
        Shape (B,).
    """
    on, off = values[:, 0].chunk(2)
    turned = (gradients[: len(normals)] - normals).norm(dim=1)
    steep = (gradients.norm(dim=1) - 1).abs().unflatten(0, (2, -1)).mean(0)
    return _DISTANCE * (on.abs() + (off - distances).abs()) + turned + steep
