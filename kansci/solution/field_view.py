"""A function of some coordinates on a box that can be asked for its values anywhere in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import sympy

from kansci.pde.domain import Domain
from kansci.pde.numeric import grid_of
from kansci.pde.problem import Field
from kansci.pde.sobol import sobol
from kansci.pde.solver import NumericalSolution

__all__ = ["View", "view_of"]

CENTRES = 64
"""Points inside a shape about which the largest box is looked for."""
CORNERS = 5
"""Points along each side of a box that must be inside of the shape."""
SHRINK = 0.8
STEPS = 30
LEAST_ACCURACY = 1e-12


@dataclass(frozen=True, eq=False)
class View:
    """A function on a box.

    Attributes:
        values: points (N, k) -> values (N,).
        symbols: its k coordinates.
        bounds: of these, (k, 2).
        accuracy: of the values, relative to their size.
    """

    values: Callable[[np.ndarray], np.ndarray]
    symbols: tuple[sympy.Symbol, ...]
    bounds: np.ndarray
    accuracy: float

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Evaluate at points (N, k)."""
        return self.values(points)

    @property
    def dimensions(self) -> int:
        """Number of coordinates k."""
        return len(self.symbols)

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Give points of the box, evenly spread, (count, k)."""
        low, high = self.bounds.T
        return low + (high - low) * sobol(count, self.dimensions, rng)

    def fixed(self, at: Mapping[int, float]) -> "View":
        """Give the function of the other coordinates where these ones have fixed values."""
        free = [k for k in range(self.dimensions) if k not in at]

        def values(points: np.ndarray) -> np.ndarray:
            whole = np.empty((len(points), self.dimensions))
            whole[:, free] = points
            for k, value in at.items():
                whole[:, k] = value
            return self.values(whole)

        return View(values, tuple(self.symbols[k] for k in free), self.bounds[free], self.accuracy)

    def through(self, function: Callable[[np.ndarray], np.ndarray]) -> "View":
        """Give a function of this function's values, which need not be finite everywhere."""

        def values(points: np.ndarray) -> np.ndarray:
            with np.errstate(all="ignore"):
                return function(self.values(points))

        return replace(self, values=values)

    def in_box(self, bounds: np.ndarray) -> "View":
        """Give the same function on a smaller box (k, 2)."""
        return replace(self, bounds=bounds)


def view_of(solution: NumericalSolution, field: Field) -> View:
    """See a field of a solution as a function of its own arguments on a box inside of the domain."""
    problem = solution.problem
    box = _inner_box(problem.domain)
    own = [problem.coordinates.index(name) for name in field.arguments]

    def values(points: np.ndarray) -> np.ndarray:
        whole = np.tile(box.mean(axis=1), (len(points), 1))
        whole[:, own] = points
        return solution.evaluate(field.name, whole)

    symbols = tuple(problem.symbols[k] for k in own)
    return View(values, symbols, box[own], max(solution.residual, LEAST_ACCURACY))


def _inner_box(domain: Domain) -> np.ndarray:
    """The largest of some boxes inside of the domain, (d, 2)."""
    bounds = domain.bounds
    if domain.is_box:
        return bounds
    best, widest = bounds, 0.0
    for centre in domain.sample(CENTRES, np.random.default_rng(0)):
        half = np.ptp(bounds, axis=1) / 2
        for _ in range(STEPS):
            box = np.clip(np.stack([centre - half, centre + half], axis=1), bounds[:, :1], bounds[:, 1:])
            if domain.contains(_grid(box)).all():
                volume = float(np.prod(np.ptp(box, axis=1)))
                best, widest = (box, volume) if volume > widest else (best, widest)
                break
            half = SHRINK * half
    return best


def _grid(box: np.ndarray) -> np.ndarray:
    return grid_of([np.linspace(low, high, CORNERS) for low, high in box])
