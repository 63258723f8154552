"""The Levenberg-Marquardt step where weights outnumber rows: a system as large as the rows, not the weights.

With A the root-weighted Jacobian (R, n), rho the residuals, c the number of terms and M the damping plus the
blocks Q of the penalty, (A'A / c + M) s = -(A' rho / c + Q w) has the solution

    s = -M^-1 A' (c + A M^-1 A')^-1 (rho - A M^-1 Q w) - M^-1 Q w

(the matrix inversion lemma). M is diagonal but for a block for each edge.
"""

from dataclasses import dataclass, replace

import torch

from kansci.training.losses import weighted_derivatives
from kansci.training.normal_equations import Rows, jacobian
from kansci.training.population import Population

_LEAST_EXCESS = 1.5
_SMALLEST_ROOT = 1e-12


def suits(population: Population, rows: Rows) -> bool:
    """Say whether there are so many more weights than terms that this is the faster way."""
    many = population.n_parameters > _LEAST_EXCESS * len(rows.y) * rows.y.shape[1]
    return many and rows.loss.separable and rows.loss.by_row


@dataclass(frozen=True, eq=False)
class RowEquations:
    """What the step is made of, for every member.

    Attributes:
        loss: mean loss, (P,).
        gradient: of loss and penalty, (P, n).
        jacobian: A, (P, R, n) with R terms.
        residual: rho, (P, R).
        pull: the penalty's gradient Q w, (P, n).
        forms: the penalty's Q, for each layer (P, J, I, F, F); none without a penalty.
        starts: where each layer's weights begin.
        count: c.
    """

    loss: torch.Tensor
    gradient: torch.Tensor
    jacobian: torch.Tensor
    residual: torch.Tensor
    pull: torch.Tensor
    forms: list[torch.Tensor]
    starts: list[int]
    count: float

    def put(self, index: torch.Tensor, other: "RowEquations") -> None:
        """Replace those of some members."""
        for name in ("loss", "gradient", "jacobian", "residual", "pull"):
            getattr(self, name)[index] = getattr(other, name)
        for mine, theirs in zip(self.forms, other.forms, strict=True):
            mine[index] = theirs

    def for_population(self, size: int) -> "RowEquations":
        """Give room for a whole population."""

        def room(tensor: torch.Tensor) -> torch.Tensor:
            return tensor.new_zeros((size, *tensor.shape[1:]))

        return replace(
            self,
            loss=room(self.loss),
            gradient=room(self.gradient),
            jacobian=room(self.jacobian),
            residual=room(self.residual),
            pull=room(self.pull),
            forms=[room(form) for form in self.forms],
        )

    def add(self, forms: list[torch.Tensor], population: Population) -> None:
        """Add a penalty 0.5 w'Qw, of each layer's forms Q (P, J, I, F, F), in place."""
        for start, form, layer in zip(self.starts, forms, population.layers, strict=True):
            pull = (form @ layer.weight.unsqueeze(-1)).flatten(1)
            self.pull[:, start : start + pull.shape[1]] = pull
        self.gradient.add_(self.pull)
        self.forms[:] = forms

    def diagonal(self, index: torch.Tensor) -> torch.Tensor:
        """Diagonal (p, n) of some members' Hessians."""
        diagonal = torch.stack([self.jacobian[member].square().sum(0) for member in index.tolist()])
        diagonal /= self.count
        for start, form in zip(self.starts, self.forms, strict=False):
            own = form[index].diagonal(dim1=-2, dim2=-1).flatten(1)
            diagonal[:, start : start + own.shape[1]] += own
        return diagonal

    def solve(self, index: torch.Tensor, damped: torch.Tensor) -> torch.Tensor:
        """Give some members' steps (p, n) for damping (p, n), one after another; zero where there is none."""
        members = zip(index.tolist(), damped, strict=True)
        return torch.stack([self._solve_one(member, own) for member, own in members])

    def _solve_one(self, member: int, damped: torch.Tensor) -> torch.Tensor:
        derivative = self.jacobian[member]
        spread, own = self._inverse(member, damped, torch.stack([*derivative, self.pull[member]]))
        system = derivative @ spread.mT
        system.diagonal().add_(self.count)
        factor, failure = torch.linalg.cholesky_ex(system)
        if int(failure):
            return torch.zeros_like(damped)
        residual = self.residual[member] - derivative @ own
        share = torch.cholesky_solve(residual.unsqueeze(-1), factor).squeeze(-1)
        return -(share @ spread) - own

    def _inverse(
        self, member: int, damped: torch.Tensor, rows: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Multiply rows (R + 1, n) by M^-1; give the first R and the last."""
        solved = rows / damped
        for start, form in zip(self.starts, self.forms, strict=False):
            blocks = form[member].flatten(0, 1)  # (J * I, F, F)
            part = slice(start, start + blocks.shape[0] * blocks.shape[1])
            own = blocks + torch.diag_embed(damped[part].view(blocks.shape[:2]))
            right = rows[:, part].view(len(rows), *blocks.shape[:2]).movedim(0, -1)  # (J * I, F, R + 1)
            found = torch.cholesky_solve(right, torch.linalg.cholesky(own))
            solved[:, part] = found.movedim(-1, 0).flatten(1)
        return solved[:-1], solved[-1]


def row_equations(population: Population, rows: Rows) -> RowEquations:
    """Linearise the residuals of all members.

    Args:
        population: P networks.
        rows: training rows, with a loss of each output by itself.

    Returns:
        The equations, without a penalty.
    """
    derivative, outputs = jacobian(population, rows.inputs)
    slope, root = weighted_derivatives(rows.loss, outputs, rows.y, rows.weight)
    slope = slope.flatten(1)
    residual = slope
    if root is not None:
        flat = root.flatten(1)
        derivative = derivative * flat.unsqueeze(-1)
        residual = slope / flat.clamp(min=_SMALLEST_ROOT)
    count = float(rows.count)
    gradient = (residual.unsqueeze(1) @ derivative).squeeze(1) / count
    starts, start = [], 0
    for layer in population.layers:
        starts.append(start)
        start += layer.n_parameters
    loss = rows.total(outputs) / count
    return RowEquations(loss, gradient, derivative, residual, torch.zeros_like(gradient), [], starts, count)
