"""Classic symbolic-regression problems (Nguyen, Livermore, Keijzer, Korns, ...), their own sampling rules."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import kansci_datasets as data
from _recovery import recovery_parser, run, settings, summary
from rich.console import Console

CORE = ("nguyen", "livermore", "jin", "r")
SETS = ("core", "rest", "livermore2")


def set_of(name: str) -> str:
    """The part of the classics a problem is counted with."""
    family = data.problem(name).family.lower()
    if family == "livermore2":
        return family
    return "core" if family in CORE else "rest"


def main() -> None:
    """Run one or all sets, and count each by itself."""
    parser = recovery_parser(__doc__ or "")
    parser.set_defaults(rows=None)
    parser.add_argument("--set", nargs="+", choices=SETS, default=SETS)
    options = parser.parse_args()
    names = [name for name in data.problem_names("classics") if set_of(name) in options.set]
    outcomes = run(f"Classics, {settings(options)}", names, options, options.rows)
    console = Console(width=170)
    for part in options.set:
        for seed in options.seeds:
            counted = [o for o in outcomes if set_of(o.name) == part and o.seed == seed]
            console.print(f"{part}, seed {seed}: {summary(counted)}")


if __name__ == "__main__":
    main()
