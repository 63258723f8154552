"""The way from a table to a formula: ``discover(dataset) -> Discovery``."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from kansci._version import __version__
from kansci.data import Dataset
from kansci.data.dimensions import parse_units
from kansci.errors import SettingsError
from kansci.expressions.custom import written_out
from kansci.search.baselines import baselines
from kansci.search.dimensions import Units
from kansci.search.engine import search
from kansci.search.finish import Finished, finish
from kansci.search.form_search import search_form
from kansci.search.grammar import Grammar
from kansci.search.kan_shapes import kan_steps
from kansci.search.pool import ExactFoundError, Pool
from kansci.search.problem import Problem
from kansci.search.rows import Rows, error_weight
from kansci.search.template import read_template
from kansci.search.threads import one_thread
from kansci.symbolic.formula import Formula

if TYPE_CHECKING:
    from kansci.models import KAN

__all__ = ["Candidate", "DiscoverSettings", "Discovery", "Event", "discover", "simplify_network"]

SEARCH_ROWS = 2000
"""Rows the search works on; the constants of the result are fitted to all."""
HOLD_OUT_FROM = 30
"""Tables with fewer rows are too small to hold any out."""
FINISH_SHARE = 0.1
"""Share of the time kept for simplifying and refitting the front."""


@dataclass(frozen=True)
class DiscoverSettings:
    """How long to search, from which seed, and for formulas of what form.

    ``seconds``: wall clock; an exact formula ends the search earlier. ``seed``: of the rows held
    out and of the networks' starts. ``jobs``: processes among which networks are shared out.
    What a formula may be made of is said in PySR's words: see ``search.grammar``. ``template``: a
    required form such as ``a*f(x) + g(z)``, see ``search.template``.
    """

    seconds: float = 60.0
    seed: int = 0
    jobs: int = 1
    unary_operators: Sequence[str] | None = None
    binary_operators: Sequence[str] | None = None
    maxsize: int | None = None
    maxdepth: int | None = None
    nested_constraints: Mapping[str, Mapping[str, int]] | None = None
    functions: Mapping[str, str] | None = None
    template: str | None = None

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise SettingsError(f"seconds={self.seconds} must be positive")
        if self.jobs < 1:
            raise SettingsError(f"jobs={self.jobs} must be at least 1")
        if not (self.template is None or isinstance(self.template, str)):
            raise SettingsError(f"template={self.template!r}: give a form as text, such as 'a*f(x) + b'")
        _ = self.grammar

    @property
    def grammar(self) -> Grammar:
        """What a formula may be made of."""
        return Grammar(
            self.unary_operators,
            self.binary_operators,
            self.maxsize,
            self.maxdepth,
            self.nested_constraints,
            self.functions,
        )


@dataclass(frozen=True)
class Event:
    """Progress: seconds since the start, what is being tried, and the best formula so far."""

    seconds: float
    stage: str
    best: Formula | None
    nrmse: float


OnEvent = Callable[[Event], None]


@dataclass(frozen=True)
class Candidate:
    """One formula of the front, judged on held-out rows.

    ``score``: fall of the logarithm of the error per node, against the next shorter formula of
    the front (PySR's score). ``dimensions``: "ok", or "inconsistent: " and where; None without units.
    ``derivation``: how it was found, a sentence a step.
    """

    formula: Formula
    complexity: int
    nrmse: float
    r2: float
    score: float
    dimensions: str | None = None
    derivation: tuple[str, ...] = ()


@dataclass(frozen=True)
class Discovery:
    """The chosen formula, the front it was chosen from, and how it was found.

    Errors are those on the held-out rows; where the table was too small to hold any out
    (``held_out_rows`` is 0), those on all rows, and the choice charges for every constant.
    """

    formula: Formula
    front: tuple[Candidate, ...]
    dataset: Dataset
    settings: DiscoverSettings
    seconds: float
    exact: bool
    rmse: float
    nrmse: float
    r2: float
    held_out_rows: int
    derivation: tuple[str, ...]
    interrupted: bool = False
    dimensions: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The result as plain data, ready for ``json.dumps``."""
        return {
            "target": self.dataset.target,
            "inputs": list(self.dataset.inputs),
            "symbols": dict(self.formula.symbols),
            "formula": self.formula.text,
            "latex": self.formula.latex(),
            "complexity": self.formula.complexity,
            "dimensions": self.dimensions,
            "exact": self.exact,
            "rmse": self.rmse,
            "nrmse": self.nrmse,
            "r2": self.r2,
            "constants": [
                {
                    "value": c.value,
                    "stderr": c.stderr if np.isfinite(c.stderr) else None,
                    "symbolic": c.symbolic,
                }
                for c in self.formula.constants
            ],
            "front": [
                {
                    "formula": c.formula.text,
                    "latex": c.formula.latex_rhs(),
                    "complexity": c.complexity,
                    "nrmse": c.nrmse,
                    "r2": c.r2,
                    "score": c.score,
                    "dimensions": c.dimensions,
                    "derivation": list(c.derivation),
                }
                for c in self.front
            ],
            "held_out_rows": self.held_out_rows,
            "derivation": list(self.derivation),
            "notes": list(self.dataset.notes),
            "interrupted": self.interrupted,
            "seconds": round(self.seconds, 3),
            "seed": self.settings.seed,
            "version": __version__,
        }


def discover(
    dataset: Dataset,
    settings: DiscoverSettings | None = None,
    on_event: OnEvent | None = None,
) -> Discovery:
    """Find the law behind a table.

    Args:
        dataset: The table.
        settings: Time and seed.
        on_event: Called before each step of the search.

    Returns:
        The discovery. A ``KeyboardInterrupt`` ends the search and gives the best so far, with
        ``interrupted`` set.
    """
    settings = settings or DiscoverSettings()
    dataset = replace(dataset, notes=(*dataset.notes, *parse_units(dataset.units)[1]))
    start = time.monotonic()
    with one_thread():
        pool, interrupted = _search(dataset, settings, start, on_event)
        return conclude(dataset, settings, pool, start, interrupted=interrupted)


def _search(
    dataset: Dataset, settings: DiscoverSettings, start: float, on_event: OnEvent | None
) -> tuple[Pool, bool]:
    """The pool when the search has ended, and whether the user ended it."""
    symbols = _symbols(dataset)
    rows = search_rows(dataset, settings.seed)
    units = Units.of_table(dataset)
    pool = Pool(rows, symbols, start + settings.seconds * (1 - FINISH_SHARE), settings.grammar, units)
    interrupted = False
    try:
        errors = rows.weight / rows.spread
        problem = Problem(rows.columns, symbols, rows.y, grammar=settings.grammar, errors=errors)
        report = _reporter(dataset, pool, start, on_event)
        if settings.template is not None:
            template = read_template(settings.template, symbols, dataset.target, settings.grammar)
            search_form(template, pool, settings.seed, report)
        else:
            baselines(problem, pool)
            search(problem, pool, report, kan_steps(settings.seed, settings.jobs))
    except ExactFoundError:
        pass
    except KeyboardInterrupt:
        interrupted = True
    return pool, interrupted


def simplify_network(
    model: "KAN",
    dataset: Dataset,
    settings: DiscoverSettings | None = None,
    on_event: OnEvent | None = None,
) -> Discovery:
    """Snap the edges of a fitted network to primitives and refit all constants on the data.

    Args:
        model: A network with as many inputs as the dataset.
        dataset: The rows it was fitted to.
        settings: Time and seed.
        on_event: Called before each combination of matches is judged.

    Returns:
        The discovery: the front of the combinations that were tried.

    Raises:
        SettingsError: The network does not belong to the dataset, or no combination of matches is
            finite on its rows.
    """
    settings = settings or DiscoverSettings()
    if model.width[0] != len(dataset.inputs) or model.width[-1] != 1:
        raise SettingsError(
            f"a network {list(model.width)} does not fit {len(dataset.inputs)} inputs and one target"
        )
    from kansci.symbolic.network import snapped_networks  # imports torch

    start = time.monotonic()
    symbols, rows = _symbols(dataset), search_rows(dataset, settings.seed)
    deadline = start + settings.seconds * (1 - FINISH_SHARE)
    pool = Pool(rows, symbols, deadline, settings.grammar, Units.of_table(dataset))
    report = _reporter(dataset, pool, start, on_event)
    interrupted = False
    with one_thread():
        try:
            X = np.stack([x[rows.train] for x in rows.columns], axis=1)
            networks = snapped_networks(model, X, symbols, library=settings.grammar.library)
            for number, expr in enumerate(networks, 1):
                report(f"combination {number} of the edges' matches")
                pool.offer(expr, (f"a network {list(model.width)}, each edge matched",))
                if time.monotonic() > pool.deadline:
                    break
        except ExactFoundError:
            pass
        except KeyboardInterrupt:
            interrupted = True
        if not pool.candidates:
            raise SettingsError(
                "no combination of primitives fits the network's edges: train it longer or wider"
            )
        return conclude(dataset, settings, pool, start, interrupted=interrupted)


def _reporter(dataset: Dataset, pool: Pool, start: float, on_event: OnEvent | None) -> Callable[[str], None]:
    """Turns a stage of the search into an Event with the best formula so far."""

    def report(stage: str) -> None:
        if on_event is not None:
            best = pool.best
            shown = None if best is None else _formula(dataset, best.expr)
            on_event(Event(time.monotonic() - start, stage, shown, best.held if best else float("inf")))

    return report


def conclude(
    dataset: Dataset, settings: DiscoverSettings, pool: Pool, start: float, *, interrupted: bool
) -> Discovery:
    """Simplify and refit the front on all rows, and choose."""
    if not pool.candidates and interrupted:
        raise KeyboardInterrupt
    if not pool.candidates:
        raise SettingsError(
            "no formula that the settings allow is finite on the rows: loosen the form, operators or limits"
        )
    deadline = start + settings.seconds
    everything = _all_rows(dataset, pool.rows)
    finished = [finish(c, pool, everything, deadline) for c in pool.candidates]
    n = len(dataset.y)
    chosen = min(finished, key=lambda f: (not f.exact, f.description_length(n)))
    candidates = _scored(dataset, _front(finished, chosen))
    return Discovery(
        formula=_formula(dataset, chosen.expr, chosen.constants),
        front=candidates,
        dataset=dataset,
        settings=settings,
        seconds=time.monotonic() - start,
        exact=chosen.exact,
        rmse=chosen.nrmse * pool.rows.spread_of(pool.rows.held),
        nrmse=chosen.nrmse,
        r2=1 - chosen.nrmse**2,
        held_out_rows=0 if len(pool.rows.held) == len(pool.rows.y) else len(pool.rows.held),
        derivation=chosen.trail,
        interrupted=interrupted,
        dimensions=chosen.dimensions,
    )


def search_rows(dataset: Dataset, seed: int) -> Rows:
    """At most SEARCH_ROWS rows, a fifth of them held out unless the table is small."""
    n = len(dataset.y)
    order = np.random.default_rng(seed).permutation(n)[:SEARCH_ROWS]
    order.sort()
    columns = tuple(np.ascontiguousarray(x) for x in dataset.X[order].T)
    y, m = dataset.y[order], len(order)
    weight = error_weight(columns, y, seed)
    if m < HOLD_OUT_FROM:
        everything = np.arange(m)
        return Rows(columns, y, weight, everything, everything)
    held = np.sort(np.random.default_rng(seed + 1).permutation(m)[: m // 5])
    return Rows(columns, y, weight, np.setdiff1d(np.arange(m), held), held)


def _all_rows(dataset: Dataset, rows: Rows) -> Rows:
    """Every row of the table, weighted as in the search."""
    weight = np.ones_like(dataset.y)
    if np.ptp(rows.weight) > 0:
        logs = np.log(np.abs(dataset.y))
        weight = np.exp(logs.mean() - logs)
    return Rows(tuple(dataset.X.T), dataset.y, weight, np.arange(len(dataset.y)), np.arange(0))


def _symbols(dataset: Dataset) -> tuple[sympy.Symbol, ...]:
    """Symbols that know whether their column is positive, so that roots and logarithms simplify."""
    return tuple(
        sympy.Symbol(name, positive=True) if (x > 0).all() else sympy.Symbol(name, real=True)
        for name, x in zip(dataset.symbols, dataset.X.T, strict=True)
    )


def _formula(dataset: Dataset, expr: sympy.Expr, constants: tuple = ()) -> Formula:
    expr = written_out(expr)
    plain = expr.xreplace({symbol: sympy.Symbol(symbol.name) for symbol in expr.free_symbols})
    return Formula(plain, dataset.symbols, dataset.target, constants)


def _front(finished: list[Finished], chosen: Finished) -> list[Finished]:
    """Formulas that no shorter one is as accurate as, and the chosen one (which may have fewer constants)."""
    kept: list[Finished] = []
    for f in sorted(finished, key=lambda f: (f.complexity, f is not chosen, f.nrmse)):
        if f is chosen or not kept or f.nrmse < min(k.nrmse for k in kept):
            kept.append(f)
    return kept


def _scored(dataset: Dataset, front: list[Finished]) -> tuple[Candidate, ...]:
    candidates: list[Candidate] = []
    for f in front:
        formula = _formula(dataset, f.expr, f.constants)
        score = 0.0
        if candidates:
            fall = 2 * np.log(max(candidates[-1].nrmse, 1e-16) / max(f.nrmse, 1e-16))
            score = float(fall) / max(f.complexity - candidates[-1].complexity, 1)
        r2 = 1 - f.nrmse**2
        candidates.append(Candidate(formula, f.complexity, f.nrmse, r2, score, f.dimensions, f.trail))
    return tuple(candidates)
