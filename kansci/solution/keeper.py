"""Keeps the best solution so far, and where the solve stands, in a RUN folder while it goes on."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kansci.pde.journal import Journal
from kansci.pde.solver import NumericalSolution
from kansci.pde.system import System, prepare
from kansci.solution.result import Solution
from kansci.solution.store import keep_journal, save_solution, update_solution

__all__ = ["Keeper"]

PAUSE = 2.0
"""Seconds between two checkpoints with no better solution."""
SHARE = 0.1
"""At most this share of the time goes into writing."""


class Keeper:
    """Writes a solution when it is better than the one that is kept, and the journal every few seconds."""

    def __init__(self, folder: Path, draft: Callable[[NumericalSolution], Solution], *, anew: bool):
        """Keep nothing yet.

        Args:
            folder: of the RUN.
            draft: makes a solution of its numerical part.
            anew: whether the first one takes the place of an older run.
        """
        self._folder, self._draft, self._anew = folder, draft, anew
        self._kept: Any = None
        self._system: System | None = None
        self._written, self._rests_until = time.monotonic(), 0.0

    def __call__(self, best: NumericalSolution | None, journal: Journal) -> None:
        """Write what is new, if it is time."""
        began = time.monotonic()
        if best is None or began < self._rests_until:
            return
        better = best.pieces is not self._kept
        if not better and began - self._written < PAUSE:
            return
        if better:
            self._system = self._system or prepare(best.scaling.problem)
            self.solution(self._draft(best), journal, self._system)
        else:
            keep_journal(self._folder, journal)
        self._written = time.monotonic()
        self._rests_until = self._written + (self._written - began) / SHARE

    def solution(self, solution: Solution, journal: Journal, system: System | None = None) -> None:
        """Write a solution now."""
        if self._anew:
            save_solution(solution, self._folder, journal, system)
            self._anew = False
        else:
            update_solution(solution, self._folder, journal, system)
        self._kept = solution.numerical.pieces
