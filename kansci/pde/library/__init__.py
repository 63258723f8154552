"""Differential equations that are known by name, each a TOML file as a user would write it."""

from importlib.resources import files
from typing import Any

from kansci.data.names import nearest
from kansci.errors import SettingsError
from kansci.pde.problem import Problem
from kansci.pde.toml_file import from_settings, read_toml

__all__ = ["load", "names", "text"]


def names() -> tuple[str, ...]:
    """The problems, sorted."""
    found = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


def text(name: str) -> str:
    """The file of a problem, to start one's own from.

    Raises:
        SettingsError: There is no such problem.
    """
    if name not in names():
        raise SettingsError(f"there is no problem called '{name}': {nearest(name, names(), 'problems')}")
    return (files(__name__) / f"{name}.toml").read_text(encoding="utf-8")


def load(name: str, **parameters: str | float) -> Problem:
    """Load a problem.

    Args:
        name: one of `names`.
        parameters: other values for some of its parameters.

    Returns:
        The problem.

    Raises:
        SettingsError: There is no such problem or parameter.
    """
    settings: dict[str, Any] = {"name": name, **read_toml(text(name))}
    known = settings.get("parameters", {})
    for key in parameters:
        if key not in known:
            raise SettingsError(f"'{name}' has no parameter '{key}': {', '.join(known) or 'it has none'}")
    if parameters:
        settings["parameters"] = {**known, **parameters}
    return from_settings(settings)
