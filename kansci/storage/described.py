"""Tensors with a description: a safetensors file and the texts in its header."""

import json

import torch
from safetensors.torch import load

__all__ = ["read_described"]


def read_described(content: bytes) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Give the tensors by name, and the texts by name.

    Args:
        content: of the file.

    Returns:
        Both; no texts where there are none.

    Raises:
        ValueError: the header is no JSON; `SafetensorError` and `RecursionError` say that it is no such file.
    """  # noqa: DOC502  raised by json
    tensors = load(content)
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return tensors, header.get("__metadata__", {})
