"""Recovery of known laws: sample rows, discover, judge on fresh rows. Used by the suites beside it."""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import kansci_datasets as data
import numpy as np
import sympy
from _right_form import EXACT, Form, right_form
from joblib import Parallel, delayed
from rich.console import Console
from rich.table import Table

from kansci.data import Dataset
from kansci.discovery import DiscoverSettings, discover
from kansci.metrics import max_relative_error, nrmse
from kansci.symbolic.formula import Formula

FRESH_ROWS = 10_000
FRESH_SEED = 987_654_321


@dataclass(frozen=True)
class Outcome:
    """One problem: what came out, and whether it is the law on fresh rows without noise.

    ``form``: whether it has the law's form; not asked where there is no noise.
    """

    name: str
    seed: int
    law: str
    formula: str
    exact: bool
    equal: bool | None
    form: Form | None
    relative_error: float
    nrmse: float
    complexity: int
    seconds: float


def parser(description: str) -> argparse.ArgumentParser:
    """The options that every suite has."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--seconds", type=float, default=60.0, help="for each problem")
    options.add_argument("--seeds", "--seed", type=int, nargs="+", default=[0])
    options.add_argument("--jobs", type=int, default=2, help="problems at a time")
    options.add_argument("--only", nargs="*", default=[], help="names of problems")
    options.add_argument("--out", type=Path, help="JSON file for the results")
    return options


def recovery_parser(description: str) -> argparse.ArgumentParser:
    """The options of the suites that sample laws."""
    options = parser(description)
    options.add_argument("--rows", type=int, default=1000)
    options.add_argument("--noise", type=float, default=0.0, help="of the target's standard deviation")
    options.add_argument("--units", action="store_true", help="give the units, where they are known")
    return options


def settings(options: argparse.Namespace) -> str:
    """The options for the title of a table."""
    units = "with units" if options.units else "no units"
    return f"noise {options.noise:g}, {units}, {options.seconds:g} s each"


def recover(name: str, seed: int, options: argparse.Namespace, rows: int | None) -> Outcome:
    """Run one problem and judge it."""
    table, fresh = noisy_and_fresh(name, seed, options, rows)
    start = time.monotonic()
    found = discover(table, DiscoverSettings(seconds=options.seconds, seed=seed))
    seconds = time.monotonic() - start
    return judge(name, seed, found.formula, (table, fresh), seconds, with_form=options.noise > 0)


def noisy_and_fresh(
    name: str, seed: int, options: argparse.Namespace, rows: int | None
) -> tuple[Dataset, Dataset]:
    """The rows of a problem to search on, and rows without noise to judge on."""
    table = data.sample(name, rows, seed=seed, noise=options.noise)
    fresh = data.sample(name, FRESH_ROWS, seed=FRESH_SEED)
    return table if options.units else replace(table, units={}), fresh


def judge(
    name: str, seed: int, formula: Formula, rows: tuple[Dataset, Dataset], seconds: float, *, with_form: bool
) -> Outcome:
    """Compare a formula with the law."""
    law = data.problem(name)
    table, fresh = rows
    predicted = formula.predict(fresh)
    error = max_relative_error(fresh.y, predicted)
    return Outcome(
        name=name,
        seed=seed,
        law=law.formula,
        formula=formula.text,
        exact=error < EXACT,
        equal=_equal(law.expr, formula) if error < EXACT else False,
        form=right_form(formula.expr, table, fresh, formula.constants) if with_form else None,
        relative_error=error,
        nrmse=nrmse(fresh.y, predicted),
        complexity=formula.complexity,
        seconds=seconds,
    )


def _equal(law: sympy.Expr, formula: Formula) -> bool | None:
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


def chosen(names: Sequence[str], options: argparse.Namespace) -> list[tuple[str, int]]:
    """Every problem that is asked for, with every seed."""
    wanted = [name for name in names if not options.only or name in options.only]
    return [(name, seed) for seed in options.seeds for name in wanted]


def run(title: str, names: Sequence[str], options: argparse.Namespace, rows: int | None) -> list[Outcome]:
    """Run the problems, show a table, write JSON if asked."""
    outcomes = in_parallel(recover, [(*case, options, rows) for case in chosen(names, options)], options.jobs)
    show(title, outcomes)
    write_json(title, options, outcomes)
    return outcomes


def in_parallel(function: Callable[..., Any], arguments: Sequence[tuple], jobs: int) -> list[Any]:
    """The function's values, a process each."""
    return Parallel(n_jobs=jobs)(delayed(function)(*some) for some in arguments)


def write_json(title: str, options: argparse.Namespace, outcomes: Sequence[Any]) -> None:
    """The options and the results, if a file is given for them."""
    if options.out:
        plain = {k: str(v) if isinstance(v, Path) else v for k, v in vars(options).items()}
        report = {"title": title, "options": plain, "outcomes": [asdict(outcome) for outcome in outcomes]}
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def show(title: str, outcomes: Sequence[Outcome]) -> None:
    """A row a problem, and the counts."""
    table = Table(title=title)
    for column in ("problem", "seed", "exact", "proved", "form", "constants", "seconds", "nodes", "formula"):
        table.add_column(column, overflow="fold")
    for o in outcomes:
        proved = {True: "yes", None: "?", False: ""}[o.equal]
        cells = (str(o.seed), "yes" if o.exact else "no", proved, *form_cells(o.form), f"{o.seconds:.1f}")
        table.add_row(o.name, *cells, str(o.complexity), o.formula[:120])
    console = Console(width=170)
    console.print(table)
    for seed in dict.fromkeys(o.seed for o in outcomes):
        console.print(f"seed {seed}: {summary([o for o in outcomes if o.seed == seed])}")


def form_cells(form: Form | None) -> tuple[str, str]:
    """The two judgements of the form: what is too much of it, and how far the worst constant is off."""
    if form is None:
        return "", ""
    if not form.right:
        return (f"no: {form.superfluous} too many" if form.superfluous else "no"), ""
    return "yes", f"{'yes' if form.within else 'no'} {form.deviations:.1f} s.e."


def summary(outcomes: Sequence[Outcome]) -> str:
    """How many were recovered, in which sense, and how fast."""
    if not outcomes:
        return "no problems"
    times = [o.seconds for o in outcomes]
    text = (
        f"{sum(o.exact for o in outcomes)} of {len(outcomes)} exact"
        f" (relative error < {EXACT:g} on {FRESH_ROWS} fresh rows),"
        f" {sum(o.equal is True for o in outcomes)} proved equal by sympy;"
    )
    forms = [o.form for o in outcomes if o.form]
    if forms:
        text += (
            f" {sum(form.right for form in forms)} of the right form,"
            f" {sum(form.within for form in forms)} of them with all constants within 3 s.e.;"
        )
    return f"{text} seconds: median {np.median(times):.2f}, total {sum(times):.0f}"
