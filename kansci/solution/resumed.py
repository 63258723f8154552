"""Whether a stored solve is of the problem and the settings that somebody wants to go on with."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from kansci.errors import RunError, SettingsError
from kansci.pde.problem import Problem
from kansci.solution.result import Solution
from kansci.solution.stated import MEASURED, stated
from kansci.storage import json_text

__all__ = ["check_same"]

ANEW = "leave --resume out to begin anew"


def check_same(
    run: str | Path,
    before: Solution,
    problem: Problem | str | Path | None,
    settings: Mapping[str, Any],
) -> None:
    """Check that a stored solve can go on as asked.

    Args:
        run: its folder, for messages.
        before: what it holds.
        problem: given again, or None.
        settings: given again: those of `SolveSettings`, and what states the problem.

    Raises:
        RunError: the run is of another problem, or has other settings.
        SettingsError: settings of a problem are given without it.
    """
    known = asdict(before.settings)
    for name, value in settings.items():
        if name in known and json_text(value) != json_text(known[name]):
            raise RunError(f"{run} was made with {name}={known[name]}, not {value}: {ANEW}")
    keywords = {name: value for name, value in settings.items() if name not in known}
    if problem is None:
        if keywords:
            raise SettingsError(f"{', '.join(keywords)} without a problem: name it, or leave it to {run}")
        return
    given, statement = stated(problem, **keywords)
    if statement is None:
        raise SettingsError(f"a ready-made Problem is not compared with {run}: leave it out")
    if not (_plain(statement) == _plain(before.statement or {}) and _same_data(given, before.problem)):
        raise RunError(f"{run} was made for another problem: {ANEW}")


def _plain(statement: Mapping[str, Any]) -> str:
    return json_text({key: value for key, value in sorted(statement.items()) if key not in MEASURED})


def _same_data(one: Problem, other: Problem) -> bool:
    return len(one.observations) == len(other.observations) and all(
        (a.field, a.sigma) == (b.field, b.sigma)
        and np.array_equal(a.points, b.points)
        and np.array_equal(a.values, b.values)
        for a, b in zip(one.observations, other.observations, strict=True)
    )
