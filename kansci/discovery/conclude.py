"""From the candidates of a search to the discovery: refitted to all rows, chosen, scored."""

import time

import numpy as np
import sympy

from kansci.data import Dataset
from kansci.discovery.errors import with_better_errors
from kansci.discovery.result import Candidate, Discovery
from kansci.discovery.rows import all_rows
from kansci.discovery.settings import DiscoverSettings
from kansci.discovery.verdict import verdict
from kansci.errors import SettingsError
from kansci.expressions.custom import written_out
from kansci.search.finish import Finished, finish
from kansci.search.pool import Pool, skeleton
from kansci.search.rows import Rows
from kansci.symbolic.formula import Formula

__all__ = ["conclude", "front", "published", "scored"]

BARE_MENTION = 1.0
"""Nats of evidence that are not worth more than that (Kass & Raftery, JASA 90:773, 1995)."""


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
    pool = pool if dataset.sigma is not None else with_better_errors(pool)
    deadline = start + settings.seconds
    everything = all_rows(dataset, pool.rows)
    finished = [finish(c, pool, everything, deadline) for c in pool.candidates]
    n = len(dataset.y)
    chosen = _chosen(finished, n)
    rivals = _rivals(pool, everything, deadline, chosen)
    candidates = scored(dataset, front(finished, chosen))
    return Discovery(
        formula=published(dataset, chosen.expr, chosen.constants),
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
        verdict=verdict(chosen, pool),
        interrupted=interrupted,
        dimensions=chosen.dimensions,
        relations=chosen.relations,
        rivals=tuple(row for rival in rivals for row in scored(dataset, [rival])),
    )


def _rivals(pool: Pool, everything: Rows, deadline: float, chosen: Finished) -> list[Finished]:
    """What the data do not rule out beside the front, as far as time allows."""
    finished: list[Finished] = []
    for candidate in pool.rivals:
        if time.monotonic() < deadline:
            rival = finish(candidate, pool, everything, deadline)
            if skeleton(rival.expr) not in {skeleton(other.expr) for other in (chosen, *finished)}:
                finished.append(rival)
    return sorted(finished, key=lambda f: f.complexity)


def _chosen(finished: list[Finished], rows: int) -> Finished:
    """The shortest description; of those that are hardly longer, the simplest formula."""
    best = min((not f.exact, f.description_length(rows)) for f in finished)
    close = [
        f
        for f in finished
        if (not f.exact) == best[0] and f.description_length(rows) < best[1] + BARE_MENTION
    ]
    return min(close, key=lambda f: (f.complexity, f.description_length(rows)))


def published(dataset: Dataset, expr: sympy.Expr, constants: tuple = ()) -> Formula:
    """The formula in plain symbols, with functions of the user written out."""
    expr = written_out(expr)
    plain = expr.xreplace({symbol: sympy.Symbol(symbol.name) for symbol in expr.free_symbols})
    return Formula(plain, dataset.symbols, dataset.target, constants)


def front(finished: list[Finished], chosen: Finished) -> list[Finished]:
    """Formulas that no shorter one is as accurate as, and the chosen one (which may have fewer constants)."""
    kept: list[Finished] = []
    for f in sorted(finished, key=lambda f: (f.complexity, f is not chosen, f.nrmse)):
        if f is chosen or not kept or f.nrmse < min(k.nrmse for k in kept):
            kept.append(f)
    return kept


def scored(dataset: Dataset, kept: list[Finished]) -> tuple[Candidate, ...]:
    """The formulas of a front, shortest first, each scored against the one before."""
    candidates: list[Candidate] = []
    for f in kept:
        formula = published(dataset, f.expr, f.constants)
        score = 0.0
        if candidates:
            fall = 2 * np.log(max(candidates[-1].nrmse, 1e-16) / max(f.nrmse, 1e-16))
            score = float(fall) / max(f.complexity - candidates[-1].complexity, 1)
        r2 = 1 - f.nrmse**2
        candidates.append(Candidate(formula, f.complexity, f.nrmse, r2, score, f.dimensions, f.trail))
    return tuple(candidates)
