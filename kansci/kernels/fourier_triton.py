"""Fourier modes 1, cos x, sin x, cos 2x, sin 2x, ... on the GPU; the reference is `functions.py`."""

import triton
import triton.language as tl

from kansci.kernels.launch_triton import Family


@triton.jit
def fourier_values(
    x, k, knots_ptr, i, K: tl.constexpr, NU: tl.constexpr, PARAM: tl.constexpr
):  # fmt: skip
    """m^nu sin(m x + quarter pi/2) with m = (k + 1) // 2; the cosine is a quarter turn ahead of the sine."""
    mode = ((k + 1) // 2).to(x.dtype)
    quarter = (k % 2 + NU + (k == 0)).to(x.dtype)
    angle = mode * x
    # sin(angle + quarter pi/2) = (-1)^turn sin(angle - (turn - quarter/2) pi): no table, no slow path.
    turn = tl.floor(angle * 0.3183098861837907 + 0.5 * quarter + 0.5)
    rest = turn - 0.5 * quarter
    # pi in two summands, the first short enough for an exact product (Cody and Waite 1980).
    angle = (angle - rest * 3.140625) - rest * 0.0009676535897932385
    sine = _sine(angle)
    odd = turn - 2.0 * tl.floor(0.5 * turn)
    value = sine - 2.0 * odd * sine
    for _ in tl.static_range(NU):
        value = value * mode
    return value


@triton.jit
def _sine(angle):
    """The Taylor series of sin on [-pi/2, pi/2], to less than a rounding error."""
    terms: tl.constexpr = 10 if angle.dtype == tl.float64 else 6
    square = angle * angle
    series = tl.full(angle.shape, 1.0, angle.dtype)
    for q in tl.static_range(terms, 0, -1):
        series = 1.0 - square * series * (1.0 / (2 * q * (2 * q + 1)))
    return angle * series


FAMILY = Family(fourier_values, lambda functions: 0)
to_outputs, to_inputs, to_coef = FAMILY.to_outputs, FAMILY.to_inputs, FAMILY.to_coef
