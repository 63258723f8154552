"""Launch the tiled kernels of `tile_triton.py` on torch tensors, one `Family` for each set of functions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import triton
import triton.language as tl

from kansci.kernels.functions import Functions
from kansci.kernels.tile_triton import sum_parts_kernel, to_coef_kernel, to_inputs_kernel, to_outputs_kernel

TILES = {"to_outputs": (64, 64, 16), "to_inputs": (64, 16, 64), "to_coef": (32, 64, 64)}
"""BN, BJ and BM: a program sums 64 x 64 numbers, the most that stay in registers in every precision."""
WARPS = 8
_ADD = 1024
_PART = 256
_PROGRAMS = 1024
"""Enough programs to fill a large GPU about twice; the number of parts depends on the shapes alone."""
_TYPES = {torch.float32: tl.float32, torch.float64: tl.float64, torch.bfloat16: tl.bfloat16}
_PRECISION = {"highest": "ieee", "high": "tf32x3", "medium": "tf32"}


def precision(operand: torch.dtype) -> str:
    """Name Triton's arithmetic for float32 products, as `torch.set_float32_matmul_precision` asks."""
    return _PRECISION[torch.get_float32_matmul_precision()] if operand == torch.float32 else "ieee"


def operand(*tensors: torch.Tensor, dtype: torch.dtype) -> torch.dtype:
    """Give the dtype in which a product is taken: bfloat16 if all its factors are, else that of x."""
    return torch.bfloat16 if all(tensor.dtype == torch.bfloat16 for tensor in tensors) else dtype


@dataclass(frozen=True)
class Family:
    """A family's three contractions.

    Attributes:
        values: the device function VALUES of `tile_triton.py`.
        parameter: what it is given as PARAM.
    """

    values: Any
    parameter: Callable[[Functions], float]

    def to_outputs(
        self, functions: Functions, x: torch.Tensor, v: torch.Tensor | None, coef: torch.Tensor, nu: int
    ) -> torch.Tensor:
        """Sum into every output, as `reference.to_outputs`: (N, I), (N, I) or None, (J, I, K) -> (N, J)."""
        (n, i), j = x.shape, coef.shape[0]
        y = x.new_zeros(n, j)
        if y.numel() and i:
            constants = self.constants("to_outputs", functions, nu, operand(coef, dtype=x.dtype))
            grid = (triton.cdiv(n, constants["BN"]), triton.cdiv(j, constants["BJ"]))
            tensors = (x.contiguous(), contiguous(v), coef.contiguous(), contiguous(functions.knots), y)
            launch(to_outputs_kernel, grid, *tensors, n, i, j, **constants)
        return y

    def to_inputs(
        self, functions: Functions, x: torch.Tensor, g: torch.Tensor, coef: torch.Tensor, nu: int
    ) -> torch.Tensor:
        """Sum into every input, as `reference.to_inputs`: (N, I), (N, J), (J, I, K) -> (N, I)."""
        (n, i), j = x.shape, coef.shape[0]
        s = torch.zeros_like(x, memory_format=torch.contiguous_format)
        if s.numel() and j:
            constants = self.constants("to_inputs", functions, nu, operand(g, coef, dtype=x.dtype))
            grid = (triton.cdiv(n, constants["BN"]), triton.cdiv(i, constants["BI"]))
            tensors = (x.contiguous(), g.contiguous(), coef.contiguous(), contiguous(functions.knots), s)
            launch(to_inputs_kernel, grid, *tensors, n, i, j, **constants)
        return s

    def to_coef(
        self, functions: Functions, x: torch.Tensor, v: torch.Tensor | None, g: torch.Tensor, nu: int
    ) -> torch.Tensor:
        """Sum over the rows, as `reference.to_coef`: (N, I), (N, I) or None, (N, J) -> (J, I, K).

        Every part of the rows is summed by one program and the parts in a second stage, both in a fixed order
        and without atomics, so that equal arguments give equal bits.
        """
        (n, i), j = x.shape, g.shape[1]
        gradient = x.new_zeros(j, i, functions.size)
        if not (gradient.numel() and n):
            return gradient
        constants = self.constants("to_coef", functions, nu, operand(g, dtype=x.dtype))
        tiles = triton.cdiv(i, constants["BI"]) * triton.cdiv(functions.size, constants["BK"])
        blocks = triton.cdiv(j, constants["BJ"])
        parts, rows = split(n, tiles * blocks)
        partial = gradient if parts == 1 else x.new_empty(parts, *gradient.shape)
        tensors = (x.contiguous(), contiguous(v), g.contiguous(), contiguous(functions.knots), partial)
        launch(to_coef_kernel, (tiles, blocks, parts), *tensors, n, i, j, rows, **constants)
        if parts > 1:
            size = gradient.numel()
            launch(sum_parts_kernel, (triton.cdiv(size, _ADD),), partial, gradient, size, parts, BLOCK=_ADD)
        return gradient

    def constants(
        self, contraction: str, functions: Functions, nu: int, product: torch.dtype
    ) -> dict[str, Any]:
        """Collect a kernel's compile-time constants and its warps; `product` is its factors' dtype."""
        rows, outputs, columns = TILES[contraction]
        block = min(triton.next_power_of_2(functions.size), 16)
        return {
            "VALUES": self.values, "K": functions.size, "NU": nu, "PARAM": self.parameter(functions),
            "BN": rows, "BJ": outputs, "BI": columns // block, "BK": block,
            "OPERAND": _TYPES[product], "PRECISION": precision(product), "num_warps": WARPS,
        }  # fmt: skip


def split(rows: int, tiles: int) -> tuple[int, int]:
    """Split the rows into parts for programs that run side by side.

    Args:
        rows: N >= 1.
        tiles: programs each part takes.

    Returns:
        The number of parts, none empty, and the rows of each but the last.
    """
    wanted = max(1, min(triton.cdiv(_PROGRAMS, tiles), triton.cdiv(rows, _PART)))
    each = triton.cdiv(rows, wanted)
    return triton.cdiv(rows, each), each


def contiguous(tensor: torch.Tensor | None) -> torch.Tensor | None:
    """Lay out a tensor as the kernels read it; None stays None."""
    return None if tensor is None else tensor.contiguous()


def launch(kernel: Any, grid: tuple[int, ...], *arguments: Any, **constants: Any) -> None:
    """Run a kernel on the device of its first argument; the default of the fused multiply-add varies."""
    with torch.cuda.device_of(arguments[0]):
        kernel[grid](*arguments, enable_fp_fusion=True, **constants)
