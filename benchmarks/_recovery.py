"""Recovery of known laws: sample rows, discover, judge on fresh rows. Used by the suites beside it."""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import kansci_datasets as data
import numpy as np
import sympy
from joblib import Parallel, delayed
from rich.console import Console
from rich.table import Table

from kansci.discovery import DiscoverSettings, discover
from kansci.metrics import max_relative_error

EXACT = 1e-6
"""Largest relative error on fresh rows of an exact formula."""
FRESH_ROWS = 10_000
FRESH_SEED = 987_654_321


@dataclass(frozen=True)
class Outcome:
    """One problem: what came out, and whether it is the law on fresh rows."""

    name: str
    law: str
    formula: str
    exact: bool
    equal: bool | None
    relative_error: float
    nrmse: float
    complexity: int
    seconds: float


def arguments(description: str) -> argparse.Namespace:
    """The options that every recovery suite has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seconds", type=float, default=60.0, help="for each problem")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--noise", type=float, default=0.0, help="of the target's standard deviation")
    parser.add_argument("--jobs", type=int, default=2, help="problems at a time")
    parser.add_argument("--only", nargs="*", default=[], help="names of problems")
    parser.add_argument("--out", type=Path, help="JSON file for the results")
    return parser.parse_args()


def recover(name: str, options: argparse.Namespace, rows: int | None) -> Outcome:
    """Run one problem and judge it."""
    problem = data.problem(name)
    table = data.sample(problem, rows, seed=options.seed, noise=options.noise)
    start = time.monotonic()
    found = discover(table, DiscoverSettings(seconds=options.seconds, seed=options.seed))
    seconds = time.monotonic() - start
    fresh = data.sample(problem, FRESH_ROWS if rows else None, seed=FRESH_SEED, part="train")
    error = max_relative_error(fresh.y, found.formula.predict(fresh))
    return Outcome(
        name=problem.name,
        law=problem.formula,
        formula=found.formula.text,
        exact=error < EXACT,
        equal=_equal(problem.expr, found.formula) if error < EXACT else False,
        relative_error=error,
        nrmse=found.nrmse,
        complexity=found.formula.complexity,
        seconds=seconds,
    )


def _equal(law: sympy.Expr, formula: Any) -> bool | None:
    """Whether sympy proves law - formula = 0 for positive symbols; None if it cannot tell."""
    columns = {sympy.Symbol(s): sympy.Symbol(c, positive=True) for s, c in formula.symbols.items()}
    names = {symbol: sympy.Symbol(symbol.name, positive=True) for symbol in law.free_symbols}
    difference = law.xreplace(names) - formula.expr.xreplace(columns)
    difference = difference.xreplace(
        {f: sympy.nsimplify(f, rational=True) for f in difference.atoms(sympy.Float)}
    )
    try:
        return True if sympy.simplify(difference) == 0 else None
    except (ArithmeticError, TypeError, ValueError, RecursionError):
        return None


def run(title: str, names: Sequence[str], options: argparse.Namespace, rows: int | None) -> list[Outcome]:
    """Run the problems, show a table, write JSON if asked."""
    chosen = [name for name in names if not options.only or name in options.only]
    outcomes = Parallel(n_jobs=options.jobs)(delayed(recover)(name, options, rows) for name in chosen)
    show(title, outcomes)
    if options.out:
        text = json.dumps(
            {"title": title, "options": _plain(options), "outcomes": [asdict(o) for o in outcomes]}, indent=1
        )
        options.out.write_text(text + "\n", encoding="utf-8")
    return outcomes


def _plain(options: argparse.Namespace) -> dict[str, Any]:
    return {key: str(value) if isinstance(value, Path) else value for key, value in vars(options).items()}


def show(title: str, outcomes: Sequence[Outcome]) -> None:
    """A row a problem, and the count."""
    table = Table(title=title)
    for column in ("problem", "exact", "proved", "seconds", "nodes", "formula"):
        table.add_column(column, overflow="fold")
    for o in outcomes:
        proved = {True: "yes", None: "?", False: ""}[o.equal]
        table.add_row(
            o.name, "yes" if o.exact else "no", proved, f"{o.seconds:.1f}", str(o.complexity), o.formula[:120]
        )
    console = Console(width=160)
    console.print(table)
    times = [o.seconds for o in outcomes]
    console.print(
        f"{sum(o.exact for o in outcomes)} of {len(outcomes)} exact"
        f" (relative error < {EXACT:g} on {FRESH_ROWS} fresh rows),"
        f" {sum(o.equal is True for o in outcomes)} proved equal by sympy;"
        f" seconds: median {np.median(times):.2f}, total {sum(times):.0f}"
    )
