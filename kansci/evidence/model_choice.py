"""Which formula of a front do the usual criteria choose, and why was this one chosen?

description length   nats to tell residuals, constants and tree; what the search chooses by (``search.judge``)
BIC                  Schwarz, Ann. Stat. 6:461, 1978
AICc                 Hurvich & Tsai, Biometrika 76:297, 1989
cross-validation     the constants are fitted again without each fold; the form is the one found on all rows
score                fall of the logarithm of the mean squared error a node, as in PySR (Cranmer 2023)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kansci.data import Dataset
from kansci.errors import SettingsError
from kansci.evidence.refit import Table, fitted
from kansci.search.judge import description_length, surprise
from kansci.search.rows import Rows
from kansci.symbolic.complexity import complexity
from kansci.symbolic.formula import Formula
from kansci.symbolic.parametric import Parametric

__all__ = ["Judged", "ModelChoice", "cross_validated", "length_of", "model_choice"]

MOST_ROWS = 5000
"""Rows that are cross-validated."""
SMALLEST = 1e-15
"""Share of the target's spread below which an error is round-off."""
CRITERIA = {
    "description_length": "description length",
    "bic": "BIC",
    "aicc": "AICc",
    "cv_nrmse": "cross-validation",
}


@dataclass(frozen=True)
class Judged:
    """One formula, with so many fitted constants.

    ``nrmse``, ``cv_nrmse``: weighted RMSE over the target's spread, on the rows of the fit and without them.
    ``description_length``, ``bic``, ``aicc``: in nats, nats and twice nats; only differences mean something.
    """

    formula: Formula
    complexity: int
    constants: int
    nrmse: float
    description_length: float
    bic: float
    aicc: float
    cv_nrmse: float
    score: float

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {**vars(self), "formula": self.formula.text}


@dataclass(frozen=True)
class ModelChoice:
    """The formulas by complexity, the place of the chosen one, and how many folds were made."""

    formulas: tuple[Judged, ...]
    chosen: int
    folds: int

    def best_by(self, criterion: str) -> int:
        """Place of the formula that a criterion (a field of ``Judged``) chooses; the simplest of equals."""
        values = [getattr(judged, criterion) for judged in self.formulas]
        return int(np.argmin(values))

    @property
    def sentence(self) -> str:
        """Why the chosen one, and who would choose another, in words."""
        own, n = self.formulas[self.chosen], len(self.formulas)
        if n == 1:
            return "there is no other formula to choose from"
        others = [f for k, f in enumerate(self.formulas) if k != self.chosen]
        rival = min(others, key=lambda f: f.description_length)
        ahead = rival.description_length - own.description_length
        text = (
            f"of {n} formulas it has the shortest description, {ahead:.3g} nats ahead of {_short(rival)}"
            if ahead >= 0
            else f"{_short(rival)} has a shorter description, by {-ahead:.3g} nats"
        )
        votes = {name: self.best_by(key) for key, name in CRITERIA.items() if key != "description_length"}
        agree = [name for name, choice in votes.items() if choice == self.chosen]
        if agree:
            text += f"; {_listed(agree)} would choose it too"
        for choice in sorted(set(votes.values()) - {self.chosen}):
            names = [name for name, place in votes.items() if place == choice]
            text += f"; {_listed(names)} would choose {_short(self.formulas[choice])}"
            if self.formulas[choice].complexity > own.complexity:
                text += ", not charging for the many forms that were tried"
        return text

    def to_json(self) -> dict[str, Any]:
        """Plain data, ready for ``json.dumps``."""
        return {
            "chosen": self.formulas[self.chosen].formula.text,
            "explanation": self.sentence,
            "folds": self.folds,
            "formulas": [judged.to_json() for judged in self.formulas],
        }


def model_choice(
    dataset: Dataset,
    front: Sequence[Formula],
    chosen: Formula | None = None,
    *,
    folds: int = 10,
    seed: int = 0,
) -> ModelChoice:
    """Judge the formulas of a front by several criteria, their constants fitted anew.

    Args:
        dataset: The table.
        front: The formulas.
        chosen: The one that was chosen; added to the front if it is not there. That with the shortest
            description if not given.
        folds: Folds of the cross-validation; of a smaller table, one a row.
        seed: Of the rows held out and of the folds.

    Returns:
        The judgements.

    Raises:
        SettingsError: There is no formula, or there are fewer than two folds or rows.
    """
    table = Table(dataset, seed)
    formulas = {f.text: f for f in (*front, *(() if chosen is None else (chosen,)))}
    rows = table.sample(MOST_ROWS)
    folds = min(folds, len(rows.y))
    if not formulas or folds < 2:
        raise SettingsError(
            f"{len(formulas)} formulas and {folds} folds: give at least one formula and two folds"
        )
    judged = sorted(
        (_judge(formula, table, rows, folds) for formula in formulas.values()),
        key=lambda f: (f.complexity, f.nrmse),
    )
    judged = _scored(judged)
    texts = [f.formula.text for f in judged]
    lengths = [f.description_length for f in judged]
    place = int(np.argmin(lengths)) if chosen is None else texts.index(chosen.text)
    return ModelChoice(tuple(judged), place, folds)


def length_of(formula: Formula, table: Table) -> float:
    """Description length in nats, constants fitted to the rows that a search of the table fits them to."""
    model, rows = table.model(formula), table.searched
    values = fitted(model, rows, rows.train).predict(rows.columns)
    train, held = rows.loss(values, rows.train), rows.loss(values, rows.held)
    nodes = formula.complexity + surprise(formula.expr, possible=table.allows(formula.expr))
    return description_length(train, held, len(model.parameters), nodes, len(rows.y))


def cross_validated(model: Parametric, rows: Rows, folds: int, seed: int = 0) -> float:
    """Root mean square of the weighted errors on rows left out, over the target's spread.

    Args:
        model: The form, with the values that each fit starts from.
        rows: The table.
        folds: Into how many parts its rows are shared out; as many as rows leave one out each time.
        seed: Of the parts.

    Returns:
        The error; inf if it is not finite on some row, or a part leaves no row beyond those that fix the
        constants.
    """
    n, k = len(rows.y), len(model.parameters)
    if k and n - -(-n // folds) <= k:
        return float("inf")
    part = np.random.default_rng(seed).permutation(n) % folds
    values = np.empty(n)
    for fold in range(folds):
        out = part == fold
        without = fitted(model, rows, np.flatnonzero(~out))
        values[out] = without.predict([x[out] for x in rows.columns])
    return rows.loss(values, np.arange(n))


def _judge(formula: Formula, table: Table, rows: Rows, folds: int) -> Judged:
    everything = table.rows
    model = fitted(table.model(formula), everything, np.arange(len(everything.y)))
    n, k = len(everything.y), len(model.parameters)
    error = everything.loss(model.predict(everything.columns), np.arange(n))
    fit = 2 * n * float(np.log(max(error, SMALLEST)))  # minus twice the log-likelihood, up to a constant
    free = n - k - 2  # the width of the errors is fitted too
    return Judged(
        formula=formula,
        complexity=complexity(formula.expr),
        constants=k,
        nrmse=error,
        description_length=length_of(formula, table),
        bic=fit + (k + 1) * float(np.log(n)),
        aicc=fit + 2 * (k + 1) * n / free if free > 0 else float("inf"),
        cv_nrmse=cross_validated(model, rows, folds, table.seed),
        score=0.0,
    )


def _scored(judged: Sequence[Judged]) -> list[Judged]:
    """PySR's score of each against the one before it."""
    done: list[Judged] = []
    for one in judged:
        score = 0.0
        if done:
            before, after = (math.log(max(f.nrmse, SMALLEST)) for f in (done[-1], one))
            score = 2 * (before - after) / max(one.complexity - done[-1].complexity, 1)
        done.append(replace(one, score=score))
    return done


def _short(judged: Judged) -> str:
    from kansci.export import shorten

    return shorten(judged.formula.text, 3)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
