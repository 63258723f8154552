"""What a search for a differential equation can be told."""

import math
from dataclasses import dataclass

from kansci.errors import SettingsError

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """Options of the search.

    Attributes:
        seconds: after which no further supports are tried.
        seed: of the resampling.
        time_order: of the derivative on the left-hand side; None tries one, then two.
        space_order: highest derivative along space.
        held_out: share of the time, at its end, that is kept back.
        resamples: for the stability of the terms.

    Raises:
        SettingsError: an option is out of range.
    """

    seconds: float = 120.0
    seed: int = 0
    time_order: int | None = None
    space_order: int = 4
    held_out: float = 0.2
    resamples: int = 50

    def __post_init__(self) -> None:
        if not (math.isfinite(self.seconds) and self.seconds > 0):
            raise SettingsError(f"seconds = {self.seconds} must be positive")
        if self.time_order not in {None, 1, 2}:
            raise SettingsError(f"time_order = {self.time_order} must be 1 or 2")
        if not 1 <= self.space_order <= 4:
            raise SettingsError(f"space_order = {self.space_order} must be 1, 2, 3 or 4")
        if not 0 <= self.held_out <= 0.5:
            raise SettingsError(f"held_out = {self.held_out} must be between 0 and 0.5")
