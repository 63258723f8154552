"""A network of coordinates: an additive first layer and what follows it."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from kansci.errors import SettingsError
from kansci.inr.networks.derivatives import gradient, laplacian
from kansci.inr.networks.first import FirstLayer

__all__ = ["CoordinateNetwork"]

_SLAB = 65_536
"""Most points of a grid whose hidden layers are held in memory at once, where nothing is recorded."""


class CoordinateNetwork(torch.nn.Module):
    """A function from points of [-1, 1]^d to C numbers.

    Attributes:
        kind: name of its family, one of `KINDS`.
        config: arguments of `make_network` that build a network of the same form, in JSON's types.
        first: the first layer, before its nonlinearity.
        body: what maps its H values to the outputs.
    """

    def __init__(self, first: FirstLayer, body: torch.nn.Module, config: Mapping[str, Any]):
        """Join the parts.

        Args:
            first: from (..., B, d) to (..., B, H).
            body: from (..., B, H) to (..., B, C).
            config: what `make_network` was called with, its defaults filled in.
        """
        super().__init__()
        self.first, self.body = first, body
        self.config = dict(config)

    @property
    def kind(self) -> str:
        """Name of the family."""
        return str(self.config["kind"])

    @property
    def n_inputs(self) -> int:
        """Number of coordinates d."""
        return int(self.config["n_inputs"])

    @property
    def n_outputs(self) -> int:
        """Number of outputs C."""
        return int(self.config["n_outputs"])

    @property
    def n_parameters(self) -> int:
        """Number of trainable numbers."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Evaluate at points (..., B, d): (..., B, C)."""
        return self.body(self.first(points))

    def on_grid(self, axes: Sequence[torch.Tensor]) -> torch.Tensor:
        """Evaluate on a grid, the first layer axis by axis.

        Args:
            axes: d tensors (n_i,).

        Returns:
            Shape (n_1, ..., n_d, C), equal to `forward` at the grid's points up to rounding.
        """
        shape = self._checked(axes)
        shares = self.first.shares(axes)
        if torch.is_grad_enabled():
            return self.body(_summed(shares))
        rows = max(1, _SLAB * shape[0] // max(1, torch.Size(shape).numel()))
        return torch.cat([self.body(_summed([part, *shares[1:]])) for part in shares[0].split(rows)])

    def at_indices(self, axes: Sequence[torch.Tensor], index: torch.Tensor) -> torch.Tensor:
        """Evaluate at some points of a grid, the first layer axis by axis where that is less work.

        Args:
            axes: d tensors (n_i,).
            index: whole numbers (B, d), point b being (axes[0][index[b, 0]], ...).

        Returns:
            Shape (B, C), equal to `forward` at these points up to rounding.
        """
        shape = self._checked(axes)
        columns = index.unbind(-1)
        if max(shape) >= len(index):
            points = [x.index_select(0, i) for x, i in zip(axes, columns, strict=True)]
            return self(torch.stack(points, dim=-1))
        shares = self.first.shares(axes)
        parts = [share.index_select(0, i) for share, i in zip(shares, columns, strict=True)]
        return self.body(sum(parts[1:], start=parts[0]))

    def gradient(self, points: torch.Tensor) -> torch.Tensor:
        """Differentiate exactly by the coordinates: points (B, d) -> (B, C, d)."""
        return gradient(self, points)

    def laplacian(self, points: torch.Tensor) -> torch.Tensor:
        """Sum the exact second derivatives by each coordinate: points (B, d) -> (B, C)."""
        return laplacian(self, points)

    def _checked(self, axes: Sequence[torch.Tensor]) -> tuple[int, ...]:
        if len(axes) != self.n_inputs or any(x.ndim != 1 or not len(x) for x in axes):
            raise SettingsError(
                f"the network has {self.n_inputs} coordinates: give an axis of points for each"
            )
        return tuple(len(x) for x in axes)


def _summed(shares: Sequence[torch.Tensor]) -> torch.Tensor:
    """Add d tensors (n_i, H) by broadcasting: (n_1, ..., n_d, H)."""
    total = shares[0]
    for share in shares[1:]:
        total = total.unsqueeze(-2) + share
    return total
