"""What sympy's functions are in torch, elementwise; at least one argument is a tensor."""

import functools
import math
import operator
from collections.abc import Callable

import numpy as np
import scipy.special
import sympy
import torch

__all__ = ["FUNCTIONS", "power"]

Value = torch.Tensor | float


def power(exponent: sympy.Expr) -> Callable[[Value, Value], Value]:
    """Give the function (base, exponent) -> base**exponent, exact for whole numbers and roots."""
    if exponent == sympy.S.Half:
        return lambda base, _: base**0.5
    if exponent == -sympy.S.Half:
        return lambda base, _: 1 / base**0.5
    if exponent.is_Integer:
        n = int(exponent)
        return lambda base, _: base**n if n > 0 else 1 / base**-n
    return operator.pow


def _tensors(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """Let a function that wants tensors take numbers as well."""

    def call(*values: Value) -> torch.Tensor:
        first = next(value for value in values if isinstance(value, torch.Tensor))
        return functools.reduce(
            function, (v if isinstance(v, torch.Tensor) else torch.full_like(first, v) for v in values)
        )

    return call


def _scipys(name: str) -> Callable[..., torch.Tensor]:
    """Take a function from scipy: torch has no such function, or one of fewer digits (its Bessel J and Y)."""

    def call(*values: Value) -> torch.Tensor:
        first = next(value for value in values if isinstance(value, torch.Tensor))
        arrays = [value.numpy(force=True) if isinstance(value, torch.Tensor) else value for value in values]
        return torch.as_tensor(getattr(scipy.special, name)(*arrays)).to(first)

    return call


def _lambert_w(x: torch.Tensor) -> torch.Tensor:
    w = scipy.special.lambertw(x.numpy(force=True))
    return torch.as_tensor(np.where(w.imag == 0, w.real, np.nan)).to(x)


FUNCTIONS: dict[type, Callable[..., Value]] = {
    sympy.Add: lambda *values: functools.reduce(operator.add, values),
    sympy.Mul: lambda *values: functools.reduce(operator.mul, values),
    sympy.exp: torch.exp,
    sympy.log: torch.log,
    sympy.sin: torch.sin,
    sympy.cos: torch.cos,
    sympy.tan: torch.tan,
    sympy.cot: lambda x: 1 / torch.tan(x),
    sympy.sec: lambda x: 1 / torch.cos(x),
    sympy.csc: lambda x: 1 / torch.sin(x),
    sympy.asin: torch.asin,
    sympy.acos: torch.acos,
    sympy.atan: torch.atan,
    sympy.atan2: _tensors(torch.atan2),
    sympy.sinh: torch.sinh,
    sympy.cosh: torch.cosh,
    sympy.tanh: torch.tanh,
    sympy.coth: lambda x: 1 / torch.tanh(x),
    sympy.sech: lambda x: 1 / torch.cosh(x),
    sympy.csch: lambda x: 1 / torch.sinh(x),
    sympy.asinh: torch.asinh,
    sympy.acosh: torch.acosh,
    sympy.atanh: torch.atanh,
    sympy.erf: torch.erf,
    sympy.erfc: torch.erfc,
    sympy.sinc: lambda x: torch.sinc(x / math.pi),
    sympy.Abs: torch.abs,
    sympy.sign: torch.sign,
    sympy.floor: torch.floor,
    sympy.ceiling: torch.ceil,
    sympy.Max: _tensors(torch.maximum),
    sympy.Min: _tensors(torch.minimum),
    sympy.Heaviside: _tensors(torch.heaviside),
    sympy.DiracDelta: lambda x, *_: torch.zeros_like(x),  # almost everywhere
    sympy.gamma: _scipys("gamma"),
    sympy.loggamma: _scipys("loggamma"),
    sympy.polygamma: _scipys("polygamma"),
    sympy.LambertW: _lambert_w,
    sympy.besselj: _scipys("jv"),
    sympy.bessely: _scipys("yv"),
    sympy.besseli: _scipys("iv"),
    sympy.besselk: _scipys("kv"),
}
