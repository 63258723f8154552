"""From the candidates of a search to the discovery: refitted to all rows, chosen, scored."""

import time

import numpy as np
import sympy

from kansci.data import Dataset
from kansci.discovery.result import Candidate, Discovery
from kansci.discovery.rows import all_rows
from kansci.discovery.settings import DiscoverSettings
from kansci.errors import SettingsError
from kansci.expressions.custom import written_out
from kansci.search.finish import Finished, finish
from kansci.search.pool import Pool
from kansci.symbolic.formula import Formula

__all__ = ["conclude", "published"]


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
    everything = all_rows(dataset, pool.rows)
    finished = [finish(c, pool, everything, deadline) for c in pool.candidates]
    n = len(dataset.y)
    chosen = min(finished, key=lambda f: (not f.exact, f.description_length(n)))
    candidates = _scored(dataset, _front(finished, chosen))
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
        interrupted=interrupted,
        dimensions=chosen.dimensions,
    )


def published(dataset: Dataset, expr: sympy.Expr, constants: tuple = ()) -> Formula:
    """The formula in plain symbols, with functions of the user written out."""
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
        formula = published(dataset, f.expr, f.constants)
        score = 0.0
        if candidates:
            fall = 2 * np.log(max(candidates[-1].nrmse, 1e-16) / max(f.nrmse, 1e-16))
            score = float(fall) / max(f.complexity - candidates[-1].complexity, 1)
        r2 = 1 - f.nrmse**2
        candidates.append(Candidate(formula, f.complexity, f.nrmse, r2, score, f.dimensions, f.trail))
    return tuple(candidates)
