"""Feynman bulk set (Udrescu & Tegmark 2020): 100 laws, rows drawn from their boxes, no units given."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import kansci_datasets as data
from _recovery import arguments, run

if __name__ == "__main__":
    options = arguments(__doc__)
    settings = (
        f"{options.rows} rows, noise {options.noise:g}, {options.seconds:g} s each, seed {options.seed}"
    )
    run(f"Feynman bulk, {settings}", data.problem_names("feynman"), options, options.rows)
