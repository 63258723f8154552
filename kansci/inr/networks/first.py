"""First layers: sums of functions of one coordinate each, which a grid needs only axis by axis.

A point of a grid is (x_1[r], ..., x_d[s]) and a first layer is z(x) = z_1(x_1) + ... + z_d(x_d). So its
values on n_1 x ... x n_d points follow exactly from n_1 + ... + n_d evaluations.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch

from kansci.basis import Basis
from kansci.models.layer import KANLayer, edge_functions

__all__ = ["EdgeSum", "FirstLayer", "FourierSum", "Projection"]


class FirstLayer(torch.nn.Module, ABC):
    """A function of points (..., B, d) with values (..., B, H) that is additive in the coordinates."""

    @abstractmethod
    def shares(self, axes: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Evaluate each coordinate's share z_i on its axis.

        Args:
            axes: d tensors (n_i,).

        Returns:
            d tensors (n_i, H); their sum over the coordinates of a point is the layer's value.
        """


class Projection(FirstLayer):
    """z = W x + b."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None = None, *, trainable: bool = True):
        """Take over the weights.

        Args:
            weight: W, shape (H, d).
            bias: b, shape (H,), None for zero.
            trainable: whether they are parameters.
        """
        super().__init__()
        for name, tensor in (("weight", weight), ("bias", bias)):
            if tensor is not None and trainable:
                self.register_parameter(name, torch.nn.Parameter(tensor))
            else:
                self.register_buffer(name, tensor)

    weight: torch.Tensor
    bias: torch.Tensor | None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map points (..., B, d) to (..., B, H)."""
        return torch.nn.functional.linear(x, self.weight, self.bias)

    def shares(self, axes: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Evaluate each coordinate's share, (n_i, H); the first holds the bias."""
        shares = [x.unsqueeze(-1) * column for x, column in zip(axes, self.weight.T, strict=True)]
        if self.bias is not None:
            shares[0] = shares[0] + self.bias
        return shares


class EdgeSum(FirstLayer):
    """The first layer of a KAN: z_j = sum_i phi_ji(x_i)."""

    def __init__(self, layer: KANLayer):
        """Take over a KAN layer whose nodes are its sums."""
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map points (..., B, d) to (..., B, H)."""
        return self.layer.sums(x)

    def shares(self, axes: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Evaluate each coordinate's share, (n_i, H)."""
        values = edge_functions(self.layer.basis, self.layer.base_fun, _columns(axes))[0]
        return _contracted(values, self.layer.weight, axes)


class FourierSum(FirstLayer):
    """z_j = b_j + sum_i sum_k a_jik cos(k x_i) + b_jik sin(k x_i) (Mehrabian et al., FKAN, 2024, eq. 4)."""

    def __init__(self, basis: Basis, coef: torch.Tensor):
        """Take over a Fourier basis of K harmonics, placed for d inputs.

        Args:
            basis: its constant is left to the bias.
            coef: of cos x, sin x, cos 2x, ..., shape (H, d, 2K).
        """
        super().__init__()
        self.basis = basis
        self.coef = torch.nn.Parameter(coef)
        self.bias = torch.nn.Parameter(coef.new_zeros(coef.shape[0]))

    @property
    def weight(self) -> torch.Tensor:
        """Coefficients of the basis, shape (H, d, 2K + 1); the first coordinate's constant is the bias."""
        constants = torch.nn.functional.pad(self.bias.unsqueeze(-1), (0, self.coef.shape[1] - 1))
        return torch.cat([constants.unsqueeze(-1), self.coef], dim=-1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map points (..., B, d) to (..., B, H)."""
        return self.basis.edge_sum(x, self.weight)

    def shares(self, axes: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Evaluate each coordinate's share, (n_i, H); the first holds the bias."""
        return _contracted(self.basis.values(_columns(axes)), self.weight, axes)


def _columns(axes: Sequence[torch.Tensor]) -> torch.Tensor:
    """Put the axes side by side, (max n_i, d); shorter ones repeat their last point."""
    n_rows = max(len(x) for x in axes)
    return torch.stack([torch.cat([x, x[-1:].expand(n_rows - len(x))]) for x in axes], dim=-1)


def _contracted(
    values: torch.Tensor, weight: torch.Tensor, axes: Sequence[torch.Tensor]
) -> list[torch.Tensor]:
    """Contract functions (n, d, K) with weights (H, d, K), one axis at a time."""
    return [values[: len(x), i] @ weight[:, i].T for i, x in enumerate(axes)]
