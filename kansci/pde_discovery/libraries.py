"""In which order libraries of terms are tried."""

from dataclasses import dataclass

import numpy as np

from kansci.pde_discovery.collocation import Collocation
from kansci.pde_discovery.library import coordinate_terms, field_functions, library
from kansci.pde_discovery.measurements import Measurements
from kansci.pde_discovery.screening import averages, forward, least_squares
from kansci.pde_discovery.settings import Settings
from kansci.pde_discovery.terms import Coordinate, Factor, Jet, Term

__all__ = ["Attempt", "attempts", "extended", "instead_of_powers"]

SIMPLE = 5e-3
"""A wave number is rounded to a simple one that is as close as this."""
BEFORE = 6
"""Terms of the plain library that explain what they can before a wave number is sought."""


@dataclass(frozen=True)
class Attempt:
    """A family of equations.

    Attributes:
        order: of the derivative in time on the left-hand side.
        terms: that need no data.
        axes: coordinates of which functions may occur.
    """

    order: int
    terms: tuple[Term, ...]
    axes: tuple[int, ...] = ()


def attempts(data: Measurements, settings: Settings) -> list[Attempt]:
    """Simple families first.

    Functions of time come last: a single solution of an autonomous equation can always be written as a
    function of time instead.
    """
    axes, fields = len(data.coordinates), len(data.fields)
    time, space = axes - 1, tuple(range(axes - 1))
    orders = [settings.time_order] if settings.time_order else [1, 2]
    values = [Jet(f, (0,) * axes) for f in range(fields)]
    plain = {o: tuple(library(fields, axes, time, o, settings.space_order)) for o in orders}
    rich = {o: (*plain[o], *field_functions(values)) for o in orders}
    if space:
        return [attempt for o in orders for attempt in (Attempt(o, plain[o]), Attempt(o, rich[o], space))]
    out = [Attempt(o, plain[o]) for o in orders] + [Attempt(o, rich[o]) for o in orders]
    return out + [Attempt(o, plain[o], (time,)) for o in reversed(orders)]


def extended(attempt: Attempt, problem: Collocation, b: np.ndarray, left: Jet, value: Jet) -> list[Term]:
    """The terms of an attempt for one equation, with functions of the coordinates where it has any."""
    terms = list(attempt.terms)
    for axis in attempt.axes:
        wave = _wave_number(attempt.terms, problem, b, left, axis)
        slope = Jet(value.field, tuple(int(i == axis) for i in range(len(value.orders))))
        jets = [value, slope] if axis < len(value.orders) - 1 else [value]
        positive = bool(problem.space.axes[axis].lower > 0)
        terms += coordinate_terms(axis, jets, [wave], positive=positive)
    return terms


def _wave_number(terms: tuple[Term, ...], problem: Collocation, b: np.ndarray, left: Jet, axis: int) -> float:
    """The k with which sin(k x) and cos(k x) explain most beside other terms."""
    space = problem.space.axes[axis]
    table = averages(problem, b, left, terms, 1)
    kept = [terms[i] for i in forward(table[:, 1:], table[:, 0], BEFORE)]
    x, length = Coordinate(axis), space.upper - space.lower

    def rss(k: float) -> float:
        waves = tuple(Term((Factor(x, name, k),)) for name in ("sin", "cos"))
        part = averages(problem, b, left, (*kept, *waves), 1)
        return float(((part[:, 0] - part[:, 1:] @ least_squares(part[:, 1:], part[:, 0])) ** 2).sum())

    step = np.pi / length / 2
    grid = step * np.arange(1, min(2 * space.intervals, 120))
    k = float(grid[np.argmin([rss(g) for g in grid])])
    while step > 1e-4 * k:
        step /= 2
        k = float(min((k - step, k, k + step), key=rss))
    return _simple(k)


def _simple(k: float) -> float:
    """A multiple of a half or of pi over a half nearby, else the number itself to four digits."""
    for unit in (1.0, np.pi, 0.5, np.pi / 2, 0.1):
        near = round(k / unit) * unit
        if near and abs(near - k) < SIMPLE * k:
            return float(near)
    return float(f"{k:.4g}")


def instead_of_powers(terms: tuple[Term, ...]) -> list[tuple[Term, ...]]:
    """Terms with functions of a field in the place of its powers, for each field with a square or a cube."""
    out = []
    alone = [t.factors[0] for t in terms if len(t.factors) == 1]
    powers = [f.atom for f in alone if f.function == "power" and f.number > 1]
    curved = {atom for atom in powers if isinstance(atom, Jet) and not sum(atom.orders)}
    for jet in sorted(curved):
        rest = tuple(t for t in terms if not (t.factors and all(f.atom == jet for f in t.factors)))
        sine, cosine, exponential = field_functions([jet])
        for new in ((sine, cosine), (exponential,)):
            out.append(tuple(dict.fromkeys((*rest, Term(), Term((Factor(jet),)), *new))))
    return out
