"""Sines with trainable frequencies and phases."""

import math
from typing import ClassVar

import torch

from kansci.basis.base import Basis
from kansci.basis.grid import GridBasis, check_finer, replace_tensor
from kansci.basis.rbf import with_constant


class Sine(GridBasis):
    """The constant 1 and G functions sin(frequency u + phase), u being the input mapped to [-1, 1].

    Every input has its own frequencies, which gradient methods train; they start as the cosines and sines of
    period 4. Levenberg-Marquardt training keeps them and fits the coefficients.

    Attributes:
        frequency: shape (..., I, G).
        phase: shape (..., I, G).
    """

    name: ClassVar[str] = "sine"
    tensor_names: ClassVar[tuple[str, ...]] = ("ends", "frequency", "phase")
    frequency: torch.Tensor
    phase: torch.Tensor

    def __init__(self, grid_size: int, domain: torch.Tensor):
        """Place the functions.

        Args:
            grid_size: G >= 1, number of sines.
            domain: low and high end for each input, shape (..., I, 2).
        """
        super().__init__(grid_size, domain)
        number = torch.arange(grid_size, dtype=self.ends.dtype, device=self.ends.device)
        shape = (*self.ends.shape[:-1], grid_size)
        self.frequency = torch.nn.Parameter(((number // 2 + 1) * (math.pi / 2)).repeat(*shape[:-1], 1))
        self.phase = torch.nn.Parameter((number % 2 * (math.pi / 2)).repeat(*shape[:-1], 1))

    @property
    def size(self) -> int:
        """Number of functions K = G + 1."""
        return self.grid_size + 1

    def bounds(self) -> None:
        """There is no grid."""

    def placed_jet(self, t: torch.Tensor, orders: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
        """Evaluate derivatives by t (..., N, I), each (..., N, I, K)."""
        frequency, phase = self.frequency.unsqueeze(-3), self.phase.unsqueeze(-3)
        angle = t.unsqueeze(-1) * frequency + phase
        turned = (angle.sin(), angle.cos(), -angle.sin(), -angle.cos())
        return tuple(with_constant(turned[nu % 4] * frequency**nu, nu) for nu in orders)

    def refine(self, size: int) -> tuple[Basis, torch.Tensor]:
        """Add sines until there are `size`; the function is exactly the same."""
        check_finer(self.grid_size, size)
        finer, matrix = self.padded(size)
        for name in ("frequency", "phase"):
            further = getattr(finer, name).detach()[..., self.grid_size :]
            replace_tensor(finer, name, torch.cat([getattr(self, name).detach(), further], dim=-1))
        return finer, matrix
