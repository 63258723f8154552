"""Sines and cosines of each input, with a period that may be learned."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch

from kansci.basis.base import Basis
from kansci.basis.grid import GridBasis, replace_tensor
from kansci.kernels import Functions
from kansci.kernels.fourier import fourier_values


class Fourier(GridBasis):
    """The K = 2G + 1 functions 1, cos t, sin t, ..., cos Gt, sin Gt with t = 2 pi (x - centre) / period.

    By default the period is twice the width of the domain: a function that is not periodic then has a smooth
    periodic extension (Huybrechs, On the Fourier extension of non-periodic functions, 2010). There is no grid
    and nothing to extrapolate: outside the domain the functions go on periodically.

    Attributes:
        period: of each input, shape (..., I, 1); a parameter if it is learned.
    """

    name: ClassVar[str] = "fourier"
    tensor_names: ClassVar[tuple[str, ...]] = ("ends", "period")
    period: torch.Tensor

    def __init__(self, grid_size: int, domain: torch.Tensor, *, widths: float = 2.0, learned: bool = False):
        """Place the functions.

        Args:
            grid_size: G >= 1, number of harmonics.
            domain: low and high end for each input, shape (..., I, 2).
            widths: the period in widths of the domain; 1 for periodic functions.
            learned: train the period by gradient methods.
        """
        super().__init__(grid_size, domain)
        self.widths, self.learned = widths, learned
        period = widths * self.ends.diff(dim=-1)
        if learned:
            self.period = torch.nn.Parameter(period)
        else:
            self.register_buffer("period", period)

    @property
    def size(self) -> int:
        """Number of functions K = 2G + 1."""
        return 2 * self.grid_size + 1

    def place(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Map x to the phase, zero in the middle of the domain."""
        scale = (2 * math.pi / self.period[..., 0]).unsqueeze(-2)
        unit, _ = super().place(x)
        half = 0.5 * self.ends.diff(dim=-1)[..., 0].unsqueeze(-2)
        return unit * (half * scale), scale

    def bounds(self) -> None:
        """There is no grid."""

    def placed_jet(self, t: torch.Tensor, orders: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
        """Evaluate derivatives by t (..., N, I), each (..., N, I, K)."""
        return tuple(fourier_values(t, self.size, nu) for nu in orders)

    def functions(self) -> Functions:
        """Name what the kernels sum over."""
        return Functions("fourier", self.size)

    def refine(self, size: int) -> tuple[Basis, torch.Tensor]:
        """Add harmonics up to `size`; the function is exactly the same."""
        finer, matrix = self.padded(size)
        replace_tensor(finer, "period", self.period.detach())
        return finer, matrix

    def moved(self, domain: torch.Tensor) -> "Fourier":
        """Give the basis on another domain (..., I, 2), its period stretched alike."""
        share = self.period.detach() / self.ends.diff(dim=-1)
        return self.with_tensors({"ends": domain, "period": share * domain.diff(dim=-1)})

    def with_tensors(self, tensors: Mapping[str, torch.Tensor]) -> "Fourier":
        """Give the basis of the same form with other tensors."""
        basis = super().with_tensors(tensors)
        assert isinstance(basis, Fourier)
        return basis

    def to_config(self) -> dict[str, Any]:
        """Describe everything but the tensors, in JSON's types."""
        return {**super().to_config(), "widths": self.widths, "learned": self.learned}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], domain: torch.Tensor) -> "Fourier":
        """Build the basis that `to_config` described, with its tensors as new, on a domain (..., I, 2)."""
        options = {"widths": float(config.get("widths", 2.0)), "learned": bool(config.get("learned", False))}
        return cls(int(config["grid"]), domain, **options)  # type: ignore[arg-type]
