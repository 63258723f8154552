"""Which terms are worth a closer look: regression of averages over windows.

Both sides of the equation are taken from smoothed fields and averaged with bumps (1 - s^2)^2 around many
places. Averaging moves derivatives from the data to the bumps, as in the weak form (Messenger and Bortz, J.
Comput. Phys. 443, 2021), and works for products that have no divergence form too. Terms are chosen by
orthogonal least squares forwards (Chen, Billings and Luo, Int. J. Control 50, 1989) and by elimination
backwards.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy.ndimage import convolve1d

from kansci.pde_discovery.collocation import Collocation
from kansci.pde_discovery.terms import Jet, Term

__all__ = ["averages", "backward", "best_subsets", "forward", "least_squares", "screen"]

MARGIN = 0.02
"""Share of the columns' norm below which a column counts as a combination of others."""

RIVALS = 8
"""Terms that take part in the search among all subsets, besides those at hand."""
SMALL = 3
"""Up to this size of the subsets the whole library takes part."""


def averages(problem: Collocation, b: np.ndarray, left: Jet, terms: Sequence[Term], reach: int) -> np.ndarray:
    """Averages over windows.

    Args:
        problem: with the splines.
        b: spline coefficients of the fields.
        left: the left-hand side.
        terms: of the right-hand side.
        reach: half the width of a window, in cells.

    Returns:
        Shape (windows, 1 + terms): the left-hand side first.
    """
    jets = problem.jets(b, sorted({left, *(jet for term in terms for jet in term.jets)}))
    shape = [axis.intervals for axis in problem.space.axes]
    bump = (1 - (np.arange(-reach, reach + 1) / (reach + 1)) ** 2) ** 2
    columns = []
    for values in (jets[left], *(term.value(jets) for term in terms)):
        mean = (values @ problem.quad).reshape(shape)
        for axis, n in enumerate(shape):
            mean = convolve1d(mean, bump / bump.sum(), axis=axis, mode="constant")
            margin = min(reach, (n - 1) // 2)
            mean = np.take(mean, np.arange(margin, n - margin, max(1, reach // 2)), axis=axis)
        columns.append(mean.ravel())
    return np.stack(columns, axis=1)


def least_squares(columns: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Coefficients, whatever the scale of the columns."""
    scale = np.sqrt((columns**2).mean(axis=0)) + 1e-300
    return np.linalg.lstsq(columns / scale, right, rcond=1e-10)[0] / scale


def forward(columns: np.ndarray, right: np.ndarray, count: int) -> list[int]:
    """The columns that explain most, one after the other."""
    norms = np.linalg.norm(columns, axis=0) + 1e-300
    rest, residual = columns / norms, right.copy()
    chosen: list[int] = []
    for _ in range(min(count, columns.shape[1], len(right) // 3)):
        left = np.linalg.norm(rest, axis=0)
        gain = np.where(left > MARGIN / 10, np.abs(residual @ rest) / np.maximum(left, 1e-300), 0.0)
        gain[chosen] = 0.0
        best = int(gain.argmax())
        if gain[best] <= 1e-13 * np.linalg.norm(right):
            break
        chosen.append(best)
        direction = rest[:, best] / left[best]
        residual -= direction * (direction @ residual)
        rest = rest - np.outer(direction, direction @ rest)
    return chosen


def backward(columns: np.ndarray, right: np.ndarray, count: int) -> list[int]:
    """The columns that are left when the least important ones are taken away one by one."""
    norms = np.linalg.norm(columns, axis=0) + 1e-300
    scaled, kept = columns / norms, list(range(columns.shape[1]))
    while len(kept) > count:
        gram = scaled[:, kept].T @ scaled[:, kept]
        inverse = np.linalg.inv(gram + 1e-12 * np.eye(len(kept)))
        c = inverse @ (scaled[:, kept].T @ right)
        kept.pop(int((c**2 / np.diag(inverse)).argmin()))
    return kept


def best_subsets(
    problem: Collocation,
    b: np.ndarray,
    left: Jet,
    terms: tuple[Sequence[Term], Sequence[Term]],
    size: int,
    several: int,
) -> list[tuple[Term, ...]]:
    """The terms of a number that explain most together.

    Args:
        problem: with the splines.
        b: spline coefficients of the fields.
        left: the left-hand side.
        terms: those that take part in any case, and the library.
        size: how many terms to choose.
        several: how many choices to return.

    Returns:
        The best choices.
    """
    every = list(dict.fromkeys((*terms[0], *terms[1])))
    table = averages(problem, b, left, every, max(1, min(a.intervals for a in problem.space.axes) // 15))
    right, columns = table[:, 0], table[:, 1:]
    few = sorted(
        {*range(len(terms[0])), *forward(columns, right, RIVALS), *backward(columns, right, RIVALS // 2)}
    )
    if size <= SMALL:
        few = list(range(len(every)))
    part = columns[:, few] / (np.linalg.norm(columns[:, few], axis=0) + 1e-300)
    gram, moment = part.T @ part + 1e-10 * np.eye(len(few)), part.T @ right
    choices = np.array(list(combinations(range(len(few)), size)))
    inner = gram[choices[:, :, None], choices[:, None, :]]
    explained = (np.linalg.solve(inner, moment[choices][..., None])[..., 0] * moment[choices]).sum(axis=1)
    return [tuple(every[few[i]] for i in choices[k]) for k in np.argsort(-explained)[:several]]


def screen(
    problem: Collocation, b: np.ndarray, left: Jet, terms: Sequence[Term], count: int
) -> tuple[Term, ...]:
    """The terms that regressions over windows of two sizes keep.

    Args:
        problem: with the splines.
        b: spline coefficients of the smoothed fields.
        left: the left-hand side.
        terms: the library.
        count: how many to keep by each way.

    Returns:
        The terms, in the order of the library.
    """
    kept: set[int] = set()
    shortest = min(axis.intervals for axis in problem.space.axes)
    for reach in sorted({max(1, shortest // 20), max(2, shortest // 8)}):
        table = averages(problem, b, left, terms, reach)
        if len(table) < 3 * len(terms):
            table = averages(problem, b, left, terms, 1)
        kept.update(forward(table[:, 1:], table[:, 0], count))
        kept.update(backward(table[:, 1:], table[:, 0], count))
    return tuple(terms[i] for i in sorted(kept))
