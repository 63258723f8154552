"""What the headers of compressed files have to look like."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from kansci.errors import DataError

__all__ = ["check_network", "check_samples"]

MOST_NUMBERS = 1 << 27
NUMBERS_PER_BYTE = 1 << 14
"""More than the rarest flags of the coder allow."""
Rule = tuple[str, Callable[[Any], bool]]


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 32


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(_is_number(item) for item in value)


TEXT: Rule = ("a text", lambda value: isinstance(value, str))
TEXTS: Rule = ("a list of texts", _is_texts)
COUNT: Rule = ("a whole number", _is_count)
POSITIVE: Rule = ("a positive number", lambda value: _is_number(value) and value > 0)
OBJECT: Rule = ("an object", lambda value: isinstance(value, dict))
SHAPE: Rule = ("a list of whole numbers", lambda v: isinstance(v, list) and all(_is_count(n) for n in v))
BOX: Rule = (
    "a list of pairs of numbers",
    lambda v: isinstance(v, list) and all(_is_numbers(pair) and len(pair) == 2 for pair in v),
)
AXES: Rule = (
    "lists of numbers or null",
    lambda v: v is None or (isinstance(v, list) and all(_is_numbers(axis) for axis in v)),
)
SCALES: Rule = ("a list of numbers or null", lambda v: v is None or _is_numbers(v))
ENTRIES: Rule = (
    "a list of objects",
    lambda v: isinstance(v, list) and bool(v) and all(isinstance(item, dict) for item in v),
)

SAMPLES: Mapping[str, Rule] = {
    "kind": TEXT,
    "shape": SHAPE,
    "box": BOX,
    "axes": AXES,
    "coordinates": TEXTS,
    "channels": TEXTS,
    "peak": POSITIVE,
    "scales": SCALES,
    "meta": OBJECT,
}
NETWORK: Mapping[str, Rule] = {"tensors": ENTRIES, "description": OBJECT}
TENSOR: Mapping[str, Rule] = {"name": TEXT, "shape": SHAPE, "step": POSITIVE, "mean": COUNT}


def check_samples(header: dict[str, Any], where: str) -> None:
    """Check the header of a compressed signal: a key that is missing or wrong is a DataError."""
    _check(header, "samples", SAMPLES, where)


def check_network(header: dict[str, Any], size: int, where: str) -> None:
    """Check the header of a compressed network whose file has `size` bytes.

    Raises:
        DataError: A key is missing or of the wrong kind, or there are impossibly many numbers.
    """
    _check(header, "network", NETWORK, where)
    for entry in header["tensors"]:
        _rules(entry, TENSOR, where)
    names = [entry["name"] for entry in header["tensors"]]
    count = sum(math.prod(entry["shape"]) for entry in header["tensors"])
    if len(set(names)) < len(names) or max(entry["step"] for entry in header["tensors"]) > 1e30:
        raise DataError(f"{where}: damaged (two tensors of one name, or a step beyond 1e30)")
    if count > min(MOST_NUMBERS, NUMBERS_PER_BYTE * size):
        raise DataError(f"{where}: damaged ({count:,} numbers in {size:,} bytes)")


def _check(header: dict[str, Any], codec: str, rules: Mapping[str, Rule], where: str) -> None:
    if header.get("codec") != codec:
        raise DataError(f"{where}: holds '{header.get('codec')}', not '{codec}'")
    _rules(header, rules, where)


def _rules(record: dict[str, Any], rules: Mapping[str, Rule], where: str) -> None:
    for key, (kind, is_right) in rules.items():
        if key not in record:
            raise DataError(f"{where}: damaged (key '{key}' is missing)")
        if not is_right(record[key]):
            raise DataError(f"{where}: damaged (key '{key}' must be {kind})")
