"""Edges with a formula: c * f(a * x + b) + d beside, or instead of, the learned function."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy
import torch
from sympy.printing.str import StrPrinter

from kansci.errors import FormulaError
from kansci.expressions.evaluate import evaluate, in_x
from kansci.expressions.parser import parse
from kansci.expressions.primitives import X

_LONGEST = 1000


@dataclass(frozen=True)
class SymbolicFunction:
    """A function of one variable that has a formula.

    Attributes:
        name: what people call it.
        expr: in one symbol, which becomes `X`.
    """

    name: str
    expr: sympy.Expr

    def __post_init__(self) -> None:
        """Bring the expression into the form in which a file gives it back."""
        object.__setattr__(self, "expr", in_x(parse(_text(in_x(self.expr)), {"x": X})))

    def values(self, u: torch.Tensor, nu: int = 0) -> torch.Tensor:
        """Evaluate the nu-th derivative at u, of any shape; nan outside the domain."""
        return evaluate(self.expr, u, nu)

    def to_config(self) -> dict[str, str]:
        """Describe the function in JSON's types."""
        return {"name": self.name, "formula": _text(self.expr)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "SymbolicFunction":
        """Rebuild the function that `to_config` described; its formula is read as data."""
        text = str(config["formula"])
        if len(text) > _LONGEST:
            raise FormulaError(f"the formula of an edge has {len(text)} characters, more than {_LONGEST}")
        return cls(str(config["name"])[:_LONGEST], parse(text, {"x": X}))


SymbolicEdge = tuple[int, int, SymbolicFunction]
"""From input i to subnode j the function f."""


class _Printer(StrPrinter):
    """Writes floating-point numbers so that reading gives the same number."""

    def _print_Float(self, number: sympy.Float) -> str:
        return repr(float(number))


def _text(expr: sympy.Expr) -> str:
    return str(_Printer().doprint(expr))


def inner(edges: Sequence[SymbolicEdge], affine: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Give what each edge's function is applied to.

    Args:
        edges: S of them.
        affine: rows (a, b, c, d), shape (..., S, 4).
        x: values of the inputs, shape (..., N, I).

    Returns:
        u = a * x + b, shape (..., N, S).
    """
    a, b, _, _ = affine.unsqueeze(-3).unbind(-1)
    return a * x[..., [i for i, _, _ in edges]] + b


def outer(edges: Sequence[SymbolicEdge], u: torch.Tensor, nu: int = 0) -> torch.Tensor:
    """Evaluate the nu-th derivative of each edge's function at u (..., N, S)."""
    columns = [function.values(u[..., s], nu) for s, (_, _, function) in enumerate(edges)]
    return torch.stack(columns, dim=-1)


def add_symbolic(
    sums: torch.Tensor, edges: Sequence[SymbolicEdge], affine: torch.Tensor, f: torch.Tensor
) -> torch.Tensor:
    """Add c * f + d to the sums.

    Args:
        sums: shape (..., N, J).
        edges: S of them.
        affine: shape (..., S, 4).
        f: values of their functions, shape (..., N, S).

    Returns:
        Shape (..., N, J).
    """
    _, _, c, d = affine.unsqueeze(-3).unbind(-1)
    targets = torch.tensor([j for _, j, _ in edges], device=sums.device)
    return sums.index_add(-1, targets, c * f + d)
