"""The base function of an edge, phi(x) = base_scale * b(u) + spline, its slope and its curvature."""

from collections.abc import Callable

import torch

from kansci.errors import SettingsError


def _silu_slope(u: torch.Tensor) -> torch.Tensor:
    gate = torch.sigmoid(u)
    return gate * (1 + u * (1 - gate))


def _silu_curvature(u: torch.Tensor) -> torch.Tensor:
    gate = torch.sigmoid(u)
    return gate * (1 - gate) * (2 + u * (1 - 2 * gate))


_Function = Callable[[torch.Tensor], torch.Tensor]
# name -> (b, b')
BASE_FUNCTIONS: dict[str, tuple[_Function, _Function]] = {
    "silu": (torch.nn.functional.silu, _silu_slope),
    "identity": (torch.clone, torch.ones_like),
    "tanh": (torch.tanh, lambda u: 1 - torch.tanh(u) ** 2),
    "zero": (lambda u: 0 * u, torch.zeros_like),
}


# name -> b''
_CURVATURES: dict[str, _Function] = {
    "silu": _silu_curvature,
    "identity": torch.zeros_like,
    "tanh": lambda u: -2 * torch.tanh(u) * (1 - torch.tanh(u) ** 2),
    "zero": torch.zeros_like,
}


def base_function(name: str) -> tuple[_Function, _Function]:
    """Look up a base function and its slope.

    Args:
        name: one of `BASE_FUNCTIONS`.

    Returns:
        (b, b'), both elementwise.

    Raises:
        SettingsError: there is no such base function.
    """
    if name not in BASE_FUNCTIONS:
        raise SettingsError(f"base_fun={name!r}: choose one of {', '.join(sorted(BASE_FUNCTIONS))}")
    return BASE_FUNCTIONS[name]


def base_curvature(name: str) -> _Function:
    """Look up a base function's second derivative; raises and arguments as `base_function`."""
    base_function(name)
    return _CURVATURES[name]
