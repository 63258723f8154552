"""Which terms an equation has: stepwise search in the fit of fields and equation at once.

Terms leave by Wald tests and enter by score tests, both from the same bordered system, so that the noise in
the fields and its correlation between terms count as they should. Supports are compared by the objective plus
twice the effective number of parameters of the fields (Akaike, 1974), and a charge for every term (Schwarz,
Annals of Statistics 6, 1978).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kansci.pde_discovery.collocation import Collocation, Fit, Support
from kansci.pde_discovery.screening import averages, best_subsets, least_squares
from kansci.pde_discovery.terms import Term

__all__ = ["Selector"]

TAU = 0.03
"""How well an equation has to hold while terms are chosen, relative to its left-hand side."""
TOLERANCE = 0.1
"""Gain in the objective, a sum of squares over variances, below which a fit is done."""
CHARGE = 1.5
"""Charge for a term in units of log N."""
GOOD_MISFIT, GOOD_DEFECT = 1.03, 0.5
"""Misfit a degree of freedom and defect a cell below which an equation explains the data."""
SYSTEMATIC = 20.0
"""Neighbouring cells in which what splines cannot follow is alike, and counts as one observation."""
TOGETHER = 2.0
"""Rise of the objective up to which several terms leave at once."""
NEGLIGIBLE = 5e-3
"""A term whose share of the left-hand side is smaller is left out whatever its significance."""


@dataclass(eq=False)
class Selector:
    """A stepwise search.

    Attributes:
        problem: data and splines.
        libraries: terms that may stand in each equation.
        smoothed: spline coefficients of the smoothed fields.
        tell: is told of each support that was fitted.
        in_time: whether there is time to go on.
        least: dispersion of the best fit so far.
    """

    problem: Collocation
    libraries: Support
    smoothed: np.ndarray
    tell: Callable[[Fit], None] = lambda fit: None
    in_time: Callable[[], bool] = lambda: True
    least: float = np.inf

    def start(self, support: Support, b: np.ndarray) -> np.ndarray:
        """Coefficients by regression of averages over windows."""
        reach = max(1, min(axis.intervals for axis in self.problem.space.axes) // 10)
        parts = [np.zeros(0)]
        for left, terms in zip(self.problem.left, support, strict=True):
            if terms:
                table = averages(self.problem, b, left, terms, reach)
                parts.append(least_squares(table[:, 1:], table[:, 0]))
        return np.concatenate(parts)

    def fit(self, support: Support, near: Fit | None = None) -> Fit:
        """Fit a support, from another fit or from the smoothed fields."""
        if near is None:
            c = self.start(support, self.smoothed)
            fit = self.problem.fit(support, self.smoothed, c, [TAU], 10, TOLERANCE, hold=2)
        else:
            fit = self.problem.fit(support, near.b, _carried(support, near), [TAU], 6, TOLERANCE)
        self.least = min(self.least, self._dispersion(fit))
        self.tell(fit)
        return fit

    def _dispersion(self, fit: Fit) -> float:
        """How much larger residuals are than noise and tau say."""
        return max(1.0, fit.misfit / self.problem.count, SYSTEMATIC * fit.defect / self.problem.cells)

    def value(self, fit: Fit, dispersion: float | None = None) -> float:
        """What is to be small; the dispersion is that of the best fit so far."""
        longer = sum(term.complexity for terms in fit.support for term in terms)
        return (
            fit.objective / (dispersion or self.least) + 2 * fit.freedom + self.charge * fit.c.size + longer
        )

    @property
    def charge(self) -> float:
        """For one term."""
        return CHARGE * float(np.log(self.problem.count))

    def shares(self, fit: Fit) -> np.ndarray:
        """Root mean square of each term relative to the left-hand side."""
        jets = self.problem.jets(fit.b, self.problem.wanted(fit.support))
        pairs = [(e, t) for e, terms in enumerate(fit.support) for t in terms]
        rms = [np.sqrt((t.value(jets) ** 2).mean()) / self.problem.scale[e] for e, t in pairs]
        return np.abs(fit.c) * np.array(rms)

    def eliminate(self, fit: Fit) -> Fit:
        """Take terms away as long as that may pay, and return the best fit on the way."""
        path = [fit]
        while path[-1].c.size > 1 and self.in_time():
            now = path[-1]
            gone, loss = _least_missed(now, self.least)
            if loss > 8 * self.charge and self.shares(now)[gone].max() > NEGLIGIBLE:
                break
            support = _without(now.support, gone)
            smaller = self.fit(support, now)
            if smaller.objective > now.objective + 3 * self.least * (loss + self.charge):
                smaller = min(smaller, self.fit(support), key=lambda f: f.objective)
            path.append(smaller)
        best = min(path, key=self.value)
        while best.c.size > 1 and (small := np.flatnonzero(self.shares(best) < NEGLIGIBLE)).size:
            best = self.fit(_without(best.support, [int(i) for i in small[: best.c.size - 1]]), best)
        return best

    def explains(self, fit: Fit) -> bool:
        """Whether a fit leaves nothing to explain."""
        misfit = fit.misfit / max(self.problem.count - fit.freedom, 1.0)
        return misfit < GOOD_MISFIT and fit.defect / self.problem.cells < GOOD_DEFECT

    def search(self, likely: Sequence[Support], wide: Support) -> Fit:
        """From likely supports by exchanges; from a wide one downwards where that is not enough."""
        best = min((self.fit(support) for support in likely), key=self.value)
        best = self.simplify(self.improve(self.eliminate(best)))
        if self.in_time() and (len(self.problem.space.axes) == 1 or not self.explains(best)):
            other = self.eliminate(self.fit(wide))
            if self.value(other) < self.value(best):
                best = self.simplify(self.improve(other))
        return best

    def simplify(self, fit: Fit) -> Fit:
        """Put others, no more than they are, in the place of an equation's terms.

        Which ones is told by regression of the fitted fields; the fit tells whether they are better.
        """
        several, starts = (3, (None, fit)) if len(self.problem.space.axes) == 1 else (1, (fit,))
        for e, left in enumerate(self.problem.left):
            for size in range(1, len(fit.support[e]) + 1):
                if not self.in_time():
                    return fit
                tried = [
                    self.fit(tuple(terms if i == e else other for i, other in enumerate(fit.support)), near)
                    for terms in best_subsets(
                        self.problem, fit.b, left, (fit.support[e], self.libraries[e]), size, several
                    )
                    if set(terms) != set(fit.support[e])
                    for near in starts
                ]
                new = min([fit, *tried], key=self.value)
                if new is not fit:
                    fit = new
                    break
        return fit

    def score(self, fit: Fit) -> list[tuple[float, int, Term]]:
        """How much the objective would fall with a further term, largest first."""
        extra = tuple(
            tuple(t for t in library if t not in terms)
            for library, terms in zip(self.libraries, fit.support, strict=True)
        )
        system = self.problem.linearise(fit.support, fit.b, fit.c, TAU, extra)
        p = fit.c.size
        schur, reduced = system.schur, system.reduced
        carry = np.linalg.lstsq(schur[:p, :p], schur[:p, p:], rcond=1e-12)[0]
        information = np.diag(schur)[p:] - (schur[p:, :p] * carry.T).sum(axis=1)
        gradient = reduced[p:] - carry.T @ reduced[:p]
        usable = information > 1e-6 * np.diag(schur)[p:]
        gains = np.where(usable, gradient**2 / np.maximum(information, 1e-300), 0.0) / self.least
        names = [(e, t) for e, terms in enumerate(extra) for t in terms]
        return sorted(((g, e, t) for g, (e, t) in zip(gains, names, strict=True)), key=lambda item: -item[0])

    def improve(self, fit: Fit, rounds: int = 4) -> Fit:
        """Add and exchange terms while that pays."""
        for _ in range(rounds):
            if not self.in_time():
                break
            added: dict[int, Term] = {}
            for gain, e, term in self.score(fit):
                if gain > self.charge and e not in added:
                    added[e] = term
            if not added:
                break
            larger = tuple(
                (*terms, *([added[e]] if e in added else [])) for e, terms in enumerate(fit.support)
            )
            new = self.eliminate(self.fit(larger, fit))
            if self.value(new) >= self.value(fit) - 1e-6 * fit.objective:
                break
            fit = new
        return fit


def _without(support: Support, indices: list[int]) -> Support:
    """A support without some of its terms, counted through all equations."""
    gone, out, start = set(indices), [], 0
    for terms in support:
        out.append(tuple(t for i, t in enumerate(terms, start) if i not in gone))
        start += len(terms)
    return tuple(out)


def _carried(support: Support, near: Fit) -> np.ndarray:
    """Coefficients of another fit where the terms are the same, else zero."""
    rows = zip(near.support, near.coefficients(), strict=True)
    old = {(e, t): c for e, (terms, cs) in enumerate(rows) for t, c in zip(terms, cs, strict=True)}
    return np.array([old.get((e, t), 0.0) for e, terms in enumerate(support) for t in terms])


def _least_missed(fit: Fit, dispersion: float) -> tuple[list[int], float]:
    """Terms that can go together, and by how much the objective would rise: c_D^T (C_DD)^-1 c_D."""
    gone: list[int] = []
    loss, c, covariance = 0.0, fit.c.copy(), fit.covariance * dispersion
    left = list(range(c.size))
    while len(left) > 1:
        losses = c[left] ** 2 / np.maximum(np.diag(covariance)[left], 1e-300)
        k = int(losses.argmin())
        if gone and loss + losses[k] > TOGETHER:
            break
        j = left.pop(k)
        gone.append(j)
        loss += float(losses[k])
        c -= covariance[:, j] * c[j] / covariance[j, j]
        covariance -= np.outer(covariance[:, j], covariance[:, j]) / covariance[j, j]
    return gone, loss
