"""Triton's kernels without a GPU: simulated in a process of their own, and compiled to machine code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("triton")
HERE = Path(__file__).parent


@pytest.mark.slow
def test_simulated_kernels_are_the_reference():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "interpreted_triton.py"]
    environment = os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-4000:]


def compiled(architecture, dtypes, orders):
    """(family, contraction, order) -> resources; in this process Triton must be the compiler."""
    if os.environ.get("TRITON_INTERPRET") == "1":
        pytest.skip("TRITON_INTERPRET=1 replaces the compiler")
    from kansci.kernels.compile_triton import compile_ahead, variants

    return {
        (variant.family, variant.contraction, variant.nu, variant.dtype): compile_ahead(variant, architecture)
        for variant in variants(dtypes, orders)
    }


def check(kernels, architecture):
    shared = {80: 163 * 1024, 90: 227 * 1024}[architecture]  # what a program may take
    for key, resources in kernels.items():
        assert resources.shared <= shared, key
        allowed = 0 if key[1] == "to_outputs" else 64  # bytes; the forward kernels must not spill
        assert max(resources.spill_stores, resources.spill_loads) <= allowed, key


@pytest.mark.parametrize("architecture", [80, 90])
def test_every_kernel_compiles_and_forward_ones_without_spills(architecture):
    kernels = compiled(architecture, (torch.float32,), (0,))
    assert len(kernels) == 5 * 3 + 2 * 2 + 1
    check(kernels, architecture)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [80, 90])
def test_other_precisions_and_derivatives_compile(architecture):
    check(compiled(architecture, (torch.bfloat16,), (0, 2)), architecture)
    check(compiled(architecture, (torch.float64,), (1,)), architecture)
