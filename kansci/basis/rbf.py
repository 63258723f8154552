"""Gaussian radial basis functions on a grid, continued linearly outside it."""

from typing import ClassVar

import torch

from kansci.basis.base import Basis
from kansci.basis.grid import GridBasis, check_finer
from kansci.kernels import Functions
from kansci.kernels.rbf import rbf_values


class GaussianRBF(GridBasis):
    """The constant 1 and a bump exp(-((x - c)/h)^2) at each of the G + 1 grid points, h being their distance.

    The bumps are those of FastKAN (Li 2024); they alone cannot be constant, so K = G + 2.
    """

    name: ClassVar[str] = "rbf"

    @property
    def size(self) -> int:
        """Number of functions K = G + 2."""
        return self.grid_size + 2

    def place(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | float]:
        """Count in grid steps from the lower end."""
        unit, scale = super().place(x)
        return (unit + 1) * (0.5 * self.grid_size), scale * (0.5 * self.grid_size)

    def bounds(self) -> tuple[float, float]:
        """Ends of the grid, beyond which the bumps would fall to a silent zero."""
        return 0.0, float(self.grid_size)

    def placed_jet(self, t: torch.Tensor, orders: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
        """Evaluate derivatives by t (..., N, I), each (..., N, I, K)."""
        return tuple(with_constant(rbf_values(t, self.grid_size + 1, 1.0, nu), nu) for nu in orders)

    def functions(self) -> Functions:
        """Name what the kernels sum over: the bumps."""
        return Functions("rbf", self.grid_size + 1)

    def refine(self, size: int) -> tuple[Basis, torch.Tensor]:
        """Project onto narrower bumps by least squares.

        Gaussians of one width are not sums of narrower ones, so the function changes a little: by about 1e-2
        of its size from G to 2G. Training on the finer grid makes up for it.

        Args:
            size: the new G, not below the present one.

        Returns:
            The finer basis and the matrix (..., I, K', K) that maps coefficients.
        """
        check_finer(self.grid_size, size)
        finer = GaussianRBF(size, self.ends)
        u = torch.linspace(
            0, 1, 8 * finer.size + 1, dtype=self.ends.dtype, device=self.ends.device
        ).unsqueeze(-1)
        old = self.placed_jet(u * self.grid_size, (0,))[0][:, 0]
        matrix = torch.linalg.pinv(finer.placed_jet(u * size, (0,))[0][:, 0], rtol=1e-12) @ old
        return finer, matrix.expand(*self.ends.shape[:-1], *matrix.shape)


def with_constant(values: torch.Tensor, nu: int) -> torch.Tensor:
    """Put the nu-th derivative of the function 1 before the others: (..., K) -> (..., K + 1)."""
    one = torch.full_like(values[..., :1], 1.0 if nu == 0 else 0.0)
    return torch.cat([one, values], dim=-1)
