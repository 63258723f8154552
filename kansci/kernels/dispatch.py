"""Which implementation of the contractions runs: plain torch, compiled loops, or fused kernels on a GPU."""

import contextlib
import contextvars
import functools
import importlib
import importlib.util
import os
from collections.abc import Callable, Iterator
from typing import Any

import torch

from kansci.errors import KernelError, SettingsError
from kansci.kernels import reference
from kansci.kernels.functions import Functions

_CHOICES = ("auto", "torch", "triton")
_chosen: contextvars.ContextVar[str] = contextvars.ContextVar("kernels", default="auto")


@contextlib.contextmanager
def use_kernels(choice: str) -> Iterator[None]:
    """Choose the implementation inside a `with` block; it holds in this thread or task only.

    Args:
        choice: "torch", "triton", or "auto": triton on CUDA and numba on the CPU where they are installed,
            else torch.

    Yields:
        Nothing.

    Raises:
        SettingsError: there is no such choice.
    """
    if choice not in _CHOICES:
        raise SettingsError(f"use_kernels({choice!r}): choose one of {', '.join(_CHOICES)}")
    token = _chosen.set(choice)
    try:
        yield
    finally:
        _chosen.reset(token)


def contractions(functions: Functions, t: torch.Tensor) -> Any:
    """Give the module whose `to_outputs`, `to_inputs` and `to_coef` are to run.

    Args:
        functions: what is summed over.
        t: coordinates, which say device and dtype.

    Returns:
        The reference, the family's Triton module, or the compiled loops for cardinal splines.
    """
    if torch.compiler.is_compiling():
        return reference
    choice = _chosen.get()
    if _runs_triton(t, choice):
        return importlib.import_module(f"kansci.kernels.{functions.family}_triton")
    if choice == "auto" and _runs_numba(functions, t):
        return importlib.import_module("kansci.kernels.bspline_numba")
    return reference


def written_out(x: torch.Tensor) -> Callable[..., tuple[torch.Tensor, ...]] | None:
    """Give the compiled `spline_jet` if it can run at points x: on the CPU, where nothing is recorded."""
    plain = x.numel() > 0 and not torch.is_grad_enabled() and not torch.compiler.is_compiling()
    if not plain or _chosen.get() != "auto" or not _has_loops(x):
        return None
    return importlib.import_module("kansci.kernels.jet_numba").spline_jet


def _runs_numba(functions: Functions, t: torch.Tensor) -> bool:
    return functions.family == "bspline" and functions.knots is None and _has_loops(t)


def _has_loops(t: torch.Tensor) -> bool:
    if t.device.type != "cpu":
        return False
    # Under torch.func tensors have no memory of their own that compiled code could read.
    inside_transform = torch._C._functorch.peek_interpreter_stack() is not None
    return not inside_transform and _numba_is_installed()


@functools.cache
def _numba_is_installed() -> bool:
    return importlib.util.find_spec("numba") is not None


def _runs_triton(t: torch.Tensor, choice: str) -> bool:
    if choice == "auto":
        return t.is_cuda and t.dtype == torch.float32 and importlib.util.find_spec("triton") is not None
    if choice == "triton":
        _check_triton(t)
    return choice == "triton"


def _check_triton(t: torch.Tensor) -> None:
    if importlib.util.find_spec("triton") is None:
        raise KernelError('use_kernels("triton"): the package triton is not installed; use "torch" or "auto"')
    if not t.is_cuda and os.environ.get("TRITON_INTERPRET") != "1":
        raise KernelError(
            f'use_kernels("triton"): the tensors are on "{t.device}" and Triton needs a CUDA device; '
            'move them there, use "auto", or set TRITON_INTERPRET=1 to simulate'
        )
