"""Tables of points, and arrays on a grid with their axes."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kansci.data import read_table
from kansci.data.read import MAX_BYTES, named
from kansci.errors import DataError

__all__ = ["read_fields"]

MOST_VALUES = 20_000_000


def read_fields(source: Any) -> pd.DataFrame:
    """Read measured fields.

    Args:
        source: A path, ``"-"`` for standard input, or an open file: a table, or a NumPy archive whose arrays
            of several dimensions are fields on the grid of its arrays of one dimension.

    Returns:
        One row a point.

    Raises:
        DataError: The file cannot be read, or its arrays do not fit together.
    """  # noqa: DOC502  raised by the calls below
    if isinstance(source, (str, Path)) and str(source) != "-":
        path = Path(source)
        if path.is_file() and path.stat().st_size <= MAX_BYTES and zipfile.is_zipfile(path):
            with named(source):
                frame = _on_a_grid(path.read_bytes())
            if frame is not None:
                return frame
    return read_table(source)


def _on_a_grid(data: bytes) -> pd.DataFrame | None:
    """The rows of fields on a grid; None if the archive holds no such arrays."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if not members or not all(m.filename.endswith(".npy") for m in members):
            return None
        if sum(m.file_size for m in members) > 8 * MOST_VALUES:
            raise DataError(f"more than {MOST_VALUES:,} numbers: take every second point of the grid")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as loaded:
            arrays = {name: loaded[name] for name in loaded.files}
    except (OSError, ValueError, EOFError, KeyError, SyntaxError, zipfile.BadZipFile) as error:
        raise DataError(f"the .npz file cannot be read: {str(error).splitlines()[0]}") from None
    for name, a in arrays.items():
        if a.dtype.kind == "c":
            raise DataError(f"'{name}' is complex: save its real and imaginary part as two arrays")
    fields = {name: a for name, a in arrays.items() if a.ndim > 1 and a.dtype.kind in "fiu"}
    if not fields or {"X", "y"} == set(arrays):
        return None
    shapes = {a.shape for a in fields.values()}
    if len(shapes) > 1:
        raise DataError(
            "the fields differ in shape: " + ", ".join(f"{k} {a.shape}" for k, a in fields.items())
        )
    (shape,) = shapes
    axes = _axes({name: a for name, a in arrays.items() if a.ndim == 1 and a.dtype.kind in "fiu"}, shape)
    if axes is None:
        if len(fields) <= len(shape):
            raise DataError(
                f"no arrays for the axes of a field of shape {shape}: save one array a coordinate, such as "
                "x (len(x),), t (len(t),) and u (len(x), len(t))"
            )
        return pd.DataFrame({name: a.ravel() for name, a in fields.items()})  # coordinates as grids as well
    grids = np.meshgrid(*axes.values(), indexing="ij")
    columns = {name: g.ravel() for name, g in zip(axes, grids, strict=True)}
    return pd.DataFrame({**columns, **{name: a.ravel().astype(float) for name, a in fields.items()}})


def _axes(lines: dict[str, np.ndarray], shape: tuple[int, ...]) -> dict[str, np.ndarray] | None:
    """The array of each axis, told by its length; in the order of the file where lengths agree."""
    left, out = dict(lines), {}
    for n in shape:
        name = next((name for name, a in left.items() if len(a) == n), None)
        if name is None:
            return None
        out[name] = left.pop(name)
    return out
