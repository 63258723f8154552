"""Does the formula hold outside the rows that its constants were fitted to?

For each input in turn the constants are fitted to the rows in the inner 80 % of its values (between the
quantiles, so that a few far values do not leave an empty middle), and the rows outside are predicted. A
law errs there as inside; a formula that only follows the data errs more.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kansci.data import Dataset
from kansci.evidence.refit import Table, fitted
from kansci.search.rows import Rows
from kansci.symbolic.formula import Formula
from kansci.symbolic.parametric import Parametric

__all__ = ["Extrapolated", "Extrapolation", "extrapolation"]

INNER = 0.8
MOST_ROWS = 5000
FEWEST_VALUES = 5
"""An input with fewer distinct values has no inside."""
ROUND_OFF = 1e-12


@dataclass(frozen=True)
class Extrapolated:
    """One formula: weighted RMSE over the target's spread, inside and outside, and the worst input.

    ``outside`` is inf where the formula is not finite, None where nothing could be left out.
    """

    formula: str
    complexity: int
    inside: float | None
    outside: float | None
    worst_input: str | None

    @property
    def ratio(self) -> float | None:
        """How many times larger the error is outside; errors of round-off count as equal."""
        if self.inside is None or self.outside is None:
            return None
        return max(self.outside, ROUND_OFF) / max(self.inside, ROUND_OFF)


@dataclass(frozen=True)
class Extrapolation:
    """The formulas by complexity, the place of the one that is asked about, and the inputs tried."""

    formulas: tuple[Extrapolated, ...]
    chosen: int
    inputs: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What came out, in words."""
        from kansci.export import shorten

        own = self.formulas[self.chosen]
        if own.outside is None:
            return "no input has enough values to leave the outer ones out"
        text = f"fitted to the inner {INNER:.0%} of each input's values, it "
        if math.isinf(own.outside):
            text += "is not finite on all rows outside"
        else:
            text += (
                f"errs outside by {own.outside:.2g} of the target's spread, {own.ratio:.2g} times as much as"
                " inside"
            )
        errors = {f.formula: f.outside for f in self.formulas if f is not own and f.outside is not None}
        if errors:
            rival = min(errors, key=errors.__getitem__)
            text += f"; the best of the others there, {shorten(rival, 3)}, by {errors[rival]:.2g}"
        return text

    def to_json(self) -> dict[str, Any]:
        """Plain data, ready for ``json.dumps``."""
        return {
            "inner": INNER,
            "inputs": list(self.inputs),
            "chosen": self.formulas[self.chosen].formula,
            "formulas": [{**asdict(f), "ratio": f.ratio} for f in self.formulas],
        }


def extrapolation(
    dataset: Dataset, formula: Formula, others: Sequence[Formula] = (), *, seed: int = 0
) -> Extrapolation:
    """Fit the constants inside, judge outside, for a formula and its rivals.

    Args:
        dataset: The table.
        formula: The formula that is asked about.
        others: The rest of its front.
        seed: Of the rows that are used of a long table.

    Returns:
        The errors of all.
    """
    table = Table(dataset, seed)
    rows = table.sample(MOST_ROWS)
    tests = {
        name: inside
        for name, x in zip(dataset.inputs, rows.columns, strict=True)
        if (inside := _inner(x)) is not None
    }
    formulas = sorted({f.text: f for f in (*others, formula)}.values(), key=lambda f: (f.complexity, f.text))
    results = tuple(_test(f, table.model(f), rows, tests) for f in formulas)
    return Extrapolation(results, [f.text for f in formulas].index(formula.text), tuple(tests))


def _inner(x: np.ndarray) -> np.ndarray | None:
    """Which rows (N,) are in the inner part of the values of an input; None if it has too few."""
    if len(np.unique(x)) < FEWEST_VALUES:
        return None
    low, high = np.quantile(x, [(1 - INNER) / 2, (1 + INNER) / 2])
    inside = (x >= low) & (x <= high)
    return inside if inside.any() and not inside.all() else None


def _test(formula: Formula, model: Parametric, rows: Rows, tests: dict[str, np.ndarray]) -> Extrapolated:
    squares: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, inside in tests.items():
        at = np.flatnonzero(inside)
        if len(at) > len(model.parameters):
            with np.errstate(over="ignore", invalid="ignore"):  # far outside a formula may be of any size
                error = rows.weight * (fitted(model, rows, at).predict(rows.columns) - rows.y) / rows.spread
                squares[name] = error[inside] ** 2, error[~inside] ** 2
    if not squares:
        return Extrapolated(formula.text, formula.complexity, None, None, None)
    inside_all, outside_all = (_rms(np.concatenate(parts)) for parts in zip(*squares.values(), strict=True))
    worst = max(squares, key=lambda name: _rms(squares[name][1]))
    return Extrapolated(formula.text, formula.complexity, inside_all, outside_all, worst)


def _rms(squares: np.ndarray) -> float:
    value = float(np.sqrt(np.mean(squares)))
    return value if np.isfinite(value) else float("inf")
