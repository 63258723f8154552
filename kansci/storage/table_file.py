"""``data.npz``: the table of a run, numbers and names in one file."""

import io
import zipfile
import zlib

import numpy as np

from kansci.data import Dataset
from kansci.errors import RunError
from kansci.storage.files import MEGABYTE, json_text
from kansci.storage.schema import TABLE, parse_object

__all__ = ["LIMIT", "read_table_file", "table_bytes"]

LIMIT = 2048 * MEGABYTE
"""The largest table, packed or unpacked."""


def table_bytes(dataset: Dataset) -> bytes:
    """The file's content."""
    names = {"inputs": list(dataset.inputs), "target": dataset.target, "units": dict(dataset.units)}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, X=dataset.X, y=dataset.y, names=np.array(json_text(names)))
    return buffer.getvalue()


def read_table_file(content: bytes, where: str) -> Dataset:
    """The table back.

    Args:
        content: The file's content.
        where: Its name, for messages.

    Returns:
        The dataset, without the notes of its validation.

    Raises:
        RunError: This is not what `table_bytes` writes.
    """
    X, y, names = _arrays(content, where)
    record = parse_object(names, TABLE, where)
    inputs = tuple(record["inputs"])
    distinct = len({*inputs, record["target"]}) == len(inputs) + 1
    numeric = X.dtype == y.dtype == np.float64
    if not (numeric and distinct and y.ndim == 1 and X.shape == (len(y), len(inputs))):
        raise RunError(
            f"{where}: X {X.shape}, y {y.shape} and {len(inputs)} input names do not belong together"
        )
    if not (np.isfinite(X).all() and np.isfinite(y).all()):
        raise RunError(f"{where}: holds values that are not finite")
    return Dataset(X, y, inputs, record["target"], record["units"])


def _arrays(content: bytes, where: str) -> tuple[np.ndarray, np.ndarray, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > LIMIT:
            raise RunError(
                f"{where}: {size / MEGABYTE:.0f} MB unpacked, more than the {LIMIT // MEGABYTE} allowed"
            )
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return arrays["X"], arrays["y"], str(arrays["names"])
    except RunError:
        raise
    except (zipfile.BadZipFile, zlib.error, ValueError, KeyError, OSError, EOFError, MemoryError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise RunError(f"{where}: not the table of a run ({reason})") from error
