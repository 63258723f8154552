"""Gradients and second derivatives of a function at many rows, and what they say of groups of inputs."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch

from kansci.errors import DataError, SettingsError

__all__ = ["Derivatives", "batch_hessian", "batch_jacobian", "median", "sides"]

Function = Callable[[torch.Tensor], torch.Tensor]
Rows = torch.Tensor | np.ndarray


def batch_jacobian(func: Function, x: Rows, *, create_graph: bool = False) -> torch.Tensor:
    """Differentiate a function at every row.

    Args:
        func: maps (N, I) to (N,) or (N, 1), each row on its own.
        x: rows (N, I).
        create_graph: keep the graph to differentiate further.

    Returns:
        Gradients (N, I).

    Raises:
        DataError: func gives more than one value a row, or x is no table.
    """
    rows = torch.as_tensor(x, dtype=torch.float64)
    if rows.ndim != 2 or len(rows) < 2:
        raise DataError(f"x has shape {tuple(rows.shape)}: give at least two rows (N, I)")
    rows = rows if rows.requires_grad else rows.detach().requires_grad_()
    with torch.enable_grad():
        y = func(rows)
        if y.numel() != len(rows):
            raise DataError(
                f"the function gives {tuple(y.shape)} for {len(rows)} rows: "
                "test one output at a time, for example lambda x: model(x)[:, [0]]"
            )
        return _gradient(y, rows, create_graph=create_graph)


def batch_hessian(func: Function, x: Rows, *, create_graph: bool = False) -> torch.Tensor:
    """Differentiate a function twice at every row; arguments as in `batch_jacobian`, result (N, I, I)."""
    rows = torch.as_tensor(x, dtype=torch.float64).detach().requires_grad_()
    slopes = batch_jacobian(func, rows, create_graph=True)
    columns = [_gradient(slope, rows, create_graph=create_graph) for slope in slopes.unbind(1)]
    return torch.stack(columns, dim=1)


def _gradient(y: torch.Tensor, rows: torch.Tensor, *, create_graph: bool) -> torch.Tensor:
    """Gradient (N, I) of y (N,) by its own row; zero where y does not depend on the rows."""
    if not y.requires_grad:
        return torch.zeros_like(rows)
    (slopes,) = torch.autograd.grad(
        y.sum(), rows, create_graph=create_graph, retain_graph=True, allow_unused=True
    )
    return torch.zeros_like(rows) if slopes is None else slopes


class Derivatives:
    """Gradients and second derivatives of a function by x / std(x), and what they say of groups of inputs.

    Attributes:
        gradient: (N, I).
        hessian: (N, I, I).
    """

    def __init__(self, model: Function, x: Rows):
        """Differentiate `model` at rows x (N, I)."""
        rows = torch.as_tensor(x, dtype=torch.float64)
        std = rows.std(dim=0)
        self.gradient = batch_jacobian(model, rows).detach() * std
        self.hessian = batch_hessian(model, rows).detach() * std * std.unsqueeze(-1)

    def turning(self, group: Sequence[int]) -> torch.Tensor:
        """How the gradient's direction within a group A turns with the other inputs: (N, A, I - A)."""
        inside, outside = sides(group, self.gradient.shape[1])
        part = self.gradient[:, inside]
        norm = part.norm(dim=1, keepdim=True).clamp(min=1e-300)
        direction = part / norm
        mixed = self.hessian[:, inside][:, :, outside] / norm.unsqueeze(-1)
        along = (direction.unsqueeze(-1) * mixed).sum(dim=1, keepdim=True)
        return mixed - direction.unsqueeze(-1) * along

    def symmetric(self, group: Sequence[int], threshold: float) -> bool:
        """Whether the inputs of a group enter through one function of them."""
        if len(group) in {0, self.gradient.shape[1]}:
            return True
        return bool(median(self.turning(group)).max() < threshold)


def median(values: torch.Tensor) -> torch.Tensor:
    """Median over the rows of the sizes, without rows that are not finite; infinite if none is left."""
    sizes = values.abs().masked_fill(~values.isfinite(), math.nan)
    return sizes.nanmedian(dim=0).values.nan_to_num(nan=math.inf)


def sides(group: Sequence[int], n_inputs: int) -> tuple[list[int], list[int]]:
    """Check a group's indices, and give them with those of the other inputs.

    Args:
        group: indices of inputs.
        n_inputs: number of inputs I.

    Returns:
        The group and the rest.

    Raises:
        SettingsError: an index is out of range or comes twice.
    """
    inside = [int(i) for i in group]
    if len(set(inside)) != len(inside) or not all(0 <= i < n_inputs for i in inside):
        raise SettingsError(f"group={inside}: give different inputs from 0 to {n_inputs - 1}")
    return inside, [i for i in range(n_inputs) if i not in inside]
