"""What a RUN folder consists of: its files, their limits, and its configuration."""

from collections.abc import Iterable, Mapping
from typing import Any

from kansci._version import __version__
from kansci.storage.files import MEGABYTE, encode
from kansci.storage.table_file import LIMIT

__all__ = [
    "ALL_FILES",
    "CHECKPOINT_FILE",
    "CONFIG_FILE",
    "DATA_FILE",
    "EQUATION_FILE",
    "FORMAT",
    "FORMULA_FILE",
    "HELD_OUT_FILE",
    "HISTORY_FILE",
    "LIMITS",
    "MODEL_FILE",
    "PLOTS",
    "PRODUCTS",
    "REPRESENTATION_FILE",
    "SIGNAL_FILE",
    "SOLUTION_FILE",
    "TRUST_FILE",
    "box_columns",
    "run_config",
]

FORMAT = 1
CONFIG_FILE, DATA_FILE, FORMULA_FILE = "config.json", "data.npz", "formula.json"
MODEL_FILE, HISTORY_FILE = "model.safetensors", "history.jsonl"
TRUST_FILE = "trust.json"
CHECKPOINT_FILE = "checkpoint.safetensors"
SOLUTION_FILE = "solution.json"
EQUATION_FILE, HELD_OUT_FILE = "equation.json", "heldout.safetensors"
SIGNAL_FILE, REPRESENTATION_FILE = "signal.safetensors", "representation.json"
PRODUCTS = (
    CHECKPOINT_FILE,
    FORMULA_FILE,
    MODEL_FILE,
    HISTORY_FILE,
    TRUST_FILE,
    SOLUTION_FILE,
    EQUATION_FILE,
    HELD_OUT_FILE,
    SIGNAL_FILE,
    REPRESENTATION_FILE,
)
PLOTS = "plots"
"""The folder into which `kansci plot` draws."""
ALL_FILES = (CONFIG_FILE, DATA_FILE, *PRODUCTS)
"""What a RUN may hold, the configuration first: without it there is no RUN."""
LIMITS = {
    CONFIG_FILE: 16 * MEGABYTE,
    FORMULA_FILE: 64 * MEGABYTE,
    HISTORY_FILE: 256 * MEGABYTE,
    TRUST_FILE: 64 * MEGABYTE,
    SOLUTION_FILE: 64 * MEGABYTE,
    EQUATION_FILE: 16 * MEGABYTE,
    HELD_OUT_FILE: 256 * MEGABYTE,
    REPRESENTATION_FILE: 64 * MEGABYTE,
    SIGNAL_FILE: 4096 * MEGABYTE,
    MODEL_FILE: 2048 * MEGABYTE,
    CHECKPOINT_FILE: 8192 * MEGABYTE,
    DATA_FILE: LIMIT,
}
"""The largest file that is read."""


def run_config(
    command: str,
    target: str,
    columns: Iterable[Mapping[str, Any]],
    inputs: Iterable[str],
    notes: Iterable[str],
    settings: Mapping[str, Any],
) -> bytes:
    """Give the content of ``config.json``.

    Args:
        command: What made the run.
        target: Name of the (first) result.
        columns: Name, unit, least and greatest value of what the run was made from.
        inputs: Names of the inputs.
        notes: Remarks.
        settings: Options in JSON's types.

    Returns:
        The bytes.
    """
    return encode(
        {
            "format": FORMAT,
            "version": __version__,
            "command": command,
            "target": target,
            "inputs": list(inputs),
            "columns": list(columns),
            "notes": list(notes),
            "settings": dict(settings),
        }
    )


def box_columns(names: Iterable[str], ends: Iterable[Iterable[float]]) -> list[dict[str, Any]]:
    """Describe coordinates without units by the ends of their ranges."""
    pairs = zip(names, ends, strict=True)
    return [{"name": n, "unit": "", "min": float(low), "max": float(high)} for n, (low, high) in pairs]
