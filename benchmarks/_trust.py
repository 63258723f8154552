"""What a part of the suite ``trust`` gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Part", "in_chunks"]


@dataclass(frozen=True)
class Part:
    """A table of measurements, what they come to in a sentence, and whether that is what was asked."""

    title: str
    rows: Sequence[Mapping[str, Any]]
    sentence: str
    met: bool


def in_chunks(count: int, chunks: int) -> list[range]:
    """``range(count)`` in about as many contiguous pieces as asked."""
    size = max(-(-count // chunks), 1)
    return [range(first, min(first + size, count)) for first in range(0, count, size)]
