"""Three innermost loops as vector instructions: numba alone cannot prove that arrays do not overlap.

Each takes a point's k+1 weights and k+1 adjacent rows of a tile, every row `tile` numbers long. How long a
row and how many there are is part of the arguments' types (the length of a tuple), so that LLVM unrolls both.
"""

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

_BYTES = 64  # of a vector; LLVM splits it where the processor's are shorter
_INDEX = ir.IntType(64)


class _Tile:
    """Code of the rows of one tile: which vectors they are, how they are loaded and stored."""

    def __init__(self, context: Any, builder: Any, dtype: Any, n_vectors: int):
        self._context, self._builder = context, builder
        self._size = dtype.bitwidth // 8
        self._lanes = lanes(self._size)
        self.type = ir.VectorType(context.get_value_type(dtype), self._lanes)
        self.length = self._lanes * n_vectors
        self.steps = range(0, self.length, self._lanes)

    def pointer(self, array_type: Any, array: Any, start: Any) -> Any:
        data = self._context.make_array(array_type)(self._context, self._builder, array).data
        return self._builder.gep(data, [start])

    def _vector_pointer(self, pointer: Any, offset: int) -> Any:
        moved = self._builder.gep(pointer, [ir.Constant(_INDEX, offset)])
        return self._builder.bitcast(moved, self.type.as_pointer())

    def load(self, pointer: Any, offset: int) -> Any:
        value = self._builder.load(self._vector_pointer(pointer, offset))
        value.align = self._size
        return value

    def store(self, value: Any, pointer: Any, offset: int) -> None:
        self._builder.store(value, self._vector_pointer(pointer, offset)).align = self._size

    def weights(self, pointer: Any, count: int) -> list[Any]:
        """Numbers that follow each other in memory, each spread over a vector."""
        return [self._spread(self._builder.gep(pointer, [ir.Constant(_INDEX, r)])) for r in range(count)]

    def _spread(self, pointer: Any) -> Any:
        nothing, first = ir.Constant(self.type, ir.Undefined), ir.Constant(ir.IntType(32), 0)
        one = self._builder.insert_element(nothing, self._builder.load(pointer), first)
        return self._builder.shuffle_vector(one, nothing, self._lane_numbers(lambda _: 0))

    def _lane_numbers(self, number: Any) -> Any:
        return ir.Constant(
            ir.VectorType(ir.IntType(32), self._lanes), [number(k) for k in range(self._lanes)]
        )

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        product = self._builder.fmul(a, b, flags=("contract",))
        return self._builder.fadd(product, c, flags=("contract",))

    def total(self, value: Any) -> Any:
        """Sum of a vector's numbers, by halves."""
        half = self._lanes // 2
        while half:
            turned = self._lane_numbers(lambda k, half=half: (k + half) % self._lanes)
            value = self._builder.fadd(value, self._builder.shuffle_vector(value, value, turned))
            half //= 2
        return self._builder.extract_element(value, ir.Constant(ir.IntType(32), 0))


def lanes(size: int) -> int:
    """Numbers of `size` bytes in a vector."""
    return _BYTES // size


@intrinsic
def add_rows(typingctx, y, y_at, weights, weights_at, rows, rows_at, terms, vectors):  # type: ignore[no-untyped-def]
    """y[y_at:][:tile] += sum_r weights[weights_at + r] * rows[rows_at + r * tile:][:tile]."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        target, target_at, w, w_at, source, source_at, _, _ = arguments
        tile = _Tile(context, builder, y.dtype, vectors.count)
        spread = tile.weights(tile.pointer(weights, w, w_at), terms.count)
        out, row = tile.pointer(y, target, target_at), tile.pointer(rows, source, source_at)
        for step in tile.steps:
            value = tile.load(out, step)
            for r, weight in enumerate(spread):
                value = tile.multiply_add(weight, tile.load(row, r * tile.length + step), value)
            tile.store(value, out, step)
        return context.get_dummy_value()

    index = types.intp
    return types.void(y, index, weights, index, rows, index, terms, vectors), code


@intrinsic
def dot_rows(typingctx, g, g_at, weights, weights_at, rows, rows_at, terms, vectors):  # type: ignore[no-untyped-def]
    """Give sum_r weights[weights_at + r] * <g[g_at:][:tile], rows[rows_at + r * tile:][:tile]>."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        left, left_at, w, w_at, source, source_at, _, _ = arguments
        tile = _Tile(context, builder, g.dtype, vectors.count)
        spread = tile.weights(tile.pointer(weights, w, w_at), terms.count)
        factor, row = tile.pointer(g, left, left_at), tile.pointer(rows, source, source_at)
        total = ir.Constant(tile.type, [0.0] * tile.type.count)
        for step in tile.steps:
            value = builder.fmul(spread[0], tile.load(row, step))
            for r, weight in enumerate(spread[1:], 1):
                value = tile.multiply_add(weight, tile.load(row, r * tile.length + step), value)
            total = tile.multiply_add(value, tile.load(factor, step), total)
        return tile.total(total)

    index = types.intp
    return g.dtype(g, index, weights, index, rows, index, terms, vectors), code


@intrinsic
def add_outer(typingctx, rows, rows_at, weights, weights_at, g, g_at, terms, vectors):  # type: ignore[no-untyped-def]
    """rows[rows_at + r * tile:][:tile] += weights[weights_at + r] * g[g_at:][:tile] for every r."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        target, target_at, w, w_at, right, right_at, _, _ = arguments
        tile = _Tile(context, builder, g.dtype, vectors.count)
        spread = tile.weights(tile.pointer(weights, w, w_at), terms.count)
        factor, row = tile.pointer(g, right, right_at), tile.pointer(rows, target, target_at)
        for step in tile.steps:
            value = tile.load(factor, step)
            for r, weight in enumerate(spread):
                at = r * tile.length + step
                tile.store(tile.multiply_add(weight, value, tile.load(row, at)), row, at)
        return context.get_dummy_value()

    index = types.intp
    return types.void(rows, index, weights, index, g, index, terms, vectors), code
