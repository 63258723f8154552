"""A field as its network and what makes it meet conditions exactly: u = g + phi N."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import numpy as np
import sympy
import torch

from kansci.pde.jets import Index, JetPlan
from kansci.pde.networks.network import AtPoints, Forward, Network
from kansci.pde.numeric import evaluate

__all__ = ["Continued", "FieldAtPoints", "FieldModel", "Known", "Particular"]


class Particular(Protocol):
    """A function of a field's arguments that is known with its derivatives."""

    def jet(self, points: np.ndarray, plan: JetPlan) -> torch.Tensor:
        """Evaluate the plan's derivatives at points (N, d): (C, N)."""
        ...


class Known:
    """A known function of the coordinates with its derivatives."""

    def __init__(self, expr: sympy.Expr, symbols: Sequence[sympy.Symbol]):
        """Take over an expression in the symbols."""
        self.expr, self.symbols = expr, tuple(symbols)

    def jet(self, points: np.ndarray, plan: JetPlan) -> torch.Tensor:
        """Evaluate the plan's derivatives at points (N, d): (C, N)."""
        names = [symbol.name for symbol in self.symbols]
        derivatives = (_derivative(self.expr, self.symbols, index) for index in plan.indices)
        return torch.from_numpy(np.stack([evaluate(d, names, points) for d in derivatives]))


@lru_cache(maxsize=512)
def _derivative(expr: sympy.Expr, symbols: tuple[sympy.Symbol, ...], index: Index) -> sympy.Expr:
    pairs = [(s, n) for s, n in zip(symbols, index, strict=True) if n]
    return sympy.diff(expr, *pairs) if pairs else expr


@dataclass(frozen=True, eq=False)
class FieldModel:
    """u = g + phi N for one field.

    Attributes:
        network: N.
        axes: which of the problem's coordinates are the field's arguments.
        bounds: of these, (d, 2); the network sees them mapped to [-1, 1].
        particular: g, or None for zero.
        factor: phi; None for one.
    """

    network: Network
    axes: tuple[int, ...]
    bounds: np.ndarray
    particular: Particular | None = None
    factor: Known | None = None

    def at(self, points: np.ndarray, wanted: Sequence[Index]) -> "FieldAtPoints":
        """Prepare for points (N, D) of the whole problem and derivatives by the field's own arguments."""
        own = np.ascontiguousarray(points[:, self.axes])
        plan = JetPlan.of(wanted, len(self.axes))
        low, high = torch.from_numpy(self.bounds).T
        inputs = plan.coordinates(torch.from_numpy(own), 2 / (high - low), (low + high) / 2)
        return FieldAtPoints(
            plan,
            self.network.at(inputs, plan),
            None if self.particular is None else self.particular.jet(own, plan),
            None if self.factor is None else self.factor.jet(own, plan),
        )


@dataclass(frozen=True, eq=False)
class FieldAtPoints:
    """A field at fixed points, as a function of its network's weights.

    Attributes:
        plan: which derivatives are there.
        network: from weights to an evaluation.
        particular: jet of g, (C, N), or None.
        factor: jet of phi, (C, N), or None.
    """

    plan: JetPlan
    network: AtPoints
    particular: torch.Tensor | None
    factor: torch.Tensor | None

    def forward(self, weights: torch.Tensor) -> Forward:
        """Evaluate the field's jet and its slopes."""
        inner = self.network(weights)
        factor, jacobian = self.factor, inner.jacobian
        value = inner.value if factor is None else self.plan.multiply(factor, inner.value)
        if self.particular is not None:
            value = value + self.particular
        if factor is None:
            return inner if self.particular is None else Forward(value, jacobian)
        return Forward(value, lambda g: jacobian(self.plan.adjoint(factor, g)))


@dataclass(frozen=True, eq=False)
class Continued:
    """What a field was when a window of time began, going on as it did: g + phi M with a known network M.

    Attributes:
        particular: g, or None for zero.
        past: phi M, without a particular part.
        weights: of M.
    """

    particular: Particular | None
    past: FieldModel
    weights: torch.Tensor

    def jet(self, points: np.ndarray, plan: JetPlan) -> torch.Tensor:
        """Evaluate the plan's derivatives at the field's own points (N, d): (C, N)."""
        own = replace(self.past, axes=tuple(range(points.shape[1]))).at(points, plan.indices)
        with torch.no_grad():
            past = own.forward(self.weights).value
        return past if self.particular is None else past + self.particular.jet(points, plan)
