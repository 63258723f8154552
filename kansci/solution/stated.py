"""A problem from what a user types: a name of the library, a TOML file, or an equation."""

import inspect
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kansci.errors import SettingsError
from kansci.pde import library
from kansci.pde.problem import Observations, Problem
from kansci.pde.statement import problem as state
from kansci.pde.toml_file import from_settings, read_problem, read_toml

__all__ = ["KEYWORDS", "restated", "stated"]

KEYWORDS = frozenset(inspect.signature(state).parameters) - {"equations"}
"""Arguments of `kansci.pde.statement.problem` beside the equations."""
MEASURED = ("data", "observations", "sigma")
"""Keys of a statement that measurements come from; a stored problem keeps these as numbers."""


def stated(given: str | Path | Problem, **keywords: Any) -> tuple[Problem, dict[str, Any] | None]:
    """State a problem.

    Args:
        given: the name of a built-in problem, the path of a TOML file, an equation as text, or a problem.
        keywords: `parameters` with other values for the first two; for an equation what
            `kansci.pde.statement.problem` takes.

    Returns:
        The problem, and the settings that state it again (None for one that was given ready-made).

    Raises:
        SettingsError: There is no such problem, file or argument.
    """  # noqa: DOC502  raised by what it calls
    if isinstance(given, Problem):
        _only(keywords, (), "a problem that is stated already")
        return given, None
    text = str(given)
    if "=" in text and not Path(text).exists():
        _only(keywords, KEYWORDS, "an equation")
        settings = {key: value for key, value in keywords.items() if key not in MEASURED}
        return state(text, **{"domain": {}, **keywords}), {"equation": text, **settings}
    _only(keywords, ("parameters",), f"the problem {text}, which says the rest itself")
    changed = dict(keywords.get("parameters") or {})
    if isinstance(given, Path) or text.endswith(".toml") or Path(text).is_file():
        return _from_file(Path(text), changed)
    if text not in library.names():
        library.text(text)  # says which names are near
    settings = {"name": text, **read_toml(library.text(text))}
    return library.load(text, **changed), _changed(settings, changed)


def restated(settings: Mapping[str, Any], observations: tuple[Observations, ...]) -> Problem:
    """State a problem again from stored settings.

    Args:
        settings: as `stated` gave them.
        observations: the measurements.

    Returns:
        The problem.
    """
    plain = {key: value for key, value in settings.items() if key not in MEASURED}
    return replace(from_settings(plain), observations=observations)


def _from_file(path: Path, changed: Mapping[str, Any]) -> tuple[Problem, dict[str, Any]]:
    found = read_problem(path)
    settings = {"name": found.name, **read_toml(path.read_text(encoding="utf-8-sig"))}
    if not changed:
        return found, settings
    known = settings.get("parameters", {})
    for key in changed:
        if key not in known:
            raise SettingsError(f"{path} has no parameter '{key}': {', '.join(known) or 'it has none'}")
    settings = _changed(settings, changed)
    return from_settings(settings, path.parent), settings


def _changed(settings: dict[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    if not parameters:
        return settings
    return {**settings, "parameters": {**settings.get("parameters", {}), **parameters}}


def _only(keywords: Mapping[str, Any], allowed: Any, what: str) -> None:
    for key in keywords:
        if key not in allowed:
            raise SettingsError(f"'{key}' is no setting for {what}")
