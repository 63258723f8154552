"""Safe rational functions (Pade): numerators on edges, denominators on inputs or groups of inputs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch

from kansci.basis.base import Basis
from kansci.basis.grid import GridBasis, check_finer, replace_tensor
from kansci.basis.rbf import with_constant
from kansci.errors import SettingsError
from kansci.kernels import Functions
from kansci.kernels.chebyshev import chebyshev_values


class Rational(GridBasis):
    """The constant 1 and T_0(u) to T_G(u), each divided by 1 + |q_1 u + ... + q_n u^n|; so K = G + 2.

    Coefficients are linear, as every family's; the denominator belongs to the basis, one for each input or
    one for each group of inputs (Yang and Wang, Kolmogorov-Arnold Transformer, 2024). It has no zero (Molina,
    Schramowski and Kersting, Pade Activation Units, 2019), and starts with even powers, which have no kink.
    Levenberg-Marquardt training keeps it and fits the numerators. There is no grid to leave.

    Attributes:
        denominator: q, shape (..., C, n) for C groups.
        groups: for each input the number of its group.
    """

    name: ClassVar[str] = "rational"
    tensor_names: ClassVar[tuple[str, ...]] = ("ends", "denominator")
    denominator: torch.Tensor

    def __init__(
        self, grid_size: int, domain: torch.Tensor, *, degree: int = 4, groups: Sequence[int] | None = None
    ):
        """Place the functions.

        Args:
            grid_size: G >= 1, degree of the numerators.
            domain: low and high end for each input, shape (..., I, 2).
            degree: n >= 1, of the denominators.
            groups: for each input the number of its group, from 0; None gives each input its own.

        Raises:
            SettingsError: the degree is below 1 or the groups do not fit the inputs.
        """
        super().__init__(grid_size, domain)
        n_inputs = self.ends.shape[-2]
        self.groups = tuple(range(n_inputs)) if groups is None else tuple(int(group) for group in groups)
        if degree < 1 or len(self.groups) != n_inputs or min(self.groups) < 0:
            raise SettingsError(
                f"degree={degree}, groups={groups}: need a degree of 1 or more, a group an input"
            )
        start = torch.zeros(degree, dtype=self.ends.dtype, device=self.ends.device)
        start[1::2] = 0.2
        self.denominator = torch.nn.Parameter(start.repeat(*self.ends.shape[:-2], max(self.groups) + 1, 1))

    @property
    def size(self) -> int:
        """Number of functions K = G + 2."""
        return self.grid_size + 2

    def bounds(self) -> None:
        """There is no grid."""

    def _reciprocal(self, t: torch.Tensor, order: int) -> list[torch.Tensor]:
        """Derivatives 0 to `order` of w = 1/D, D = 1 + |Q|, from the product rule (w D)^(m) = 0."""
        q = self.denominator[..., None, list(self.groups), :]  # (..., 1, I, n)
        inner = _polynomial_derivatives(t, q, order)
        sign = inner[0].sign().detach()
        below = [1 + inner[0].abs(), *(sign * derivative for derivative in inner[1:])]
        reciprocal = [1 / below[0]]
        for m in range(1, order + 1):
            total = sum(math.comb(m, r) * below[r] * reciprocal[m - r] for r in range(1, m + 1))
            reciprocal.append(-total * reciprocal[0])
        return reciprocal

    def placed_jet(self, t: torch.Tensor, orders: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
        """Evaluate derivatives by t (..., N, I), each (..., N, I, K); Leibniz' rule for P times 1/D."""
        reciprocal = self._reciprocal(t, max(orders))
        upper = [chebyshev_values(t, self.grid_size + 1, nu) for nu in range(max(orders) + 1)]
        jets = []
        for nu in orders:
            terms = [math.comb(nu, m) * upper[m] * reciprocal[nu - m].unsqueeze(-1) for m in range(nu + 1)]
            jets.append(with_constant(torch.stack(terms).sum(0), nu))
        return tuple(jets)

    def functions(self) -> Functions:
        """Name what the kernels sum over: the numerators."""
        return Functions("chebyshev", self.grid_size + 1)

    def row_weights(self, t: torch.Tensor) -> torch.Tensor:
        """Give the reciprocal denominators (N, I)."""
        return self._reciprocal(t, 0)[0]

    def refine(self, size: int) -> tuple[Basis, torch.Tensor]:
        """Raise the numerators' degree to `size`; the function is exactly the same."""
        check_finer(self.grid_size, size)
        finer, matrix = self.padded(size)
        replace_tensor(finer, "denominator", self.denominator)
        return finer, matrix

    def select(self, inputs: torch.Tensor) -> "Rational":
        """Give the basis of some of the inputs; every group stays."""
        kept = [self.groups[i] for i in inputs.tolist()]
        n_groups, degree = self.denominator.shape[-2:]
        chosen = Rational(self.grid_size, self.ends[..., inputs, :], degree=degree, groups=kept)
        used = torch.arange(max(kept) + 1 if kept else n_groups)
        replace_tensor(chosen, "denominator", self.denominator.detach()[..., used, :])
        return chosen

    def to_config(self) -> dict[str, Any]:
        """Describe everything but the tensors, in JSON's types."""
        degree = self.denominator.shape[-1]
        return {**super().to_config(), "degree": degree, "groups": list(self.groups)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], domain: torch.Tensor) -> "Rational":
        """Build the basis that `to_config` described, with its tensors as new, on a domain (..., I, 2).

        Groups may also be a number C, of equal parts that the inputs are divided into in their order.
        """
        n_inputs = domain.shape[-2]
        groups = config.get("groups")
        if isinstance(groups, int):
            groups = [i * groups // n_inputs for i in range(n_inputs)]
        elif groups is not None and len(groups) != n_inputs:  # the form on other inputs
            groups = None
        return cls(int(config["grid"]), domain, degree=int(config.get("degree", 4)), groups=groups)


def _polynomial_derivatives(t: torch.Tensor, q: torch.Tensor, order: int) -> list[torch.Tensor]:
    """Derivatives 0 to `order` of q_1 t + ... + q_n t^n by Horner's rule; q (..., n)."""
    degree = q.shape[-1]
    derivatives = []
    for m in range(order + 1):
        total = torch.zeros_like(t)
        for power in range(degree, m - 1, -1):
            factor = math.perm(power, m)
            coefficient = factor * q[..., power - 1] if power > 0 else torch.zeros_like(q[..., 0])
            total = total * t + coefficient
        derivatives.append(total)
    return derivatives
