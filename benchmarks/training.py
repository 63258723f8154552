"""Training: how fast and how accurate, beside pykan and a perceptron, one thread, float64.

    kansci bench training [PART ...] [--peers DIR] [--json FILE]

The parts are speed, toy, special, grids, population, seeds, memory and perceptron; all by default.
DIR is a folder pykan was installed into:

    pip install --no-deps --target DIR pykan==0.2.8 tqdm pyyaml

Times are wall clock to the test error named; what is spent on measuring that error is not counted for us.
"""

import argparse
import itertools
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import kansci_datasets as data
import numpy as np
import torch
from _training_cases import HELLO, SHAPES, SPECIAL, TOY, Case, Rows
from _training_peers import Trace, add_folder, best, has_pykan, perceptron, pykan, seconds_to
from joblib import Parallel, delayed
from rich.console import Console
from rich.table import Table

from kansci import KAN
from kansci.fit_network import FitSettings, fit_network
from kansci.training import StepEvent, Trained, TrainSettings, fit_population

Row = dict[str, Any]

GRIDS = (3, 5, 10, 20, 50, 100, 200, 500, 1000)
PEER_GRIDS, PEER_STEPS = (3, 5, 10, 20, 50), 50
LIMIT = 60.0
STARTS = 4
SEED_PROBLEMS = 10
MEMORY_WIDTH = (8, 16, 32, 16, 8, 1)


def rmse(model: KAN, rows: tuple[np.ndarray, np.ndarray]) -> float:
    """Root mean squared error."""
    return float(np.sqrt(np.mean((model.predict(rows[0])[:, 0] - rows[1]) ** 2)))


def ours(case: Case, seed: int = 0) -> Trace:
    """A fit's test error after every step in which its best network changed."""
    train, test = case.train_and_test()
    trace: Trace = []
    measuring = 0.0
    start = time.perf_counter()
    seen = float("inf")

    def measure(model: KAN) -> None:
        nonlocal measuring
        began = time.perf_counter()
        trace.append((began - start - measuring, rmse(model, test)))
        measuring += time.perf_counter() - began

    def on_step(event: StepEvent) -> None:
        nonlocal seen
        if event.validation_rmse < seen:
            seen = event.validation_rmse
            measure(event.best())

    options = TrainSettings(grids="auto", restarts=STARTS, seconds=LIMIT)
    measure(fit_population(*train, case.width, options, seed, on_step).model)
    return trace


def speed(_: argparse.Namespace) -> list[Row]:
    """Seconds to two errors on the function of pykan's first example; medians over three starts."""
    found = []
    traces = {"ours": [ours(HELLO, seed=seed) for seed in range(3)]}
    if has_pykan():
        traces["pykan"] = [pykan(HELLO, PEER_GRIDS, PEER_STEPS, LIMIT, seed) for seed in range(3)]
    for target in (1e-3, 1e-4):
        row: Row = {"test RMSE": target}
        for name, runs in traces.items():
            times = [seconds_to(trace, target) for trace in runs]
            middle = statistics.median(float("inf") if t is None else t for t in times)
            row[name] = middle if np.isfinite(middle) else None
        found.append(_with_ratio(row))
    return found


def toy(_: argparse.Namespace) -> list[Row]:
    """The five toy functions: seconds to pykan's best error, and the best errors."""
    found = []
    for case in TOY:
        mine = ours(case)
        row: Row = {"function": case.name, "our RMSE": best(mine), "our total s": mine[-1][0]}
        if has_pykan():
            theirs = pykan(case, PEER_GRIDS, PEER_STEPS, LIMIT / 2)
            target = best(theirs)
            row |= {"pykan RMSE": target, "RMSE ratio": target / best(mine)}
            row |= {"ours": seconds_to(mine, target), "pykan": seconds_to(theirs, target)}
            row = _with_ratio(row)
        found.append(row)
    return found


def special(_: argparse.Namespace) -> list[Row]:
    """The paper's special functions: the same shapes and options for all, the best by validation."""
    found = []
    for case in SPECIAL:
        train, test = case.train_and_test()
        options = TrainSettings(grids="auto", restarts=STARTS, seconds=2 * LIMIT / len(SHAPES) - 1)
        start = time.perf_counter()
        runs = Parallel(n_jobs=2)(delayed(_fit)(*train, shape, options) for shape in SHAPES)
        seconds = time.perf_counter() - start
        trained = min(runs, key=lambda run: run.validation_rmse[0])
        error = rmse(trained.model, test)
        row = {"function": case.name, "RMSE": error, "paper": case.paper, "met": error <= (case.paper or 0)}
        shape = ", ".join(map(str, trained.model.width))
        found.append({**row, "shape": shape, "grid": trained.model.grid, "s": seconds})
    return found


def _fit(x: np.ndarray, y: np.ndarray, width: tuple[int, ...], options: TrainSettings) -> Trained:
    torch.set_num_threads(1)
    return fit_population(x, y, width, options)


def grids(options: argparse.Namespace) -> list[Row]:
    """Test error along a fixed grid extension: it should never rise by more than 1 %."""
    sizes = tuple(g for g in GRIDS if g <= options.largest)
    found = []
    for case in TOY[:2]:
        train, test = case.train_and_test()
        errors: dict[int, float] = {}

        def on_step(event: StepEvent, test: Rows = test, errors: dict[int, float] = errors) -> None:
            errors[event.grid] = rmse(event.best(), test)

        fit_population(*train, case.width, TrainSettings(restarts=1, grids=sizes), on_step=on_step)
        rises = [after / before - 1 for before, after in itertools.pairwise(errors.values())]
        row: Row = {"function": case.name, **{f"G={grid}": error for grid, error in errors.items()}}
        found.append({**row, "largest rise": max(rises)})
    return found


def population(_: argparse.Namespace) -> list[Row]:
    """Thirty-two starts as one population, against one."""
    train, _test = HELLO.train_and_test()
    times: dict[int, list[float]] = {1: [], 32: []}
    for seed in range(5):
        for restarts, seconds in times.items():
            start = time.perf_counter()
            fit_population(*train, HELLO.width, TrainSettings(restarts=restarts), seed)
            seconds.append(time.perf_counter() - start)
    one, many = (statistics.median(values) for values in times.values())
    return [{"1 start, s": one, "32 starts, s": many, "ratio": many / one}]


def seeds(_: argparse.Namespace) -> list[Row]:
    """Default fits from ten seeds: the worst error beside the best."""
    found = []
    names = data.problem_names("feynman")
    for name in names[:: len(names) // SEED_PROBLEMS][:SEED_PROBLEMS]:
        train, test = (data.sample(name, 1000, seed=seed) for seed in (0, 1))
        errors, start = [], time.perf_counter()
        for seed in range(10):
            model = fit_network(train, FitSettings(seed=seed)).model
            errors.append(rmse(model, (test.X, test.y)) / test.y.std())
        seconds = (time.perf_counter() - start) / 10
        row = {"law": name, "best": min(errors), "worst": max(errors)}
        found.append({**row, "ratio": max(errors) / min(errors), "s each": seconds})
    return found


def memory(_: argparse.Namespace) -> list[Row]:
    """Peak memory of a large network on many rows, in a process of its own."""
    command = [sys.executable, __file__, "--fit-large"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(result.stdout)]


def fit_large() -> None:
    """A few steps of the automatic optimiser; prints the peak."""
    generator = np.random.default_rng(0)
    x = generator.uniform(-1, 1, (100_000, MEMORY_WIDTH[0]))
    y = np.sin(np.pi * x[:, 0]) * x[:, 1] + np.exp(x[:, 2] * x[:, 3])
    start = time.perf_counter()
    KAN(MEMORY_WIDTH, grid=15).fit((x, y), steps=5)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    json.dump({"shape": str(list(MEMORY_WIDTH)), "rows": len(x), "peak GB": peak, "s": seconds}, sys.stdout)


def against_perceptron(_: argparse.Namespace) -> list[Row]:
    """Seconds to a test RMSE of 1e-2, including where a KAN loses."""
    found = []
    for case in [HELLO, *TOY, *SPECIAL]:
        train, test = case.train_and_test()
        mine = seconds_to(ours(case), 1e-2)
        found.append(
            {"function": case.name, "ours": mine, "perceptron": perceptron(train, test, 1e-2, LIMIT)}
        )
    return found


PARTS: dict[str, Callable[[argparse.Namespace], list[Row]]] = {
    "speed": speed,
    "toy": toy,
    "special": special,
    "grids": grids,
    "population": population,
    "seeds": seeds,
    "memory": memory,
    "perceptron": against_perceptron,
}


def _with_ratio(row: Row) -> Row:
    if row.get("pykan") is None or row.get("ours") is None:
        return row
    return {**row, "times faster": row["pykan"] / row["ours"]}


def print_table(title: str, rows: list[Row]) -> None:
    """One line a case."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in columns))
    Console().print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def parse(arguments: Iterable[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--peers", help="folder with pykan")
    parser.add_argument("--largest", type=int, default=GRIDS[-1], help="largest grid of the part grids")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--fit-large", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(None if arguments is None else list(arguments))
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}: choose among {', '.join(PARTS)}")
    return options


def main() -> None:
    """Measure and print."""
    options = parse()
    torch.set_num_threads(1)
    if options.fit_large:
        fit_large()
        return
    if options.peers:
        add_folder(options.peers)
    report = {}
    for part in options.parts or PARTS:
        report[part] = PARTS[part](options)
        print_table(part, report[part])
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
