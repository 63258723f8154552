"""Coverage of 95 % intervals: how often they hold the value that the rows were made with."""

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import sympy
from _recovery import in_parallel
from _trust import Part, in_chunks

from kansci.symbolic.formula import Formula

LEVEL, BOUNDS = 0.95, (0.92, 0.98)
METHODS = ("wald", "profile")
START = 1.2
"""The fits begin this factor away from the true values."""


@dataclass(frozen=True)
class Law:
    """A form, the values its rows are made with, its columns, and the standard deviation of each row.

    ``given``: whether the standard deviations are given to the fit, which otherwise takes them as equal.
    """

    name: str
    form: str
    values: Mapping[str, float]
    columns: Mapping[str, np.ndarray]
    sigma: np.ndarray | float
    given: bool = False

    @property
    def formula(self) -> Formula:
        """The form with its parameters free."""
        return Formula(self.form, list(self.columns))

    def exact(self) -> np.ndarray:
        """Values (N,) without errors."""
        known = {name: sympy.Float(value) for name, value in self.values.items()}
        return Formula(self.formula.expr.subs(known), list(self.columns)).predict(self.columns)


def laws() -> list[Law]:
    """Five shapes: decay, saturation, a power with relative errors, oscillation, a ratio of two inputs."""
    substrate = np.repeat([0.02, 0.06, 0.11, 0.22, 0.56, 1.1], 3)
    wide = np.geomspace(1, 100, 25)
    s, i = (grid.ravel() for grid in np.meshgrid([0.5, 1, 2, 4, 8, 16], [0.0, 1, 2, 4, 8]))
    return [
        Law(
            "exponential decay",
            "a*exp(-b*x) + c",
            {"a": 2.0, "b": 0.7, "c": 0.3},
            {"x": np.linspace(0, 5, 25)},
            0.05,
        ),
        Law("Michaelis-Menten", "V*s/(K + s)", {"V": 210.0, "K": 0.065}, {"s": substrate}, 10.0),
        Law("power law", "k*x**p", {"k": 2.0, "p": 1.5}, {"x": wide}, 0.1 * 2 * wide**1.5, given=True),
        Law(
            "damped oscillation",
            "a*exp(-g*t)*cos(w*t + q)",
            {"a": 1.0, "g": 0.2, "w": 3.0, "q": 0.5},
            {"t": np.linspace(0, 10, 60)},
            0.1,
        ),
        Law(
            "competitive inhibition",
            "V*s/(K*(1 + i/Ki) + s)",
            {"V": 10.0, "K": 2.0, "Ki": 3.0},
            {"s": s, "i": i},
            0.4,
        ),
    ]


def holds(law: Law, seeds: range) -> dict[str, np.ndarray]:
    """For each method whether an interval holds the true value, (sets, P); for the band (sets, N)."""
    exact = law.exact()
    start = {name: START * value for name, value in law.values.items()}
    inside: dict[str, list] = {method: [] for method in (*METHODS, "band")}
    for seed in seeds:
        y = exact + law.sigma * np.random.default_rng([seed, *law.name.encode()]).standard_normal(len(exact))
        fitted = law.formula.fit(law.columns, y, start, law.sigma if law.given else None)
        for method in METHODS:
            intervals = fitted.interval(level=LEVEL, method=method)
            inside[method].append([low <= law.values[k] <= high for k, (low, high) in intervals.items()])
        low, high = fitted.band(law.columns, LEVEL)
        inside["band"].append((low <= exact) & (exact <= high))
    return {name: np.array(rows) for name, rows in inside.items()}


def coverage(options: Namespace) -> Part:
    """Coverage over ``options.sets`` simulated tables of each law."""
    cases = [(law, seeds) for law in laws() for seeds in in_chunks(options.sets, 2 * options.jobs)]
    chunks = in_parallel(holds, cases, options.jobs)
    rows, met = [], True
    for law in laws():
        found = [chunk for (other, _), chunk in zip(cases, chunks, strict=True) if other.name == law.name]
        for method in (*METHODS, "band"):
            inside = np.concatenate([chunk[method] for chunk in found])
            each, share = inside.mean(axis=0), float(inside.mean())
            met &= method == "band" or BOUNDS[0] <= share <= BOUNDS[1]
            rows.append({
                "law": law.name, "rows": len(law.exact()), "method": method, "coverage": share,
                "lowest": float(each.min()), "highest": float(each.max()),
            })  # fmt: skip
    shares = [row["coverage"] for row in rows if row["method"] in METHODS]
    sentence = (
        f"coverage of {LEVEL:.0%} intervals between {min(shares):.1%} and {max(shares):.1%} "
        f"over {options.sets} tables of {len(laws())} laws (asked: {BOUNDS[0]:.0%} to {BOUNDS[1]:.0%})"
    )
    return Part("coverage of intervals, over the parameters of a law and of each", rows, sentence, met)
