"""Gaussian bumps exp(-(x - step k)^2) on the GPU; the reference is `functions.py`."""

import triton
import triton.language as tl

from kansci.kernels.launch_triton import Family


@triton.jit
def rbf_values(
    x, k, knots_ptr, i, K: tl.constexpr, NU: tl.constexpr, PARAM: tl.constexpr
):  # fmt: skip
    """D^(nu) of exp(-s^2), s = x - step k, by D^(q+1) = -2 s D^(q) - 2 q D^(q-1) (Hermite's recurrence)."""
    s = x - PARAM * k.to(x.dtype)
    before = tl.zeros_like(s)
    now = tl.exp(-s * s)
    for q in tl.static_range(NU):
        after = -2.0 * s * now - 2.0 * q * before
        before = now
        now = after
    return now


FAMILY = Family(rbf_values, lambda functions: functions.step)
to_outputs, to_inputs, to_coef = FAMILY.to_outputs, FAMILY.to_inputs, FAMILY.to_coef
