"""Gaussian bumps at equally spaced centres and their derivatives of any order."""

import torch


def rbf_values(t: torch.Tensor, size: int, step: float, nu: int = 0) -> torch.Tensor:
    """Evaluate the nu-th derivatives of exp(-(t - step k)^2).

    With s = t - step k the derivatives obey D_{n+1} = -2 s D_n - 2 n D_{n-1} (the Hermite recurrence).

    Args:
        t: shape (..., N, I).
        size: number K of bumps.
        step: distance of neighbouring centres.
        nu: order of the derivative.

    Returns:
        Shape (..., N, I, K).
    """
    centres = step * torch.arange(size, dtype=t.dtype, device=t.device)
    s = t.unsqueeze(-1) - centres
    before, values = torch.zeros_like(s), torch.exp(-s.square())
    for n in range(nu):
        before, values = values, -2 * s * values - 2 * n * before
    return values
