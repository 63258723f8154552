"""Measured tables: is the textbook law found, and are NIST's certified residuals reached?

    kansci bench measured [--set tables nist empirical] [--raw]

tables     the built-in measurements: the law is found if a formula of the front, or one that the data do
           not rule out beside it, becomes it when its constants are refitted to the law's values, and has no
           more constants than the law
nist       NIST's nonlinear regression problems, the form not given: a residual sum of squares within
           5 % of that of the certified model, from a formula that is no more complex
empirical  the nine laws of EmpiricalBench (Cranmer 2023), four measured and five sampled with noise;
           targets that span many orders of magnitude are given as logarithms, as there, unless --raw
"""

import argparse
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import kansci_datasets as data
import numpy as np
import sympy
from _recovery import chosen, in_parallel, parser, write_json
from _right_form import contains, free_constants
from rich.console import Console
from rich.table import Table

from kansci.data import Dataset
from kansci.discovery import DiscoverSettings, Discovery, discover
from kansci.symbolic.complexity import complexity
from kansci.symbolic.formula import Formula

SETS = ("tables", "nist", "empirical")
NIST_MARGIN = 1.05
CLEAN_ROWS = 1000
CLEAN_SEED = 987_654_321
EMPIRICAL = {
    "bode": ("bode", "log(0.4 + 0.3*2**n)"),
    "hubble": ("hubble_1929_figure", "H0*D"),
    "kepler": ("kepler_planets", "k*sqrt(a**3)"),
    "leavitt": ("leavitt_1912", "alpha*log10(P) + delta"),
}
"""Those of the nine laws that have measurements: the table, and the law for what the methods are given."""


@dataclass(frozen=True)
class Case:
    """A table, the rows its law would have given without noise, and the form of that law."""

    name: str
    table: Dataset
    clean: Dataset
    law: sympy.Expr  # with free parameters or numbers
    certified: float | None = None  # residual sum of squares
    certified_complexity: int = 0


@dataclass(frozen=True)
class Outcome:
    """One table: whether the law is on the front and chosen; the same for NIST's residuals."""

    name: str
    part: str
    seed: int
    law: str
    formula: str
    on_front: bool
    is_chosen: bool
    rss_ratio: float | None
    rss_on_front: bool | None
    rss_chosen: bool | None
    complexity: int
    certified_complexity: int
    seconds: float


def table_case(name: str) -> Case:
    """A built-in table, with the law's parameters fitted to it unless they are certified."""
    entry, table = data.info(name), data.load(name)
    if entry.transform == "log":
        table = replace(table, y=np.log(table.y), target=f"log_{table.target}")
    certified = entry.certified
    case = _with_law(name, table, entry.law, dict(entry.parameters) if certified else {})
    if certified is None:
        return case
    values = {sympy.Symbol(name): sympy.Float(value) for name, value in entry.parameters.items()}
    return replace(case, certified=certified.rss, certified_complexity=complexity(case.law.xreplace(values)))


def empirical_case(name: str, seed: int, *, raw: bool) -> Case:
    """A law of EmpiricalBench as its paper gives it to the methods; ``raw``: no logarithm of the target."""
    if name in EMPIRICAL:
        return _measured_by_empirical_bench(name, raw=raw)
    problem = data.problem(name)
    table = data.sample(problem, seed=seed, noise=None)
    clean = data.sample(problem, CLEAN_ROWS, seed=CLEAN_SEED)
    law = problem.expr
    if raw and problem.logarithm:
        table, clean = (replace(rows, y=np.exp(rows.y)) for rows in (table, clean))
        law = sympy.exp(law)
    return Case(name, table, clean, law)


def _measured_by_empirical_bench(name: str, *, raw: bool) -> Case:
    source, law = EMPIRICAL[name]
    table = data.load(source)
    if name == "leavitt":
        table = Dataset.from_arrays(10**table.X, table.y, ["P"], table.target)
    if name == "bode":
        table = table if raw else replace(table, y=np.log(table.y), target=f"log_{table.target}")
        law = data.info(source).law if raw else law
    return _with_law(name, table, law, {})


def _with_law(name: str, table: Dataset, text: str, values: dict[str, float]) -> Case:
    """The case with the law's values at the rows: from given parameters, or from fitted ones."""
    law = Formula(text, table.symbols, table.target)
    if values:
        known = {sympy.Symbol(parameter): sympy.Float(value) for parameter, value in values.items()}
        y = Formula(law.expr.xreplace(known), table.symbols).predict(table)
    elif law.parameters:
        y = law.fit(table).predict(table)
    else:
        columns = list(table.X.T)
        y = free_constants(law.expr, table).refit(columns, table.y)[0].predict(columns)
    return Case(name, table, replace(table, y=y), law.expr)


def constants_of(law: sympy.Expr, table: Dataset) -> int:
    """How many constants a law has: parameters, decimals, and the bases of exponentials."""
    parameters = {symbol for symbol in law.free_symbols if symbol.name not in table.symbols}
    decimals = {abs(number) for number in law.atoms(sympy.Float)}
    bases = {p.base for p in law.atoms(sympy.Pow) if p.base.is_Rational and p.exp.free_symbols}
    return len(parameters) + len(decimals) + len(bases)


def measure(part: str, name: str, seed: int, options: argparse.Namespace) -> Outcome:
    """Discover the law of one table, and judge."""
    case = empirical_case(name, seed, raw=options.raw) if part == "empirical" else table_case(name)
    table = case.table if options.units else replace(case.table, units={})
    start = time.monotonic()
    found = discover(table, DiscoverSettings(seconds=options.seconds, seed=seed))
    seconds = time.monotonic() - start
    most = constants_of(case.law, case.table)
    ratio, reached, reached_by_chosen = _residuals(case, found)
    return Outcome(
        name=case.name,
        part=part,
        seed=seed,
        law=str(case.law),
        formula=found.formula.text,
        on_front=any(contains(c.formula.expr, case.clean, most) for c in (*found.front, *found.rivals)),
        is_chosen=contains(found.formula.expr, case.clean, most),
        rss_ratio=ratio,
        rss_on_front=reached,
        rss_chosen=reached_by_chosen,
        complexity=found.formula.complexity,
        certified_complexity=case.certified_complexity,
        seconds=seconds,
    )


def _residuals(case: Case, found: Discovery) -> tuple[float | None, bool | None, bool | None]:
    """The chosen formula's residuals over the certified ones; whether the front reaches these, and it."""
    certified = case.certified
    if certified is None:
        return None, None, None

    def ratio(formula: Formula) -> float:
        return float(np.sum((formula.predict(case.table) - case.table.y) ** 2)) / certified

    def reaches(formula: Formula) -> bool:
        return formula.complexity <= case.certified_complexity and ratio(formula) <= NIST_MARGIN

    return (
        ratio(found.formula),
        any(reaches(candidate.formula) for candidate in found.front),
        reaches(found.formula),
    )


def names_of(part: str) -> list[str]:
    """The tables of a set."""
    if part == "empirical":
        return sorted([*EMPIRICAL, *data.problem_names("empirical")])
    return [name for name in data.names() if (data.info(name).certified is not None) == (part == "nist")]


def show(title: str, outcomes: list[Outcome]) -> None:
    """A row a table."""
    table = Table(title=title)
    for column in ("table", "seed", "law on front", "law chosen", "RSS/certified", "reached", "nodes", "s"):
        table.add_column(column)
    table.add_column("formula", overflow="fold")
    yes = {True: "yes", False: "no", None: ""}
    for o in outcomes:
        ratio = "" if o.rss_ratio is None else f"{o.rss_ratio:.3g}"
        where = "front" if o.rss_on_front and not o.rss_chosen else yes[o.rss_chosen]
        nodes = f"{o.complexity}/{o.certified_complexity}" if o.certified_complexity else str(o.complexity)
        cells = (str(o.seed), yes[o.on_front], yes[o.is_chosen], ratio, where, nodes, f"{o.seconds:.1f}")
        table.add_row(o.name, *cells, o.formula[:110])
    Console(width=170).print(table)


def summarise(part: str, outcomes: list[Outcome]) -> str:
    """The counts of a set."""
    law = sum(o.on_front for o in outcomes), sum(o.is_chosen for o in outcomes)
    text = f"{part}: of {len(outcomes)} laws {law[0]} on the front, {law[1]} chosen"
    if part == "nist":
        text += (
            f"; residuals within 5 % at no greater complexity: {sum(bool(o.rss_on_front) for o in outcomes)}"
            f" on the front, {sum(bool(o.rss_chosen) for o in outcomes)} chosen"
        )
    return text


def main() -> None:
    """Run the sets, one table each, and the counts for every seed."""
    options = _options()
    cases = [
        (part, name, seed, options) for part in options.set for name, seed in chosen(names_of(part), options)
    ]
    outcomes = in_parallel(measure, cases, options.jobs)
    title = f"Measured tables, {options.seconds:g} s each"
    for part in options.set:
        of_part = [o for o in outcomes if o.part == part]
        show(f"{part}: {title}", of_part)
        for seed in options.seeds:
            print(f"seed {seed}, {summarise(part, [o for o in of_part if o.seed == seed])}")
    write_json(title, options, outcomes)


def _options() -> argparse.Namespace:
    options = parser(__doc__ or "")
    options.formatter_class = argparse.RawDescriptionHelpFormatter
    options.add_argument("--set", nargs="+", choices=SETS, default=list(SETS))
    options.add_argument("--units", action="store_true", help="give the units, where they are known")
    options.add_argument("--raw", action="store_true", help="no logarithms of the targets in empirical")
    return options.parse_args()


if __name__ == "__main__":
    main()
