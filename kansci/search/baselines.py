"""The short formulas that every front begins with: a constant, one variable, a linear law, a power law."""

import numpy as np
import sympy

from kansci.search.algebra import power_law
from kansci.search.pool import Pool
from kansci.search.problem import Problem

__all__ = ["baselines"]

MOST_INPUTS = 12
"""A linear law in more inputs than this is no formula that anybody would read."""


def baselines(problem: Problem, pool: Pool) -> None:
    """Offer them to the pool.

    Args:
        problem: The table.
        pool: Receives the candidates; it raises ``ExactFoundError`` when one of them is exact.
    """
    pool.offer(sympy.Float(float(problem.y.mean()), 17), ("a constant",))
    law = power_law(problem.columns, problem.exprs, problem.y)
    if law is not None and law[1] < 1e-9:
        pool.offer(law[0], ("a power law",))
    correlations = [abs(_correlation(x, problem.y)) for x in problem.columns]
    for k in np.argsort(correlations)[::-1][:2]:
        x, e = problem.columns[k], problem.exprs[k]
        slope = float((x @ problem.y) / (x @ x))
        pool.offer(sympy.Float(slope, 17) * e, ("a line through the origin",))
        slope, offset = np.polyfit(x, problem.y, 1)
        pool.offer(sympy.Float(slope, 17) * e + sympy.Float(offset, 17), ("a straight line",))
    if 2 <= problem.size <= MOST_INPUTS:
        A = np.column_stack([*problem.columns, np.ones(len(problem.y))])
        c = np.linalg.lstsq(A, problem.y, rcond=None)[0]
        terms = [sympy.Float(v, 17) * e for v, e in zip(c, (*problem.exprs, 1), strict=True)]
        pool.offer(sympy.Add(*terms), ("a linear law",))
    if law is not None and problem.size <= MOST_INPUTS:
        pool.offer(law[0], ("a power law",))


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    size = float(x.std() * y.std())
    return float(((x - x.mean()) * (y - y.mean())).mean()) / size if size > 0 else 0.0
