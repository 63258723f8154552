"""Fourier functions 1, cos t, sin t, cos 2t, sin 2t, ... and their derivatives of any order."""

import torch


def fourier_values(t: torch.Tensor, size: int, nu: int = 0) -> torch.Tensor:
    """Evaluate nu-th derivatives: d^nu cos(m t) = m^nu cos(m t + nu pi / 2), and so for the sine.

    Args:
        t: phase, shape (..., N, I).
        size: odd number K of functions.
        nu: order of the derivative.

    Returns:
        Shape (..., N, I, K).
    """
    harmonic = torch.arange(1, size // 2 + 1, dtype=t.dtype, device=t.device)
    angle = t.unsqueeze(-1) * harmonic
    # A quarter turn each time, exactly: adding nu pi / 2 to the angle would round.
    cosine, sine = angle.cos(), angle.sin()
    for _ in range(nu % 4):
        cosine, sine = -sine, cosine
    pairs = torch.stack([cosine, sine], dim=-1) * harmonic.unsqueeze(-1) ** nu
    constant = torch.ones_like(t) if nu == 0 else torch.zeros_like(t)
    return torch.cat([constant.unsqueeze(-1), pairs.flatten(-2)], dim=-1)
