"""Single-index laws found on the data alone: is y a smooth function of one monomial or one sum?

For an index u the rows are sorted by u; if y = h(u) with h smooth compared with the spacing,
neighbours differ little (von Neumann's ratio, Ann. Math. Stat. 12:367, 1941). No surrogate is
needed, so h may oscillate many times over the data.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import sympy

from kansci.search.problem import Problem

__all__ = ["single_indices"]

MAX_CANDIDATES = 4000
SMOOTH = 0.1
"""Neighbour differences below this share of the target's variance (0.02 is typical of 1000 rows)."""


def single_indices(problem: Problem) -> Iterator[tuple[float, Problem]]:
    """Problems in one variable whose target looks smooth in it, with von Neumann's ratio.

    Args:
        problem: Two columns or more.

    Yields:
        (ratio, problem), smoothest first; at most four.
    """
    found = []
    positive = all((x > 0).all() for x in problem.columns)
    if positive:
        logs = np.stack([np.log(x) for x in problem.columns], axis=1)
        for b in _vectors(problem.size, 2):
            found.append((_ratio(logs @ np.array(b, float), problem.y), b, True))
    raw = np.stack(problem.columns, axis=1)
    for b in _vectors(problem.size, 1):
        found.append((_ratio(raw @ np.array(b, float), problem.y), b, False))
    found.sort(key=lambda item: item[0] * (1 + 0.1 * sum(map(abs, item[1]))))
    for ratio, b, multiplicative in found[:4]:
        if ratio < SMOOTH:
            yield ratio, _reduced(problem, b, multiplicative=multiplicative)


def _vectors(size: int, most: int) -> list[tuple[int, ...]]:
    """Integer vectors up to sign and common factor, no zeros, entries at most ``most``."""
    if (2 * most) ** size > MAX_CANDIDATES:
        most = 1
    values = [v for v in range(-most, most + 1) if v != 0]
    if len(values) ** size > MAX_CANDIDATES:
        return []
    return [
        v for v in product(values, repeat=size) if v[0] > 0 and (most == 1 or any(abs(x) == 1 for x in v))
    ]


def _ratio(u: np.ndarray, y: np.ndarray) -> float:
    """Mean square successive difference over twice the variance; 0 smooth, 1 random."""
    ordered = y[np.argsort(u, kind="stable")]
    variance = float(ordered.var())
    return float((np.diff(ordered) ** 2).mean()) / (2 * variance) if variance > 0 else 1.0


def _reduced(problem: Problem, b: tuple[int, ...], *, multiplicative: bool) -> Problem:
    if multiplicative:
        column = np.prod([x ** float(v) for x, v in zip(problem.columns, b, strict=True)], axis=0)
        expr = sympy.prod([e**v for e, v in zip(problem.exprs, b, strict=True)])
    else:
        column = np.sum([v * x for x, v in zip(problem.columns, b, strict=True)], axis=0)
        expr = sympy.Add(*(v * e for e, v in zip(problem.exprs, b, strict=True)))
    step = f"y depends on {', '.join(map(str, problem.exprs))} only through {expr}"
    return replace(problem, columns=(column,), exprs=(expr,), trail=(*problem.trail, step))
