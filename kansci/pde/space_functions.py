"""The space functions of a marching solution, which follow it."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kansci.pde.axes import Axis, smooth_functions, splines, stretched
from kansci.pde.system import System

if TYPE_CHECKING:
    from kansci.pde.marching import Window

__all__ = ["Space"]

_DEGREE = 7
_FIRST_INTERVALS, _MOST_INTERVALS = 10, 160
_FIRST_FUNCTIONS, _MOST_FUNCTIONS = 10, 16
_GROWTH, _RELAXATION = (1.25, 2.0), 0.9
_FALL = 5
"""The residual of a second-order equation falls by this power of the number of intervals."""
_FINE = 4000
_LONGEST = 0.5
"""Length of an interval where the solution is straight; where it is curved, (spread / curvature)^(1/2)."""
_GRADING = 0.5
"""How fast intervals may become longer away from a layer: splines of high degree feel it from afar."""


@dataclass(frozen=True, eq=False)
class Space:
    """Functions of every space coordinate: splines for a single one, else polynomials or harmonics.

    Attributes:
        system: the problem.
        size: number of intervals, or of functions.
        breaks: of the splines on [-1, 1]; None for polynomials.
        axes: by number of the coordinate.
    """

    system: System
    size: int
    breaks: np.ndarray | None
    axes: dict[int, Axis]

    @classmethod
    def first(cls, system: System) -> "Space":
        """Begin with few functions, before anything is known of the solution."""
        single = len(cls._places(system)) == 1
        size = _FIRST_INTERVALS if single else _FIRST_FUNCTIONS
        return cls(system, size, None, {})._built(None)

    @staticmethod
    def _places(system: System) -> list[int]:
        problem = system.problem
        return [k for k, name in enumerate(problem.coordinates) if name != problem.time]

    @property
    def can_grow(self) -> bool:
        """Whether more functions are affordable and of use."""
        places = self._places(self.system)
        return bool(places) and self.size < (_MOST_INTERVALS if len(places) == 1 else _MOST_FUNCTIONS)

    def axis(self, coordinate: int) -> Axis:
        """Give the functions of a coordinate."""
        return self.axes[coordinate]

    def grown(self, excess: float) -> "Space":
        """Give more functions, enough to bring the residual down by the factor `excess` if possible."""
        factor = np.clip(excess ** (1 / _FALL), *_GROWTH)
        return replace(self, size=int(np.ceil(factor * self.size)))._built(self.breaks)

    def relaxed(self) -> "Space":
        """Give somewhat fewer functions from the next window on."""
        least = _FIRST_INTERVALS if self.breaks is not None else _FIRST_FUNCTIONS
        return replace(self, size=max(least, int(_RELAXATION * self.size)))

    def adapted(self, last: "Window | None") -> "Space":
        """Give functions that follow the field at the end of the last window, or the initial one."""
        places = self._places(self.system)
        if len(places) != 1:
            return self._built(None)
        return self._built(_density(self.system, places[0], last))

    def check_points(self, coordinate: int, low: float, high: float) -> np.ndarray:
        """Give points between the collocation points."""
        nodes = self.axes[coordinate].nodes
        between = np.sort(np.concatenate([(nodes[1:] + nodes[:-1]) / 2, nodes[[0, -1]] * 0.5 + [-0.5, 0.5]]))
        return stretched(between, low, high)

    def _built(self, density: np.ndarray | None) -> "Space":
        places = self._places(self.system)
        periodic = {k: self.system.is_periodic(k) for k in places}
        if len(places) != 1:
            axes = {k: smooth_functions(self.size, periodic=periodic[k]) for k in places}
            return replace(self, axes=axes)
        (place,) = places
        kept = density if density is not None and len(density) > 1 else np.ones(_FINE)
        breaks = _equidistributed(kept, self.size)
        axis = splines(breaks, _DEGREE, periodic=periodic[place])
        return replace(self, axes={place: axis}, breaks=kept)


def _equidistributed(density: np.ndarray, intervals: int) -> np.ndarray:
    """Breaks on [-1, 1] with the same integral of the density in each interval."""
    edges = np.linspace(-1, 1, len(density) + 1)
    total = np.concatenate([[0.0], np.cumsum(density)])
    breaks = np.interp(np.linspace(0, total[-1], intervals + 1), total, edges)
    breaks[[0, -1]] = -1.0, 1.0
    return breaks


def _density(system: System, place: int, last: "Window | None") -> np.ndarray:
    """How dense knots should be on equal cells: the root of the curvature, falling off slowly."""
    low, high = system.bounds[place]
    clock = system.problem.coordinates.index(str(system.problem.time))
    x = low + (high - low) * (np.arange(_FINE) + 0.5) / _FINE
    points = np.zeros((_FINE, len(system.bounds)))
    points[:, place] = x
    points[:, clock] = system.bounds[clock, 0] if last is None else last.end
    step, spacing = 2 / _FINE, np.full(_FINE, _LONGEST)
    for field in system.problem.fields:
        values = _field_values(system, field.name, points, last)
        spread = float(np.ptp(values)) or 1.0
        curvature = np.abs(np.gradient(np.gradient(values / spread, step), step))
        with np.errstate(divide="ignore"):
            spacing = np.fmin(spacing, curvature**-0.5)
    return 1 / _graded(spacing, _GRADING * step)


def _graded(spacing: np.ndarray, slope: float) -> np.ndarray:
    """The largest spacings below the given ones that change by at most `slope` from cell to cell."""
    ramp = slope * np.arange(len(spacing))
    from_left = np.minimum.accumulate(spacing - ramp) + ramp
    from_right = np.minimum.accumulate((spacing + ramp)[::-1])[::-1] - ramp
    return np.minimum(from_left, from_right)


def _field_values(system: System, name: str, points: np.ndarray, last: "Window | None") -> np.ndarray:
    own = system.axes_of(name)
    if last is not None:
        return last.piece.jet(name, points, [(0,) * len(own)])[0]
    from kansci.pde.field_model import Known
    from kansci.pde.jets import JetPlan

    known = Known(system.particular[name], [system.problem.symbols[k] for k in own])
    plan = JetPlan.of([], len(own))
    return known.jet(points[:, list(own)], plan)[0].numpy()
