"""Chebyshev polynomials T_k on the GPU; with row weights v = 1/(1 + |Q(x)|), the rational family as well."""

import math

import triton
import triton.language as tl

from kansci.kernels.launch_triton import Family


@triton.jit
def chebyshev_values(
    x, k, knots_ptr, i, K: tl.constexpr, NU: tl.constexpr, PARAM: tl.constexpr
):  # fmt: skip
    """T_k^(nu)(x) = 2^(nu-1) (nu-1)! k C_{k-nu}^(nu)(x), C Gegenbauer's polynomials (DLMF 18.9.21, 18.9.19).

    One three-term recurrence of order nu therefore gives any derivative.
    """
    before = tl.zeros_like(x)
    now = tl.full(x.shape, 1.0, x.dtype)
    values = tl.zeros_like(x) * k.to(x.dtype)
    for order in tl.static_range(NU, K):
        values = tl.where(k == order, _weight(order, NU) * now, values)
        after = _ahead(order, NU) * x * now - _behind(order, NU) * before
        before = now
        now = after
    return values


@triton.constexpr_function
def _weight(order, nu):
    """T_order^(nu) over the Gegenbauer polynomial of degree order - nu: 2^(nu-1) (nu-1)! order, or 1."""
    return 2.0 ** (nu - 1) * math.factorial(nu - 1) * order if nu else 1.0


@triton.constexpr_function
def _ahead(order, nu):
    """Factor of x and the present polynomial in the next one."""
    if nu:
        return 2.0 * order / (order - nu + 1)
    return 2.0 if order else 1.0


@triton.constexpr_function
def _behind(order, nu):
    """Factor of the last polynomial in the next one."""
    return (order + nu - 1.0) / (order - nu + 1) if nu else 1.0


FAMILY = Family(chebyshev_values, lambda functions: 0)
to_outputs, to_inputs, to_coef = FAMILY.to_outputs, FAMILY.to_inputs, FAMILY.to_coef
