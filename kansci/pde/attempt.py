"""One run of the solver: its clock, its journal, what was found so far, who is told."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kansci.pde.inverse import Estimate
from kansci.pde.journal import Compute, Journal, Outcome
from kansci.pde.numerical_solution import NumericalSolution, Progress
from kansci.pde.piece import Pieces, evaluated
from kansci.pde.problem import Problem
from kansci.pde.residual_check import Check
from kansci.pde.scaling import Scaling
from kansci.pde.solve_settings import SolveSettings
from kansci.pde.system import System

__all__ = ["Attempt", "Found", "OnState"]

OnState = Callable[[NumericalSolution | None, Journal], None]
"""Called where a solve can be taken up again, with the best so far."""

_SAMPLES = 1000


@dataclass(frozen=True, eq=False)
class Found:
    """A solution of one method at one resolution."""

    pieces: Pieces
    method: str
    residual: float
    estimate: Estimate | None = None


@dataclass(eq=False)
class Attempt:
    """One run: the clock, the journal, what was found, who is told.

    Attributes:
        problem: as the user stated it.
        scaling: between the user's units and the system's.
        system: the scaled problem, prepared.
        settings: how to solve.
        journal: of this run, and of the one that it goes on with.
        earlier: what that one found.
        on_progress: called after every step.
        on_state: see `OnState`.
        cancelled: whether somebody wants the run to end.
        began: when the clock started.
        history: every step told, those of the earlier run included.
        best: what this run found, gone through again or new.
        change: of the best from the resolution before.
    """

    problem: Problem
    scaling: Scaling
    system: System
    settings: SolveSettings
    journal: Journal
    earlier: NumericalSolution | None
    on_progress: Callable[[Progress], None]
    on_state: OnState
    cancelled: Callable[[], bool]
    began: float = field(default_factory=time.monotonic)
    history: list[Progress] = field(init=False)
    best: Found | None = None
    change: float = np.nan

    def __post_init__(self) -> None:
        rng = np.random.default_rng(99)
        self.history = [] if self.earlier is None else list(self.earlier.history)
        self._told = {_content(step) for step in self.history}
        self._method, self._news = "", False
        self._until = self.settings.seconds
        self.check = Check(self.system)
        self.samples = self.system.problem.domain.sample(_SAMPLES, rng)

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.began

    @property
    def seconds(self) -> float:
        """Seconds since the start, with those of the earlier run."""
        return self.elapsed + (0.0 if self.earlier is None else self.earlier.seconds)

    @contextmanager
    def turn(self, method: str, share: float) -> Iterator[None]:
        """Let a method have a share of the time that is left."""
        before, self._method = self._until, method
        self._until = self.elapsed + share * (before - self.elapsed)
        try:
            yield
        finally:
            self._until = before

    @property
    def left(self) -> float:
        """Seconds that the present method may still take."""
        return self._until - self.elapsed

    def should_stop(self) -> bool:
        """Whether the present method's time is or was up, or somebody wants the run to end."""
        over = self._method in self.journal.passed and not self.journal.unread
        return over or self.left < 0 or self.cancelled()

    def time_is_up(self) -> bool:
        """Whether no method may go on."""
        return self.elapsed > self.settings.seconds or self.cancelled()

    def recall(self, size: int, compute: Compute) -> Outcome:
        """Give the next outcome of a long computation, see `kansci.pde.journal.Recall`."""
        known = self.journal.next(size)
        if known is not None:
            return known
        outcome = compute()
        if not self.should_stop():  # else it may have been cut short
            self.journal.add(outcome)
            self.on_state(self.solution(), self.journal)
        return outcome

    def keep(self, state: Outcome) -> None:
        """Keep all that the present method depends on, see `Journal.keep`."""
        self.journal.keep(state)
        self.on_state(self.solution(), self.journal)

    def tell(self, method: str, parameters: int, residual: float = np.nan, change: float = np.nan) -> None:
        """Report a step, unless the earlier run did."""
        step = Progress(method, parameters, residual, change, self.seconds)
        if self.journal.replays and _content(step) in self._told:
            return
        self.history.append(step)
        self.on_progress(step)

    def offer(self, found: Found, before: Found | None) -> float:
        """Take a solution if it is better than the best; say how far it is from the one before."""
        change = np.nan if before is None else self.difference(found, before)
        self.tell(found.method, sum(p.n_parameters for _, _, p in found.pieces), found.residual, change)
        if self.best is None or found.residual <= self.best.residual or found.estimate is not None:
            self.best, self.change = found, change
            if not self.journal.replays:
                self._news = True
                self.on_state(self.solution(), self.journal)
        return change

    def solution(self) -> NumericalSolution | None:
        """Give the best of this run and the earlier one."""
        mine, earlier = self.best, self.earlier
        if mine is None or (earlier is not None and self._is_better(earlier, mine)):
            return None if earlier is None else replace(earlier, **self._so_far())
        return NumericalSolution(
            self.problem,
            self.scaling,
            mine.pieces,
            mine.method,
            mine.residual,
            self.change,
            estimate=mine.estimate,
            **self._so_far(),
        )

    def _so_far(self) -> dict[str, Any]:
        return {
            "seconds": self.seconds,
            "history": tuple(self.history),
            "interrupted": self.cancelled(),
        }

    def _is_better(self, earlier: NumericalSolution, mine: Found) -> bool:
        """Whether the earlier run came further; an estimate is likelier than all before it."""
        if mine.estimate is not None:
            return not self._news
        return earlier.residual < mine.residual

    def difference(self, one: Found, other: Found) -> float:
        """Largest over the fields of the relative difference in L2."""
        worst = 0.0
        for f in self.problem.fields:
            index = (0,) * len(f.arguments)
            a, b = (
                evaluated(found.pieces, self.problem, f.name, self.samples, index) for found in (one, other)
            )
            norm = float(np.linalg.norm(a))
            worst = max(worst, float(np.linalg.norm(a - b)) / norm if norm > 0 else 0.0)
        return worst


def _content(step: Progress) -> str:
    """A step without its time; as text, in which nan equals nan."""
    return repr(replace(step, seconds=0.0))
