"""Tables in binary containers: Parquet, NumPy archives, Excel workbooks.

Sizes are read from the container's directory before anything is unpacked, and nothing that
could carry code (pickled arrays, Python extension types, macros) is ever loaded.
"""

import io
import warnings
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from kansci.data.text import parse_rows
from kansci.data.validate import check_columns
from kansci.errors import DataError

__all__ = ["read_npz", "read_parquet", "read_xlsx"]

MAX_CELLS = 50_000_000
MAX_UNPACKED = 2**30


def read_parquet(data: bytes) -> pd.DataFrame:
    """A Parquet file; nested columns come out as text.

    Raises:
        DataError: It is damaged or too large.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(io.BytesIO(data))
        rows, columns = file.metadata.num_rows, file.metadata.num_columns
        if rows * columns > MAX_CELLS:
            raise DataError(f"{rows:,} rows of {columns:,} columns are more than {MAX_CELLS:,} cells")
        frame = file.read().to_pandas(ignore_metadata=True)
    except DataError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"the Parquet file cannot be read: {_first_line(error)}") from None
    decimals = [name for name in frame if pa.types.is_decimal(file.schema_arrow.field(name).type)]
    return frame.astype(dict.fromkeys(decimals, np.float64))


def read_npz(data: bytes) -> pd.DataFrame:
    """A NumPy archive with X (N, I) and y (N,), or with one array (N,) a column.

    Names for the columns of X may stand in an array of text called ``inputs``.

    Raises:
        DataError: It is damaged, too large, or its arrays do not make a table.
    """
    _check_archive(data)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, KeyError, SyntaxError, zipfile.BadZipFile) as error:
        raise DataError(f"the .npz file cannot be read: {_first_line(error)}") from None
    columns = _matrix_columns(arrays) if {"X", "y"} <= set(arrays) else arrays
    wrong = [name for name, values in columns.items() if values.ndim != 1 or values.dtype.kind not in "fiubU"]
    if wrong or not columns:
        what = f"array '{wrong[0]}' is not a column of numbers" if wrong else "it holds no arrays"
        raise DataError(
            f"the .npz file is no table, {what}: it needs X (N, I) and y (N,), or one array (N,) a column"
        )
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError("the arrays differ in length: " + ", ".join(f"{k} {n}" for k, n in lengths.items()))
    check_columns(list(columns))
    return pd.DataFrame(columns)


def read_xlsx(data: bytes) -> pd.DataFrame:
    """The first worksheet with anything on it; formulas count as the value they last had.

    Raises:
        DataError: It is damaged, too large or empty.
    """
    import openpyxl

    _check_archive(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions, nothing that touches values
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            sheets = {sheet.title: _cells(sheet) for sheet in book.worksheets}
            book.close()
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001  openpyxl lets through whatever a damaged part sets off
        raise DataError(f"the workbook cannot be read: {_first_line(error)}") from None
    used = [title for title, rows in sheets.items() if rows]
    if not used:
        raise DataError("the workbook is empty")
    frame = parse_rows(sheets[used[0]])
    if len(used) > 1:
        frame.attrs["notes"].append(f"read worksheet '{used[0]}' only, not {', '.join(map(repr, used[1:]))}")
    return frame


def _cells(sheet: Any) -> list[tuple[int, list[str]]]:
    """Rows that are not empty with their numbers, as text, cut to the columns in use."""
    rows: list[tuple[int, list[str]]] = []
    count = 0
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        count += len(row)
        if count > MAX_CELLS:
            raise DataError(f"the worksheet has more than the {MAX_CELLS:,} cells allowed")
        texts = ["" if cell is None else str(cell).strip() for cell in row]
        if any(texts) and not texts[0].startswith("#"):
            rows.append((number, texts))
    width = max((i + 1 for _, texts in rows for i, text in enumerate(texts) if text), default=0)
    return [(number, (texts + [""] * width)[:width]) for number, texts in rows]


def _matrix_columns(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    X, y = arrays["X"], arrays["y"]
    if X.ndim == 1:
        X = X[:, None]
    if X.ndim != 2 or y.ndim != 1 or len(X) != len(y):
        raise DataError(f"X has shape {X.shape} and y {y.shape}: (N, I) and (N,) are needed")
    names = [str(name) for name in np.ravel(arrays.get("inputs", []))] or [
        f"x{i + 1}" for i in range(X.shape[1])
    ]
    if len(names) != X.shape[1]:
        raise DataError(f"the array 'inputs' has {len(names)} names for {X.shape[1]} columns of X")
    check_columns([*names, "y"])
    return {**{name: X[:, i] for i, name in enumerate(names)}, "y": y}


def _check_archive(data: bytes) -> None:
    """Refuse an archive that unpacks to more than memory should hold."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(part.file_size for part in archive.infolist())
    except zipfile.BadZipFile as error:
        raise DataError(f"the archive is damaged: {_first_line(error)}") from None
    if size > MAX_UNPACKED:
        raise DataError(
            f"the archive unpacks to {size / 2**30:.1f} GiB, more than the {MAX_UNPACKED / 2**30:.0f} allowed"
        )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
