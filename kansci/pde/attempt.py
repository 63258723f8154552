"""One run of the solver: its clock, what was found so far, who is told."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from kansci.pde.inverse import Estimate
from kansci.pde.numerical_solution import Progress
from kansci.pde.piece import Pieces, evaluated
from kansci.pde.problem import Problem
from kansci.pde.residual_check import Check
from kansci.pde.solve_settings import SolveSettings
from kansci.pde.system import System

__all__ = ["Attempt", "Found"]

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
    """One run: the clock, what was found, who is told."""

    problem: Problem
    system: System
    settings: SolveSettings
    on_progress: Callable[[Progress], None]
    cancelled: Callable[[], bool]
    began: float = field(default_factory=time.monotonic)
    history: list[Progress] = field(default_factory=list)
    best: Found | None = None
    change: float = np.nan

    def __post_init__(self) -> None:
        rng = np.random.default_rng(99)
        self._until = self.settings.seconds
        self.check = Check(self.system)
        self.samples = self.system.problem.domain.sample(_SAMPLES, rng)

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.began

    @contextmanager
    def within(self, share: float) -> Iterator[None]:
        """Allow only a share of the time that is left."""
        before = self._until
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
        """Whether the present method's time is up, or somebody wants the run to end."""
        return self.left < 0 or self.cancelled()

    def tell(self, method: str, parameters: int, residual: float = np.nan, change: float = np.nan) -> None:
        """Report a step."""
        step = Progress(method, parameters, residual, change, self.elapsed)
        self.history.append(step)
        self.on_progress(step)

    def offer(self, found: Found, before: Found | None) -> float:
        """Take a solution if it is better than the best; say how far it is from the one before."""
        change = np.nan if before is None else self.difference(found, before)
        self.tell(found.method, sum(p.n_parameters for _, _, p in found.pieces), found.residual, change)
        if self.best is None or found.residual <= self.best.residual or found.estimate is not None:
            self.best, self.change = found, change
        return change

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
