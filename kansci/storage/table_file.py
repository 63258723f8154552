"""``data.npz``: the table of a run, numbers and names in one file."""

import io
import zipfile
import zlib
from typing import Any

import numpy as np

from kansci.data import Dataset
from kansci.errors import RunError
from kansci.storage.files import MEGABYTE, json_text
from kansci.storage.schema import TABLE, parse_object

__all__ = ["LIMIT", "read_table_file", "table_bytes"]

LIMIT = 2048 * MEGABYTE
"""The largest table, packed or unpacked."""
_SIGMA = "sigma"
"""The array of the target's standard deviations; those of input k are in ``sigma_k``."""


def table_bytes(dataset: Dataset) -> bytes:
    """The file's content."""
    names = {"inputs": list(dataset.inputs), "target": dataset.target, "units": dict(dataset.units)}
    arrays: dict[str, Any] = {"X": dataset.X, "y": dataset.y, "names": np.array(json_text(names))}
    if dataset.sigma is not None:
        arrays[_SIGMA] = dataset.sigma
    for name, values in dataset.input_sigma.items():
        arrays[f"{_SIGMA}_{dataset.inputs.index(name)}"] = values
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
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
    arrays = _arrays(content, where)
    X, y = arrays["X"], arrays["y"]
    record = parse_object(str(arrays["names"]), TABLE, where)
    inputs = tuple(record["inputs"])
    distinct = len({*inputs, record["target"]}) == len(inputs) + 1
    numeric = X.dtype == y.dtype == np.float64
    if not (numeric and distinct and y.ndim == 1 and X.shape == (len(y), len(inputs))):
        raise RunError(
            f"{where}: X {X.shape}, y {y.shape} and {len(inputs)} input names do not belong together"
        )
    if not (np.isfinite(X).all() and np.isfinite(y).all()):
        raise RunError(f"{where}: holds values that are not finite")
    deviations = {name: values for name, values in arrays.items() if name.startswith(_SIGMA)}
    for name, values in deviations.items():
        fits = values.dtype == np.float64 and values.shape == y.shape
        if not (fits and (values > 0).all() and (values < np.inf).all()):
            raise RunError(f"{where}: {name} must hold {len(y)} positive standard deviations")
    sigma = deviations.pop(_SIGMA, None)
    keys = {name: f"{_SIGMA}_{k}" for k, name in enumerate(inputs)}
    input_sigma = {name: deviations[key] for name, key in keys.items() if key in deviations}
    return Dataset(X, y, inputs, record["target"], record["units"], sigma=sigma, input_sigma=input_sigma)


def _arrays(content: bytes, where: str) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > LIMIT:
            raise RunError(
                f"{where}: {size / MEGABYTE:.0f} MB unpacked, more than the {LIMIT // MEGABYTE} allowed"
            )
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            found = dict(arrays)
    except RunError:
        raise
    except (zipfile.BadZipFile, zlib.error, ValueError, KeyError, OSError, EOFError, MemoryError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise RunError(f"{where}: not the table of a run ({reason})") from error
    missing = {"X", "y", "names"} - set(found)
    if missing:
        raise RunError(f"{where}: not the table of a run (no array {min(missing)})")
    return found
