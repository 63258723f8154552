"""A step length that meets the strong Wolfe conditions (Nocedal and Wright 2006, algorithms 3.5 and 3.6)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

Function = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]

_ENOUGH_FALL = 1e-4
_FLATTER = 0.9
_MOST_TRIALS = 25
_ROUND_OFF = 1e-15


@dataclass(frozen=True, eq=False)
class Point:
    """A point that was evaluated.

    Attributes:
        x: where, shape (n,).
        value: of the function; infinite where it is not a number.
        gradient: shape (n,).
        length: of the step that led here.
        slope: derivative along the step's direction.
    """

    x: torch.Tensor
    value: float
    gradient: torch.Tensor
    length: float = 0.0
    slope: float = 0.0


def evaluate(function: Function, x: torch.Tensor) -> Point:
    """Evaluate a function; where value or gradient are not finite the value is infinite."""
    value, gradient = function(x)
    number = float(value)
    finite = math.isfinite(number) and bool(gradient.isfinite().all())
    return Point(x, number if finite else math.inf, gradient.detach().clone())


class WolfeSearch:
    """The search along one direction from one point.

    Attributes:
        evaluations: number of times the function was called.
    """

    def __init__(self, function: Function, start: Point, direction: torch.Tensor):
        """Stand at a point, `direction` (n,) leading down."""
        self._function, self._direction = function, direction
        slope = float(start.gradient @ direction)
        self._start = Point(start.x, start.value, start.gradient, 0.0, slope)
        self._noise = _ROUND_OFF * abs(start.value)
        self.evaluations = 0

    def run(self, length: float) -> Point | None:
        """Search from a first length.

        Args:
            length: to try first.

        Returns:
            A point that meets the conditions, or the best lower one that was met, or None.
        """
        before, best = self._start, None
        while self.evaluations < _MOST_TRIALS:
            here = self._at(length)
            if here.value < (best or self._start).value:
                best = here
            if self._too_high(here) or (self.evaluations > 1 and here.value >= before.value):
                return self._zoom(before, here, best)
            if self._flat(here):
                return here
            if here.slope >= 0:
                return self._zoom(here, before, best)
            before, length = here, 2.5 * length
        return best

    def _zoom(self, low: Point, high: Point, best: Point | None) -> Point | None:
        """Narrow an interval whose end `low` is the lower one and leads down into it."""
        while self.evaluations < _MOST_TRIALS:
            here = self._at(_between(low, high))
            if here.value < (best or self._start).value:
                best = here
            if self._too_high(here) or here.value > low.value + self._noise:
                high = here
                continue
            if self._flat(here):
                return here
            if here.slope * (high.length - low.length) >= 0:
                high = low
            low = here
            if abs(high.length - low.length) <= 1e-14 * max(high.length, low.length):
                break
        return best

    def _at(self, length: float) -> Point:
        self.evaluations += 1
        point = evaluate(self._function, self._start.x + length * self._direction)
        slope = float(point.gradient @ self._direction) if math.isfinite(point.value) else math.inf
        return Point(point.x, point.value, point.gradient, length, slope)

    def _too_high(self, here: Point) -> bool:
        # Close to the minimum the fall is lost in rounding, and the slopes decide (Hager and Zhang 2005).
        promised = _ENOUGH_FALL * here.length * self._start.slope
        if here.value <= self._start.value + promised:
            return False
        level = here.value <= self._start.value + self._noise
        return not (level and here.slope <= (2 * _ENOUGH_FALL - 1) * self._start.slope)

    def _flat(self, here: Point) -> bool:
        return abs(here.slope) <= -_FLATTER * self._start.slope


def _between(low: Point, high: Point) -> float:
    """Minimum of the cubic through two points, kept away from the ends; the middle where there is none."""
    middle = 0.5 * (low.length + high.length)
    width = high.length - low.length
    if not math.isfinite(high.value):
        return low.length + 0.1 * width
    first = low.slope + high.slope - 3 * (low.value - high.value) / (low.length - high.length)
    square = first**2 - low.slope * high.slope
    if square < 0:
        return middle
    second = math.copysign(math.sqrt(square), width)
    divisor = high.slope - low.slope + 2 * second
    if divisor == 0:
        return middle
    length = high.length - width * (high.slope + second - first) / divisor
    share = (length - low.length) / width
    return length if 0.05 <= share <= 0.95 else low.length + min(max(share, 0.1), 0.9) * width
