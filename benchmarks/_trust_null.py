"""What a search claims where there is nothing to find: pure noise, and Kepler's planets in disorder."""

from argparse import Namespace
from dataclasses import replace
from typing import Any

import kansci_datasets as data
import numpy as np
from _recovery import in_parallel
from _trust import Part

from kansci.data import Dataset
from kansci.discovery import DiscoverSettings, discover

MOST_CLAIMED = 2
FEWEST_ROWS, MOST_ROWS, MOST_INPUTS = 20, 2000, 5
KEPLER = ("kepler_planets", "kepler_solar_system", "kepler_binary_stars")
ORDERS = 5
"""Permutations of each of Kepler's tables."""
INPUTS = {
    "uniform": lambda rng, n: rng.uniform(-1, 1, n),
    "normal": lambda rng, n: rng.normal(10, 2, n),
    "log-normal": lambda rng, n: rng.lognormal(0, 1.5, n),
    "whole": lambda rng, n: rng.integers(0, 12, n).astype(float),
    "exponential": lambda rng, n: rng.exponential(3, n),
}
TARGETS = {
    "normal": lambda rng, n: rng.normal(0, 1, n),
    "offset": lambda rng, n: rng.normal(100, 1, n),
    "uniform": lambda rng, n: rng.uniform(0, 1, n),
    "log-normal": lambda rng, n: rng.lognormal(0, 1.5, n),
    "heavy": lambda rng, n: rng.standard_t(2, n),
}


def noise_table(seed: int) -> tuple[Dataset, str]:
    """A table whose target has nothing to do with its inputs, and what it is made of."""
    rng = np.random.default_rng([20, seed])
    n = round(np.exp(rng.uniform(np.log(FEWEST_ROWS), np.log(MOST_ROWS))))
    kinds = rng.choice(list(INPUTS), rng.integers(1, MOST_INPUTS + 1))
    target = str(rng.choice(list(TARGETS)))
    X = np.column_stack([INPUTS[kind](rng, n) for kind in kinds])
    return Dataset.from_arrays(X, TARGETS[target](rng, n)), f"{target} of {', '.join(kinds)}"


def kepler_table(name: str, seed: int) -> Dataset:
    """A table of Kepler's third law with its periods in another order."""
    table, rng = data.load(name), np.random.default_rng(seed)
    as_it_was = order = np.arange(len(table))
    while (order == as_it_was).all():  # of four binary stars, one permutation in 24
        order = rng.permutation(len(table))
    return replace(table, y=table.y[order], units={})


def claims(name: str, seed: int, seconds: float) -> dict[str, Any]:
    """What a search says of one table."""
    table, made_of = noise_table(seed) if name == "noise" else (kepler_table(name, seed), "permuted")
    found = discover(table, DiscoverSettings(seconds=seconds))
    return {
        "table": name,
        "seed": seed,
        "made of": made_of,
        "rows": len(table),
        "inputs": len(table.inputs),
        "law claimed": found.verdict.law_found,
        "R2": found.r2,
        "formula": found.formula.text[:60],
    }


def null(options: Namespace) -> Part:
    """Laws claimed on ``options.null_sets`` tables of noise and on Kepler's permuted tables."""
    noise = [("noise", seed, options.null_seconds) for seed in range(options.null_sets)]
    permuted = [(name, seed, options.null_seconds) for name in KEPLER for seed in range(ORDERS)]
    rows = in_parallel(claims, [*noise, *permuted], options.jobs)
    on_noise = sum(row["law claimed"] for row in rows if row["table"] == "noise")
    on_kepler = sum(row["law claimed"] for row in rows if row["table"] != "noise")
    sentence = (
        f"a law claimed on {on_noise} of {len(noise)} tables of noise (asked: at most {MOST_CLAIMED}), "
        f"on {on_kepler} of {len(permuted)} permuted tables of Kepler's law (asked: none)"
    )
    return Part("tables without a law", rows, sentence, on_noise <= MOST_CLAIMED and on_kepler == 0)
