"""The main job through the command line, default settings; NIST's certified fits through Formula.fit."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import kansci_datasets as data
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from kansci import Formula
from kansci.metrics import max_relative_error

LAWS = {
    "exp(sin(pi*x) + z**2)": (10, {"x": (-1, 1), "z": (-1, 1)}),
    "x*z": (30, {"x": (-1, 1), "z": (-1, 1)}),
    "x/z": (30, {"x": (-1, 1), "z": (0.5, 2)}),
    "sqrt((x1 - x2)**2 + (x3 - x4)**2)": (30, {f"x{k}": (-1, 1) for k in range(1, 5)}),
    "m*c**2/sqrt(1 - v**2/c**2)": (30, {"m": (1, 5), "v": (1, 2), "c": (3, 10)}),
}
ROWS = 1000


def sample(formula: Formula, box: dict[str, tuple[float, float]], rows: int, seed: int) -> pd.DataFrame:
    """Independent uniform rows in the box, with the target y."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({name: rng.uniform(*ends, rows) for name, ends in box.items()})
    table["y"] = formula.predict(table)
    return table


def discover(path: Path, target: str, home: Path) -> tuple[dict[str, Any], float]:
    """``kansci discover --json`` as a user runs it."""
    command = [sys.executable, "-m", "kansci_cli", "discover", str(path), "--target", target, "--json"]
    start = time.monotonic()
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=home)
    return json.loads(result.stdout), time.monotonic() - start


def laws(home: Path) -> list[dict[str, Any]]:
    """Each law: rows in a file, the command, the formula on fresh rows."""
    outcomes = []
    for text, (limit, box) in LAWS.items():
        law = Formula(text, list(box))
        sample(law, box, ROWS, 0).to_csv(home / "rows.csv", index=False)
        found, seconds = discover(home / "rows.csv", "y", home)
        fresh = sample(law, box, 10_000, 1)
        error = max_relative_error(fresh["y"], Formula(found["formula"], found["symbols"]).predict(fresh))
        row = {"case": text, "formula": found["formula"], "seconds": seconds, "limit": limit}
        outcomes.append(
            {**row, "met": error < 1e-6 and seconds <= limit, "detail": f"relative error {error:.0e}"}
        )
    found, seconds = discover(data.path("kepler_planets"), "P", home)
    exponent = next((c for c in found["constants"] if c["symbolic"] == "3/2"), None)
    detail = "no 3/2" if exponent is None else f"{exponent['value']:.4f} ± {exponent['stderr']:.4f} -> 3/2"
    row = {"case": "kepler_planets", "formula": found["formula"], "seconds": seconds, "limit": 10}
    return [*outcomes, {**row, "met": exponent is not None and seconds <= 10, "detail": detail}]


def digits(value: float, certified: float) -> float:
    """Correct significant digits."""
    return float(-np.log10(max(abs(value / certified - 1), 1e-16)))


def nist() -> list[dict[str, Any]]:
    """Every certified problem from both of NIST's starts."""
    outcomes = []
    for name in (n for n in data.names() if n.startswith("nist_")):
        entry, table = data.info(name), data.load(name)
        y = np.log(table.y) if entry.transform == "log" else table.y
        for number, start in enumerate(entry.certified.starts, 1):
            fitted = Formula(entry.equation.partition("=")[2], list(table.inputs)).fit(
                table.X, y, start=start
            )
            values = [digits(fitted.parameters[k], v) for k, v in entry.parameters.items()]
            errors = [digits(fitted.stderr[k], v) for k, v in entry.certified.stderr.items()]
            row = {"case": f"{name}, start {number}", "parameters": min(values), "stderr": min(errors)}
            outcomes.append({**row, "met": min(values) >= 6 and min(errors) >= 4})
    return outcomes


def main() -> None:
    """Run everything, print two tables, write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    console = Console(width=150)
    with tempfile.TemporaryDirectory() as home:
        found = laws(Path(home))
    table = Table(
        "case",
        "formula",
        "seconds",
        "allowed",
        "met",
        "detail",
        title="kansci discover, default settings, seed 0",
    )
    for o in found:
        table.add_row(
            o["case"],
            o["formula"],
            f"{o['seconds']:.1f}",
            str(o["limit"]),
            "yes" if o["met"] else "no",
            o["detail"],
        )
    console.print(table)
    fits = nist()
    table = Table(
        "problem", "digits of parameters", "digits of standard errors", "met", title="NIST StRD, Formula.fit"
    )
    for o in fits:
        table.add_row(o["case"], f"{o['parameters']:.1f}", f"{o['stderr']:.1f}", "yes" if o["met"] else "no")
    console.print(table)
    met = [f"{sum(o['met'] for o in rows)} of {len(rows)}" for rows in (found, fits)]
    console.print(f"{met[0]} laws, {met[1]} NIST fits")
    if options.out:
        options.out.write_text(json.dumps({"laws": found, "nist": fits}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
