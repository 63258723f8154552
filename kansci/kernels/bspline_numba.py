"""Cardinal B-splines on the CPU, compiled: only the k+1 functions that are not zero are evaluated.

On the interval m = floor(t) the splines m to m + k are polynomials in u = t - m, always the same ones, so a
value is one Horner scheme. On a coarse grid the values of a block of rows are written out, zeros included,
and summed by a matrix product; on a fine grid only the k+1 local terms are summed, over outputs that lie next
to each other in memory. Blocks of rows stay in the cache.
"""

import functools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numba
import numpy as np
import torch

from kansci.kernels.functions import Functions

_ROWS = 64
_BLOCK = 1 << 19  # values written out at a time
_COARSE = 16  # functions up to which products with zeros cost less than scattered sums


def to_outputs(
    functions: Functions, t: torch.Tensor, v: torch.Tensor | None, coef: torch.Tensor, nu: int
) -> torch.Tensor:
    """As the reference: y (N, J)."""
    if nu > functions.degree:
        return t.new_zeros((t.shape[0], coef.shape[0]))
    pieces = _pieces(functions.degree, nu, t.dtype)
    y = t.new_zeros((t.shape[0], coef.shape[0]))
    if functions.size <= _COARSE:
        flat = coef.detach().to(t.dtype).flatten(1)
        for start, values in _blocks(functions, t, v, pieces):
            torch.mm(values, flat.mT, out=y[start : start + len(values)])
        return y
    _outputs(*_arrays(t, t if v is None else v, coef.permute(1, 2, 0), y), pieces, v is not None)
    return y


def to_inputs(
    functions: Functions, t: torch.Tensor, g: torch.Tensor, coef: torch.Tensor, nu: int
) -> torch.Tensor:
    """As the reference: s (N, I)."""
    s = t.new_zeros(t.shape)
    if nu > functions.degree:
        return s
    pieces = _pieces(functions.degree, nu, t.dtype)
    if functions.size <= _COARSE:
        flat, points = coef.detach().to(t.dtype).flatten(1), t.detach().contiguous()
        length = _block_length(functions, t)
        for start in range(0, len(t), length):
            rows = slice(start, start + length)
            back = g.detach()[rows].to(t.dtype) @ flat
            _gather(points[rows].numpy(), back.unflatten(1, coef.shape[1:]).numpy(), s[rows].numpy(), pieces)
    else:
        _inputs(*_arrays(t, g, coef.permute(1, 2, 0), s), pieces)
    return s


def to_coef(
    functions: Functions, t: torch.Tensor, v: torch.Tensor | None, g: torch.Tensor, nu: int
) -> torch.Tensor:
    """As the reference: d (J, I, K)."""
    if nu > functions.degree:
        return t.new_zeros((g.shape[1], t.shape[1], functions.size))
    pieces = _pieces(functions.degree, nu, t.dtype)
    if functions.size <= _COARSE:
        total = t.new_zeros((g.shape[1], t.shape[1] * functions.size))
        for start, values in _blocks(functions, t, v, pieces):
            total.addmm_(g.detach()[start : start + len(values)].to(t.dtype).mT, values)
        return total.unflatten(1, (t.shape[1], functions.size))
    d = t.new_zeros((t.shape[1], functions.size, g.shape[1]))
    _coef(*_arrays(t, t if v is None else v, g, d), pieces, v is not None)
    return d.permute(2, 0, 1)


def _block_length(functions: Functions, t: torch.Tensor) -> int:
    return max(16, _BLOCK // max(1, t.shape[1] * functions.size))


def _blocks(
    functions: Functions, t: torch.Tensor, v: torch.Tensor | None, pieces: np.ndarray
) -> Iterator[tuple[int, torch.Tensor]]:
    """Write out values, times v, block by block: the first row's number and (rows, I K)."""
    points, weights = _arrays(t, t if v is None else v)
    length = _block_length(functions, t)
    for start in range(0, len(points), length):
        rows = slice(start, start + length)
        values = t.new_zeros((len(points[rows]), t.shape[1], functions.size))
        _scatter(points[rows], weights[rows], values.numpy(), pieces, v is not None)
        yield start, values.flatten(1)


def _arrays(t: torch.Tensor, *others: torch.Tensor) -> tuple[np.ndarray, ...]:
    return tuple(tensor.detach().to(t.dtype).contiguous().numpy() for tensor in (t, *others))


@functools.lru_cache(maxsize=64)
def _pieces(degree: int, nu: int, dtype: torch.dtype) -> np.ndarray:
    """Coefficients by falling power, shape (k+1, k+1-nu), of the nu-th derivatives of the k+1 polynomials."""
    rows = [[Fraction(1)]]  # by rising power; the recurrence of Cox and de Boor on integer knots
    for p in range(1, degree + 1):
        longer = [[Fraction(0)] * (p + 1) for _ in range(p + 1)]
        for r, row in enumerate(rows):
            for power, value in enumerate(row):
                longer[r][power] += (r + 1) * value / p
                longer[r][power + 1] -= value / p
                longer[r + 1][power] += (p - 1 - r) * value / p
                longer[r + 1][power + 1] += value / p
        rows = longer
    for _ in range(nu):
        rows = [[power * value for power, value in enumerate(row)][1:] for row in rows]
    return np.array([[float(value) for value in reversed(row)] for row in rows]).astype(
        np.float32 if dtype == torch.float32 else np.float64
    )


_compiled: Any = numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"}, error_model="numpy")


@_compiled
def _local(t, n_intervals, pieces, local):  # type: ignore[no-untyped-def]
    """Write the k+1 values at t; give the interval's number, inside the grid for any t, nan too."""
    interval = 0
    if t >= n_intervals - 1:
        interval = n_intervals - 1
    elif t >= 1:
        interval = int(t)
    u = t - pieces.dtype.type(interval)
    for r in range(pieces.shape[0]):
        value = pieces[r, 0]
        for power in range(1, pieces.shape[1]):
            value = value * u + pieces[r, power]
        local[r] = value
    return interval


@_compiled
def _scatter(t, v, values, pieces, weighted):  # type: ignore[no-untyped-def]
    local = np.empty(pieces.shape[0], t.dtype)
    n_intervals = values.shape[2] - pieces.shape[0] + 1
    for n in range(t.shape[0]):
        for i in range(t.shape[1]):
            interval = _local(t[n, i], n_intervals, pieces, local)
            weight = v[n, i] if weighted else t.dtype.type(1)
            for r in range(local.shape[0]):
                values[n, i, interval + r] = weight * local[r]


@_compiled
def _gather(t, back, s, pieces):  # type: ignore[no-untyped-def]
    local = np.empty(pieces.shape[0], t.dtype)
    n_intervals = back.shape[2] - pieces.shape[0] + 1
    for n in range(t.shape[0]):
        for i in range(t.shape[1]):
            interval = _local(t[n, i], n_intervals, pieces, local)
            total = t.dtype.type(0)
            for r in range(local.shape[0]):
                total += local[r] * back[n, i, interval + r]
            s[n, i] = total


@_compiled
def _outputs(t, v, coef, y, pieces, weighted):  # type: ignore[no-untyped-def]
    n_rows, n_inputs = t.shape
    n_local, n_intervals = pieces.shape[0], coef.shape[1] - pieces.shape[0] + 1
    local = np.empty(n_local, t.dtype)
    for start in range(0, n_rows, _ROWS):
        for i in range(n_inputs):
            for n in range(start, min(start + _ROWS, n_rows)):
                interval = _local(t[n, i], n_intervals, pieces, local)
                if weighted:
                    local *= v[n, i]
                row = y[n]
                if n_local == 4:  # one pass over the outputs instead of four
                    a, b, c, d = local[0], local[1], local[2], local[3]
                    part = coef[i, interval : interval + 4]
                    for j in range(row.shape[0]):
                        row[j] += a * part[0, j] + b * part[1, j] + c * part[2, j] + d * part[3, j]
                else:
                    for r in range(n_local):
                        for j in range(row.shape[0]):
                            row[j] += local[r] * coef[i, interval + r, j]


@_compiled
def _inputs(t, g, coef, s, pieces):  # type: ignore[no-untyped-def]
    n_rows, n_inputs = t.shape
    n_local, n_intervals = pieces.shape[0], coef.shape[1] - pieces.shape[0] + 1
    local = np.empty(n_local, t.dtype)
    for start in range(0, n_rows, _ROWS):
        for i in range(n_inputs):
            for n in range(start, min(start + _ROWS, n_rows)):
                interval = _local(t[n, i], n_intervals, pieces, local)
                row, total = g[n], s[n, i]
                if n_local == 4:
                    a, b, c, d = local[0], local[1], local[2], local[3]
                    part = coef[i, interval : interval + 4]
                    for j in range(row.shape[0]):
                        slope = a * part[0, j] + b * part[1, j] + c * part[2, j] + d * part[3, j]
                        total += row[j] * slope
                else:
                    for r in range(n_local):
                        for j in range(row.shape[0]):
                            total += local[r] * row[j] * coef[i, interval + r, j]
                s[n, i] = total


@_compiled
def _coef(t, v, g, d, pieces, weighted):  # type: ignore[no-untyped-def]
    n_rows, n_inputs = t.shape
    n_local, n_intervals = pieces.shape[0], d.shape[1] - pieces.shape[0] + 1
    local = np.empty(n_local, t.dtype)
    for start in range(0, n_rows, _ROWS):
        for i in range(n_inputs):
            for n in range(start, min(start + _ROWS, n_rows)):
                interval = _local(t[n, i], n_intervals, pieces, local)
                if weighted:
                    local *= v[n, i]
                row = g[n]
                if n_local == 4:
                    a, b, c, e = local[0], local[1], local[2], local[3]
                    part = d[i, interval : interval + 4]
                    for j in range(row.shape[0]):
                        part[0, j] += a * row[j]
                        part[1, j] += b * row[j]
                        part[2, j] += c * row[j]
                        part[3, j] += e * row[j]
                else:
                    for r in range(n_local):
                        for j in range(row.shape[0]):
                            d[i, interval + r, j] += local[r] * row[j]
