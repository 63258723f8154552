"""Levenberg-Marquardt for a population: one damping and one decision for each member.

Damping by the gain ratio after Nielsen (IMM-REP-1999-05), scaled by the Hessian's diagonal (Marquardt 1963).
"""

from collections.abc import Callable, Mapping

import torch

from kansci.training.dual import RowEquations, row_equations, suits
from kansci.training.normal_equations import NormalEquations, Rows, normal_equations
from kansci.training.penalty import Penalty
from kansci.training.population import Population

_SMALLEST_DAMPING = 1e-13
_LARGEST_DAMPING = 1e10
_ROUND_OFF = 1e-26  # of the loss, for y of unit variance
_WINDOW = 10
_STATE = ("loss", "active", "_objective", "_damping", "_growth")
_SCALE_FLOOR = 1e-3
# Rows are evaluated in chunks of about this many values of functions, to bound the memory.
_CHUNK_ENTRIES = 1 << 23

MakePenalty = Callable[[Population, NormalEquations | RowEquations], Penalty | None]


class LevenbergMarquardt:
    """Minimises every member's mean loss plus penalty, one step at a time.

    Attributes:
        population: the present weights.
        loss: mean loss of each member, (P,), without the penalty.
        active: members still moving, (P,) bool.
    """

    def __init__(
        self,
        population: Population,
        rows: Rows,
        make_penalty: MakePenalty | None = None,
        *,
        statistics: bool = True,
        damping: float = 1e-2,
        tolerance: float = 1e-3,
    ):
        """Start at a population.

        Args:
            population: P networks.
            rows: training rows and the loss.
            make_penalty: builds the penalty anew around each point.
            statistics: the penalty needs those of the normal equations.
            damping: initial damping relative to the Hessian's diagonal.
            tolerance: see `TrainSettings`.
        """
        self.population = population
        self._rows = rows
        self._make_penalty = make_penalty
        self._statistics = statistics and make_penalty is not None
        self._tolerance = tolerance
        size, device = population.size, rows.y.device
        self._damping = torch.full((size,), damping, dtype=torch.float64, device=device)
        self._growth = torch.full((size,), 2.0, dtype=torch.float64, device=device)
        self.active = torch.ones(size, dtype=torch.bool, device=device)
        self._stale = torch.ones(size, dtype=torch.bool, device=device)
        self.loss = mean_loss(population, rows)
        self._past: list[torch.Tensor] = []
        self._by_rows = not self._statistics and suits(population, rows)
        self._equations: NormalEquations | RowEquations | None = None
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
        trial = self.population.members(index).moved_by(step)
        loss = mean_loss(trial, self._rows)
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
        self.loss[winners] = mean_loss(population.members(changed), self._rows)
        self._stale[winners] = True

    def refresh(self) -> None:
        """Linearise all active members anew in the next step, also those that have not moved."""
        self._stale |= self.active

    @property
    def resumable(self) -> bool:
        """Whether weights and `state` say all there is to know: no linearisation is in use."""
        return not bool((self.active & ~self._stale).any())

    def state(self) -> dict[str, torch.Tensor]:
        """Give what `restore` needs, beside the population; only where `resumable`."""
        past = torch.stack(self._past) if self._past else self.loss.new_zeros((0, len(self.loss)))
        return {"past": past} | {name: getattr(self, name).clone() for name in _STATE}

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on where `state` was given.

        Args:
            state: of an optimiser of the same population, rows and settings.

        Raises:
            ValueError: it belongs to a population of another size.
        """
        for name in _STATE:
            if state[name].shape != getattr(self, name).shape:
                raise ValueError(f"{name} has the shape {tuple(state[name].shape)}")
            setattr(self, name, state[name].clone())
        self._past = list(state["past"].unbind())

    def _linearise(self) -> None:
        index = (self.active & self._stale).nonzero().flatten()
        if len(index) == 0:
            return
        part = self.population.members(index)
        fresh: NormalEquations | RowEquations
        if self._by_rows:
            fresh = row_equations(part, self._rows)
        else:
            fresh = normal_equations(part, self._rows, statistics=self._statistics)
        penalty = self._make_penalty(part, fresh) if self._make_penalty is not None else None
        self._objective[index] = fresh.loss
        if penalty is not None:
            penalty.add_to(fresh, part)
            self._objective[index] += penalty.value(part)
        self._keep(index, fresh, penalty)
        self._stale[index] = False

    def _keep(
        self, index: torch.Tensor, fresh: NormalEquations | RowEquations, penalty: Penalty | None
    ) -> None:
        """Put the equations and penalties of some members where those of all are."""
        if len(index) == self.population.size:
            self._equations, self._penalty = fresh, penalty
            return
        size = self.population.size
        if self._equations is None:
            self._equations = fresh.for_population(size)
            if penalty is not None:
                self._penalty = Penalty([form.new_zeros((size, *form.shape[1:])) for form in penalty.forms])
        self._equations.put(index, fresh)  # type: ignore[arg-type]  # of the same kind in one run
        if penalty is not None and self._penalty is not None:
            for old, new in zip(self._penalty.forms, penalty.forms, strict=True):
                old[index] = new

    def _propose(self, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Solve (H + damping D) step = -gradient; give the step (p, n) and the fall it promises (p,)."""
        equations = self._equations
        assert equations is not None
        diagonal = equations.diagonal(index)
        scale = torch.maximum(diagonal, _SCALE_FLOOR * diagonal.amax(-1, keepdim=True)).clamp(min=1e-300)
        damped = self._damping[index].unsqueeze(-1) * scale
        step = equations.solve(index, damped)
        step = torch.where(step.isfinite(), step, torch.zeros_like(step))
        predicted = 0.5 * (step * (damped * step - equations.gradient[index])).sum(-1)
        return step, predicted

    def _adjust_damping(self, index: torch.Tensor, gain: torch.Tensor, better: torch.Tensor) -> None:
        shrink = (1 - (2 * gain - 1) ** 3).clamp(1 / 3, 1.0)
        damping, growth = self._damping[index], self._growth[index]
        self._damping[index] = torch.where(better, damping * shrink, damping * growth).clamp(
            min=_SMALLEST_DAMPING
        )
        self._growth[index] = torch.where(better, torch.full_like(growth, 2.0), growth * 2)

    def _retire(self) -> None:
        self.active &= (self._damping < _LARGEST_DAMPING) & (self.loss.abs() > _ROUND_OFF)
        self._past.append(self._objective.clone())
        if len(self._past) > _WINDOW:
            before = self._past.pop(0)
            self.active &= before - self._objective > self._tolerance * before.abs()


def mean_loss(population: Population, rows: Rows) -> torch.Tensor:
    """Mean loss of each member over the rows, (P,)."""
    widest = max(layer.weight.shape[2:].numel() for layer in population.layers)
    length = max(32, _CHUNK_ENTRIES // max(1, population.size * widest))
    parts = (rows.chunk(start, length) for start in range(0, len(rows.y), length))
    totals = [part.total(population.forward(part.inputs)) for part in parts]
    return torch.stack(totals).sum(0) / rows.count
