"""``checkpoint.safetensors`` of a solve: its journal, tensors and, in the header, the numbers as JSON."""

import json
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save

from kansci._version import __version__
from kansci.errors import RunError
from kansci.pde.journal import Journal, Outcome
from kansci.storage.described import read_described

__all__ = ["journal_bytes", "read_journal"]


def journal_bytes(journal: Journal) -> bytes:
    """Give the file's content."""
    tensors: dict[str, torch.Tensor] = {}
    chapters: dict[str, list[list[float]]] = {}
    for name, outcomes in journal.chapters.items():
        chapters[name] = [list(outcome.numbers) for outcome in outcomes]
        tensors |= {f"{name}/{k}": outcome.theta.contiguous() for k, outcome in enumerate(outcomes)}
    record = {"version": __version__, "passed": sorted(journal.passed), "chapters": chapters}
    # An infinite loss is one that a solve knows; the file is for this program alone.
    return save(tensors, metadata={"journal": json.dumps(record)})


def read_journal(content: bytes, where: str) -> Journal:
    """Give the journal back; an empty one if another version wrote it, which may go other ways.

    Args:
        content: of the file.
        where: its name, for messages.

    Returns:
        The journal.

    Raises:
        RunError: this is not what `journal_bytes` writes.
    """
    try:
        tensors, texts = read_described(content)
        record: dict[str, Any] = json.loads(texts["journal"])
        if record["version"] != __version__:
            return Journal()
        chapters = {
            name: [
                Outcome(tensors[f"{name}/{k}"].clone(), tuple(map(float, row))) for k, row in enumerate(rows)
            ]
            for name, rows in record["chapters"].items()
        }
        return Journal(chapters, [str(name) for name in record["passed"]])
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(f"{where}: not a checkpoint ({str(error).splitlines()[0]})") from error
