"""What the long computations of a solve gave, so that the solve can be gone through again to where it stood.

Between them everything is done again: it is quick, and depends on nothing but the problem, the settings and
what they gave. So a resumed solve takes the very steps of one that was never interrupted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

__all__ = ["Compute", "Journal", "Outcome", "Recall", "afresh"]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a computation gave.

    Attributes:
        theta: the unknowns, (P,), or several such vectors, (M, P).
        numbers: what else the steps after it depend on.
    """

    theta: torch.Tensor
    numbers: tuple[float, ...] = ()


Compute = Callable[[], Outcome]
Recall = Callable[[int, Compute], Outcome]
"""Told the number of unknowns and how to compute, gives what is known already or computes it."""


def afresh(size: int, compute: Compute) -> Outcome:
    """Compute: nothing is known already."""
    return compute()


class Journal:
    """Outcomes in the order they came, by chapter.

    Attributes:
        chapters: name -> outcomes.
        passed: methods whose turn is over; they compute nothing more.
        replays: whether the last outcome asked for was known already.
    """

    def __init__(self, chapters: Mapping[str, Sequence[Outcome]] | None = None, passed: Sequence[str] = ()):
        """Begin, or take over what another journal held."""
        self.chapters = {name: list(outcomes) for name, outcomes in (chapters or {}).items()}
        self.passed = set(passed)
        self.replays = False
        self._chapter, self._read = "", 0

    def begin(self, chapter: str) -> None:
        """Go to the start of a chapter."""
        self._chapter, self._read, self.replays = chapter, 0, False

    @property
    def unread(self) -> int:
        """Number of outcomes of this chapter that were not asked for yet."""
        return len(self.chapters.get(self._chapter, ())) - self._read

    def next(self, size: int) -> Outcome | None:
        """Read the next outcome, if there is one and it is of so many unknowns; what does not fit goes."""
        self.replays = False
        if not self.unread:
            return None
        outcomes = self.chapters[self._chapter]
        if outcomes[self._read].theta.shape != (size,):
            del outcomes[self._read :]
            return None
        self.replays = True
        self._read += 1
        return outcomes[self._read - 1]

    def add(self, outcome: Outcome) -> None:
        """Put an outcome at the end of this chapter, all of which was read."""
        self.chapters.setdefault(self._chapter, []).append(outcome)
        self._read += 1

    def state(self) -> Outcome | None:
        """Give what `keep` kept."""
        outcomes = self.chapters.get(self._chapter)
        return outcomes[-1] if outcomes else None

    def keep(self, state: Outcome) -> None:
        """Keep a state that says all that further steps depend on, in place of the one before."""
        self.chapters[self._chapter] = [state]
