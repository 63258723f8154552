"""Recovery beside other programs: the same rows, the same seconds, one thread each, the same judge.

    kansci bench peers --peers VENV [--noises 0 0.01] [--seconds 60] [--all | --only NAME ...]

VENV is an environment of their own, for example

    python -m venv VENV
    VENV/bin/pip install torch==2.13.0 pyoperon gplearn scikit-learn pandas matplotlib
    VENV/bin/pip install --no-deps pykan==0.2.8 tqdm pyyaml

Every formula is read by our parser and judged as our own: exact on fresh rows; of the right form when its
constants, refitted without noise, make it the law; and whether they were right. Every tenth law of the
Feynman bulk set is run unless others are asked for.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import kansci_datasets as data
import sympy
from _recovery import (
    Outcome,
    chosen,
    form_cells,
    in_parallel,
    judge,
    noisy_and_fresh,
    recovery_parser,
    write_json,
)
from rich.console import Console
from rich.table import Table

from kansci.data import Dataset
from kansci.discovery import DiscoverSettings, discover
from kansci.errors import FormulaError
from kansci.expressions.parser import parse
from kansci.symbolic.formula import Formula

OURS = "kansci"
PEERS = ("pyoperon", "gplearn", "pykan")
EVERY = 10
START = 20.0
"""Seconds more until a program is ended, for its start and for what it does at the end."""


@dataclass(frozen=True)
class Run(Outcome):
    """What a program made of a problem; ``failure`` says why there is no formula."""

    program: str = ""
    noise: float = 0.0
    failure: str = ""


def run(program: str, noise: float, name: str, seed: int, options: argparse.Namespace) -> Run:
    """One program on one problem."""
    options = argparse.Namespace(**{**vars(options), "noise": noise})
    table, fresh = noisy_and_fresh(name, seed, options, options.rows)
    start = time.monotonic()
    failure = ""
    try:
        formula = _formula(program, table, seed, options)
    except (RuntimeError, FormulaError) as error:
        formula, failure = Formula(sympy.Float(table.y.mean()), table.symbols, table.target), str(error)
    seconds = time.monotonic() - start
    outcome = judge(name, seed, formula, (table, fresh), seconds, with_form=True)
    known = {field.name: getattr(outcome, field.name) for field in fields(outcome)}
    return Run(**known, program=program, noise=noise, failure=failure)


def _formula(program: str, table: Dataset, seed: int, options: argparse.Namespace) -> Formula:
    if program == OURS:
        return discover(table, DiscoverSettings(seconds=options.seconds, seed=seed)).formula
    text = ask(program, table, seed, options)
    columns = {f"x{k}": sympy.Symbol(symbol) for k, symbol in enumerate(table.symbols)}
    return Formula(parse(text, columns), table.symbols, table.target)


def ask(program: str, table: Dataset, seed: int, options: argparse.Namespace) -> str:
    """The formula that a peer finds, in a process of its own.

    Raises:
        RuntimeError: It had none in time.
    """
    script = str(Path(__file__).with_name("_recovery_peers.py"))
    command = [str(options.peers / "bin" / "python"), script, program]
    task = {"X": table.X.tolist(), "y": table.y.tolist(), "seconds": options.seconds, "seed": seed}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    limit = options.seconds + START
    try:
        done = subprocess.run(
            command,
            input=json.dumps(task).encode(),
            capture_output=True,
            check=False,
            timeout=limit,
            env={**os.environ, **threads},
        )
        answers, messages = done.stdout, done.stderr
    except subprocess.TimeoutExpired as ended:
        answers, messages = ended.stdout or b"", f"not ready after {limit:g} s".encode()
    formulas = answers.decode().splitlines()
    if not formulas:
        raise RuntimeError((messages.decode().strip().splitlines() or ["it found no formula"])[-1])
    return formulas[-1]


def show(outcomes: list[Run], programs: list[str]) -> None:
    """A row a problem, and the counts of every program."""
    console = Console(width=170)
    for noise in dict.fromkeys(o.noise for o in outcomes):
        some = [o for o in outcomes if o.noise == noise]
        table = Table(
            "problem", "seed", *programs, title=f"noise {noise:g}: exact, or right form and constants"
        )
        for name, seed in dict.fromkeys((o.name, o.seed) for o in some):
            cells = {o.program: _cell(o) for o in some if (o.name, o.seed) == (name, seed)}
            table.add_row(name, str(seed), *(cells[program] for program in programs))
        console.print(table)
        console.print(_counts(some, programs))


def _cell(o: Run) -> str:
    if o.failure:
        return f"failed: {o.failure[:40]}"
    right, constants = form_cells(o.form)
    form = f"form {right}{', constants ' + constants if constants else ''}"
    return f"{'exact' if o.exact else form} ({o.seconds:.0f} s)"


def _counts(outcomes: list[Run], programs: list[str]) -> Table:
    table = Table("program", "runs", "exact", "right form", "and constants", "failed", "seconds")
    for program in programs:
        mine = [o for o in outcomes if o.program == program]
        forms = [o.form for o in mine if o.form]
        counts: tuple[Any, ...] = (
            len(mine),
            sum(o.exact for o in mine),
            sum(form.right for form in forms),
            sum(form.within for form in forms),
            sum(bool(o.failure) for o in mine),
            round(sum(o.seconds for o in mine)),
        )
        table.add_row(program, *map(str, counts))
    return table


def main() -> None:
    """Run every program on every problem at every noise."""
    options = _options()
    names = data.problem_names("feynman")
    if not options.all and not options.only:
        names = names[::EVERY]
    cases = [
        (program, noise, name, seed, options)
        for noise in options.noises
        for name, seed in chosen(names, options)
        for program in options.programs
    ]
    outcomes = in_parallel(run, cases, options.jobs)
    show(outcomes, options.programs)
    write_json("Recovery beside other programs", options, outcomes)


def _options() -> argparse.Namespace:
    options = recovery_parser(__doc__ or "")
    options.formatter_class = argparse.RawDescriptionHelpFormatter
    options.add_argument("--peers", type=Path, help="environment of the other programs")
    options.add_argument("--programs", nargs="+", choices=(OURS, *PEERS), default=[OURS, *PEERS])
    options.add_argument("--noises", type=float, nargs="+", default=[0.0, 0.01])
    options.add_argument("--all", action="store_true", help="the whole bulk set")
    given = options.parse_args()
    asked = [program for program in given.programs if program != OURS]
    if asked and not (given.peers and (given.peers / "bin" / "python").exists()):
        options.error(f"{', '.join(asked)} need --peers VENV, an environment they are installed in")
    return given


if __name__ == "__main__":
    main()
