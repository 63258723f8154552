"""The way from a table, or a network fitted to it, to a formula."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import sympy

from kansci.data import Dataset
from kansci.data.dimensions import parse_units
from kansci.discovery.conclude import conclude, published
from kansci.discovery.known import known_structure
from kansci.discovery.result import Discovery, Event, OnEvent
from kansci.discovery.rows import search_rows
from kansci.discovery.settings import DiscoverSettings
from kansci.errors import SettingsError
from kansci.search.baselines import baselines
from kansci.search.dimensions import Units
from kansci.search.engine import search
from kansci.search.form_search import search_form
from kansci.search.kan_shapes import kan_steps
from kansci.search.pool import ExactFoundError, Pool
from kansci.search.problem import Problem
from kansci.search.template import read_template
from kansci.search.threads import one_thread
from kansci.symbolic.formula import Formula

if TYPE_CHECKING:
    from kansci.models import KAN

__all__ = ["discover", "simplify_network", "table_symbols"]

FINISH_SHARE = 0.1
"""Share of the time kept for simplifying and refitting the front."""


def discover(
    dataset: Dataset,
    settings: DiscoverSettings | None = None,
    on_event: OnEvent | None = None,
    known: Sequence[Formula] = (),
) -> Discovery:
    """Find the law behind a table.

    Args:
        dataset: The table.
        settings: Time and seed.
        on_event: Called before each step of the search.
        known: Formulas whose structure the law may share, such as those of other targets.

    Returns:
        The discovery. A ``KeyboardInterrupt`` ends the search and gives the best so far, with
        ``interrupted`` set.
    """
    settings = settings or DiscoverSettings()
    dataset = replace(dataset, notes=(*dataset.notes, *parse_units(dataset.units)[1]))
    start = time.monotonic()
    with one_thread():
        pool, interrupted = _search(dataset, settings, start, on_event, known)
        return conclude(dataset, settings, pool, start, interrupted=interrupted)


def _search(
    dataset: Dataset,
    settings: DiscoverSettings,
    start: float,
    on_event: OnEvent | None,
    known: Sequence[Formula],
) -> tuple[Pool, bool]:
    """The pool when the search has ended, and whether the user ended it."""
    symbols = table_symbols(dataset)
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
            steps = kan_steps(settings.seed, settings.jobs)
            search(problem, pool, report, [*steps, *known_structure(known, dataset.symbols, symbols)])
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
    symbols, rows = table_symbols(dataset), search_rows(dataset, settings.seed)
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
            shown = None if best is None else published(dataset, best.expr)
            on_event(Event(time.monotonic() - start, stage, shown, best.held if best else float("inf")))

    return report


def table_symbols(dataset: Dataset) -> tuple[sympy.Symbol, ...]:
    """Symbols that know whether their column is positive, so that roots and logarithms simplify."""
    return tuple(
        sympy.Symbol(name, positive=True) if (x > 0).all() else sympy.Symbol(name, real=True)
        for name, x in zip(dataset.symbols, dataset.X.T, strict=True)
    )
