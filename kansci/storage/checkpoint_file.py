"""``checkpoint.safetensors``: where training stands, its tensors and, in the header, its record as JSON."""

import json
from collections.abc import Iterator
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import save

from kansci.errors import RunError
from kansci.storage.described import read_described
from kansci.storage.model_file import check_network
from kansci.storage.schema import COUNT, OBJECT, OBJECTS, Schema, check
from kansci.training.checkpoint import Snapshot

__all__ = ["checkpoint_bytes", "read_checkpoint"]

_JOURNAL: Schema = {"finished": COUNT, "parts": OBJECT}
_PARTS: Schema = {"parts": OBJECT}
_NETWORKS: Schema = {"networks": OBJECTS}


def checkpoint_bytes(snapshot: Snapshot) -> bytes:
    """The file's content."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in snapshot.tensors.items()}
    # An infinite error is one that training knows; the file is for this program alone.
    return save(tensors, metadata={"record": json.dumps(snapshot.record)})


def read_checkpoint(content: bytes, where: str) -> Snapshot:
    """The snapshot back.

    Args:
        content: The file's content.
        where: Its name, for messages.

    Returns:
        The snapshot; whether it fits a run is checked where it is taken up.

    Raises:
        RunError: This is not what `checkpoint_bytes` writes.
    """
    try:
        tensors, texts = read_described(content)
        record = json.loads(texts["record"])
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{where}: not a checkpoint ({str(error).splitlines()[0]})") from error
    check(record, _JOURNAL, where)
    for config in _networks(record, where):
        check_network(config, where, len(content))
    return Snapshot(record, {name: tensor.clone() for name, tensor in tensors.items()})


def _networks(record: Any, where: str) -> Iterator[dict[str, Any]]:
    """The descriptions of all networks in a record and its parts."""
    if "networks" in check(record, {}, where):
        yield from check(record, _NETWORKS, where)["networks"]
    if "parts" in record:
        for part in check(record, _PARTS, where)["parts"].values():
            yield from _networks(part, where)
