"""Cardinal B-splines on the CPU, compiled: only the k+1 functions that are not zero are evaluated.

On the interval m = floor(t) the splines m to m + k are polynomials in u = t - m, always the same ones, so a
value is one Horner scheme. On a coarse grid the values of a block of rows are written out, zeros included,
and summed by a matrix product. On a fine grid only the k+1 local terms are summed: outputs lie in tiles that
stay in the innermost cache, next to the coefficients of one input.
"""

import functools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numba
import numpy as np
import torch

from kansci.kernels.functions import Functions
from kansci.kernels.vector_numba import add_outer, add_rows, dot_rows, lanes

_BLOCK = 1 << 19  # values written out at a time
_COARSE = 16  # functions up to which products with zeros cost less than scattered sums
_ROWS = 4096  # placed at a time on a fine grid
_TILE = 2  # vectors

Pieces = tuple[tuple[Any, ...], ...]


def to_outputs(
    functions: Functions, t: torch.Tensor, v: torch.Tensor | None, coef: torch.Tensor, nu: int
) -> torch.Tensor:
    """As the reference: y (N, J)."""
    if nu > functions.degree or not t.numel():
        return t.new_zeros((t.shape[0], coef.shape[0]))
    coef = coef.detach().to(t.dtype)
    if functions.size <= _COARSE:
        y = t.new_empty((t.shape[0], coef.shape[0]))
        for start, values in _blocks(functions, t, v, nu):
            torch.mm(values, coef.flatten(1).mT, out=y[start : start + len(values)])
        return y
    vectors, tiles = _tiles(len(coef), t.dtype)
    packed, y = _packed(coef, tiles), t.new_zeros((tiles[0], t.shape[0], tiles[1]))
    for place in _placed(functions, t, v, nu):
        _outputs(place, packed, y.numpy(), vectors)
    return _unpacked(y, len(coef)).mT


def to_inputs(
    functions: Functions, t: torch.Tensor, g: torch.Tensor, coef: torch.Tensor, nu: int
) -> torch.Tensor:
    """As the reference: s (N, I)."""
    if nu > functions.degree or not t.numel():
        return t.new_zeros(t.shape)
    coef, g = coef.detach().to(t.dtype), g.detach().to(t.dtype)
    if functions.size <= _COARSE:
        s, points, pieces = t.new_empty(t.shape), _array(t), polynomials(functions.degree, nu, t.dtype)
        length = _block_length(functions, t)
        for start in range(0, len(t), length):
            rows = slice(start, start + length)
            back = (g[rows] @ coef.flatten(1)).unflatten(1, coef.shape[1:])
            _gather(points[rows], back.numpy(), s[rows].numpy(), pieces)
        return s
    vectors, tiles = _tiles(len(coef), t.dtype)
    packed, back = _packed(coef, tiles), _packed(g.mT, tiles)
    s = t.new_zeros((t.shape[1], t.shape[0]))
    for place in _placed(functions, t, None, nu):
        _inputs(place, back, packed, s.numpy(), vectors)
    return s.mT


def to_coef(
    functions: Functions, t: torch.Tensor, v: torch.Tensor | None, g: torch.Tensor, nu: int
) -> torch.Tensor:
    """As the reference: d (J, I, K)."""
    shape = (g.shape[1], t.shape[1], functions.size)
    if nu > functions.degree or not t.numel():
        return t.new_zeros(shape)
    g = g.detach().to(t.dtype)
    if functions.size <= _COARSE:
        total = t.new_zeros((shape[0], shape[1] * shape[2]))
        for start, values in _blocks(functions, t, v, nu):
            total.addmm_(g[start : start + len(values)].mT, values)
        return total.unflatten(1, shape[1:])
    vectors, tiles = _tiles(g.shape[1], t.dtype)
    d, right = t.new_zeros((tiles[0], shape[1], shape[2], tiles[1])), _packed(g.mT, tiles)
    for place in _placed(functions, t, v, nu):
        _coef(place, right, d.numpy(), vectors)
    return _unpacked(d, shape[0])


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().contiguous().numpy()


def _block_length(functions: Functions, t: torch.Tensor) -> int:
    return max(16, _BLOCK // (t.shape[1] * functions.size))


def _blocks(
    functions: Functions, t: torch.Tensor, v: torch.Tensor | None, nu: int
) -> Iterator[tuple[int, torch.Tensor]]:
    """Write out values, times v, block by block: the first row's number and (rows, I K)."""
    pieces, points = polynomials(functions.degree, nu, t.dtype), _array(t)
    weights = points if v is None else _array(v.to(t.dtype))
    length = _block_length(functions, t)
    for start in range(0, len(points), length):
        rows = slice(start, start + length)
        values = t.new_zeros((len(points[rows]), t.shape[1], functions.size))
        _scatter(points[rows], weights[rows], values.numpy(), pieces, v is not None)
        yield start, values.flatten(1)


def _tiles(n_outputs: int, dtype: torch.dtype) -> tuple[tuple[int, ...], tuple[int, int]]:
    """Vectors of a tile, as many as the tuple is long, and the number and length of the tiles."""
    lane = lanes(dtype.itemsize)
    n_vectors = min(_TILE, -(-n_outputs // lane))
    length = n_vectors * lane
    return (0,) * n_vectors, (-(-n_outputs // length), length)


def _packed(tensor: torch.Tensor, tiles: tuple[int, int]) -> np.ndarray:
    """Outputs first (J, ...) to tiles (tiles, ..., length), the last one filled up with zeros."""
    count, length = tiles
    missing = count * length - len(tensor)
    if missing:
        tensor = torch.cat([tensor, tensor.new_zeros((missing, *tensor.shape[1:]))])
    return _array(tensor.unflatten(0, tiles).movedim(1, -1))


def _unpacked(tensor: torch.Tensor, n_outputs: int) -> torch.Tensor:
    """Undo `_packed`: a (J, ...) view."""
    return tensor.movedim(-1, 1).flatten(0, 1)[:n_outputs]


def _placed(
    functions: Functions, t: torch.Tensor, v: torch.Tensor | None, nu: int
) -> Iterator[tuple[int, np.ndarray, np.ndarray, tuple[int, ...]]]:
    """For some rows at a time: the first one's number, intervals (I, rows), values (I, rows, k+1), terms."""
    pieces, points = polynomials(functions.degree, nu, t.dtype), _array(t.mT)
    weights = points if v is None else _array(v.to(t.dtype).mT)
    for start in range(0, points.shape[1], _ROWS):
        rows = slice(start, start + _ROWS)
        here = points[:, rows]
        interval = np.empty(here.shape, np.int32)
        local = np.empty((*here.shape, len(pieces)), here.dtype)
        n_intervals = functions.size - functions.degree
        _place(here, weights[:, rows], n_intervals, interval, local, pieces, v is not None)
        yield start, interval, local, (0,) * len(pieces)


@functools.lru_cache(maxsize=64)
def polynomials(degree: int, nu: int, dtype: torch.dtype) -> Pieces:
    """Coefficients by falling power of the nu-th derivatives of the k+1 polynomials, each k+1-nu of them."""
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
    number = np.float32 if dtype == torch.float32 else np.float64
    return tuple(tuple(number(value) for value in reversed(row)) for row in rows)


compiled: Any = numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"}, error_model="numpy")


@numba.njit(inline="always")
def horner(row, u):  # type: ignore[no-untyped-def]
    """Value at u of the polynomial with these coefficients, the highest power's first."""
    value = row[0]
    for power in range(1, len(row)):
        value = value * u + row[power]
    return value


@numba.njit(inline="always")
def interval_of(t, last):  # type: ignore[no-untyped-def]
    """Number of the interval, inside the grid for any t, nan too; compared in t's own precision."""
    inside = t if t > type(t)(0) else type(t)(0)
    return np.int32(inside if inside < last else last)


@compiled
def _scatter(t, v, values, pieces, weighted):  # type: ignore[no-untyped-def]
    last = t.dtype.type(values.shape[2] - len(pieces))
    for n in range(t.shape[0]):
        for i in range(t.shape[1]):
            m = interval_of(t[n, i], last)
            u = t[n, i] - t.dtype.type(m)
            weight = v[n, i] if weighted else t.dtype.type(1)
            for r in range(len(pieces)):
                values[n, i, m + r] = weight * horner(pieces[r], u)


@compiled
def _gather(t, back, s, pieces):  # type: ignore[no-untyped-def]
    last = t.dtype.type(back.shape[2] - len(pieces))
    for n in range(t.shape[0]):
        for i in range(t.shape[1]):
            m = interval_of(t[n, i], last)
            u = t[n, i] - t.dtype.type(m)
            total = t.dtype.type(0)
            for r in range(len(pieces)):
                total += horner(pieces[r], u) * back[n, i, m + r]
            s[n, i] = total


@compiled
def _place(t, v, n_intervals, interval, local, pieces, weighted):  # type: ignore[no-untyped-def]
    last = t.dtype.type(n_intervals - 1)
    for i in range(t.shape[0]):
        for n in range(t.shape[1]):
            m = interval_of(t[i, n], last)
            u = t[i, n] - t.dtype.type(m)
            weight = v[i, n] if weighted else t.dtype.type(1)
            interval[i, n] = m
            for r in range(len(pieces)):
                local[i, n, r] = weight * horner(pieces[r], u)


@compiled
def _outputs(place, coef, y, vectors):  # type: ignore[no-untyped-def]
    start, interval, local, terms = place
    n_inputs, n_rows = interval.shape
    _, n_all, length = y.shape
    for tile in range(coef.shape[0]):
        for i in range(n_inputs):
            at = (tile * n_inputs + i) * coef.shape[2]
            for n in range(n_rows):
                y_at = (tile * n_all + start + n) * length
                w_at, c_at = (i * n_rows + n) * len(terms), (at + interval[i, n]) * length
                add_rows(y, y_at, local, w_at, coef, c_at, terms, vectors)


@compiled
def _inputs(place, g, coef, s, vectors):  # type: ignore[no-untyped-def]
    start, interval, local, terms = place
    n_inputs, n_rows = interval.shape
    _, n_all, length = g.shape
    for tile in range(coef.shape[0]):
        for i in range(n_inputs):
            at = (tile * n_inputs + i) * coef.shape[2]
            for n in range(n_rows):
                g_at = (tile * n_all + start + n) * length
                w_at, c_at = (i * n_rows + n) * len(terms), (at + interval[i, n]) * length
                s[i, start + n] += dot_rows(g, g_at, local, w_at, coef, c_at, terms, vectors)


@compiled
def _coef(place, g, d, vectors):  # type: ignore[no-untyped-def]
    start, interval, local, terms = place
    n_inputs, n_rows = interval.shape
    _, n_all, length = g.shape
    for tile in range(d.shape[0]):
        for i in range(n_inputs):
            at = (tile * n_inputs + i) * d.shape[2]
            for n in range(n_rows):
                g_at = (tile * n_all + start + n) * length
                w_at, d_at = (i * n_rows + n) * len(terms), (at + interval[i, n]) * length
                add_outer(d, d_at, local, w_at, g, g_at, terms, vectors)
