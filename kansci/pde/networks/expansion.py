"""Functions of one variable on the nodes of a layer, with derivatives of any order."""

from abc import ABC, abstractmethod
from typing import Any

import torch

from kansci.basis.activations import POINTWISE
from kansci.basis.base import Basis
from kansci.errors import SettingsError

__all__ = ["BasisFunctions", "Expansion", "Pointwise"]


class Expansion(ABC):
    """K functions of each of M nodes."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of functions K of a node."""

    @abstractmethod
    def values(self, x: torch.Tensor, orders: int) -> tuple[torch.Tensor, ...]:
        """Evaluate derivatives 0 to `orders` at x (N, M), each (N, M, K)."""

    def derivatives(self, x: torch.Tensor, order: int) -> tuple[torch.Tensor, ...]:
        """Evaluate derivatives 0 to `order` at x (N, M), each (N, M, K), differentiable by x once."""
        return _Derivatives.apply(x, self, order)


class _Derivatives(torch.autograd.Function):
    """The derivative of f^(m) is f^(m+1), which the forward pass evaluates along with the others."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, expansion: Expansion, order: int) -> tuple[torch.Tensor, ...]:
        ctx.set_materialize_grads(False)
        if not ctx.needs_input_grad[0]:
            return expansion.values(x.detach(), order)
        jets = expansion.values(x.detach(), order + 1)
        ctx.save_for_backward(*jets[1:])
        return jets[:-1]

    @staticmethod
    def backward(ctx: Any, *slopes: torch.Tensor | None) -> tuple[torch.Tensor | None, None, None]:
        terms = [g * f for g, f in zip(slopes, ctx.saved_tensors, strict=True) if g is not None]
        return (sum(terms[1:], start=terms[0]).sum(-1) if terms else None), None, None


class BasisFunctions(Expansion):
    """The functions of a basis, as on the edges of a KAN."""

    def __init__(self, basis: Basis):
        """Take over a basis of M inputs."""
        self.basis = basis

    @property
    def size(self) -> int:
        """Number of functions K."""
        return self.basis.size

    def values(self, x: torch.Tensor, orders: int) -> tuple[torch.Tensor, ...]:
        """Evaluate derivatives 0 to `orders` at x (N, M), each (N, M, K)."""
        return self.basis.jet(x, tuple(range(orders + 1)))


class Pointwise(Expansion):
    """One function for all nodes, as in a multilayer perceptron or a SIREN."""

    def __init__(self, name: str, frequency: float = 1.0):
        """Choose the function f(frequency * x).

        Args:
            name: "tanh", "sine", "gaussian" or "identity".
            frequency: factor of the argument, omega_0 of SIREN (Sitzmann et al., 2020).

        Raises:
            SettingsError: there is no such function.
        """
        if name not in POINTWISE:
            raise SettingsError(f"activation={name!r}: choose one of {', '.join(sorted(POINTWISE))}")
        self.name, self.frequency = name, frequency

    @property
    def size(self) -> int:
        """One function."""
        return 1

    def values(self, x: torch.Tensor, orders: int) -> tuple[torch.Tensor, ...]:
        """Evaluate derivatives 0 to `orders` at x (N, M), each (N, M, 1)."""
        jets = POINTWISE[self.name](x * self.frequency, orders)
        return tuple((jet * self.frequency**nu).unsqueeze(-1) for nu, jet in enumerate(jets))
