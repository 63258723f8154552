"""The same problem for a transformed target, which may factor where the target itself does not."""

from collections.abc import Iterator

import numpy as np
import sympy

from kansci.search.problem import Problem

__all__ = ["transformed_targets"]

_VIEWS = ("sin(y)", "cos(y)")
"""Under powers and logarithms a product stays one, or becomes a sum, which other steps look for."""


def transformed_targets(problem: Problem) -> Iterator[Problem]:
    """The problems for a transformed target, where the target has not been transformed yet.

    Args:
        problem: Any.

    Yields:
        Problems with the same columns.
    """
    if problem.lift.has(sympy.asin, sympy.acos):
        return
    for view in problem.views:
        slope = view.slope
        if view.name in _VIEWS and np.isfinite(slope).all() and slope.all():
            yield problem.with_target(view.values, view.inverse, f"{view.name} may be simpler than y", slope)
