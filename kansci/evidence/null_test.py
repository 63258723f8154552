"""How often does chance give a formula as good as this one? The target is permuted, and all is done again.

Where the rows' targets are exchanged at random, no law of the inputs is left, but everything else is as it
was: the search, its time, the table's size, the spread of target and inputs. How much better than a
constant the best formula then is, is the null distribution of how much better it is on the table.

search  for a formula that a search has found: the search is repeated on permuted targets, and, for as
        many seconds, on the target itself. Refitting the form that was found would not be honest: it
        was chosen among thousands because it suits these very rows
refit   for a form that was known before: its constants are fitted to permuted targets

The chance is at most ``(1 + b) / (1 + M)`` for b of M permutations that do as well, which is never zero
(Phipson & Smyth, Stat. Appl. Genet. Mol. Biol. 9:39, 2010).
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import sympy

from kansci.data import Dataset
from kansci.discovery import DiscoverSettings
from kansci.errors import KansciError, SettingsError
from kansci.evidence.model_choice import SMALLEST, length_of
from kansci.evidence.refit import Table, fitted
from kansci.evidence.searches import in_parallel, seconds_each, short_search
from kansci.search.rows import Rows
from kansci.symbolic.formula import Formula
from kansci.symbolic.parametric import Parametric

__all__ = ["NullTest", "null_test"]

Outcome = Literal["untested", "excluded", "too few", "too short", "chance"]
SIGNIFICANT = 0.05
SEARCHES, REFITS = 20, 199
"""Permutations if their number is not given."""
STARTS = 4
"""From which constants are fitted to a permuted target: their values, and others of random size and sign."""
MOST_ROWS = 2000


@dataclass(frozen=True)
class NullTest:
    """Gains over a constant, in nats: on the table, and on each permuted target that was done.

    ``gain`` is None where there was no time for a search on the table itself. ``formula_gain``: of the
    formula that is asked about, which a longer search may have found.
    """

    level: Literal["search", "refit"]
    gain: float | None
    null_gains: tuple[float, ...]
    planned: int
    seconds_each: float | None
    interrupted: bool = False
    formula_gain: float | None = None

    @property
    def as_good(self) -> int:
        """Permuted targets that gave as much."""
        return 0 if self.gain is None else sum(gain >= self.gain for gain in self.null_gains)

    @property
    def p_value(self) -> float | None:
        """Upper bound of the chance; None if nothing could be done."""
        if self.gain is None or not self.null_gains:
            return None
        return (1 + self.as_good) / (1 + len(self.null_gains))

    @property
    def outcome(self) -> Outcome:
        """What may be concluded.

        "untested": nothing was done. "excluded": chance is, at the level of 5 %. "too few": no permuted
        target gave as much, but more of them are needed to say so. "too short": the formula beats them all,
        but in so short a time it is not found on the table itself. "chance": chance gives as much.
        """
        p, own = self.p_value, self.formula_gain
        if p is None:
            return "untested"
        if p <= SIGNIFICANT:
            return "excluded"
        if not self.as_good:
            return "too few"
        return "too short" if own is not None and own > max(self.null_gains) else "chance"

    @property
    def sentence(self) -> str:
        """What came out, in words."""
        p, m = self.p_value, len(self.null_gains)
        if p is None:
            return "there was no time to try permuted targets"
        how = "searches on" if self.level == "search" else "fits to"
        text = (
            f"of {m} {how} permuted targets {self.as_good or 'none'} gave a formula as good (p <= {p:.2g}):"
            f" on the table it beats a constant by {self.gain:.3g} nats, on them by at most"
            f" {max(self.null_gains):.2g}"
        )
        if self.outcome == "too short":
            text += f"; the formula itself, which takes longer to find, does by {self.formula_gain:.3g}"
        return text

    def to_json(self) -> dict[str, Any]:
        """Plain data, ready for ``json.dumps``."""
        own = {**vars(self), "null_gains": list(self.null_gains)}
        return {**own, "as_good": self.as_good, "p_value": self.p_value, "outcome": self.outcome}


@dataclass(frozen=True, eq=False)
class _Task:
    number: int
    dataset: Dataset
    settings: DiscoverSettings


def null_test(  # noqa: PLR0913
    dataset: Dataset,
    settings: DiscoverSettings | None = None,
    *,
    formula: Formula | None = None,
    known_before: bool = False,
    permutations: int | None = None,
    seconds: float = 60.0,
    jobs: int = 1,
    on_done: Callable[[int, int], None] | None = None,
) -> NullTest:
    """The chance of a formula so good where there is no law.

    Args:
        dataset: The table.
        settings: Of each search; ``seconds`` is the most that one of them may take.
        formula: The formula that is asked about.
        known_before: Its form was known before the table was seen, so that it is not searched, but fitted.
        permutations: How many; 20 searches or 199 fits if not given.
        seconds: For all together.
        jobs: Processes, of searches.
        on_done: Called with the number of searches or fits done and planned.

    Returns:
        The gains; after an interruption those so far.

    Raises:
        SettingsError: There is less than one permutation or process, or no formula that was known before.
    """
    if known_before and formula is None:
        raise SettingsError("known_before is said of a formula: pass formula=")
    m = (REFITS if known_before else SEARCHES) if permutations is None else permutations
    if m < 1 or jobs < 1:
        raise SettingsError(f"permutations={m} and jobs={jobs} must be at least 1")
    settings, deadline = settings or DiscoverSettings(), time.monotonic() + seconds
    if known_before and formula is not None:
        return _refits(dataset, formula, m, settings.seed, deadline, on_done)
    each = seconds_each(seconds, m + 1, jobs, settings.seconds)
    own = replace(settings, seconds=each, jobs=1)
    orders = [np.arange(len(dataset)), *_permutations(len(dataset), m, settings.seed)]
    batch = in_parallel(
        _search_gain,
        [_Task(k, _permuted(dataset, order), own) for k, order in enumerate(orders)],
        seconds=each,
        deadline=deadline,
        jobs=jobs,
        on_done=None if on_done is None else lambda done: on_done(done, m + 1),
    )
    gains = dict(batch.results)
    gain = gains.pop(0, None)
    own_gain = None if formula is None else _gain([formula], dataset, settings.seed)
    return NullTest("search", gain, tuple(gains.values()), m, each, batch.interrupted, own_gain)


def _permutations(n: int, count: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng([seed, n])
    return [rng.permutation(n) for _ in range(count)]


def _permuted(dataset: Dataset, order: np.ndarray) -> Dataset:
    """The table with its target, and the errors of that, in another order."""
    sigma = None if dataset.sigma is None else dataset.sigma[order]
    return replace(dataset, y=dataset.y[order], sigma=sigma)


def _search_gain(task: _Task) -> tuple[int, float]:
    """Nats by which the best formula of a search is a shorter description than a constant."""
    try:
        found = short_search(task.dataset, task.settings)
    except KansciError:  # no formula is finite on the rows
        return task.number, 0.0
    return task.number, _gain([c.formula for c in found.front], task.dataset, task.settings.seed)


def _gain(formulas: Sequence[Formula], dataset: Dataset, seed: int) -> float:
    """Nats by which the best of some formulas, or a constant, is a shorter description than a constant."""
    table = Table(dataset, seed)
    mean = Formula(sympy.Float(float(dataset.y.mean()), 17), dataset.symbols)
    lengths = {f.text: length_of(f, table) for f in (mean, *formulas)}
    constants = [lengths[f.text] for f in (mean, *formulas) if not f.expr.free_symbols]
    return min(constants) - min(lengths.values())


def _refits(
    dataset: Dataset,
    formula: Formula,
    m: int,
    seed: int,
    deadline: float,
    on_done: Callable[[int, int], None] | None,
) -> NullTest:
    table = Table(dataset, seed)
    model, rows = table.model(formula), table.sample(MOST_ROWS)
    model.predict(rows.columns), model.jacobian(rows.columns)  # compiled here, once for all starts
    gain, gains = _refit_gain(model, rows, seed), []
    interrupted = False
    try:
        for order in _permutations(len(rows.y), m, seed):
            if time.monotonic() > deadline:
                break
            shuffled = replace(rows, y=rows.y[order], weight=rows.weight[order])
            gains.append(_refit_gain(model, shuffled, seed))
            if on_done is not None:
                on_done(len(gains), m)
    except KeyboardInterrupt:
        interrupted = True
    return NullTest("refit", gain, tuple(gains), m, None, interrupted)


def _refit_gain(model: Parametric, rows: Rows, seed: int) -> float:
    """Gain of log-likelihood over the best constant, from the best of several starts."""
    n = len(rows.y)
    everything = np.arange(n)
    fits = (fitted(model.with_values(start), rows, everything) for start in _starts(model, seed))
    best = min(rows.loss(fit.predict(rows.columns), everything) for fit in fits)
    mean = float(np.average(rows.y, weights=rows.weight**2))
    constant = rows.loss(np.full(n, mean), everything)
    return n * (math.log(max(constant, SMALLEST)) - math.log(max(best, SMALLEST)))


def _starts(model: Parametric, seed: int) -> Sequence[np.ndarray]:
    rng, p = np.random.default_rng(seed), len(model.parameters)
    further = STARTS - 1 if p else 0
    factors = np.exp(rng.normal(size=(further, p))) * rng.choice([-1.0, 1.0], (further, p))
    return [model.values, *(model.values * factors)]
