"""The sum over edges and its partner, as plain contractions: read this first.

A layer is the trilinear form S(v, g, c; x, nu) = sum_nijk v_ni g_nj c_jik B_k^(nu)(x_ni). `edge_sum` is its
gradient with respect to g at v = 1, `edge_sum_slopes` the table from which the gradient with respect to x is
read off.
Letters: N rows, I inputs, J outputs, K functions per edge; any leading dimensions (a population) broadcast.
"""

import torch


def edge_sum(values: torch.Tensor, coef: torch.Tensor) -> torch.Tensor:
    """Sum the edges into every output: y_nj = sum_ik c_jik B_k(x_ni).

    Args:
        values: B_k(x_ni), shape (..., N, I, K); without leading dimensions it is shared by all of `coef`'s.
        coef: c_jik, shape (..., J, I, K).

    Returns:
        y, shape (..., N, J).
    """
    flat = coef.flatten(-2)
    if values.ndim == 3 and coef.ndim > 3:  # one product for the whole population instead of one each
        rows = values.flatten(-2) @ flat.flatten(0, -2).mT
        return rows.unflatten(-1, flat.shape[:-1]).movedim(0, -2)
    return values.flatten(-2) @ flat.mT


def edge_sum_slopes(values: torch.Tensor, coef: torch.Tensor) -> torch.Tensor:
    """Give every edge's own value: s_nji = sum_k c_jik B_k(x_ni), the slopes when `values` holds B_k'.

    Args:
        values: shape (..., N, I, K).
        coef: shape (..., J, I, K).

    Returns:
        s, shape (..., N, J, I).
    """
    per_input = values.movedim(-2, -3) @ coef.movedim(-2, -3).mT  # (..., I, N, K) @ (..., I, K, J)
    return per_input.movedim(-3, -1)
