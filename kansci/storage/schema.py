"""What the JSON of a RUN has to look like, and the check that says which key is wrong."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from kansci.errors import RunError

__all__ = ["COLUMN", "CONFIG", "CONSTANT", "FORMULA", "GROUP", "GROUPED", "TABLE", "check", "parse_object"]

Rule = tuple[str, Callable[[Any], bool]]
Schema = Mapping[str, Rule]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_text_map(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def _is_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


TEXT: Rule = ("a text", lambda value: isinstance(value, str))
OPTIONAL_TEXT: Rule = ("a text or null", lambda value: value is None or isinstance(value, str))
COUNT: Rule = ("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool))
NUMBER: Rule = ("a number", _is_number)
OPTIONAL_NUMBER: Rule = ("a number or null", lambda value: value is None or _is_number(value))
TEXTS: Rule = ("a list of texts", _is_texts)
TEXT_MAP: Rule = ("an object of texts", _is_text_map)
OBJECT: Rule = ("an object", lambda value: isinstance(value, dict))
OBJECTS: Rule = ("a list of objects", _is_objects)

CONFIG: Schema = {
    "format": COUNT,
    "version": TEXT,
    "command": TEXT,
    "target": TEXT,
    "inputs": TEXTS,
    "columns": OBJECTS,
    "notes": TEXTS,
    "settings": OBJECT,
}
COLUMN: Schema = {"name": TEXT, "unit": TEXT, "min": NUMBER, "max": NUMBER}
TABLE: Schema = {"inputs": TEXTS, "target": TEXT, "units": TEXT_MAP}
FORMULA: Schema = {
    "target": TEXT,
    "inputs": TEXTS,
    "symbols": TEXT_MAP,
    "formula": TEXT,
    "latex": TEXT,
    "complexity": COUNT,
    "constants": OBJECTS,
    "front": OBJECTS,
}
GROUPED: Schema = {"group": TEXT, "groups": OBJECTS}
GROUP: Schema = {"group": TEXT, "formula": TEXT}
CONSTANT: Schema = {
    "value": NUMBER,
    "stderr": OPTIONAL_NUMBER,
    "symbolic": OPTIONAL_TEXT,
    "unit": OPTIONAL_TEXT,
}


def parse_object(text: str, schema: Schema, where: str) -> dict[str, Any]:
    """Read one JSON object.

    Args:
        text: The JSON.
        schema: Keys that must be there, and what each must be; further keys are let through.
        where: The file, for messages.

    Returns:
        The object.

    Raises:
        RunError: It is no JSON object, or a key is missing or of the wrong kind.
    """
    try:
        record = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise RunError(f"{where}: not JSON ({str(error).splitlines()[0]})") from error
    return check(record, schema, where)


def check(record: Any, schema: Schema, where: str) -> dict[str, Any]:
    """Check one object of a file that was read.

    Args:
        record: What should be the object.
        schema: Keys that must be there, and what each must be.
        where: The file and the place in it, for messages.

    Returns:
        The object.

    Raises:
        RunError: It is no object, or a key is missing or of the wrong kind.
    """
    if not isinstance(record, dict):
        raise RunError(f"{where}: must be a JSON object, not {type(record).__name__}")
    for key, (kind, is_right) in schema.items():
        if key not in record:
            raise RunError(f"{where}: key '{key}' is missing")
        if not is_right(record[key]):
            raise RunError(f"{where}: key '{key}' must be {kind}")
    return record


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
