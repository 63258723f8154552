"""Laws to recover: a formula, the range of each variable, and how papers sample them.

The rows stand in ``problems/*.json``:
    feynman   S.-M. Udrescu, M. Tegmark, AI Feynman, Science Advances 6:eaay2631 (2020), bulk set
    classics  Nguyen, Livermore, Jin, Korns, Keijzer, Vladislavleva, Neat, ... as collected in
              github.com/dso-org/deep-symbolic-optimization (BSD-3-Clause) and
              github.com/intell-sci-comput/PSE (MIT)
    empirical the synthetic ones of EmpiricalBench, M. Cranmer, arXiv:2305.01582 (2023), ranges and noise
              from github.com/MilesCranmer/pysr_paper (MIT), src/data/empirical_bench/equations.yml;
              targets that it gives to the methods as logarithms are logarithms here. Its other
              laws are among the tables: bode, hubble_1929_figure, kepler_planets, leavitt_1912.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import sympy

from kansci.data import Dataset
from kansci.errors import DataError
from kansci.expressions.parser import parse

from .catalog import choose

__all__ = ["Problem", "Variable", "problem", "problem_names", "sample", "suites"]

PROBLEMS = Path(__file__).parent / "problems"
SUITES = ("feynman", "classics", "empirical")
DEFAULT_ROWS = 1000
MAX_DRAWS = 200


@dataclass(frozen=True)
class Variable:
    """Range of a variable: uniform on [low, high], or a grid with this step or number of points.

    ``scale``: "linear", "log" (the logarithm is uniform) or "integer" (low to high, both included).
    ``above``: an integer variable before this one, whose value is exceeded.
    """

    name: str
    low: float
    high: float
    step: float | None = None
    points: int | None = None
    unit: str = ""
    scale: str = "linear"
    above: str = ""

    @property
    def gridded(self) -> bool:
        """Whether papers take evenly spaced values."""
        return self.step is not None or self.points is not None

    def grid(self) -> np.ndarray:
        """The evenly spaced values, the last not above high but for round-off."""
        if self.step is None:
            return np.linspace(self.low, self.high, self.points or 2)
        count = int(np.floor((self.high - self.low) / self.step + 1e-9)) + 1
        return np.minimum(self.low + self.step * np.arange(count), self.high)

    def draw(self, share: np.ndarray, before: Mapping[str, np.ndarray]) -> np.ndarray:
        """Random values for shares (N,), uniform on [0, 1), and the values of the variables before."""
        if self.scale == "log":
            return self.low * (self.high / self.low) ** share
        if self.scale == "integer":
            low = before[self.above] + 1 if self.above else self.low
            return np.floor(low + (self.high + 1 - low) * share)
        return self.low + (self.high - self.low) * share


@dataclass(frozen=True)
class Problem:
    """A law and how it is sampled."""

    name: str
    suite: str
    family: str
    formula: str
    target: str
    variables: tuple[Variable, ...]
    rows: int | None = None  # None: the grid decides
    test: tuple[Variable, ...] = ()  # empty: the same ranges again
    test_rows: int | None = None
    unit: str = ""
    noise: float = 0.0  # of the papers: standard deviation relative to the target, or to its exponential
    logarithm: bool = False  # whether the target is the logarithm of what was measured

    @property
    def expr(self) -> sympy.Expr:
        """The law as a sympy expression in its variables."""
        return parse(self.formula, [variable.name for variable in self.variables])

    @property
    def units(self) -> dict[str, str]:
        """Unit of each variable and of the target, where known; 1 when dimensionless."""
        units = {variable.name: variable.unit for variable in self.variables} | {self.target: self.unit}
        return {name: unit for name, unit in units.items() if unit}

    def values(self, X: np.ndarray) -> np.ndarray:
        """The law at points (N, I), NaN outside its domain."""
        symbols = sympy.symbols([variable.name for variable in self.variables])
        function = sympy.lambdify(symbols, self.expr, modules="numpy")
        with np.errstate(all="ignore"):
            values = np.asarray(function(*X.T))
        return np.broadcast_to(values, len(X)).astype(np.float64)


def suites() -> list[str]:
    """The suites and, within the classics, the families."""
    families = dict.fromkeys(record["family"].lower() for record in _records("classics").values())
    return [*SUITES, *families]


def problem_names(suite: str) -> list[str]:
    """The problems of a suite or of a family of the classics, in the order of the papers.

    Raises:
        DataError: There is no such suite.
    """  # noqa: DOC502  raised by choose
    suite = choose(suite.lower(), suites(), "suite")
    if suite in SUITES:
        return list(_records(suite))
    return [name for name, record in _records("classics").items() if record["family"].lower() == suite]


def problem(name: str) -> Problem:
    """The problem of this name.

    Raises:
        DataError: There is none.
    """  # noqa: DOC502  raised by choose
    suite_of = {name: suite for suite in SUITES for name in _records(suite)}
    suite = suite_of[choose(name, suite_of, "problem")]
    record = dict(_records(suite)[name])
    for part in ("variables", "test"):
        record[part] = tuple(Variable(**row) for row in record.get(part, ()))
    return Problem(name=name, suite=suite, **record)


def sample(
    source: Problem | str,
    rows: int | None = None,
    seed: int = 0,
    noise: float | None = 0.0,
    part: str = "train",
) -> Dataset:
    """Rows of a law.

    Args:
        source: The problem or its name.
        rows: How many, uniform and independent on the ranges; None samples as the papers do,
            which for some of the classics is a grid.
        seed: Of the random numbers; the same seed gives the same rows.
        noise: Standard deviation of Gaussian noise on the target, in units of the target's own;
            None for the noise of the papers, which most do not have.
        part: "train", or "test" for the ranges on which the papers test.

    Returns:
        Rows on which the law is finite.

    Raises:
        DataError: The law is hardly ever finite, or the part is neither of the two.
    """
    if part not in {"train", "test"}:
        raise DataError(f"part '{part}' is neither 'train' nor 'test'")
    law = problem(source) if isinstance(source, str) else source
    testing = part == "test" and law.test
    ranges = law.test if testing else law.variables
    random = np.random.default_rng(seed)
    if rows is None and all(variable.gridded for variable in ranges):
        X = np.stack(np.meshgrid(*(variable.grid() for variable in ranges), indexing="ij"), axis=-1)
        X, y = _finite(law, X.reshape(-1, len(ranges)))
    else:
        usual = law.test_rows if testing else law.rows
        X, y = _draw(law, ranges, rows or usual or DEFAULT_ROWS, random)
    if noise is None:
        relative = law.noise * random.standard_normal(len(y))
        y = y + np.log1p(relative) if law.logarithm else y * (1 + relative)
    elif noise:
        y = y + noise * y.std() * random.standard_normal(len(y))
    return Dataset.from_arrays(X, y, [variable.name for variable in ranges], law.target, law.units)


def _draw(
    law: Problem, ranges: tuple[Variable, ...], rows: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Random points X (rows, I) at which the law is finite, and its values y (rows,)."""
    points, values, found = [], [], 0
    for _ in range(MAX_DRAWS):
        drawn: dict[str, np.ndarray] = {}
        for variable, share in zip(ranges, random.random((rows, len(ranges))).T, strict=True):
            drawn[variable.name] = variable.draw(share, drawn)
        X, y = _finite(law, np.stack(list(drawn.values()), axis=1))
        points.append(X)
        values.append(y)
        found += len(y)
        if found >= rows:
            return np.concatenate(points)[:rows], np.concatenate(values)[:rows]
    raise DataError(
        f"problem '{law.name}' gives a finite value too rarely: {found} of {MAX_DRAWS * rows} points"
    )


def _finite(law: Problem, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    y = law.values(X)
    good = np.isfinite(y)
    return X[good], y[good]


@cache
def _records(suite: str) -> dict[str, Any]:
    return json.loads((PROBLEMS / f"{suite}.json").read_text(encoding="utf-8"))
