"""A function of several coordinates taken apart: sums, products, few products, waves, down to single curves.

Each step is an identity in finite differences that the function's values either satisfy to their accuracy or
do not, as in the separability tests of AI Feynman (Udrescu and Tegmark, Science Advances 6, 2020), here on a
function that can be asked anywhere.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import sympy

from kansci.solution.curves import TRANSFORMED, curve_formulas
from kansci.solution.differences import (
    SAMPLES,
    allowed,
    along,
    corners,
    groups,
    halves,
    invariance,
    part_of,
    scaled,
    shifted,
    size,
    where_positive,
    without_idle,
)
from kansci.solution.field_view import View
from kansci.solution.low_rank_table import Table
from kansci.solution.spans import AXIS
from kansci.symbolic.complexity import complexity

__all__ = ["separated"]

MOST_TERMS = 6
"""Products in a sum of products."""
SHORT = 30
"""Nodes of a formula up to which no further transformation is tried."""
MOST_ALTERNATIVES = 3
DEEPEST = 3
"""How many times values may be transformed."""


def separated(view: View, deadline: float) -> Iterator[sympy.Expr]:
    """Give formulas that agree with a function to its accuracy, with fitted numbers.

    Args:
        view: the function.
        deadline: time (of `time.monotonic`) to stop at.

    Yields:
        Formulas in its symbols, the plainest first.
    """
    yield from _Separation(deadline).formulas(view, 0)


class _Separation:
    """The steps, which call each other until curves are left."""

    def __init__(self, deadline: float):
        self._deadline = deadline

    def formulas(self, view: View, depth: int) -> Iterator[sympy.Expr]:
        """Take a function apart by the first step that applies."""
        if time.monotonic() > self._deadline:
            return
        view = without_idle(view)
        if view.dimensions == 0:
            yield sympy.Float(float(view(np.empty((1, 0)))[0]), 17)
            return
        if view.dimensions == 1:
            yield from itertools.islice(curve_formulas(view), MOST_ALTERNATIVES)
            return
        steps = [self._sum, self._product, self._shifted_product, self._wave, self._few_products]
        if depth < DEEPEST:
            steps.append(self._transformed)
        for step in steps:
            try:
                found = list(itertools.islice(step(view, depth), MOST_ALTERNATIVES))
            except np.linalg.LinAlgError:  # the function is not finite somewhere
                continue
            yield from found
            if found:
                return

    def _combined(
        self, parts: Sequence[View], depth: int, join: Callable[..., sympy.Expr]
    ) -> Iterator[sympy.Expr]:
        """Join the formulas of several parts, if all have one."""
        lists = []
        for part in parts:
            lists.append(list(self.formulas(part, depth)))
            if not lists[-1]:
                return
        for chosen in itertools.product(*lists):
            yield join(*chosen)

    def _sum(self, view: View, depth: int) -> Iterator[sympy.Expr]:
        """Sum of functions of different coordinates: mixed second differences vanish."""
        found = groups(view, lambda f, fi, fj, fij: f - fi - fj + fij, degree=1)
        if len(found) > 1:
            centre = view.bounds.mean(axis=1)
            middle = float(view(centre[None])[0])
            parts = [part_of(view, group, centre) for group in found]
            moved = [parts[0], *(shifted(part, middle) for part in parts[1:])]
            yield from self._combined(moved, depth, sympy.Add)

    def _product(self, view: View, depth: int) -> Iterator[sympy.Expr]:
        """Product of functions of different coordinates."""
        found = groups(view, lambda f, fi, fj, fij: f * fij - fi * fj, degree=2)
        if len(found) > 1:
            points = view.sample(SAMPLES, np.random.default_rng(2))
            values = view(points)
            place = int(np.abs(values).argmax())
            largest = float(values[place])
            parts = [part_of(view, group, points[place]) for group in found]
            factors = [parts[0], *(scaled(part, 1 / largest) for part in parts[1:])]
            yield from self._combined(factors, depth, sympy.Mul)

    def _shifted_product(self, view: View, depth: int) -> Iterator[sympy.Expr]:
        """Constant plus product of functions of different coordinates."""
        largest = size(view)
        for group in halves(view.dimensions):
            f, fi, fj, fij = corners(view, group, [k for k in range(view.dimensions) if k not in group])
            below = f + fij - fi - fj
            good = np.abs(below) > 1e-2 * largest
            if good.sum() < SAMPLES // 4:
                continue
            constants = (f * fij - fi * fj)[good] / below[good]
            constant = float(np.median(constants))
            if 1e-9 * largest < abs(constant) and np.abs(constants - constant).max() <= 1e3 * allowed(view):
                rest = shifted(view, constant)
                for expr in self._product(rest, depth):
                    yield sympy.Float(constant, 17) + expr
                return

    def _few_products(self, view: View, depth: int) -> Iterator[sympy.Expr]:
        """Sum of few products of a plain function of one coordinate and a function of the others."""
        for axis in range(view.dimensions):
            table = Table(view, axis)
            known = table.plain_functions(MOST_TERMS)
            if known is None:
                continue
            parts = table.partners([function for function, _ in known])
            factors = [expr.xreplace({AXIS: view.symbols[axis]}) for _, expr in known]
            found = list(
                itertools.islice(self._combined(parts, depth, _sum_of_products(factors)), MOST_ALTERNATIVES)
            )
            yield from found
            if found:
                return

    def _wave(self, view: View, depth: int) -> Iterator[sympy.Expr]:
        """A function that depends on two coordinates through x_j + b x_i alone."""
        for i, j in itertools.combinations(range(view.dimensions), 2):
            slope = invariance(view, i, j)
            if slope is not None:
                phase = sympy.Dummy("phase", real=True)
                inner = view.symbols[j] + sympy.Float(slope, 17) * view.symbols[i]
                for expr in self.formulas(along(view, i, j, slope, phase), depth):
                    yield expr.xreplace({phase: inner})
                return

    def _transformed(self, view: View, depth: int) -> Iterator[sympy.Expr]:
        """A function of f, or f as a function of squared coordinates, may come apart where f does not."""
        positive = where_positive(view)
        if positive is not None:
            smaller, sign = positive
            points = smaller.sample(SAMPLES, np.random.default_rng(4))
            found = []
            for back, forth in TRANSFORMED:
                with np.errstate(all="ignore"):
                    if not np.isfinite(forth(sign * smaller(points))).all():
                        continue
                seen = (smaller if sign > 0 else scaled(smaller, -1.0)).through(forth)
                for step in (self._sum, self._shifted_product, self._few_products):
                    exprs = list(itertools.islice(step(seen, DEEPEST), 1))
                    found += [sign * back(expr) for expr in exprs]
                    if exprs:
                        break
                if any(complexity(expr) < SHORT for expr in found):
                    break
            yield from sorted(found, key=complexity)
            if found:
                return
        yield from self._squared(view)

    def _squared(self, view: View) -> Iterator[sympy.Expr]:
        """The function of the squares of its coordinates, on the box where these are positive."""
        bounds = np.stack([np.maximum(view.bounds[:, 0], 0.0), view.bounds[:, 1]], axis=1)
        if (bounds[:, 1] <= bounds[:, 0]).any():
            return
        squares = tuple(sympy.Dummy(f"{s.name}2", real=True) for s in view.symbols)
        seen = View(lambda points: view(np.sqrt(points)), squares, bounds**2, view.accuracy)
        for expr in self._wave(seen, DEEPEST):
            yield expr.xreplace({q: s**2 for q, s in zip(squares, view.symbols, strict=True)})


def _sum_of_products(factors: Sequence[sympy.Expr]) -> Callable[..., sympy.Expr]:
    return lambda *partners: sympy.Add(*(a * b for a, b in zip(factors, partners, strict=True)))
