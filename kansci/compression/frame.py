"""The frame of a compressed file: magic, version, header, content, checksum.

4 bytes  KCSF          1 byte   version
2 bytes  length n      n bytes  header: JSON, deflated with the dictionary below
...      content       4 bytes  CRC-32 of all before
"""

import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

from kansci.errors import DataError, SettingsError

__all__ = ["pack", "unpack"]

MAGIC = b"KCSF"
VERSION = 1
START = struct.Struct("<4sBH")
LONGEST_HEADER = 1 << 22
"""Bytes of JSON."""
WORDS = (
    b'"axes":null,"description":{"model":"siren","settings":{"tensors":[["layers.0.weight","layers.0.bias"'
    b'"kind":"volume","kind":"video","kind":"field","kind":"audio","coordinates":["t"],"channels":["u"],'
    b'"shape":[512,512],"box":[[0.0,1.0],[-1.0,1.0],"rate":44100,"frame_rate":25.0,"dtype":"int16"},'
    b'"dtype":"float64","dtype":"uint16","notes":[],"coordinates":["z","y","x"],"channels":["grey"],'
    b'{"axes":null,"box":[[0.0,256.0],[0.0,256.0]],"channels":["red","green","blue"],"codec":"samples",'
    b'"coordinates":["y","x"],"kind":"image","meta":{"dtype":"uint8"},"peak":1.0,"shape":[256,256]}'
)
"""What headers usually say; part of version 1."""


def pack(header: Mapping[str, Any], content: bytes) -> bytes:
    """The bytes of a file.

    Args:
        header: What JSON can hold.
        content: What a codec wrote.

    Returns:
        The bytes.

    Raises:
        SettingsError: The header is too long.
    """
    text = json.dumps(header, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=WORDS)
    short = deflate.compress(text) + deflate.flush()
    if len(short) >= 1 << 16 or len(text) > LONGEST_HEADER:
        raise SettingsError(
            f"the header of the compressed file would have {len(short):,} bytes, at most 65,535"
        )
    whole = START.pack(MAGIC, VERSION, len(short)) + short + content
    return whole + struct.pack("<I", zlib.crc32(whole))


def unpack(whole: bytes, where: str) -> tuple[dict[str, Any], bytes]:
    """The header and the content of a file.

    Args:
        whole: The bytes of the file.
        where: The file, for messages.

    Returns:
        Header and content; both are data of a stranger still.

    Raises:
        DataError: It is no such file, or it is damaged.
    """
    if len(whole) < START.size + 4 or whole[:4] != MAGIC:
        raise DataError(f"{where}: not a compressed signal of kansci")
    _, version, length = START.unpack_from(whole)
    if version != VERSION:
        raise DataError(
            f"{where}: written in format {version}, this version of kansci reads format {VERSION}"
        )
    if zlib.crc32(whole[:-4]) != struct.unpack("<I", whole[-4:])[0]:
        raise DataError(f"{where}: damaged (the checksum is wrong); copy it again from its source")
    return _header(whole[START.size : START.size + length], where), whole[START.size + length : -4]


def _header(short: bytes, where: str) -> dict[str, Any]:
    inflate = zlib.decompressobj(-15, zdict=WORDS)
    try:
        text = inflate.decompress(short, LONGEST_HEADER)
        header = json.loads(text)
    except (zlib.error, ValueError, RecursionError) as error:
        raise DataError(f"{where}: damaged (its header cannot be read)") from error
    if not isinstance(header, dict):
        raise DataError(f"{where}: damaged (its header is no JSON object)")
    return header
