"""Bytes on the disk: atomic writes, limited reads, standard JSON."""

import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kansci.errors import RunError

__all__ = ["MEGABYTE", "commit", "encode", "json_text", "read_bytes", "read_text"]

MEGABYTE = 1 << 20


def commit(folder: Path, files: Mapping[str, bytes], stale: Iterable[str] = ()) -> None:
    """Put all bytes on the disk under temporary names, then rename them in the order given.

    Args:
        folder: Where; made if need be.
        files: Name -> content.
        stale: Files to remove after everything is safely on the disk and before the first rename.

    Raises:
        RunError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            with (folder / f".{name}.tmp").open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for name in stale:
            (folder / name).unlink(missing_ok=True)
        for name in files:
            os.replace(folder / f".{name}.tmp", folder / name)  # noqa: PTH105 (the call that is atomic)
        _sync_folder(folder)
    except OSError as error:
        raise RunError(f"cannot write {folder}: {error.strerror or error}") from error


def json_text(record: Any, indent: int | None = 2) -> str:
    """Standard JSON of a record: numbers that JSON does not have (nan, infinities) become null."""
    return json.dumps(_finite(record), indent=indent, ensure_ascii=False, allow_nan=False)


def encode(record: Any) -> bytes:
    """A record as the bytes of a JSON file."""
    return (json_text(record) + "\n").encode("utf-8")


def read_bytes(file: Path, limit: int) -> bytes:
    """The content of a file.

    Args:
        file: The file.
        limit: The most bytes it may have.

    Returns:
        Its bytes.

    Raises:
        RunError: It cannot be read, or is larger.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(limit + 1)
    except OSError as error:
        raise RunError(f"cannot read {file}: {error.strerror or error}") from error
    if len(content) > limit:
        raise RunError(f"{file}: larger than the limit of {limit // MEGABYTE} MB")
    return content


def read_text(file: Path, limit: int) -> str:
    """The content of a UTF-8 file; see `read_bytes`."""
    try:
        return read_bytes(file, limit).decode("utf-8")
    except UnicodeDecodeError as error:
        raise RunError(f"{file}: not UTF-8 text (byte {error.start})") from error


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _sync_folder(folder: Path) -> None:
    """Make the renames survive a power cut, where the system lets a folder be opened."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
