"""The tensors of a file that torch.save wrote, without unpickling it.

Such a file is a zip archive: the numbers as they are, and a pickle that says how they become tensors. Here
the pickle is only taken apart into its instructions, of which those that a dict of tensors needs are carried
out on plain values: nothing named in the file is imported or called.
"""

import math
import pickletools
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kansci.errors import DataError

__all__ = ["read_state"]

LARGEST = 10**8
"""Numbers in a tensor."""
_STORAGES = {"torch DoubleStorage": "<f8", "torch FloatStorage": "<f4", "torch LongStorage": "<i8"}
_CALLS: dict[str, Callable[[tuple[Any, ...]], Any]] = {
    "collections OrderedDict": lambda _: {},
    "torch._utils _rebuild_tensor_v2": lambda arguments: _Tensor(*arguments[:4]),
    "torch._utils _rebuild_parameter": lambda arguments: arguments[0],
}


@dataclass(frozen=True)
class _Global:
    name: str


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage, ("storage", type, key, device, length)."""

    storage: tuple[Any, ...]
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


class _Mark:
    """Where the arguments of an instruction begin."""


def read_state(path: str | Path) -> dict[str, torch.Tensor]:
    """Read a state dict.

    Args:
        path: a file of torch.save, in the format of torch >= 1.6.

    Returns:
        Tensors by name, on the CPU.

    Raises:
        DataError: it is no such file, or holds anything but a dict of tensors.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise DataError(f"{path}: compressed, which torch.save never does")
            (pickled,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            folder = pickled.removesuffix("data.pkl")
            if f"{folder}byteorder" in archive.namelist() and archive.read(f"{folder}byteorder") != b"little":
                raise DataError(f"{path}: written on a big-endian machine")
            content = _Machine().run(archive.read(pickled))
            return {str(name): _tensor(archive, folder, value) for name, value in content.items()}
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except DataError:
        raise
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, RuntimeError, RecursionError,
            zipfile.BadZipFile) as error:  # fmt: skip
        raise DataError(f"{path}: not a dict of tensors that torch.save wrote ({error})") from error


class _Machine:
    """The few instructions of a pickle that make a dict of tensors, on a stack of plain values."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, code: bytes) -> Any:
        for operation, argument, _ in pickletools.genops(code):
            name = operation.name
            if name == "STOP":
                return self.stack.pop()
            if name in {"PROTO", "FRAME"}:
                continue
            if name in {
                "BINUNICODE",
                "SHORT_BINUNICODE",
                "BININT",
                "BININT1",
                "BININT2",
                "LONG1",
                "BINFLOAT",
            }:
                self.stack.append(argument)
            elif name in _CONSTANTS:
                self.stack.append(_CONSTANTS[name]())
            elif name in _STEPS:
                _STEPS[name](self, argument)
            else:
                raise ValueError(f"instruction {name}")
        raise ValueError("no end")

    def pop(self, count: int) -> list[Any]:
        taken = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return taken

    def to_mark(self) -> list[Any]:
        start = max(k for k, value in enumerate(self.stack) if isinstance(value, _Mark))
        taken = self.stack[start + 1 :]
        del self.stack[start:]
        return taken

    def name(self, argument: str) -> None:
        if argument not in _CALLS and argument not in _STORAGES:
            raise ValueError(f"it asks for {argument}")
        self.stack.append(_Global(argument))

    def call(self, _: None) -> None:
        function, arguments = self.pop(2)
        self.stack.append(_CALLS[function.name](arguments))

    def store(self, argument: int) -> None:
        self.memo[argument] = self.stack[-1]

    def fetch(self, argument: int) -> None:
        self.stack.append(self.memo[argument])

    def group(self, count: int | None) -> None:
        self.stack.append(tuple(self.to_mark() if count is None else self.pop(count)))

    def set_items(self, pairs: list[Any]) -> None:
        self.stack[-1].update(zip(pairs[::2], pairs[1::2], strict=True))


_CONSTANTS: dict[str, Callable[[], Any]] = {
    "MARK": _Mark,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "NONE": lambda: None,
}
_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "GLOBAL": _Machine.name,
    "REDUCE": _Machine.call,
    "BINPUT": _Machine.store,
    "LONG_BINPUT": _Machine.store,
    "BINGET": _Machine.fetch,
    "LONG_BINGET": _Machine.fetch,
    "TUPLE": lambda machine, _: machine.group(None),
    "TUPLE1": lambda machine, _: machine.group(1),
    "TUPLE2": lambda machine, _: machine.group(2),
    "TUPLE3": lambda machine, _: machine.group(3),
    "SETITEM": lambda machine, _: machine.set_items(machine.pop(2)),
    "SETITEMS": lambda machine, _: machine.set_items(machine.to_mark()),
    "BINPERSID": lambda machine, _: None,  # the tuple that names a storage stays as it is
    "BUILD": lambda machine, _: machine.pop(1).clear(),  # the dict's own notes are not needed
}


def _tensor(archive: zipfile.ZipFile, folder: str, value: Any) -> torch.Tensor:
    if not isinstance(value, _Tensor):
        raise TypeError(f"it holds a {type(value).__name__}")
    if math.prod(value.size) > LARGEST:
        raise ValueError(f"a tensor of shape {value.size}")
    _, kind, key, *_ = value.storage
    numbers = np.frombuffer(archive.read(f"{folder}data/{key}"), dtype=_STORAGES[kind.name]).copy()
    return torch.from_numpy(numbers).as_strided(value.size, value.stride, value.offset).clone()
