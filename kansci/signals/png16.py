"""PNG images of 16 bits a colour, which Pillow would reduce to 8 (PNG specification, W3C 2003)."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kansci.errors import DataError

__all__ = ["deep_colour_bytes", "is_deep_colour", "read_deep_colour"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {2: 3, 4: 2, 6: 4}
"""Colour type -> channels: RGB, grey and alpha, RGBA. (Pillow reads grey of 16 bits.)"""


def is_deep_colour(path: Path) -> bool:
    """Whether a file is a PNG image of 16 bits and several channels."""
    with path.open("rb") as file:
        start = file.read(29)
    return start.startswith(_SIGNATURE) and len(start) == 29 and start[24] == 16 and start[25] in _CHANNELS


def read_deep_colour(path: Path) -> np.ndarray:
    """Read such a file as uint16 (H, W, C).

    Raises:
        DataError: It is interlaced, truncated or damaged.
    """
    chunks = dict.fromkeys([b"IHDR", b"IDAT"], b"")
    for name, content in _chunks(path.read_bytes()):
        if name in chunks:
            chunks[name] += content
    width, height, _, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if interlaced:
        raise DataError(f"{path}: interlaced PNG of 16 bits a colour: save it without interlacing")
    step = 2 * _CHANNELS[colour]
    length = height * (1 + width * step)
    data = zlib.decompressobj().decompress(chunks[b"IDAT"], length)
    if len(data) < length:
        raise DataError(f"{path}: the image is truncated")
    rows = np.frombuffer(data, np.uint8).reshape(height, -1)
    out = np.zeros((height + 1, width * step), np.uint8)
    for i, row in enumerate(rows):
        out[i + 1] = _unfiltered(int(row[0]), row[1:], out[i], step)
    return out[1:].copy().view(">u2").astype(np.uint16).reshape(height, width, -1)


def deep_colour_bytes(array: np.ndarray) -> bytes:
    """Give the PNG file of an image (H, W, C), uint16, with 2, 3 or 4 channels."""
    height, width, channels = array.shape
    colour = next(code for code, count in _CHANNELS.items() if count == channels)
    rows = np.ascontiguousarray(array, ">u2").view(np.uint8).reshape(height, -1)
    differences = np.diff(rows, axis=0, prepend=np.zeros_like(rows[:1]))  # filter 2: to the row above
    data = np.concatenate([np.full((height, 1), 2, np.uint8), differences], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    return _SIGNATURE + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in parts
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The names and contents of the parts of a PNG file."""
    at = len(_SIGNATURE)
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length


def _unfiltered(method: int, row: np.ndarray, above: np.ndarray, step: int) -> np.ndarray:
    """A row of bytes without its filter (section 9 of the specification)."""
    if method == 0:
        return row
    if method == 1:
        return np.cumsum(row.reshape(-1, step), axis=0, dtype=np.uint8).reshape(-1)
    if method == 2:
        return row + above
    left, up = [0] * step + row.tolist(), [0] * step + above.tolist()
    if method == 3:
        for i in range(step, len(left)):
            left[i] = (left[i] + (left[i - step] + up[i]) // 2) & 255
    elif method == 4:
        for i in range(step, len(left)):
            left[i] = (left[i] + _paeth(left[i - step], up[i], up[i - step])) & 255
    else:
        raise DataError(f"PNG with the unknown filter {method}: the file is damaged")
    return np.array(left[step:], np.uint8)


def _paeth(a: int, b: int, c: int) -> int:
    """Left, above or above left, whichever is nearest to a + b - c."""
    to_a, to_b, to_c = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    if to_a <= to_b and to_a <= to_c:
        return a
    return b if to_b <= to_c else c
