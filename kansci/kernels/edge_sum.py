"""The trilinear form's three gradients as differentiable functions, closed under differentiation.

S(v, g, c; t, nu) = sum_nijk v_ni g_nj c_jik B_k^(nu)(t_ni) is linear in v, g and c, and d/dt raises nu. So
the backward pass of each contraction is written with the other two, and may itself be differentiated as often
as wanted, on whatever kernels run. Sums are taken in the dtype of t, float32 where v, g and c are bfloat16.
"""

import inspect
from typing import Any

import torch
from torch.autograd import Function

from kansci.kernels.dispatch import contractions
from kansci.kernels.functions import Functions

Gradients = tuple[torch.Tensor | None, ...]


def to_outputs(
    functions: Functions, t: torch.Tensor, coef: torch.Tensor, v: torch.Tensor | None = None, nu: int = 0
) -> torch.Tensor:
    """Sum into every output: y_nj = sum_ik v_ni c_jik B_k^(nu)(t_ni).

    Args:
        functions: the K functions.
        t: shape (N, I), float32 or float64.
        coef: shape (J, I, K), of t's dtype or bfloat16.
        v: shape (N, I), or None for ones.
        nu: order of the derivative.

    Returns:
        y, shape (N, J), in the dtype of `coef`.
    """
    return _run(_ToOutputs, functions, nu, t, v, coef)


def to_inputs(
    functions: Functions, t: torch.Tensor, coef: torch.Tensor, g: torch.Tensor, nu: int = 0
) -> torch.Tensor:
    """Sum into every input: s_ni = sum_jk g_nj c_jik B_k^(nu)(t_ni).

    Args:
        functions: the K functions.
        t: shape (N, I).
        coef: shape (J, I, K).
        g: shape (N, J).
        nu: order of the derivative.

    Returns:
        s, shape (N, I), in the dtype of t.
    """
    return _run(_ToInputs, functions, nu, t, g, coef)


def to_coef(
    functions: Functions, t: torch.Tensor, g: torch.Tensor, v: torch.Tensor | None = None, nu: int = 0
) -> torch.Tensor:
    """Sum over the rows: d_jik = sum_n v_ni g_nj B_k^(nu)(t_ni).

    Args:
        functions: the K functions.
        t: shape (N, I).
        g: shape (N, J).
        v: shape (N, I), or None for ones.
        nu: order of the derivative.

    Returns:
        d, shape (J, I, K), in the dtype of `g`.
    """
    return _run(_ToCoef, functions, nu, t, v, g)


def _run(function: type[Function], *arguments: Any) -> torch.Tensor:
    """Record the contraction where that matters: on small layers the recording is most of the time.

    `torch.compile` sees the plain operations of the reference and differentiates those itself.
    """
    if torch.compiler.is_compiling() or not _may_be_differentiated():
        return function.forward(*arguments)
    return function.apply(*arguments)


def _may_be_differentiated() -> bool:
    return torch.is_grad_enabled() or torch._C._are_functorch_transforms_active()


def _with_signature(forward: Any) -> Any:
    """Say once what torch otherwise finds out anew at every call, by inspection."""
    forward.__signature__ = inspect.signature(forward)
    return forward


class _Contraction(Function):
    """What the three have in common: arguments are the functions, nu, and the tensors."""

    generate_vmap_rule = True

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        ctx.functions, ctx.nu, *tensors = inputs
        ctx.save_for_backward(*tensors)


class _ToOutputs(_Contraction):
    @staticmethod
    @_with_signature
    def forward(
        functions: Functions, nu: int, t: torch.Tensor, v: torch.Tensor | None, coef: torch.Tensor
    ) -> torch.Tensor:
        return contractions(functions, t).to_outputs(functions, t, v, coef, nu).to(coef.dtype)

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> Gradients:
        t, v, coef = ctx.saved_tensors
        _, _, need_t, need_v, need_coef = ctx.needs_input_grad
        by_t = _times(v, to_inputs(ctx.functions, t, coef, g, ctx.nu + 1)) if need_t else None
        by_v = to_inputs(ctx.functions, t, coef, g, ctx.nu).to(v.dtype) if need_v else None
        by_coef = to_coef(ctx.functions, t, g, v, ctx.nu) if need_coef else None
        return None, None, by_t, by_v, by_coef


class _ToInputs(_Contraction):
    @staticmethod
    @_with_signature
    def forward(
        functions: Functions, nu: int, t: torch.Tensor, g: torch.Tensor, coef: torch.Tensor
    ) -> torch.Tensor:
        return contractions(functions, t).to_inputs(functions, t, g, coef, nu)

    @staticmethod
    def backward(ctx: Any, v: torch.Tensor) -> Gradients:
        t, g, coef = ctx.saved_tensors
        _, _, need_t, need_g, need_coef = ctx.needs_input_grad
        by_t = v * to_inputs(ctx.functions, t, coef, g, ctx.nu + 1) if need_t else None
        by_g = to_outputs(ctx.functions, t, coef, v, ctx.nu).to(g.dtype) if need_g else None
        by_coef = to_coef(ctx.functions, t, g, v, ctx.nu).to(coef.dtype) if need_coef else None
        return None, None, by_t, by_g, by_coef


class _ToCoef(_Contraction):
    @staticmethod
    @_with_signature
    def forward(
        functions: Functions, nu: int, t: torch.Tensor, v: torch.Tensor | None, g: torch.Tensor
    ) -> torch.Tensor:
        return contractions(functions, t).to_coef(functions, t, v, g, nu).to(g.dtype)

    @staticmethod
    def backward(ctx: Any, coef: torch.Tensor) -> Gradients:
        t, v, g = ctx.saved_tensors
        _, _, need_t, need_v, need_g = ctx.needs_input_grad
        by_t = _times(v, to_inputs(ctx.functions, t, coef, g, ctx.nu + 1)) if need_t else None
        by_v = to_inputs(ctx.functions, t, coef, g, ctx.nu).to(v.dtype) if need_v else None
        by_g = to_outputs(ctx.functions, t, coef, v, ctx.nu) if need_g else None
        return None, None, by_t, by_v, by_g


def _times(v: torch.Tensor | None, inputs: torch.Tensor) -> torch.Tensor:
    return inputs if v is None else v * inputs
