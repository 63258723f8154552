"""From a path, standard input or an open file to a table, whatever the format.

The format is told from the content, not from the name.
"""

import re
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pandas as pd

from kansci.data.containers import read_npz, read_parquet, read_xlsx
from kansci.data.dataset import Dataset
from kansci.data.text import parse_text
from kansci.data.validate import check_columns
from kansci.errors import DataError

__all__ = ["MAX_BYTES", "named", "read_dataset", "read_table"]

MAX_BYTES = 256 * 2**20
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_FOREIGN = {
    b"\x1f\x8b": "compressed with gzip: unpack it first",
    b"BZh": "compressed with bzip2: unpack it first",
    b"\xfd7zXZ": "compressed with xz: unpack it first",
    b"\xd0\xcf\x11\xe0": "an old Excel file: save it as .xlsx or .csv",
    b"\x89HDF": "an HDF5 file: export the table as .csv or .parquet",
    b"\x93NUMPY": "a single NumPy array: save named columns with numpy.savez",
}

Source = str | Path | IO[Any]


def read_dataset(
    source: Source,
    target: str,
    inputs: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
    sigma: str | None = None,
    input_sigma: Mapping[str, str] | None = None,
) -> Dataset:
    """Read a table and check it: the whole way from a file to numbers that can be fitted.

    Args:
        source: A path, ``"-"`` for standard input, or an open file.
        target: The column to explain.
        inputs: The columns to explain it by; None takes every other numeric column.
        units: Unit of a column, over those in the header.
        sigma: The column with the standard deviation of each value of the target.
        input_sigma: Input -> the column with the standard deviation of each of its values.

    Returns:
        The dataset, whose notes say what was left out.

    Raises:
        DataError: The file, its layout or its values are unusable; one line says where.
    """  # noqa: DOC502  raised by the two calls below
    frame = read_table(source)
    with named(source):
        return Dataset.from_frame(frame, target, inputs, units, sigma, input_sigma)


def read_table(source: Source) -> pd.DataFrame:
    """Read a table: CSV and its relatives, Parquet, .npz or .xlsx.

    Args:
        source: A path, ``"-"`` for standard input, or an open file.

    Returns:
        Numbers where the cells are numbers and text elsewhere. For text files and workbooks the
        index, named ``line``, holds line numbers.

    Raises:
        DataError: The file cannot be read or is no table.
    """  # noqa: DOC502  raised by the two calls below
    data = _bytes(source)
    with named(source):
        return _parse(data)


@contextmanager
def named(source: Source) -> Iterator[None]:
    """Put the name of the source before every complaint about it."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{_name(source)}: {error}") from None
    except MemoryError:
        raise DataError(f"{_name(source)}: the table does not fit into memory") from None


def _parse(data: bytes) -> pd.DataFrame:
    if data.startswith(b"PAR1"):
        frame = read_parquet(data)
    elif data.startswith(b"PK\x03\x04"):
        frame = read_xlsx(data) if b"[Content_Types].xml" in data else read_npz(data)
    else:
        for magic, what in _FOREIGN.items():
            if data.startswith(magic):
                raise DataError(f"this is {what}" if what.startswith("a") else f"the file is {what}")
        return parse_text(_decode(data))
    check_columns([str(column) for column in frame.columns])
    return frame


def _name(source: Source) -> str:
    if isinstance(source, (str, Path)):
        return "standard input" if str(source) == "-" else str(source)
    return str(getattr(source, "name", "the table"))


def _bytes(source: Source) -> bytes:
    """The content, refused by its size before it is read where the size is known."""
    try:
        if isinstance(source, (str, Path)) and str(source) != "-":
            path = Path(source)
            status = path.stat()
            if stat.S_ISDIR(status.st_mode):
                raise DataError(f"{path} is a folder: name a file in it")
            _check_size(status.st_size, _name(source))
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        else:
            stream = sys.stdin.buffer if isinstance(source, (str, Path)) else source
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise DataError(f"there is no file {_name(source)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{_name(source)} cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from None
    data = content.encode() if isinstance(content, str) else content
    _check_size(len(data), _name(source))
    return data


def _check_size(size: int, name: str) -> None:
    if size > MAX_BYTES:
        shown = f"{size / 2**20:,.0f} MiB" if size > MAX_BYTES + 1 else "larger"
        raise DataError(
            f"{name} is {shown}, more than the {MAX_BYTES // 2**20} MiB allowed: take a sample of its rows"
        )


def _decode(data: bytes) -> str:
    """The text: UTF-8, UTF-16 with or without its mark, else Latin-1 as Windows writes it."""
    if not data.strip():
        raise DataError("the file is empty")
    encodings = [next((name for bom, name in _BOMS.items() if data.startswith(bom)), _guess(data))]
    if encodings == ["utf-8"]:
        encodings += ["cp1252", "latin-1"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        text = text.rstrip("\x1a")  # DOS ends a file with it
        junk = _CONTROL.search(text)
        if junk:
            line = text.count("\n", 0, junk.start()) + 1
            raise DataError(f"this is not a text table: line {line} holds the character {junk.group()!r}")
        return text
    raise DataError(f"this is not a text table: it does not decode as {encodings[0]}")


def _guess(data: bytes) -> str:
    """UTF-16 shows as zeros in every other byte."""
    head = data[:65_536]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 5 > len(head) and min(even, odd) == 0:
        return "utf-16-be" if even else "utf-16-le"
    return "utf-8"
