"""Moments of a basis over its domain, and the initial size of coefficients that follows from them."""

import torch

from kansci.basis.base import Basis

_N_POINTS = 513


def moments(basis: Basis) -> tuple[torch.Tensor, torch.Tensor]:
    """Average B_k^2 and (dB_k/du)^2 over the domain, u being the input mapped to [-1, 1].

    Args:
        basis: placed for I inputs.

    Returns:
        Two tensors (I, K).
    """
    low, high = basis.domain.detach().unbind(-1)
    share = (torch.arange(_N_POINTS, dtype=low.dtype, device=low.device) + 0.5) / _N_POINTS
    values, slopes = basis.jet(low + (high - low) * share.unsqueeze(-1), (0, 1))
    slopes = slopes * (0.5 * (high - low)).unsqueeze(-1)
    return values.detach().square().mean(0), slopes.detach().square().mean(0)


def glorot_deviation(basis: Basis, n_out: int) -> torch.Tensor:
    """Give standard deviations of coefficients that keep both values and gradients of order one.

    Going forward, an output has the variance I K s^2 E[B^2]; going back, an input's gradient has
    J K s^2 E[B'^2]. Their mean is set to one for every function, so that steep functions start small: a power
    law in the frequency or degree (Rigas et al., Initialization schemes for Kolmogorov-Arnold networks, 2025;
    the compromise is that of Glorot and Bengio 2010).

    Args:
        basis: placed for I inputs.
        n_out: number of outputs J.

    Returns:
        Shape (I, K).
    """
    value, slope = moments(basis)
    n_in, size = value.shape
    return (2 / (size * (n_in * value + n_out * slope))).sqrt()
