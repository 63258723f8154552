"""How far the results can be trusted: uncertainty of constants, and what is claimed on noise.

    kansci bench trust [--part coverage nist null tables] [--sets 200] [--null-sets 50]

coverage  95 % intervals of five simulated laws, by standard errors and by profiles; the band of the mean
nist      NIST's certified parameters and standard errors, the form given, from the start far away
null      laws claimed on tables of noise, and on tables of Kepler's law with the periods permuted
tables    the textbook law of the measured tables: on the front, and chosen
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from _trust import Part
from _trust_coverage import coverage
from _trust_nist import certified
from _trust_null import null
from _trust_tables import tables
from rich.console import Console
from rich.table import Table

PARTS: dict[str, Callable[[argparse.Namespace], Part]] = {
    "coverage": coverage,
    "nist": certified,
    "null": null,
    "tables": tables,
}
"""Name of a part -> its measurement."""


def main() -> None:
    """Run the parts, one table each, and say what they come to."""
    options = _options()
    parts = {name: PARTS[name](options) for name in options.part}
    for part in parts.values():
        show(part)
    for name, part in parts.items():
        print(f"{name}: {part.sentence}: {'met' if part.met else 'NOT met'}")
    if options.out:
        report = {name: asdict(part) for name, part in parts.items()}
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def show(part: Part) -> None:
    """A row a measurement."""
    table = Table(*(part.rows[0] if part.rows else ()), title=part.title)
    for row in part.rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console(width=150).print(table)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--part", nargs="+", choices=list(PARTS), default=list(PARTS))
    options.add_argument("--sets", type=int, default=200, help="simulated tables of each law")
    options.add_argument("--seconds", type=float, default=60.0, help="for each search of a measured table")
    options.add_argument("--null-sets", type=int, default=50, help="tables of noise")
    options.add_argument("--null-seconds", type=float, default=10.0, help="for each search on noise")
    options.add_argument("--jobs", type=int, default=2, help="processes")
    options.add_argument("--out", type=Path, help="JSON file for the results")
    return options.parse_args()


if __name__ == "__main__":
    main()
