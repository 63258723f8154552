"""B-splines on the GPU, cardinal or on each input's own knots; the reference is `bspline.py`.

With many intervals, where a row touches only k + 1 of K splines, the sums gather those k + 1 coefficients;
otherwise the tiled kernels multiply by all K, because a matrix product reads each coefficient once a tile.
"""

import torch
import triton
import triton.language as tl

from kansci.kernels.functions import Functions
from kansci.kernels.launch_triton import (
    Family,
    contiguous,
    launch,
    operand,
    precision,
)


@triton.jit
def bspline_values(x, k, knots_ptr, i, K: tl.constexpr, NU: tl.constexpr, PARAM: tl.constexpr):
    """Spread the local values over the functions k of a tile; PARAM is the degree."""
    first, local = local_values(x, knots_ptr, i, K, NU, PARAM)
    values = tl.zeros_like(x) * k.to(x.dtype)
    for r in tl.static_range(PARAM + 1):
        values = tl.where(k == first + r, local[r], values)
    return values


@triton.jit
def local_values(x, knots_ptr, i, K: tl.constexpr, NU: tl.constexpr, DEGREE: tl.constexpr):
    """Give the k + 1 splines that live on the interval of each x, and the number of the first of them.

    Piegl and Tiller, The NURBS Book, algorithm A2.2; its last nu columns are replaced by the derivative's
    recurrence B'_{i,p} = p B_{i,p-1}/(t_{i+p} - t_i) - p B_{i+1,p-1}/(t_{i+p+1} - t_{i+1}).
    """
    if knots_ptr is None:
        start = tl.where(x >= 0.0, tl.minimum(tl.floor(x), K - DEGREE - 1.0), 0.0)  # a NaN's is the first
        first = start.to(tl.int32)
        knots = _integers(start, DEGREE)
    else:
        row_ptr = knots_ptr + i * (K + DEGREE + 1)
        first = _interval(x, row_ptr, K - DEGREE, DEGREE)
        knots = _neighbours(row_ptr + first, DEGREE)
    values = (tl.full(x.shape, 1.0, x.dtype),)
    for p in tl.static_range(1, DEGREE + 1):
        carried = tl.zeros_like(x)
        column = ()
        for r in tl.static_range(p):
            low = knots[DEGREE - p + r]
            high = knots[DEGREE + r]
            if knots_ptr is None:
                term = values[r] * (1.0 / p)
            else:
                term = values[r] / (high - low)
            if p <= DEGREE - NU:
                down = (high - x) * term
                up = (x - low) * term
            else:
                down = -p * term
                up = p * term
            column = column + (down + carried,)
            carried = up
        values = column + (carried,)
    return first, values


@triton.jit
def _integers(start, DEGREE: tl.constexpr):
    """The 2k knots around an interval that begins at `start`."""
    knots = ()
    for r in tl.static_range(2 * DEGREE):
        knots = knots + (start + (r + 1.0 - DEGREE),)
    return knots


@triton.jit
def _neighbours(first_ptr, DEGREE: tl.constexpr):
    """The 2k knots around an interval; inputs and intervals are clamped, so every address exists."""
    knots = ()
    for r in tl.static_range(2 * DEGREE):
        knots = knots + (tl.load(first_ptr + (r + 1)),)
    return knots


@triton.jit
def _interval(x, row_ptr, G: tl.constexpr, DEGREE: tl.constexpr):
    """Bisect for the last of the G intervals that begins at or before x, the first if none does."""
    steps: tl.constexpr = _bits(G)
    first = tl.zeros(x.shape, tl.int32)
    for bit in tl.static_range(steps):
        further = first + (1 << (steps - 1 - bit))
        knot = tl.load(row_ptr + DEGREE + further, mask=further < G, other=float("inf"))
        first = tl.where(knot <= x, further, first)
    return first


@triton.constexpr_function
def _bits(number):
    """How many halvings find one of `number` things."""
    return (number - 1).bit_length()


@triton.jit
def gather_outputs_kernel(
    x_ptr, v_ptr, coef_ptr, knots_ptr, y_ptr, N, I, J,
    K: tl.constexpr, NU: tl.constexpr, DEGREE: tl.constexpr, BN: tl.constexpr, BJ: tl.constexpr,
):  # fmt: skip
    """y_nj = sum_ir v_ni c_{i,first+r,j} B_{first+r}(x_ni), one program a [BN, BJ] tile; coef (I, K, J)."""
    n = tl.program_id(0).to(tl.int64) * BN + tl.arange(0, BN)
    j = tl.program_id(1).to(tl.int64) * BJ + tl.arange(0, BJ)
    inside = (n < N)[:, None] & (j < J)[None, :]
    y = tl.zeros((BN, BJ), y_ptr.dtype.element_ty)
    for number in range(I):
        i = tl.full((), 0, tl.int64) + number
        x = tl.load(x_ptr + n * I + i, mask=n < N, other=0.0)  # [BN]
        first, values = local_values(x, knots_ptr, i, K, NU, DEGREE)
        v = tl.full(x.shape, 1.0, x.dtype)
        if v_ptr is not None:
            v = tl.load(v_ptr + n * I + i, mask=n < N, other=0.0).to(x.dtype)
        near_ptr = coef_ptr + ((i * K + first) * J)[:, None] + j[None, :]
        for r in tl.static_range(DEGREE + 1):
            coef = tl.load(near_ptr + r * J, mask=inside, other=0.0)  # [BN, BJ]
            y += (v * values[r])[:, None] * coef.to(y.dtype)
    tl.store(y_ptr + n[:, None] * J + j[None, :], y, mask=inside)


@triton.jit
def gather_inputs_kernel(
    x_ptr, g_ptr, coef_ptr, knots_ptr, s_ptr, N, I, J,
    K: tl.constexpr, NU: tl.constexpr, DEGREE: tl.constexpr, BN: tl.constexpr, BJ: tl.constexpr,
):  # fmt: skip
    """s_ni = sum_jr g_nj c_{i,first+r,j} B_{first+r}(x_ni), one program BN rows of one input."""
    n = tl.program_id(0).to(tl.int64) * BN + tl.arange(0, BN)
    i = tl.program_id(1).to(tl.int64)
    x = tl.load(x_ptr + n * I + i, mask=n < N, other=0.0)  # [BN]
    first, values = local_values(x, knots_ptr, i, K, NU, DEGREE)
    total = tl.zeros((BN, BJ), s_ptr.dtype.element_ty)
    for first_j in range(0, J, BJ):
        j = first_j + tl.arange(0, BJ).to(tl.int64)
        inside = (n < N)[:, None] & (j < J)[None, :]
        g = tl.load(g_ptr + n[:, None] * J + j[None, :], mask=inside, other=0.0).to(x.dtype)
        near_ptr = coef_ptr + ((i * K + first) * J)[:, None] + j[None, :]
        edge = tl.zeros_like(total)
        for r in tl.static_range(DEGREE + 1):
            coef = tl.load(near_ptr + r * J, mask=inside, other=0.0)  # [BN, BJ]
            edge += values[r][:, None] * coef.to(x.dtype)
        total += g * edge
    tl.store(s_ptr + n * I + i, tl.sum(total, axis=1), mask=n < N)


_GATHERED = {torch.float32: (32, 64, 8), torch.float64: (16, 32, 4)}
"""BN, BJ and warps of the gathering kernels, whose threads hold an address for each coefficient they read."""
_OUTPUTS_GAIN, _INPUTS_GAIN = 4, 16
"""How many times k + 1 functions must be skipped before gathering is the cheaper way; see ROOFLINE.md."""
FAMILY = Family(bspline_values, lambda functions: functions.degree)


def to_outputs(
    functions: Functions, x: torch.Tensor, v: torch.Tensor | None, coef: torch.Tensor, nu: int
) -> torch.Tensor:
    """Sum into every output, as `reference.to_outputs`: (N, I), (N, I) or None, (J, I, K) -> (N, J)."""
    if nu > functions.degree:
        return x.new_zeros(x.shape[0], coef.shape[0])
    if (
        not _gathers(functions, operand(coef, dtype=x.dtype), _OUTPUTS_GAIN)
        or not x.numel()
        or not coef.numel()
    ):
        return FAMILY.to_outputs(functions, x, v, coef, nu)
    (n, i), j = x.shape, coef.shape[0]
    y = x.new_empty(n, j)
    near = coef.permute(1, 2, 0).contiguous()  # (I, K, J), so that one row is read at a time
    constants = gather_constants(functions, nu, x.dtype)
    grid = (triton.cdiv(n, constants["BN"]), triton.cdiv(j, constants["BJ"]))
    tensors = (x.contiguous(), contiguous(v), near, contiguous(functions.knots), y)
    launch(gather_outputs_kernel, grid, *tensors, n, i, j, **constants)
    return y


def to_inputs(
    functions: Functions, x: torch.Tensor, g: torch.Tensor, coef: torch.Tensor, nu: int
) -> torch.Tensor:
    """Sum into every input, as `reference.to_inputs`: (N, I), (N, J), (J, I, K) -> (N, I)."""
    if nu > functions.degree:
        return torch.zeros_like(x)
    if (
        not _gathers(functions, operand(g, coef, dtype=x.dtype), _INPUTS_GAIN)
        or not x.numel()
        or not coef.numel()
    ):
        return FAMILY.to_inputs(functions, x, g, coef, nu)
    (n, i), j = x.shape, coef.shape[0]
    s = torch.empty_like(x, memory_format=torch.contiguous_format)
    near = coef.permute(1, 2, 0).contiguous()
    tensors = (x.contiguous(), g.contiguous(), near, contiguous(functions.knots), s)
    constants = gather_constants(functions, nu, x.dtype)
    grid = (triton.cdiv(n, constants["BN"]), i)
    launch(gather_inputs_kernel, grid, *tensors, n, i, j, **constants)
    return s


def to_coef(
    functions: Functions, x: torch.Tensor, v: torch.Tensor | None, g: torch.Tensor, nu: int
) -> torch.Tensor:
    """Sum over the rows, as `reference.to_coef`: (N, I), (N, I) or None, (N, J) -> (J, I, K)."""
    if nu > functions.degree:
        return x.new_zeros(g.shape[1], x.shape[1], functions.size)
    return FAMILY.to_coef(functions, x, v, g, nu)


def _gathers(functions: Functions, product: torch.dtype, gain: int) -> bool:
    """Gathering pays for each product with a load; a product on tensor cores is cheaper still."""
    on_tensor_cores = product == torch.bfloat16 or precision(product) != "ieee"
    return not on_tensor_cores and functions.size > gain * (functions.degree + 1)


def gather_constants(functions: Functions, nu: int, dtype: torch.dtype) -> dict[str, int]:
    """Collect the compile-time constants and the warps of the gathering kernels."""
    rows, outputs, warps = _GATHERED[dtype]
    return {
        "K": functions.size, "NU": nu, "DEGREE": functions.degree,
        "BN": rows, "BJ": outputs, "num_warps": warps,
    }  # fmt: skip
