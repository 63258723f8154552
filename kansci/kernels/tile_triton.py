"""The three contractions of S(v, g, c; x, nu) as tiled Triton kernels, for any family of functions.

S = sum_nijk v_ni g_nj c_jik B_k^(nu)(x_ni). A family is one device function VALUES(x, k, knots_ptr, i, K, NU,
PARAM) that gives B_k^(nu)(x) for a tile; the kernels evaluate it in registers and feed it to a matrix product
over m = (input, function), so no basis value ever reaches memory. Each sum is taken in a fixed order.
Tile letters: [BN] rows, [BJ] outputs, [BI] inputs, [BK] functions, BM = BI * BK.
"""

import triton
import triton.language as tl

_SIMULATED = tl.constexpr(triton.knobs.runtime.interpret)


@triton.jit
def _product(a, b, total, OPERAND: tl.constexpr, PRECISION: tl.constexpr):
    """Add the matrix product of a and b, rounded to OPERAND, to `total` in the dtype of `total`."""
    a = a.to(OPERAND)
    b = b.to(OPERAND)
    if _SIMULATED:  # it would multiply the bits of bfloat16; in float32 the products are the same, exactly
        a = a.to(total.dtype)
        b = b.to(total.dtype)
    return tl.dot(a, b, total, input_precision=PRECISION, out_dtype=total.dtype)


@triton.jit
def _weighted_values(
    x_ptr, v_ptr, knots_ptr, n, i, k, N, I,
    VALUES: tl.constexpr, K: tl.constexpr, NU: tl.constexpr, PARAM: tl.constexpr,
):  # fmt: skip
    """Evaluate v_ni B_k^(nu)(x_ni), zero outside the tensors: [BN, BI * BK]."""
    inside = (n < N)[:, None] & (i < I)[None, :]  # [BN, BI]
    cell = n[:, None] * I + i[None, :]
    x = tl.load(x_ptr + cell, mask=inside, other=0.0)
    own = tl.minimum(i, I - 1)[None, :, None]  # a padded input reads the last one's knots
    values = VALUES(x[:, :, None], k[None, None, :], knots_ptr, own, K, NU, PARAM)  # [BN, BI, BK]
    if v_ptr is not None:
        v = tl.load(v_ptr + cell, mask=inside, other=0.0)
        values = values * v.to(x.dtype)[:, :, None]
    values = tl.where(inside[:, :, None] & (k < K)[None, None, :], values, 0.0)
    return tl.reshape(values, (n.shape[0], i.shape[0] * k.shape[0]))


@triton.jit
def _columns(i, k, I, K: tl.constexpr):
    """Number the pairs (input, function) as in a row of coef, and tell which exist: two [BI * BK]."""
    size: tl.constexpr = i.shape[0] * k.shape[0]
    column = tl.reshape(i[:, None] * K + k[None, :], (size,))
    exists = tl.reshape((i < I)[:, None] & (k < K)[None, :], (size,))
    return column, exists


@triton.jit
def to_outputs_kernel(
    x_ptr, v_ptr, coef_ptr, knots_ptr, y_ptr, N, I, J,
    VALUES: tl.constexpr, K: tl.constexpr, NU: tl.constexpr, PARAM: tl.constexpr,
    BN: tl.constexpr, BJ: tl.constexpr, BI: tl.constexpr, BK: tl.constexpr,
    OPERAND: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """y_nj = sum_ik v_ni c_jik B_k^(nu)(x_ni), one program a [BN, BJ] tile of y."""
    n = tl.program_id(0).to(tl.int64) * BN + tl.arange(0, BN)
    j = tl.program_id(1).to(tl.int64) * BJ + tl.arange(0, BJ)
    y = tl.zeros((BN, BJ), y_ptr.dtype.element_ty)
    for first_i in range(0, I, BI):
        i = first_i + tl.arange(0, BI).to(tl.int64)
        for first_k in range(0, K, BK):
            k = first_k + tl.arange(0, BK)
            values = _weighted_values(x_ptr, v_ptr, knots_ptr, n, i, k, N, I, VALUES, K, NU, PARAM)
            m, exists = _columns(i, k, I, K)
            coef = tl.load(  # [BM, BJ]
                coef_ptr + j[None, :] * I * K + m[:, None], mask=exists[:, None] & (j < J)[None, :], other=0.0
            )
            y = _product(values, coef, y, OPERAND, PRECISION)
    tl.store(y_ptr + n[:, None] * J + j[None, :], y, mask=(n < N)[:, None] & (j < J)[None, :])


@triton.jit
def to_inputs_kernel(
    x_ptr, g_ptr, coef_ptr, knots_ptr, s_ptr, N, I, J,
    VALUES: tl.constexpr, K: tl.constexpr, NU: tl.constexpr, PARAM: tl.constexpr,
    BN: tl.constexpr, BJ: tl.constexpr, BI: tl.constexpr, BK: tl.constexpr,
    OPERAND: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """s_ni = sum_jk g_nj c_jik B_k^(nu)(x_ni), one program a [BN, BI] tile of s."""
    n = tl.program_id(0).to(tl.int64) * BN + tl.arange(0, BN)
    i = tl.program_id(1).to(tl.int64) * BI + tl.arange(0, BI)
    s = tl.zeros((BN, BI), s_ptr.dtype.element_ty)
    for first_k in range(0, K, BK):
        k = first_k + tl.arange(0, BK)
        m, exists = _columns(i, k, I, K)
        slopes = tl.zeros((BN, BI * BK), s.dtype)  # sum_j g_nj c_jik
        for first_j in range(0, J, BJ):
            j = first_j + tl.arange(0, BJ).to(tl.int64)
            g = tl.load(
                g_ptr + n[:, None] * J + j[None, :], mask=(n < N)[:, None] & (j < J)[None, :], other=0.0
            )
            coef = tl.load(  # [BJ, BM]
                coef_ptr + j[:, None] * I * K + m[None, :], mask=(j < J)[:, None] & exists[None, :], other=0.0
            )
            slopes = _product(g, coef, slopes, OPERAND, PRECISION)
        values = _weighted_values(x_ptr, None, knots_ptr, n, i, k, N, I, VALUES, K, NU, PARAM)
        s += tl.sum(tl.reshape(slopes * values, (BN, BI, BK)), axis=2)
    tl.store(s_ptr + n[:, None] * I + i[None, :], s, mask=(n < N)[:, None] & (i < I)[None, :])


@triton.jit
def to_coef_kernel(
    x_ptr, v_ptr, g_ptr, knots_ptr, parts_ptr, N, I, J, rows,
    VALUES: tl.constexpr, K: tl.constexpr, NU: tl.constexpr, PARAM: tl.constexpr,
    BN: tl.constexpr, BJ: tl.constexpr, BI: tl.constexpr, BK: tl.constexpr,
    OPERAND: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """d_jik = sum_n v_ni g_nj B_k^(nu)(x_ni) over the `rows` rows of one part; parts (parts, J, I, K)."""
    chunks: tl.constexpr = (K + BK - 1) // BK
    i = (tl.program_id(0) // chunks).to(tl.int64) * BI + tl.arange(0, BI)
    k = (tl.program_id(0) % chunks) * BK + tl.arange(0, BK)
    j = tl.program_id(1).to(tl.int64) * BJ + tl.arange(0, BJ)
    part = tl.program_id(2).to(tl.int64)
    end = tl.minimum((part + 1) * rows, N)
    total = tl.zeros((BJ, BI * BK), parts_ptr.dtype.element_ty)
    for first_n in range(part * rows, end, BN):
        n = first_n + tl.arange(0, BN).to(tl.int64)
        values = _weighted_values(x_ptr, v_ptr, knots_ptr, n, i, k, end, I, VALUES, K, NU, PARAM)
        g = tl.load(  # [BJ, BN]
            g_ptr + n[None, :] * J + j[:, None], mask=(n < end)[None, :] & (j < J)[:, None], other=0.0
        )
        total = _product(g, values, total, OPERAND, PRECISION)
    m, exists = _columns(i, k, I, K)
    tl.store(
        parts_ptr + (part * J + j[:, None]) * I * K + m[None, :],
        total,
        mask=(j < J)[:, None] & exists[None, :],
    )


@triton.jit
def sum_parts_kernel(parts_ptr, out_ptr, size, parts, BLOCK: tl.constexpr):
    """Add the parts of the coefficients' gradient, always in the same order: (parts, size) -> (size,)."""
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    total = tl.zeros((BLOCK,), out_ptr.dtype.element_ty)
    for _ in range(parts):
        total += tl.load(parts_ptr + at, mask=at < size, other=0.0)
        parts_ptr += size
    tl.store(out_ptr + at, total, mask=at < size)
