"""Feynman bulk set (Udrescu & Tegmark 2020): 100 laws, rows drawn from their boxes."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import kansci_datasets as data
from _recovery import recovery_parser, run, settings

UNSOLVED = (
    "I.6.2b I.15.3t I.15.3x I.26.2 I.29.16 I.30.5 I.32.17 I.41.16 I.48.2 II.13.34 II.24.17 II.35.18 II.35.21"
    " III.4.32 III.4.33 III.9.52"
)
"""Those of the bulk set that no method solves: none of the 14 of SRBench (La Cava et al. 2021,
noise 0), nor PySR, ParFam, DL-ParFam, uDSR and E2E in the tables of github.com/Philipp238/parfam."""


def main() -> None:
    """Run a set."""
    parser = recovery_parser(__doc__ or "")
    parser.add_argument("--set", choices=("bulk", "unsolved"), default="bulk")
    options = parser.parse_args()
    names = UNSOLVED.split() if options.set == "unsolved" else data.problem_names("feynman")
    title = f"Feynman {options.set}, {options.rows} rows, {settings(options)}"
    run(title, names, options, options.rows)


if __name__ == "__main__":
    main()
