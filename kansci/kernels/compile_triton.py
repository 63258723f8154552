"""Compile the kernels for a GPU that need not be here, and read what each of them takes.

The compiler's last stage, ptxas, reports registers and spills; the shared memory is in Triton's own metadata.
"""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.backends.nvidia.compiler import get_ptxas
from triton.compiler import ASTSource

from kansci.kernels import bspline_triton, chebyshev_triton, fourier_triton, rbf_triton
from kansci.kernels.functions import Functions
from kansci.kernels.tile_triton import sum_parts_kernel, to_coef_kernel, to_inputs_kernel, to_outputs_kernel

ARCHITECTURES = (80, 90)
_POINTERS = {torch.float32: "*fp32", torch.float64: "*fp64", torch.bfloat16: "*bf16"}
_TYPICAL = {
    "bspline": (bspline_triton.FAMILY, Functions("bspline", 8, degree=3)),
    "bspline, own knots": (bspline_triton.FAMILY, Functions("bspline", 8, degree=3, knots=torch.empty(0))),
    "fourier": (fourier_triton.FAMILY, Functions("fourier", 9)),
    "chebyshev, rational": (chebyshev_triton.FAMILY, Functions("chebyshev", 8)),
    "rbf": (rbf_triton.FAMILY, Functions("rbf", 8, step=0.5)),
}
_TILED = {"to_outputs": to_outputs_kernel, "to_inputs": to_inputs_kernel, "to_coef": to_coef_kernel}
_GATHERED = {
    "to_outputs": bspline_triton.gather_outputs_kernel,
    "to_inputs": bspline_triton.gather_inputs_kernel,
}


@dataclass(frozen=True)
class Variant:
    """One kernel with everything its machine code depends on.

    Attributes:
        family: whose values it sums.
        contraction: which sum it takes.
        nu: order of the derivative.
        dtype: of the coefficients and gradients; x and the sums are float32 if it is bfloat16.
        kernel: the Triton function.
        constants: its compile-time constants, and `num_warps`.
    """

    family: str
    contraction: str
    nu: int
    dtype: torch.dtype
    kernel: Any
    constants: dict[str, Any]


@dataclass(frozen=True)
class Resources:
    """What one program, or one of its threads, takes: registers a thread, the rest in bytes."""

    registers: int
    shared: int
    spill_stores: int
    spill_loads: int
    stack: int


def variants(dtypes: tuple[torch.dtype, ...], orders: tuple[int, ...]) -> Iterator[Variant]:
    """List the kernels at typical sizes, 8 or 9 functions an edge, and 53 where coefficients are gathered."""
    for dtype in dtypes:
        for nu in orders:
            yield from _tiled(dtype, nu)
            if dtype != torch.bfloat16:
                yield from _gathered(dtype, nu)
        yield Variant("all", "sum_parts", 0, dtype, sum_parts_kernel, {"BLOCK": 1024, "num_warps": 4})


def _tiled(dtype: torch.dtype, nu: int) -> Iterator[Variant]:
    for name, (family, functions) in _TYPICAL.items():
        for contraction, kernel in _TILED.items():
            constants = family.constants(contraction, functions, nu, dtype)
            if functions.knots is None:
                constants["knots_ptr"] = None
            yield Variant(name, contraction, nu, dtype, kernel, constants)


def _gathered(dtype: torch.dtype, nu: int) -> Iterator[Variant]:
    for name in ("bspline", "bspline, own knots"):
        for contraction, kernel in _GATHERED.items():
            constants: dict[str, Any] = bspline_triton.gather_constants(
                Functions("bspline", 53, degree=3), nu, dtype
            )
            if name == "bspline":
                constants["knots_ptr"] = None
            yield Variant(f"{name}, gathered", contraction, nu, dtype, kernel, constants)


def compile_ahead(variant: Variant, architecture: int) -> Resources:
    """Compile one kernel to machine code.

    Args:
        variant: the kernel.
        architecture: compute capability of the GPU, 90 for an H100.

    Returns:
        What it takes.
    """
    constants = dict(variant.constants)
    warps = constants.pop("num_warps")
    wide = torch.float32 if variant.dtype == torch.bfloat16 else variant.dtype
    names = [name for name in variant.kernel.arg_names if name not in constants]
    narrow = {"v_ptr", "g_ptr", "coef_ptr"}
    signature = {
        name: _POINTERS[variant.dtype if name in narrow else wide] if name.endswith("_ptr") else "i32"
        for name in names
    }
    signature |= dict.fromkeys(constants, "constexpr")
    aligned = {
        (variant.kernel.arg_names.index(name),): [["tt.divisibility", 16]]
        for name in names
        if name.endswith("_ptr")
    }
    source = ASTSource(variant.kernel, signature, constexprs=constants, attrs=aligned)
    target = GPUTarget("cuda", architecture, 32)
    compiled = triton.compile(source, target=target, options={"num_warps": warps, "enable_fp_fusion": True})
    return _resources(compiled.asm["ptx"], architecture, compiled.metadata.shared)


def _resources(ptx: str, architecture: int, shared: int) -> Resources:
    (target,) = re.findall(r"^\.target (\w+)", ptx, flags=re.MULTILINE)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "kernel.ptx")
        source.write_text(ptx, encoding="utf-8")
        command = [
            get_ptxas(architecture).path,
            "-v",
            f"--gpu-name={target}",
            str(source),
            "-o",
            str(source.with_suffix(".cubin")),
        ]
        report = subprocess.run(command, check=True, capture_output=True, text=True).stderr

    def number(pattern: str) -> int:
        return int(re.findall(pattern, report)[-1])

    return Resources(
        registers=number(r"Used (\d+) registers"),
        shared=shared,
        spill_stores=number(r"(\d+) bytes spill stores"),
        spill_loads=number(r"(\d+) bytes spill loads"),
        stack=number(r"(\d+) bytes stack frame"),
    )
