"""Files of signals: limits before they are read, whole or not at all when they are written."""

import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kansci.errors import DataError

__all__ = ["MOST_NUMBERS", "check_size", "existing", "readable", "replacing", "write_bytes"]

MOST_NUMBERS = 50_000_000
"""Samples times channels that a signal may have: 400 MB in float64."""
_TOO_MANY = (
    f" are more than the limit of {MOST_NUMBERS // 10**6} million: save a part of it, or a smaller version"
)


def existing(path: Path) -> Path:
    """Give the path of a file that is there and not empty.

    Raises:
        DataError: It is not.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file")
    if path.is_file() and path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty")
    return path


def check_size(path: Path, shape: Sequence[int]) -> None:
    """Refuse a signal that would not fit into memory comfortably.

    Args:
        path: its file.
        shape: samples along each axis and channels.

    Raises:
        DataError: It has more than `MOST_NUMBERS` numbers.
    """
    count = 1
    for n in shape:
        count *= int(n)
    if count > MOST_NUMBERS:
        raise DataError(f"{path}: {' x '.join(f'{n:,}' for n in shape)} numbers{_TOO_MANY}")


@contextmanager
def readable(path: Path, what: str) -> Iterator[None]:
    """Turn whatever a library says of a damaged file into one line.

    Args:
        path: the file.
        what: it should be, such as "an image".

    Raises:
        DataError: The file cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except DataError:
        raise
    except MemoryError:
        raise DataError(f"{path}: does not fit into memory") from None
    except PermissionError:
        raise DataError(f"{path}: no permission to read it") from None
    except Exception as error:  # noqa: BLE001  libraries raise anything from struct.error to SyntaxError
        name = type(error).__name__
        if name == "DecompressionBombError":
            raise DataError(f"{path}: its pixels{_TOO_MANY}") from None
        if isinstance(error, ImportError) or name == "UnidentifiedImageError":  # all decoders were tried
            raise DataError(f"{path}: cannot be read as {what}: damaged, or of another format") from None
        first = (str(error).splitlines() or [""])[0].strip() or name
        raise DataError(f"{path}: cannot be read as {what}: {first}") from None


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file under a temporary name beside it, then rename it; see `replacing`."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the name of a temporary file that takes the place of another when all went well.

    Raises:
        DataError: It cannot be written.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
