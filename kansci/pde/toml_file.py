"""A differential equation in a TOML file: the arguments of `kansci.pde.statement.problem` as keys.

    equation = "u_t + u*u_x = nu*u_xx"

    [domain]
    x = [-1, 1]
    t = [0, 1]

    [parameters]
    nu = "0.01/pi"

    [conditions]
    "t = 0" = "u = -sin(pi*x)"
    boundary = "u = 0"

`data = "file.csv"` (beside the TOML file) brings measurements; `[observations]` with field, count, noise
and seed makes them from the exact solution.
"""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kansci.data.names import nearest
from kansci.data.read import read_table
from kansci.errors import SettingsError
from kansci.pde.observations import synthetic
from kansci.pde.problem import Problem
from kansci.pde.statement import problem

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["from_settings", "read_problem", "read_toml"]

MAX_BYTES = 2**20
MAX_ENTRIES = 1000
"""Entries of a list or table."""
TEXTS = ("name", "title", "source", "time", "region", "data")
LISTS = ("equations", "complex", "periodic", "space")
TABLES = ("domain", "faces", "parameters", "unknowns", "sought", "exact", "observations")
OTHERS = ("equation", "conditions", "fields", "sigma")
OBSERVATIONS = ("field", "count", "noise", "seed")


def read_problem(path: str | Path) -> Problem:
    """Read a problem from a file.

    Args:
        path: of a TOML file; its name names the problem unless it says otherwise.

    Returns:
        The problem.

    Raises:
        SettingsError: The file cannot be read or says something that does not fit together.
        FormulaError: A text in it cannot be read; the position is marked.
        DataError: Its table of measurements cannot be used.
    """  # noqa: DOC502  raised by what it calls
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SettingsError(f"{path}: larger than {MAX_BYTES // 2**20} MB, a problem is a short text")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 text (byte {error.start + 1})") from None
    try:
        return from_settings({"name": path.stem, **read_toml(text)}, path.parent)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None


def read_toml(text: str) -> dict[str, Any]:
    """Read TOML.

    Raises:
        SettingsError: It is none; the message has the line.
    """
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"not valid TOML: {error}") from None


def from_settings(settings: Mapping[str, Any], folder: Path | None = None) -> Problem:
    """State a problem from the keys of a TOML file.

    Args:
        settings: what the file says.
        folder: where its data file is looked for.

    Returns:
        The problem.

    Raises:
        SettingsError: A key is unknown, missing or of the wrong kind.
    """
    _check_keys(settings)
    given = dict(settings)
    equations = given.pop("equations") if "equations" in given else given.pop("equation")
    made, data = given.pop("observations", None), given.pop("data", None)
    if data is not None:
        given["data"] = read_table((folder or Path()) / data)
    stated = problem(equations, given.pop("domain", {}), given.pop("conditions", ()), **given)
    if made is None:
        return stated
    for key in OBSERVATIONS:
        if key not in made:
            raise SettingsError(f"[observations] has no '{key}': it needs {', '.join(OBSERVATIONS)}")
    _known(made, OBSERVATIONS, "in [observations]")
    if not isinstance(made["count"], int) or not isinstance(made["noise"], (int, float)):
        raise SettingsError("[observations]: count and noise are numbers")
    if not isinstance(made["seed"], int) or made["seed"] < 0:
        raise SettingsError("[observations]: seed is a whole number, not negative")
    extra = synthetic(stated, str(made["field"]), made["count"], float(made["noise"]), made["seed"])
    return replace(stated, observations=(*stated.observations, extra))


def _check_keys(settings: Mapping[str, Any]) -> None:
    """Every key is known and holds the right kind of value."""
    _known(settings, (*TEXTS, *LISTS, *TABLES, *OTHERS), "")
    for key, value in settings.items():
        if key in TEXTS and not isinstance(value, str):
            raise SettingsError(f"'{key}' must be text, not {value!r:.40}")
        if key in LISTS and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise SettingsError(f"'{key}' must be a list of texts, not {value!r:.40}")
        if key in TABLES and not isinstance(value, dict):
            raise SettingsError(f"'{key}' must be a table: write [{key}] and its entries below")
        if hasattr(value, "__len__") and not isinstance(value, str) and len(value) > MAX_ENTRIES:
            raise SettingsError(f"'{key}' has more than {MAX_ENTRIES} entries")
    if ("equation" in settings) == ("equations" in settings):
        raise SettingsError("give the equation as 'equation', or several as 'equations'")
    if not isinstance(settings.get("equation", ""), str):
        raise SettingsError("'equation' must be one text; several go into 'equations'")
    sigma = settings.get("sigma", 1.0)
    if isinstance(sigma, bool) or not isinstance(sigma, (int, float)) or not sigma > 0:
        raise SettingsError("'sigma' must be a positive number, the standard deviation of the data")


def _known(given: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in given:
        if key not in keys:
            raise SettingsError(f"unknown key '{key}' {where}".rstrip() + f": {nearest(key, keys)}")
