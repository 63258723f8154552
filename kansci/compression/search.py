"""The step at which a target is just met."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from kansci.errors import SettingsError

__all__ = ["largest_step"]

CLOSE = 0.005
"""Spare octaves that are good enough: 0.03 dB, 0.3 % of the size."""
TRIALS = 24
SPAN = 40.0
"""Octaves around the guess in which the step is sought."""

Trial = TypeVar("Trial")


def largest_step(
    attempt: Callable[[float], Trial], spare: Callable[[Trial], float], guess: float, target: str
) -> Trial:
    """What comes of the largest step that meets a target.

    Error in dB and size in bits are nearly straight lines over the logarithm of the step, so false
    position in its Illinois form (Dowell and Jarratt 1971) takes a few trials only.

    Args:
        attempt: step -> what comes of it.
        spare: How far that is above the target (negative: below), in octaves of the step, roughly.
        guess: A step to begin with.
        target: Its name for messages.

    Returns:
        What came of the largest step tried that meets the target.

    Raises:
        SettingsError: No step meets the target.
    """
    first = place = float(np.log2(guess))
    best: tuple[float, Trial] | None = None
    ends: dict[bool, tuple[float, float]] = {}  # met or not -> (place, spare), the closest so far
    last = None
    for _ in range(TRIALS):
        trial = attempt(2.0**place)
        excess = float(np.clip(spare(trial), -SPAN, SPAN))
        met = excess >= 0
        if met and (best is None or place > best[0]):
            best = place, trial
        ends[met] = place, excess
        if 0 <= excess <= CLOSE or (len(ends) == 2 and abs(ends[True][0] - ends[False][0]) < CLOSE / 2):
            break
        if len(ends) == 2:
            if met is last:
                ends[not met] = ends[not met][0], ends[not met][1] / 2
            (low, above), (high, below) = ends[True], ends[False]
            place = low + (high - low) * above / (above - below)
        else:
            place += (1.0 if met else -1.0) * max(abs(excess), 0.1) * 1.2
        last = met
        if abs(place - first) > SPAN:
            break
    if best is None:
        raise SettingsError(f"{target} cannot be reached: ask for less")
    return best[1]
