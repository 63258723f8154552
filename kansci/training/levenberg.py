"""Levenberg-Marquardt for a population: one damping and one decision for each member.

Damping by the gain ratio after Nielsen (IMM-REP-1999-05), scaled by the Hessian's diagonal (Marquardt 1963).
"""

from collections.abc import Callable

import torch

from kansci.training.normal_equations import NormalEquations, Rows, normal_equations
from kansci.training.penalty import Penalty
from kansci.training.population import Population

_SMALLEST_DAMPING = 1e-13
_LARGEST_DAMPING = 1e10
_ROUND_OFF = 1e-26  # of the loss, for y of unit variance
_WINDOW = 10
_SCALE_FLOOR = 1e-3

MakePenalty = Callable[[Population, NormalEquations], Penalty | None]


class LevenbergMarquardt:
    """Minimises every member's half mean squared residual plus penalty, one step at a time.

    Attributes:
        population: the present weights.
        loss: half mean squared residual of each member, (P,), without the penalty.
        active: members still moving, (P,) bool.
    """

    def __init__(
        self,
        population: Population,
        rows: Rows,
        make_penalty: MakePenalty | None = None,
        *,
        damping: float = 1e-2,
        tolerance: float = 1e-3,
    ):
        """Start at a population.

        Args:
            population: P networks.
            rows: training rows.
            make_penalty: builds the penalty anew around each point.
            damping: initial damping relative to the Hessian's diagonal.
            tolerance: see `TrainSettings`.
        """
        self.population = population
        self._rows = rows
        self._make_penalty = make_penalty
        self._tolerance = tolerance
        size, device = population.size, rows.y.device
        self._damping = torch.full((size,), damping, dtype=torch.float64, device=device)
        self._growth = torch.full((size,), 2.0, dtype=torch.float64, device=device)
        self.active = torch.ones(size, dtype=torch.bool, device=device)
        self._stale = torch.ones(size, dtype=torch.bool, device=device)
        self.loss = half_mean_square(population, rows)
        self._past: list[torch.Tensor] = []
        self._equations: NormalEquations | None = None
        self._penalty: Penalty | None = None
        self._objective = self.loss.clone()

    def step(self) -> torch.Tensor:
        """Try one step for every active member; a step that does not help is not taken.

        Returns:
            Members that moved, (P,) bool.
        """
        self._linearise()
        index = self.active.nonzero().flatten()
        moved = torch.zeros_like(self.active)
        if len(index) == 0:
            return moved
        step, predicted = self._propose(index)
        trial = _stepped(self.population.members(index), step)
        loss = half_mean_square(trial, self._rows)
        objective = loss if self._penalty is None else loss + self._penalty.members(index).value(trial)
        gain = (self._objective[index] - objective) / predicted.clamp(min=1e-300)
        better = (gain > 0) & (objective < self._objective[index]) & objective.isfinite()
        self._adjust_damping(index, gain, better)
        chosen = better.nonzero().flatten()
        winners = index[chosen]
        self.population = self.population.updated(winners, trial.members(chosen))
        self.loss[winners] = loss[chosen]
        self._objective[winners] = objective[chosen]
        moved[winners] = True
        self._stale |= moved
        self._retire()
        return moved

    def adapt(self, move: Callable[..., tuple[Population, torch.Tensor]]) -> None:
        """Let `move(population, loss=...)` rewrite active members; it gives them and who changed."""
        index = self.active.nonzero().flatten()
        if len(index) == 0:
            return
        population, changed = move(self.population.members(index), loss=self.loss[index])
        winners = index[changed]
        self.population = self.population.updated(winners, population.members(changed))
        self.loss[winners] = half_mean_square(population.members(changed), self._rows)
        self._stale[winners] = True

    def _linearise(self) -> None:
        index = (self.active & self._stale).nonzero().flatten()
        if len(index) == 0:
            return
        part = self.population.members(index)
        fresh = normal_equations(part, self._rows, statistics=self._make_penalty is not None)
        penalty = self._make_penalty(part, fresh) if self._make_penalty is not None else None
        self._objective[index] = fresh.loss
        if penalty is not None:
            penalty.add_to(fresh, part)
            self._objective[index] += penalty.value(part)
        if self._equations is None:
            self._equations, self._penalty = fresh, penalty
        else:
            self._equations.gradient[index] = fresh.gradient
            self._equations.hessian[index] = fresh.hessian
            if penalty is not None and self._penalty is not None:
                for old, new in zip(self._penalty.forms, penalty.forms, strict=True):
                    old[index] = new
        self._stale[index] = False

    def _propose(self, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Solve (H + damping D) step = -gradient; give the step (p, n) and the fall it promises (p,)."""
        assert self._equations is not None
        hessian, gradient = self._equations.hessian[index], self._equations.gradient[index]
        diagonal = hessian.diagonal(dim1=-2, dim2=-1)
        scale = torch.maximum(diagonal, _SCALE_FLOOR * diagonal.amax(-1, keepdim=True)).clamp(min=1e-300)
        damped = self._damping[index].unsqueeze(-1) * scale
        factor, failure = torch.linalg.cholesky_ex(hessian + torch.diag_embed(damped))
        step = -torch.cholesky_solve(gradient.unsqueeze(-1), factor).squeeze(-1)
        step = torch.where((failure == 0).unsqueeze(-1) & step.isfinite(), step, torch.zeros_like(step))
        predicted = 0.5 * (step * (damped * step - gradient)).sum(-1)
        return step, predicted

    def _adjust_damping(self, index: torch.Tensor, gain: torch.Tensor, better: torch.Tensor) -> None:
        shrink = (1 - (2 * gain - 1) ** 3).clamp(1 / 3, 1.0)
        damping, growth = self._damping[index], self._growth[index]
        self._damping[index] = torch.where(better, damping * shrink, damping * growth).clamp(
            min=_SMALLEST_DAMPING
        )
        self._growth[index] = torch.where(better, torch.full_like(growth, 2.0), growth * 2)

    def _retire(self) -> None:
        self.active &= (self._damping < _LARGEST_DAMPING) & (self.loss > _ROUND_OFF)
        self._past.append(self._objective.clone())
        if len(self._past) > _WINDOW:
            before = self._past.pop(0)
            self.active &= self._objective < (1 - self._tolerance) * before


def half_mean_square(population: Population, rows: Rows) -> torch.Tensor:
    """Half the mean squared residual of each member, (P,)."""
    return 0.5 * (population.forward(rows.inputs) - rows.y).square().mean((1, 2))


def _stepped(population: Population, step: torch.Tensor) -> Population:
    parts = step.split([layer.weight[0].numel() for layer in population.layers], dim=1)
    pairs = zip(population.layers, parts, strict=True)
    return population.with_weights([layer.weight + part.view_as(layer.weight) for layer, part in pairs])
