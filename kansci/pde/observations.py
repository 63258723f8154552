"""Measurements of fields: from a table, or made from a known solution."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kansci.errors import DataError, SettingsError
from kansci.pde.domain import Domain
from kansci.pde.numeric import evaluate
from kansci.pde.problem import Field, Observations, Problem

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["from_table", "synthetic"]

MAX_COUNT = 1_000_000


def from_table(
    data: "pd.DataFrame | Sequence[Observations] | None",
    fields: Sequence[Field],
    domain: Domain,
    sigma: float | None = None,
) -> tuple[Observations, ...]:
    """Read off the measurements of every field that has a column.

    Args:
        data: columns are the coordinates and at least one field; empty cells of a field are left out.
        fields: of the problem.
        domain: the points must lie in.
        sigma: standard deviation of the values, if known.

    Returns:
        One set of observations for each field in the table.

    Raises:
        DataError: Columns are missing, cells are no numbers, or points lie outside the domain.
    """
    if data is None:
        return ()
    if not hasattr(data, "columns"):
        found = tuple(data)
    else:
        points = np.column_stack([_numbers(data, axis) for axis in domain.axes])
        measured = [f.name for f in fields if f.name in data.columns]
        if not measured:
            names = " or ".join(f.name for f in fields)
            raise DataError(
                f"no column of the data is called {names}: there are {', '.join(map(str, data.columns))}"
            )
        found = tuple(_observed(name, points, _numbers(data, name), sigma) for name in measured)
    for observed in found:
        _check(observed, domain)
    return found


def synthetic(problem: Problem, field: str, count: int, noise: float, seed: int) -> Observations:
    """Make measurements of a known solution at even random points, with normal noise of that deviation.

    Raises:
        SettingsError: The solution is unknown or the numbers are out of range.
    """
    if field not in problem.exact:
        raise SettingsError(f"observations of '{field}' cannot be made: its exact solution is not given")
    if not 1 <= count <= MAX_COUNT or noise < 0:
        raise SettingsError(f"observations: count must be 1 to {MAX_COUNT} and noise not negative")
    rng = np.random.default_rng(seed)
    points = problem.domain.sample(count, rng)
    values = evaluate(problem.exact[field], problem.coordinates, points)
    return Observations(field, points, values + noise * rng.standard_normal(count), noise or None)


def _numbers(data: "pd.DataFrame", column: str) -> np.ndarray:
    if column not in data.columns:
        raise DataError(f"the data has no column '{column}': there are {', '.join(map(str, data.columns))}")
    try:
        return data[column].to_numpy(dtype=float)
    except (TypeError, ValueError):
        raise DataError(f"column '{column}' of the data holds text that is no number") from None


def _observed(name: str, points: np.ndarray, values: np.ndarray, sigma: float | None) -> Observations:
    given = np.isfinite(values)
    return Observations(name, points[given], values[given], sigma)


def _check(observed: Observations, domain: Domain) -> None:
    if len(observed.values) == 0:
        raise DataError(f"there are no values of '{observed.field}' in the data")
    if not np.isfinite(observed.points).all():
        row = int(np.flatnonzero(~np.isfinite(observed.points).all(axis=1))[0])
        raise DataError(f"observation {row + 1} of '{observed.field}' has no finite coordinates")
    outside = np.flatnonzero(~domain.contains(observed.points))
    if len(outside):
        point = ", ".join(
            f"{a} = {v:g}" for a, v in zip(domain.axes, observed.points[outside[0]], strict=True)
        )
        raise DataError(
            f"{len(outside)} observations of '{observed.field}' lie outside the domain, the first at {point}"
        )
