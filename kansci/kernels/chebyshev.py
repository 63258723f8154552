"""Chebyshev polynomials of the first kind and their derivatives of any order."""

import torch


def chebyshev_values(t: torch.Tensor, size: int, nu: int = 0) -> torch.Tensor:
    """Evaluate T_k^(nu) by T_{k+1} = 2 t T_k - T_{k-1}, differentiated nu times by Leibniz' rule.

    Args:
        t: shape (..., N, I), in [-1, 1] for a stable recurrence.
        size: number K of polynomials.
        nu: order of the derivative.

    Returns:
        T_0^(nu) to T_{K-1}^(nu), shape (..., N, I, K).
    """
    return torch.stack(_column(t, size, nu), dim=-1)


def _column(t: torch.Tensor, size: int, nu: int) -> list[torch.Tensor]:
    lower = _column(t, size, nu - 1) if nu > 0 else []
    zero = torch.zeros_like(t)
    values = [torch.ones_like(t) if nu == 0 else zero]
    if size > 1:
        values.append((t, torch.ones_like(t))[nu] if nu < 2 else zero)
    for k in range(1, size - 1):
        value = 2 * t * values[k] - values[k - 1]
        values.append(value + 2 * nu * lower[k] if nu > 0 else value)
    return values
