"""The sum over edges and its two partners, as plain contractions: read this first.

A layer is the trilinear form S(v, g, c; t, nu) = sum_nijk v_ni g_nj c_jik B_k^(nu)(t_ni). Its gradients with
respect to g, v and c are `to_outputs`, `to_inputs` and `to_coef`; a forward pass is `to_outputs` at v = 1.
Letters: N rows, I inputs, J outputs, K functions per edge.

These compute in the dtype of t. `sum_edges` and `edge_values` start from values that are known already; any
leading dimensions (a population) broadcast there.
"""

import torch

from kansci.kernels.functions import Functions


def to_outputs(
    functions: Functions, t: torch.Tensor, v: torch.Tensor | None, coef: torch.Tensor, nu: int
) -> torch.Tensor:
    """Sum into every output: y_nj = sum_ik v_ni c_jik B_k^(nu)(t_ni).

    Args:
        functions: the K functions.
        t: shape (N, I).
        v: shape (N, I), or None for ones.
        coef: shape (J, I, K).
        nu: order of the derivative.

    Returns:
        y, shape (N, J).
    """
    values = functions.values(t, nu)
    if v is not None:
        values = values * v.to(t.dtype).unsqueeze(-1)
    return sum_edges(values, coef.to(t.dtype))


def to_inputs(
    functions: Functions, t: torch.Tensor, g: torch.Tensor, coef: torch.Tensor, nu: int
) -> torch.Tensor:
    """Sum into every input: s_ni = sum_jk g_nj c_jik B_k^(nu)(t_ni).

    Args:
        functions: the K functions.
        t: shape (N, I).
        g: shape (N, J).
        coef: shape (J, I, K).
        nu: order of the derivative.

    Returns:
        s, shape (N, I).
    """
    back = g.to(t.dtype) @ coef.to(t.dtype).flatten(1)  # (N, I K)
    return (functions.values(t, nu) * back.unflatten(-1, coef.shape[1:])).sum(-1)


def to_coef(
    functions: Functions, t: torch.Tensor, v: torch.Tensor | None, g: torch.Tensor, nu: int
) -> torch.Tensor:
    """Sum over the rows: d_jik = sum_n v_ni g_nj B_k^(nu)(t_ni).

    Args:
        functions: the K functions.
        t: shape (N, I).
        v: shape (N, I), or None for ones.
        g: shape (N, J).
        nu: order of the derivative.

    Returns:
        d, shape (J, I, K).
    """
    values = functions.values(t, nu)
    if v is not None:
        values = values * v.to(t.dtype).unsqueeze(-1)
    return (g.to(t.dtype).mT @ values.flatten(1)).unflatten(-1, values.shape[1:])


def sum_edges(values: torch.Tensor, coef: torch.Tensor) -> torch.Tensor:
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


def edge_values(values: torch.Tensor, coef: torch.Tensor) -> torch.Tensor:
    """Give every edge's own value: s_nji = sum_k c_jik B_k(x_ni), the slopes when `values` holds B_k'.

    Args:
        values: shape (..., N, I, K).
        coef: shape (..., J, I, K).

    Returns:
        s, shape (..., N, J, I).
    """
    per_input = values.movedim(-2, -3) @ coef.movedim(-2, -3).mT  # (..., I, N, K) @ (..., I, K, J)
    return per_input.movedim(-3, -1)
