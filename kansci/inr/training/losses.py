"""Losses of coordinate networks, one number a row.

The signed distance is learnt from points on a surface and the outward unit normals n there by the terms of
Sitzmann et al., "Implicit neural representations with periodic activation functions", 2020, eq. 6, but with
|grad u - n| (Gropp et al., "Implicit geometric regularization for learning shapes", 2020) in place of the
angle. The weights are our own: with those of Sitzmann's code (3000 on the surface, 50 for the Eikonal
equation) a small network stays flat for thousands of steps.
"""

from collections.abc import Callable

import torch

__all__ = ["ROW_LOSSES", "distance_loss"]

_OFF_SURFACE = 0.1
"""Weight of the term off the surface; the others have 1."""
_SHARPNESS = 100.0
"""alpha of exp(-alpha |u|), which keeps u from vanishing off the surface."""


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


def distance_loss(values: torch.Tensor, gradients: torch.Tensor, normals: torch.Tensor) -> torch.Tensor:
    """Ask for u = 0 and grad u = n on the surface, |grad u| = 1 everywhere and |u| > 0 elsewhere.

    Args:
        values: u at B points of the surface, then at B points anywhere, (2B, 1).
        gradients: there, (2B, d).
        normals: outward unit normals at the points of the surface, (B, d).

    Returns:
        Shape (B,).
    """
    on, off = values[:, 0].abs().chunk(2)
    turned = (gradients[: len(normals)] - normals).norm(dim=1)
    steep = (gradients.norm(dim=1) - 1).abs().unflatten(0, (2, -1)).mean(0)
    return on + turned + steep + _OFF_SURFACE * torch.exp(-_SHARPNESS * off)
