"""Classic symbolic-regression problems (Nguyen, Livermore, Keijzer, Korns, ...), their own sampling rules."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import kansci_datasets as data
from _recovery import arguments, run

if __name__ == "__main__":
    options = arguments(__doc__)
    run(
        f"Classics, {options.seconds:g} s each, seed {options.seed}",
        data.problem_names("classics"),
        options,
        None,
    )
