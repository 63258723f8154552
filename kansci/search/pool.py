"""Every candidate formula meets here: refitted together, judged on held-out rows, kept if on the front."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import sympy

from kansci.search.dimensions import Units
from kansci.search.grammar import ANYTHING, Grammar
from kansci.search.judge import description_length, surprise
from kansci.search.rows import Rows
from kansci.symbolic.complexity import complexity
from kansci.symbolic.constants import Snapped, snap_constants
from kansci.symbolic.merge import merge_constants
from kansci.symbolic.parametric import Parametric
from kansci.symbolic.simplify import attempt, simplify, tidy

__all__ = ["Candidate", "ExactFoundError", "Pool", "skeleton"]

EXACT = 1e-12
"""A formula whose error on held-out rows is below this share of the target's spread is exact."""
MAX_COMPLEXITY = 150
NOT_REAL = (sympy.zoo, sympy.nan, sympy.oo, sympy.I)
NEARLY_EXACT = 1e-6
"""A formula that is too long as it is offered is looked at if its error is below this."""
BETTER_START = 0.8
"""A form that is known already is refitted again only from constants this much better."""
BEHIND = 25.0
"""Nats that a candidate may be behind the best for its constants to be looked at."""
RULED_OUT = 5.0
"""Nats behind the best from which the evidence is very strong (Kass & Raftery, JASA 90:773, 1995)."""
REMEMBERED, MOST_RIVALS = 40, 6
CHI_SQUARED = 6.6
"""99 % quantile for one degree of freedom: what one constant less may cost."""
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
    possible: bool = True
    """Whether the units allow it, before constants were made exact."""

    @property
    def expr(self) -> sympy.Expr:
        """The formula in the symbols of the search."""
        return self.model.to_expr()

    @cached_property
    def surprise(self) -> float:
        """See ``judge.surprise``."""
        return surprise(self.model.expr, possible=self.possible)

    def description_length(self, rows: int) -> float:
        """See ``judge.description_length``."""
        nodes = self.complexity + self.surprise
        return description_length(self.train, self.held, len(self.model.parameters), nodes, rows)


class Pool:
    """The candidates of one search."""

    def __init__(
        self,
        rows: Rows,
        symbols: Sequence[sympy.Symbol],
        deadline: float,
        grammar: Grammar = ANYTHING,
        units: Units | None = None,
    ) -> None:
        self.grammar, self.units = grammar, units
        self.rows, self.symbols, self.deadline = rows, tuple(symbols), deadline
        self.candidates: list[Candidate] = []
        self._beaten: list[Candidate] = []
        self._seen: dict[str, float] = {}

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
            The candidate, or None if it is not finite on the rows, too long, against the grammar or
            already known.

        Raises:
            ExactFoundError: The formula is exact.
        """
        if expr.has(*NOT_REAL):
            return None
        expr = attempt(merge_constants, attempt(tidy, expr, 1.0), 1.0)
        key = sympy.srepr(skeleton(expr))
        if expr.has(*NOT_REAL) or complexity(expr) > MAX_COMPLEXITY:
            return None
        first, start = self._start(Parametric.of(expr, self.symbols))
        known = start > max(1e-3, BETTER_START * self._seen.get(key, np.inf))
        if known or not np.isfinite(start) or not self._may_be_allowed(expr, start):
            return None
        self._seen[key] = start
        candidate = self._judge(first, trail)
        if candidate is not None:
            clearer = snap or candidate.held < 100 * EXACT or self._competes(candidate)
            refined = self._snapped(candidate) if clearer else candidate
            candidate = self._allowed(refined) or self._allowed(candidate)
        if candidate is not None:
            self._insert(candidate)
            if candidate.exact:
                raise ExactFoundError
        return candidate

    def _beats(self, one: Candidate, other: Candidate) -> bool:
        """No less possible, no longer, no less accurate, no longer a description (which counts constants)."""
        n = len(self.rows.y)
        return (
            one.possible >= other.possible
            and one.complexity <= other.complexity
            and one.held <= other.held
            and one.description_length(n) <= other.description_length(n)
        )

    def _start(self, model: Parametric) -> tuple[Parametric, float]:
        """The model and its error, with rounded constants where only those are finite.

        A root of a sum that is never negative in the law may be so with constants that noise has moved.
        """
        error = self._error(model, self.rows.train)
        for digits in () if np.isfinite(error) else (2, 1):
            rounded = model.with_values(np.array([float(f"{v:.{digits - 1}e}") for v in model.values]))
            error = self._error(rounded, np.arange(len(self.rows.y)))
            if np.isfinite(error):
                return rounded, error
        return model, error

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
        expr = fitted.to_expr()
        possible = self.units is None or bool(self.units.check(expr))
        train_loss = self.rows.loss(values, train)
        return Candidate(fitted, complexity(expr), train_loss, held, trail, possible=possible)

    def _hopeless(self, model: Parametric) -> bool:
        """Whether a formula that is no longer is already twice as accurate as this after its first steps."""
        loss, length = self._error(model, self.rows.train), complexity(model.to_expr())
        k = len(model.parameters)
        return any(
            c.complexity <= length and c.train < loss / 2 and len(c.model.parameters) <= k
            for c in self.candidates
        )

    def _competes(self, candidate: Candidate) -> bool:
        """Whether the candidate could be the best once constants that do nothing are left out."""
        n = len(self.rows.y)
        if time.monotonic() >= self.deadline:
            return False
        return self.best is None or candidate.description_length(n) < self.best.description_length(n) + BEHIND

    def _snapped(self, candidate: Candidate) -> Candidate:
        """The candidate with exact constants where the data support them."""
        train = self.rows.train
        columns = [c[train] for c in self.rows.columns]
        y, weight = self.rows.y[train], self.rows.weight[train]
        model, snapped = snap_constants(self._tied(candidate, columns), columns, y, weight)
        values = model.predict(self.rows.columns)
        held = self.rows.loss(values, self.rows.held)
        exact = max(held, self.rows.loss(values, train)) < EXACT
        expr = model.to_expr()
        loss = self.rows.loss(values, train)
        trail, possible = candidate.trail, candidate.possible
        return Candidate(model, complexity(expr), loss, held, trail, exact, snapped, possible)

    def _tied(self, candidate: Candidate, columns: Sequence[np.ndarray]) -> Parametric:
        """The model with one parameter for numbers that may be one, where the residuals do not object.

        The two frequencies of a damped oscillation are not determined beside its damping.
        """
        tied = candidate.model.tied()
        if len(tied.parameters) == len(candidate.model.parameters):
            return candidate.model
        train = self.rows.train
        tied, _ = tied.refit(columns, self.rows.y[train], self.rows.weight[train], steps=MORE_STEPS)
        allowed = candidate.train * np.sqrt(1 + CHI_SQUARED / len(train))
        return tied if self._error(tied, train) <= allowed else candidate.model

    def _may_be_allowed(self, expr: sympy.Expr, error: float) -> bool:
        """Whether the grammar allows it, perhaps when it is simplified, which an exact formula is worth."""
        return self.grammar.allows(expr) or (error < NEARLY_EXACT and self.grammar.operators_allow(expr))

    def _allowed(self, candidate: Candidate) -> Candidate | None:
        """The candidate as it is or simplified, if the grammar allows that.

        Snapping may forbid a form (sin(x + 1.57) becomes cos(x)), and a dense polynomial may be short.
        """
        if self.grammar.allows(candidate.expr):
            exact = candidate.exact or max(candidate.held, candidate.train) < EXACT
            return replace(candidate, exact=exact)
        expr = simplify(candidate.expr, 1.0)
        if not self.grammar.allows(expr):
            return None
        return replace(candidate, model=Parametric.of(expr, self.symbols), complexity=complexity(expr))

    @property
    def rivals(self) -> list[Candidate]:
        """Candidates that are not on the front, but that the data do not rule out, likely ones first."""
        best, n = self.best, len(self.rows.y)
        if best is None or best.exact:
            return []
        limit = best.description_length(n) + RULED_OUT
        shown = {skeleton(c.expr) for c in self.candidates}
        kept: dict[tuple[str, str], Candidate] = {}
        for candidate in sorted(self._beaten, key=lambda c: c.description_length(n)):
            if candidate.description_length(n) < limit and skeleton(candidate.expr) not in shown:
                # the same function may have been written in several ways
                kept.setdefault((f"{candidate.train:.8e}", f"{candidate.held:.8e}"), candidate)
        return list(kept.values())[:MOST_RIVALS]

    def _insert(self, candidate: Candidate) -> None:
        if any(self._beats(other, candidate) for other in self.candidates):
            self._set_aside([candidate])
            return
        self._set_aside([c for c in self.candidates if self._beats(candidate, c)])
        self.candidates = [c for c in self.candidates if not self._beats(candidate, c)]
        self.candidates.append(candidate)
        self.candidates.sort(key=lambda c: c.complexity)

    def _set_aside(self, beaten: Sequence[Candidate]) -> None:
        """Remember the shortest descriptions of those that the front does not hold."""
        n = len(self.rows.y)
        together = sorted([*self._beaten, *beaten], key=lambda c: c.description_length(n))
        self._beaten = together[:REMEMBERED]


def skeleton(expr: sympy.Expr) -> sympy.Expr:
    """The expression with every number of its form replaced by one symbol."""
    return expr.xreplace({number: sympy.Symbol("c") for number in expr.atoms(sympy.Float)})
