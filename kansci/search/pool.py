"""Every candidate formula meets here: refitted together, judged on held-out rows, kept if on the front."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sympy

from kansci.search.judge import description_length
from kansci.search.rows import Rows
from kansci.symbolic.complexity import complexity
from kansci.symbolic.constants import Snapped, snap_constants
from kansci.symbolic.merge import merge_constants
from kansci.symbolic.parametric import Parametric
from kansci.symbolic.simplify import attempt, tidy

__all__ = ["Candidate", "ExactFoundError", "Pool"]

EXACT = 1e-12
"""A formula whose error on held-out rows is below this share of the target's spread is exact."""
MAX_COMPLEXITY = 150
FIRST_STEPS = 12
MORE_STEPS = 60


class ExactFoundError(Exception):
    """An exact formula is in the pool: the search is over."""


@dataclass
class Candidate:
    """One formula: its refitted model, length, and losses on the rows it was and was not fitted to."""

    model: Parametric
    complexity: int
    train: float
    held: float
    trail: tuple[str, ...]
    exact: bool = False
    snapped: tuple[Snapped, ...] = ()

    @property
    def expr(self) -> sympy.Expr:
        """The formula in the symbols of the search."""
        return self.model.to_expr()

    def description_length(self, rows: int) -> float:
        """See ``judge.description_length``."""
        return description_length(self.train, self.held, len(self.model.parameters), self.complexity, rows)


class Pool:
    """The candidates of one search."""

    def __init__(self, rows: Rows, symbols: Sequence[sympy.Symbol], deadline: float) -> None:
        self.rows, self.symbols, self.deadline = rows, tuple(symbols), deadline
        self.candidates: list[Candidate] = []
        self._seen: set[str] = set()

    @property
    def best(self) -> Candidate | None:
        """The candidate with the shortest description."""
        n = len(self.rows.y)
        return min(self.candidates, key=lambda c: c.description_length(n), default=None)

    def offer(self, expr: sympy.Expr, trail: tuple[str, ...] = (), *, snap: bool = False) -> Candidate | None:
        """Refit an expression and keep it if nothing shorter is as accurate.

        Args:
            expr: In the symbols of the table.
            trail: How it was found.
            snap: Whether to look for exact constants at once; an exact formula always is.

        Returns:
            The candidate, or None if it is not finite on the rows, too long or already known.

        Raises:
            ExactFoundError: The formula is exact.
        """
        expr = attempt(merge_constants, attempt(tidy, expr, 1.0), 1.0)
        key = sympy.srepr(_skeleton(expr))
        if expr.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I) or complexity(expr) > MAX_COMPLEXITY:
            return None
        first = Parametric.of(expr, self.symbols)
        start = self._error(first, self.rows.train)
        if not np.isfinite(start) or (key in self._seen and start > 1e-3):
            return None
        self._seen.add(key)
        candidate = self._judge(first, trail)
        if candidate is None:
            return None
        if candidate.held < 100 * EXACT or snap:
            candidate = self._snapped(candidate)
        self._insert(candidate)
        if candidate.exact:
            raise ExactFoundError
        return candidate

    def _beats(self, one: Candidate, other: Candidate) -> bool:
        """No longer, no less accurate, and no longer a description (which counts constants)."""
        n = len(self.rows.y)
        return (
            one.complexity <= other.complexity
            and one.held <= other.held
            and one.description_length(n) <= other.description_length(n)
        )

    def _error(self, model: Parametric, rows: np.ndarray) -> float:
        return self.rows.loss(model.predict(self.rows.columns), rows)

    def _judge(self, model: Parametric, trail: tuple[str, ...]) -> Candidate | None:
        train = self.rows.train
        columns = [c[train] for c in self.rows.columns]
        if len(model.parameters) >= len(train):
            return None
        weight, y = self.rows.weight[train], self.rows.y[train]
        fitted, fit = model.refit(columns, y, weight, steps=FIRST_STEPS)
        if not np.isfinite(fit.rss) or self._hopeless(fitted):
            return None
        if fit.steps == FIRST_STEPS and time.monotonic() < self.deadline:
            fitted, fit = fitted.refit(columns, y, weight, steps=MORE_STEPS)
        values = fitted.predict(self.rows.columns)
        held = self.rows.loss(values, self.rows.held)
        if not np.isfinite(held):
            return None
        return Candidate(fitted, complexity(fitted.to_expr()), self.rows.loss(values, train), held, trail)

    def _hopeless(self, model: Parametric) -> bool:
        """Whether a formula that is no longer is already twice as accurate as this after its first steps."""
        loss, length = self._error(model, self.rows.train), complexity(model.to_expr())
        k = len(model.parameters)
        return any(
            c.complexity <= length and c.train < loss / 2 and len(c.model.parameters) <= k
            for c in self.candidates
        )

    def _snapped(self, candidate: Candidate) -> Candidate:
        """The candidate with exact constants where the data support them."""
        train = self.rows.train
        columns = [c[train] for c in self.rows.columns]
        model, snapped = snap_constants(candidate.model, columns, self.rows.y[train], self.rows.weight[train])
        values = model.predict(self.rows.columns)
        held = self.rows.loss(values, self.rows.held)
        exact = max(held, self.rows.loss(values, train)) < EXACT
        expr = model.to_expr()
        return Candidate(
            model, complexity(expr), self.rows.loss(values, train), held, candidate.trail, exact, snapped
        )

    def _insert(self, candidate: Candidate) -> None:
        if any(self._beats(other, candidate) for other in self.candidates):
            return
        self.candidates = [c for c in self.candidates if not self._beats(candidate, c)]
        self.candidates.append(candidate)
        self.candidates.sort(key=lambda c: c.complexity)


def _skeleton(expr: sympy.Expr) -> sympy.Expr:
    """The expression with every number of its form replaced by one symbol."""
    return expr.xreplace({number: sympy.Symbol("c") for number in expr.atoms(sympy.Float)})
