"""Identities in finite differences by which a function's structure shows, at random points of its box."""

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import scipy.optimize
import sympy

from kansci.solution.curves import SLACK
from kansci.solution.field_view import View

__all__ = [
    "SAMPLES",
    "allowed",
    "along",
    "corners",
    "groups",
    "halves",
    "invariance",
    "part_of",
    "scaled",
    "shifted",
    "size",
    "where_positive",
    "without_idle",
]

SAMPLES = 64
TIMES_ACCURACY = 30.0


def shifted(view: View, constant: float) -> View:
    """The function minus a constant."""
    return view.through(lambda values: values - constant)


def scaled(view: View, factor: float) -> View:
    """The function times a constant."""
    return view.through(lambda values: factor * values)


def size(view: View) -> float:
    """The largest absolute value at random points."""
    return float(np.abs(view(view.sample(SAMPLES, np.random.default_rng(5)))).max())


def allowed(view: View) -> float:
    """What counts as zero beside the function's values."""
    return max(TIMES_ACCURACY * view.accuracy, SLACK) * max(size(view), 1e-300)


def part_of(view: View, group: Sequence[int], at: np.ndarray) -> View:
    """The function of a group of coordinates, the others fixed."""
    return view.fixed({k: float(at[k]) for k in range(view.dimensions) if k not in group})


def without_idle(view: View) -> View:
    """The function of those coordinates that it depends on."""
    rng = np.random.default_rng(6)
    points, other = view.sample(SAMPLES, rng), view.sample(SAMPLES, rng)
    values, idle = view(points), []
    zero = allowed(view)
    for k in range(view.dimensions):
        moved = points.copy()
        moved[:, k] = other[:, k]
        if np.abs(view(moved) - values).max() <= zero:
            idle.append(k)
    centre = view.bounds.mean(axis=1)
    return view.fixed({k: float(centre[k]) for k in idle}) if idle else view


def corners(view: View, one: Sequence[int], two: Sequence[int]) -> tuple[np.ndarray, ...]:
    """Values at points, with one group of coordinates changed, the other, and both."""
    rng = np.random.default_rng(7)
    points, other = view.sample(SAMPLES, rng), view.sample(SAMPLES, rng)
    values = [view(points)]
    for changed in (one, two, [*one, *two]):
        moved = points.copy()
        moved[:, changed] = other[:, changed]
        values.append(view(moved))
    return tuple(values)


def groups(view: View, difference: Callable[..., np.ndarray], degree: int) -> list[list[int]]:
    """Groups of coordinates of which no two of different groups make the difference other than zero."""
    zero = allowed(view) * size(view) ** (degree - 1)
    group = list(range(view.dimensions))
    for i, j in itertools.combinations(range(view.dimensions), 2):
        if group[i] != group[j] and not np.abs(difference(*corners(view, [i], [j]))).max() <= zero:
            group = [group[i] if g == group[j] else g for g in group]
    return [[k for k, g in enumerate(group) if g == name] for name in dict.fromkeys(group)]


def halves(dimensions: int) -> Iterator[list[int]]:
    """Groups that hold the first coordinate but not all."""
    for count in range(1, dimensions):
        for rest in itertools.combinations(range(1, dimensions), count - 1):
            yield [0, *rest]


def invariance(view: View, i: int, j: int) -> float | None:
    """The b for which f depends on x_j + b x_i alone, as far as these two go; None if there is none."""
    rng = np.random.default_rng(8)
    width = np.ptp(view.bounds, axis=1)
    inner = view.in_box(view.bounds + 0.25 * width[:, None] * np.array([1, -1]))
    points = inner.sample(SAMPLES, rng)

    def slope(k: int) -> np.ndarray:
        step = np.zeros(view.dimensions)
        step[k] = 1e-4 * width[k]
        return (view(points + step) - view(points - step)) / (2 * step[k])

    along_i, along_j = slope(i), slope(j)
    if not np.isfinite([along_i, along_j]).all() or not (along_j**2).sum() > 0:
        return None
    guess = float(along_i @ along_j / (along_j @ along_j))
    if guess == 0 or np.abs(along_i - guess * along_j).max() > 1e-3 * np.abs(along_i).max():
        return None
    step = min(0.2 * width[i], 0.2 * width[j] / abs(guess))
    values = view(points)

    def gap(b: np.ndarray) -> np.ndarray:
        moved = points.copy()
        moved[:, i] += step
        moved[:, j] -= b[0] * step
        return view(moved) - values

    found = scipy.optimize.least_squares(gap, [guess], xtol=1e-15, ftol=1e-15, gtol=1e-15)
    return float(found.x[0]) if np.abs(found.fun).max() <= 10 * allowed(view) else None


def where_positive(view: View) -> tuple[View, int] | None:
    """The function on a box where it keeps its sign and is well away from zero, and the sign."""
    points = view.sample(SAMPLES, np.random.default_rng(9))
    values = view(points)
    largest = float(np.abs(values).max())
    if (np.abs(values) > 1e-3 * largest).all() and np.ptp(np.sign(values)) == 0:
        return view, int(np.sign(values[0]))
    place, width = int(np.abs(values).argmax()), np.ptp(view.bounds, axis=1)
    for share in (0.5, 0.35, 0.2, 0.1):
        low = np.clip(points[place] - share * width / 2, view.bounds[:, 0], None)
        high = np.clip(points[place] + share * width / 2, None, view.bounds[:, 1])
        smaller = view.in_box(np.stack([low, high], axis=1))
        there = smaller(smaller.sample(SAMPLES, np.random.default_rng(9)))
        if (np.abs(there) > 1e-2 * largest).all() and np.ptp(np.sign(there)) == 0:
            return smaller, int(np.sign(there[0]))
    return None


def along(view: View, i: int, j: int, slope: float, phase: sympy.Symbol) -> View:
    """The function of x_j + slope x_i, from corner to corner of the box, and of the other coordinates."""
    (low_i, high_i), (low_j, high_j) = view.bounds[i], view.bounds[j]
    start, end = (low_j, high_j) if slope > 0 else (high_j, low_j)
    first, last = start + slope * low_i, end + slope * high_i
    others = [k for k in range(view.dimensions) if k not in {i, j}]

    def values(points: np.ndarray) -> np.ndarray:
        share = (points[:, 0] - first) / (last - first)
        whole = np.empty((len(points), view.dimensions))
        whole[:, i], whole[:, j] = low_i + share * (high_i - low_i), start + share * (end - start)
        whole[:, others] = points[:, 1:]
        return view(whole)

    bounds = np.vstack([[min(first, last), max(first, last)], view.bounds[others]])
    return View(values, (phase, *(view.symbols[k] for k in others)), bounds, view.accuracy)
