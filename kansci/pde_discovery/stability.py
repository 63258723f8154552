"""How often terms are chosen again when parts of the data are drawn anew.

Stability selection (Meinshausen and Buehlmann, J. R. Stat. Soc. B 72, 2010): the averages over windows are
resampled with replacement, and each time terms are eliminated one by one as long as that lowers BIC.
"""

import numpy as np

from kansci.pde_discovery.collocation import Collocation, Fit, Support
from kansci.pde_discovery.screening import averages, backward, forward, least_squares
from kansci.pde_discovery.terms import Jet, Term

__all__ = ["likely", "stability"]

RIVALS = 8
"""Terms besides the chosen ones that take part."""


def stability(
    problem: Collocation, fit: Fit, libraries: Support, resamples: int, rng: np.random.Generator
) -> list[list[float]]:
    """Share of the draws in which each term of a fit is chosen.

    Args:
        problem: with the splines.
        fit: the fields and the equation.
        libraries: the terms of each equation.
        resamples: how many draws.
        rng: to draw with.

    Returns:
        A number between 0 and 1 for each term of each equation.
    """
    reach = max(1, min(axis.intervals for axis in problem.space.axes) // 10)
    shares = []
    for left, terms, library in zip(problem.left, fit.support, libraries, strict=True):
        others = [term for term in library if term not in terms]
        table = averages(problem, fit.b, left, (*terms, *others), reach)
        kept = forward(table[:, 1:], table[:, 0], len(terms) + RIVALS)
        columns = sorted({*range(len(terms)), *kept})
        counts = np.zeros(len(terms))
        for _ in range(resamples):
            rows = rng.integers(0, len(table), len(table))
            chosen = _by_bic(table[np.ix_(rows, [1 + c for c in columns])], table[rows, 0])
            counts += np.isin(np.arange(len(terms)), [columns[i] for i in chosen])
        shares.append([float(share) for share in counts / max(resamples, 1)])
    return shares


def likely(
    problem: Collocation, b: np.ndarray, left: Jet, terms: tuple[Term, ...], size: int
) -> tuple[Term, ...]:
    """The terms that elimination by BIC leaves of some, from averages over windows of a size."""
    reach = max(1, size * min(axis.intervals for axis in problem.space.axes) // 30)
    table = averages(problem, b, left, terms, reach)
    return tuple(terms[i] for i in _by_bic(table[:, 1:], table[:, 0]))


def _by_bic(columns: np.ndarray, right: np.ndarray) -> list[int]:
    """Elimination as long as it lowers BIC."""
    best, chosen = np.inf, list(range(columns.shape[1]))
    kept = chosen
    for size in range(columns.shape[1], 0, -1):
        kept = [kept[i] for i in backward(columns[:, kept], right, size)]
        part = columns[:, kept]
        rss = float(((right - part @ least_squares(part, right)) ** 2).sum())
        score = len(right) * np.log(rss / len(right) + 1e-12 * (right**2).mean()) + 2 * size * np.log(
            len(right)
        )
        if score < best:
            best, chosen = score, kept
    return chosen
