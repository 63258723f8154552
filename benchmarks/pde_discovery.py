"""Differential equations found from noisy solutions: right terms, errors of coefficients, seconds.

Equations with stated targets, and others that are there so that nothing is tuned to the first ones.
``--peer PYTHON`` runs PySINDy (weak form) with the Python of another environment on the same data; it is
given the benefit of the best of several thresholds.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import pandas as pd
from _pde_cases import NAMED, Case, cases
from rich.console import Console
from rich.table import Table

from kansci.pde_discovery import Measurements, Settings, discover_equation

PEER_SECONDS = 600
Equations = dict[str, dict[str, float]]


def noisy(case: Case, noise: float, seed: int) -> dict[str, np.ndarray]:
    """The fields with normal noise of a share of their standard deviation."""
    rng = np.random.default_rng(seed)
    return {name: u + noise * u.std() * rng.normal(size=u.shape) for name, u in case.fields.items()}


def compare(found: Equations, truth: Equations) -> tuple[bool, float | None]:
    """Whether all terms are right, and the largest relative error of a coefficient if so."""
    if {left: set(terms) for left, terms in found.items()} != {left: set(t) for left, t in truth.items()}:
        return False, None
    return True, max(abs(found[e][t] / c - 1) for e, terms in truth.items() for t, c in terms.items())


def ours(case: Case, fields: dict[str, np.ndarray], seconds: float) -> dict[str, Any]:
    """One run of this program."""
    grids = np.meshgrid(*case.coordinates.values(), indexing="ij")
    columns = {name: grid.ravel() for name, grid in zip(case.coordinates, grids, strict=True)}
    frame = pd.DataFrame({**columns, **{name: u.ravel() for name, u in fields.items()}})
    result = discover_equation(
        Measurements.from_frame(frame, list(fields), list(case.coordinates), case.time),
        Settings(seconds=seconds),
    )
    found = {str(e.left): {str(t.term): t.coefficient for t in e.terms} for e in result.equations}
    right, error = compare(found, case.truth)
    return {
        "right": right,
        "error": error,
        "equation": str(result),
        "heldout_rel_l2": result.heldout_rel_l2,
        "heldout_noise": result.heldout_noise,
        "seconds": result.seconds,
    }


def theirs(case: Case, fields: dict[str, np.ndarray], python: str) -> dict[str, Any]:
    """One run of PySINDy; it does not take second derivatives by time."""
    if any(left.endswith("_tt") for left in case.truth):
        return {"right": False, "error": None, "equation": "not offered", "seconds": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.npz"
        np.savez(file, coordinates=list(case.coordinates), fields=list(fields), **case.coordinates, **fields)
        command = [python, str(Path(__file__).with_name("_pysindy_peer.py")), str(file)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=PEER_SECONDS, check=False)
    if run.returncode:
        return {"right": False, "error": None, "equation": run.stderr.strip()[-200:], "seconds": None}
    answer = json.loads(run.stdout)
    outcomes = [compare(_renamed(model, case), case.truth) for model in answer["models"]]
    right = [error for good, error in outcomes if good]
    return {
        "right": bool(right),
        "error": min(right) if right else None,
        "equation": json.dumps(answer["models"]),
        "seconds": answer["seconds"],
    }


def _renamed(model: list[dict[str, float]], case: Case) -> Equations:
    """PySINDy's names x0, x0_11, x0x1_2 in ours; a product it writes otherwise stays and counts as wrong."""
    space, fields = [c for c in case.coordinates if c != case.time], list(case.fields)

    def one(name: str) -> str:
        parts = []
        while name.startswith("x"):
            end = 2
            while end < len(name) and name[end] not in "x":
                end += 1
            parts.append(name[:end])
            name = name[end:]
        if name not in {""} or not parts:
            return name or "1"
        counts: dict[str, int] = {}
        for part in parts:
            base, _, orders = part.partition("_")
            base, _, power = base.partition("^")
            symbol = fields[int(base[1:])] + (
                f"_{''.join(space[int(o) - 1] for o in orders)}" if orders else ""
            )
            counts[symbol] = counts.get(symbol, 0) + int(power or 1)
        return "*".join(s if n == 1 else f"{s}**{n}" for s, n in sorted(counts.items()))

    return {
        left: {one(name): c for name, c in row.items()} for left, row in zip(case.truth, model, strict=True)
    }


def table(rows: list[dict[str, Any]]) -> Table:
    """What is right, how far off, and how long it took."""
    out = Table(
        "equation",
        "noise",
        "seed",
        "terms",
        "worst coefficient",
        "held out / noise",
        "s",
        "PySINDy",
        box=None,
    )
    for row in rows:
        peer = row.get("peer")
        off = "-" if row["error"] is None else f"{100 * row['error']:.2f} %"
        theirs_off = (
            "" if peer is None else "wrong" if not peer["right"] else f"right, {100 * peer['error']:.2f} %"
        )
        held = (
            "-"
            if row["heldout_rel_l2"] is None
            else f"{row['heldout_rel_l2']:.3g} / {row['heldout_noise']:.3g}"
        )
        out.add_row(
            row["case"], f"{100 * row['noise']:g} %",
            str(row["seed"]), "right" if row["right"] else "WRONG", off,
            held, f"{row['seconds']:.0f}", theirs_off,
        )  # fmt: skip
    return out


def main() -> None:
    """Run, print a table, write a JSON file."""
    parser = argparse.ArgumentParser(description=__doc__)
    known = cases()
    parser.add_argument("--cases", nargs="+", choices=[*known, "named", "unseen", "all"], default=["named"])
    parser.add_argument("--noise", nargs="+", type=float, default=[0.0, 0.01, 0.05, 0.1])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--peer", metavar="PYTHON", help="Python with PySINDy")
    parser.add_argument("--json", type=Path, help="file to write")
    options = parser.parse_args()
    groups = {"named": NAMED, "unseen": [name for name in known if name not in NAMED], "all": list(known)}
    names = [name for choice in options.cases for name in groups.get(choice, [choice])]
    console, rows = Console(width=150), []
    for name in dict.fromkeys(names):
        case = known[name]()
        for noise in options.noise:
            for seed in options.seeds:
                fields = noisy(case, noise, seed)
                row = {"case": case.name, "noise": noise, "seed": seed, **ours(case, fields, options.seconds)}
                if options.peer:
                    row["peer"] = theirs(case, fields, options.peer)
                rows.append(row)
                console.print(
                    f"{case.name}, noise {noise:g}, seed {seed}: {row['equation']}", highlight=False
                )
                if options.json:
                    options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    console.print(table(rows))
    console.print(f"right terms: {sum(row['right'] for row in rows)} of {len(rows)}")


if __name__ == "__main__":
    main()
