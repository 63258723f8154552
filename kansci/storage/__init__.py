"""RUN folders: what a command leaves on disk and the next one picks up.

    config.json        command, version, settings, columns with units and ranges
    data.npz           the table itself: X (N, I), y (N,), names, units
    formula.json       the result, in the form that ``kansci discover --json`` prints
    model.safetensors  weights of the KAN; its structure stands in the file's header
    history.jsonl      one JSON object a training step
    trust.json         the evidence for the formula
    checkpoint.safetensors  where training stands, to go on from

Each file is complete in itself and replaced as a whole (temporary file, fsync, rename), and results
of older data are removed before new data appear, so killing the process at any moment leaves a folder
that opens and whose table and results belong together. A RUN from a stranger is data: every file has
a size limit and is checked, formulas go through the grammar of ``kansci.expressions.parser``, nothing is
ever executed.
"""

from kansci.storage.files import commit, json_text
from kansci.storage.layout import box_columns, run_config
from kansci.storage.run import (
    Run,
    check_free,
    create_run,
    is_run,
    open_run,
    open_run_of,
    update_run,
)

__all__ = [
    "Run",
    "box_columns",
    "check_free",
    "commit",
    "create_run",
    "is_run",
    "json_text",
    "open_run",
    "open_run_of",
    "run_config",
    "update_run",
]
