"""The range coder behind two classes of one interface, so that one program can write and read.

Probabilities are whole numbers of 1/65536: nothing that is rounded differently on another machine
enters the code. The coder itself is that of `constriction` (Bamler 2022, arXiv:2201.01741).
"""

from types import ModuleType
from typing import Any, Protocol

import numpy as np

from kansci.errors import DataError, SettingsError

__all__ = ["ONE", "BitCoder", "Decoder", "Encoder"]

ONE = 1 << 16
"""Probability one."""
CHUNK = 16
"""Bits of a number written at once."""


class BitCoder(Protocol):
    """Writes what it is given, or reads it back: the arguments to be written are ignored then."""

    def flags(self, flags: np.ndarray, chances: np.ndarray) -> np.ndarray:
        """(N,) flags 0 or 1, each being 1 with a chance of (N,) `chances` / 65536."""

    def numbers(self, numbers: np.ndarray, widths: np.ndarray) -> np.ndarray:
        """(N,) numbers, each of any value below 2**`widths` (N,)."""


def _library() -> ModuleType:
    """The streams of `constriction`, which has no wheels for some machines."""
    try:
        from constriction import stream
    except ImportError:
        raise SettingsError(
            "compressed files need the package constriction: pip install constriction"
        ) from None
    return stream


class _Models:
    """The two kinds of model, as the library names them."""

    def __init__(self) -> None:
        self.stream: Any = _library()
        self.flag = self.stream.model.Bernoulli(perfect=False)
        self.number = self.stream.model.Uniform()


class Encoder:
    """Writes."""

    def __init__(self) -> None:
        self._models = _Models()
        self._coder = self._models.stream.queue.RangeEncoder()

    def flags(self, flags: np.ndarray, chances: np.ndarray) -> np.ndarray:
        """See `BitCoder`."""
        if len(flags):
            self._coder.encode(np.ascontiguousarray(flags, dtype=np.int32), self._models.flag, chances / ONE)
        return flags

    def numbers(self, numbers: np.ndarray, widths: np.ndarray) -> np.ndarray:
        """See `BitCoder`."""
        for shift in range(0, int(widths.max(initial=0)), CHUNK):
            part = np.flatnonzero(widths > shift)
            sizes = 1 << np.minimum(widths[part] - shift, CHUNK)
            digits = (numbers[part] >> shift) % sizes
            self._coder.encode(digits.astype(np.int32), self._models.number, sizes.astype(np.int32))
        return numbers

    def content(self) -> bytes:
        """All that was written."""
        return self._coder.get_compressed().astype("<u4").tobytes()


class Decoder:
    """Reads.

    Args:
        content: What `Encoder.content` gave.

    Raises:
        DataError: (by its methods) The content cannot have been written so.
    """

    def __init__(self, content: bytes) -> None:
        if len(content) % 4:
            raise DataError("the compressed data are damaged: they do not end with a whole word")
        self._models = _Models()
        words = np.frombuffer(content, "<u4").astype(np.uint32)
        self._coder = self._models.stream.queue.RangeDecoder(words)

    def _decode(self, *model: object) -> np.ndarray:
        try:
            return self._coder.decode(*model)
        except AssertionError as error:  # what the coder raises for impossible data
            raise DataError("the compressed data are damaged: they cannot be decoded") from error

    def flags(self, flags: np.ndarray, chances: np.ndarray) -> np.ndarray:
        """See `BitCoder`."""
        if not len(chances):
            return np.zeros(0, dtype=np.int64)
        return self._decode(self._models.flag, chances / ONE).astype(np.int64)

    def numbers(self, numbers: np.ndarray, widths: np.ndarray) -> np.ndarray:
        """See `BitCoder`."""
        found = np.zeros(len(widths), dtype=np.int64)
        for shift in range(0, int(widths.max(initial=0)), CHUNK):
            part = np.flatnonzero(widths > shift)
            sizes = (1 << np.minimum(widths[part] - shift, CHUNK)).astype(np.int32)
            found[part] += self._decode(self._models.number, sizes).astype(np.int64) << shift
        return found
