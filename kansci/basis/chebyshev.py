"""Chebyshev polynomials over each input's domain, continued linearly outside it."""

from typing import ClassVar

import torch

from kansci.basis.base import Basis
from kansci.basis.grid import GridBasis
from kansci.kernels import Functions
from kansci.kernels.chebyshev import chebyshev_values


class Chebyshev(GridBasis):
    """The K = G + 1 polynomials T_0(u) to T_G(u), u being the input mapped to [-1, 1]."""

    name: ClassVar[str] = "chebyshev"

    @property
    def size(self) -> int:
        """Number of functions K = G + 1."""
        return self.grid_size + 1

    def bounds(self) -> tuple[float, float]:
        """Ends of the domain, beyond which a polynomial would run away."""
        return -1.0, 1.0

    def placed_jet(self, t: torch.Tensor, orders: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
        """Evaluate derivatives by t (..., N, I), each (..., N, I, K)."""
        return tuple(chebyshev_values(t, self.size, nu) for nu in orders)

    def functions(self) -> Functions:
        """Name what the kernels sum over."""
        return Functions("chebyshev", self.size)

    def refine(self, size: int) -> tuple[Basis, torch.Tensor]:
        """Raise the degree to `size`; the function is exactly the same."""
        return self.padded(size)
