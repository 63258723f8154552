"""Differential equations: errors, and the seconds after which they were reached.

    kansci bench pde [--problems NAME ...] [--parts asked networks peer] [--peer PYTHON] [--seconds-scale 0.1]

Problems are solved as the library states them, with default settings, in float64. "asked" runs what the
solver is meant to reach, "networks" trained networks of every kind with the same optimiser, points and
seconds, "peer" DeepXDE at equal seconds, with the Python of an environment that has it:

    python -m venv DIR && DIR/bin/pip install deepxde torch && kansci bench pde --peer DIR/bin/python
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import torch
from _pde_problems import ASKED, DEEPXDE, NETWORK_PROBLEMS, Asked
from _pde_truth import Truth, truth
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from kansci.errors import KansciError
from kansci.pde.attempt import Attempt
from kansci.pde.library import load, text
from kansci.pde.networks.make import NETWORKS
from kansci.pde.problem import Problem
from kansci.pde.scaling import scaled
from kansci.pde.solver import NumericalSolution, SolveSettings, solve_problem
from kansci.pde.toml_file import from_settings, read_toml
from kansci.solution.closed_form import find_closed_form

Row = dict[str, Any]
PARTS = ("asked", "networks", "peer")
FORMULA_SHARE = 0.5
"""Of the seconds asked for, to look for a closed form."""
START_UP_SECONDS = 120


def error(values: np.ndarray, true: np.ndarray, measure: str) -> float:
    """The error as it is asked for."""
    difference = values - true
    if measure == "rel_l2":
        return float(np.linalg.norm(difference) / np.linalg.norm(true))
    mse = float(np.mean(difference**2))
    return mse if measure == "mse" else float(np.sqrt(mse))


Trace = list[tuple[float, float]]
"""(seconds, error) of each solution that was the best when it was found."""


@contextmanager
def watched(asked: Asked, problem: Problem, true: Truth) -> Iterator[Trace]:
    """Measure the solutions that a run finds on its way; its clock stands still meanwhile."""
    offer, trace, scaling = Attempt.offer, [], scaled(problem)

    def measured(run: Any, found: Any, before: Any) -> float:
        change = offer(run, found, before)
        if run.best is found:
            began = time.monotonic()
            present = NumericalSolution(
                problem, scaling, found.pieces, found.method, found.residual, np.nan, run.elapsed
            )
            values = present.evaluate(asked.field, true.points)
            trace.append((present.seconds, error(values, true.values, asked.measure)))
            run.began += time.monotonic() - began
        return change

    Attempt.offer = measured  # type: ignore[method-assign]
    try:
        yield trace
    finally:
        Attempt.offer = offer  # type: ignore[method-assign]


def drawn(name: str, seed: int) -> Problem:
    """A problem of the library; where it has observations, these with the noise of that seed."""
    settings = read_toml(text(name))
    if "observations" in settings:
        settings["observations"]["seed"] = seed
    return from_settings({"name": name, **settings})


def measure(asked: Asked, true: Truth, seed: int, scale: float) -> Row:
    """Solve one problem once."""
    problem, seconds = drawn(asked.problem, seed), asked.seconds * scale
    settings = SolveSettings(model=asked.model, seconds=seconds, seed=seed)
    row: Row = {"problem": asked.problem, "model": asked.model, "seed": seed, "allowed s": seconds}
    row |= {"measure": asked.measure, "field": asked.field, "bound": asked.bound, "truth": true.source}
    with watched(asked, problem, true) as trace:
        try:
            found = solve_problem(problem, settings)
        except KansciError as failure:
            return {**row, "failure": str(failure), "met": False}
    reached = [at for at, size in trace if size < asked.bound] or [np.inf]
    final = error(found.evaluate(asked.field, true.points), true.values, asked.measure)
    met = final < asked.bound and reached[0] <= seconds
    row |= {"error": final, "s to bound": reached[0] if reached[0] < np.inf else None, "s": found.seconds}
    row |= {"method": found.method, "parameters": found.n_parameters, "residual": found.residual}
    row |= _proof(found, seconds) if asked.proved else {}
    return {**row, "met": met and row.get("proved", True), "trace": trace}


def _proof(found: NumericalSolution, seconds: float) -> Row:
    began = time.monotonic()
    form = find_closed_form(found, FORMULA_SHARE * seconds)
    row: Row = {"proved": form is not None and form.proof.proved, "formula s": time.monotonic() - began}
    return row | {"formula": None if form is None else {k: str(v) for k, v in form.formulas.items()}}


def deepxde(asked: Asked, true: Truth, python: str, seconds: float, seed: int) -> Row:
    """Solve one problem by DeepXDE in as many seconds."""
    row: Row = {"problem": asked.problem, "model": "DeepXDE", "seed": seed, "allowed s": seconds}
    row |= {"measure": asked.measure, "bound": asked.bound, "truth": true.source}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "points.npz"
        np.savez(file, x=true.points)
        script = str(Path(__file__).with_name("_pde_deepxde.py"))
        run = subprocess.run(
            [python, script, str(file), asked.problem, str(seconds), str(seed)],
            capture_output=True,
            text=True,
            check=False,
            timeout=2 * seconds + START_UP_SECONDS,
            env={**os.environ, "DDE_BACKEND": "pytorch", "OMP_NUM_THREADS": str(torch.get_num_threads())},
        )
        if run.returncode:
            return {**row, "failure": run.stderr.strip()[-300:], "met": False}
        with np.load(file) as stored:
            size = error(stored["u"], true.values, asked.measure)
    answer = json.loads(run.stdout.splitlines()[-1])
    return {**row, "error": size, "met": size < asked.bound, "method": "tanh, Adam and L-BFGS", **answer}


def rows(options: argparse.Namespace) -> Iterator[Row]:
    """All measurements that were asked for, one after another."""
    truths: dict[tuple[str, str], Truth] = {}
    for part, asked, seed in _plan(options):
        key = (asked.problem, asked.field)
        if key not in truths:
            truths[key] = truth(load(asked.problem), asked.field)
        if part == "peer":
            seconds = asked.seconds * options.seconds_scale
            row = deepxde(asked, truths[key], options.peer, seconds, seed)
        else:
            row = measure(asked, truths[key], seed, options.seconds_scale)
        yield {"part": part, "threads": options.threads, **row}


def _plan(options: argparse.Namespace) -> Iterator[tuple[str, Asked, int]]:
    chosen = [a for a in ASKED if not options.problems or a.problem in options.problems]
    first = {a.problem: a for a in reversed(chosen) if a.model == "auto"}
    if "asked" in options.parts:
        yield from (("asked", a, s) for a in chosen for s in options.seeds[: None if a.random else 1])
    if "networks" in options.parts:
        for name in (n for n in NETWORK_PROBLEMS if n in first):
            for model in NETWORKS:
                asked = replace(first[name], model=model, proved=False)
                yield from (("networks", asked, seed) for seed in options.seeds)
    if "peer" in options.parts and options.peer:
        for name in (n for n in DEEPXDE if n in first):
            yield from (("peer", first[name], seed) for seed in options.seeds)


def table(found: list[Row]) -> Table:
    """One line for each run."""
    heads = (
        "problem",
        "model",
        "seed",
        "asked",
        "error",
        "s to it",
        "s",
        "method",
        "parameters",
        "proved",
    )
    out = Table(*heads, box=None)
    for row in found:
        out.add_row(
            row["problem"],
            row["model"],
            str(row["seed"]),
            f"{row['measure']} < {row['bound']:.0e} in {row['allowed s']:.0f} s",
            f"{row['error']:.1e} {'' if row['met'] else 'MISSED'}" if "error" in row else "none MISSED",
            _seconds(row.get("s to bound")),
            _seconds(row.get("s", row.get("seconds"))),
            row.get("method", row.get("failure", ""))[:44],
            str(row.get("parameters", "")),
            {True: "yes", False: "NO"}.get(row.get("proved"), ""),
        )
    return out


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def main() -> None:
    """Run, print a table, write a JSON file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = list(dict.fromkeys(asked.problem for asked in ASKED))
    parser.add_argument("--problems", nargs="+", choices=known, metavar="NAME", help=", ".join(known))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="where chance plays a part")
    parser.add_argument("--seconds-scale", type=float, default=1.0, help="factor of all times")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--peer", metavar="PYTHON", help="Python with DeepXDE")
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON file to write")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    console, found = Console(width=160), []
    with threadpool_limits(options.threads):
        for row in rows(options):
            found.append(row)
            console.print(table([row]), highlight=False)
            if options.out:
                options.out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    console.print(table(found), highlight=False)
    console.print(f"met: {sum(row['met'] for row in found)} of {len(found)} with {options.threads} threads")


if __name__ == "__main__":
    main()
