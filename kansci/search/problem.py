"""A table of numbers whose columns know which expression they are: what every search step works on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import sympy

__all__ = ["TARGET", "Problem", "View", "views"]

TARGET = sympy.Dummy("target", real=True)
"""Stands for the problem's own target in ``Problem.lift``."""


@dataclass(frozen=True)
class Problem:
    """Find y as a function of the columns.

    ``columns``: I arrays (N,). ``exprs``: what each is in the symbols of the table. ``y`` (N,).
    ``lift``: the table's target as an expression in ``TARGET`` (this y) and the symbols.
    ``trail``: how the problem came about, one sentence a step.
    """

    columns: tuple[np.ndarray, ...]
    exprs: tuple[sympy.Expr, ...]
    y: np.ndarray
    lift: sympy.Expr = TARGET
    trail: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of columns."""
        return len(self.columns)

    def solution(self, expr: sympy.Expr) -> sympy.Expr:
        """The formula of the table's target, when ``expr`` (in the symbols of the table) is this y."""
        return self.lift.xreplace({TARGET: expr})

    def with_target(self, y: np.ndarray, lift: sympy.Expr, step: str | None = None) -> "Problem":
        """The problem for a new target; ``lift`` gives the old one in ``TARGET`` and the symbols."""
        trail = self.trail if step is None else (*self.trail, step)
        return replace(self, y=y, lift=self.lift.xreplace({TARGET: lift}), trail=trail)

    def without(self, drop: Sequence[int], step: str | None = None) -> "Problem":
        """The problem without some columns."""
        keep = [k for k in range(self.size) if k not in set(drop)]
        trail = self.trail if step is None else (*self.trail, step)
        return replace(
            self,
            columns=tuple(self.columns[k] for k in keep),
            exprs=tuple(self.exprs[k] for k in keep),
            trail=trail,
        )

    def merged(self, drop: Sequence[int], column: np.ndarray, expr: sympy.Expr, step: str) -> "Problem":
        """The problem with the columns ``drop`` replaced by one new column."""
        rest = self.without(drop, step)
        return replace(rest, columns=(column, *rest.columns), exprs=(expr, *rest.exprs))


@dataclass(frozen=True)
class View:
    """A one-to-one function of the target: ``name``, its values, and its inverse as an expression."""

    name: str
    values: np.ndarray
    inverse: sympy.Expr
    cost: int


_FORWARD: tuple[tuple[str, Callable, Callable, sympy.Expr, int], ...] = (
    ("y", lambda y: True, lambda y: y, TARGET, 0),
    ("y^2", lambda y: (y > 0).all(), np.square, sympy.sqrt(TARGET), 1),
    ("y^2", lambda y: (y < 0).all(), np.square, -sympy.sqrt(TARGET), 1),
    ("log(y)", lambda y: (y > 0).all(), np.log, sympy.exp(TARGET), 1),
    ("log(-y)", lambda y: (y < 0).all(), lambda y: np.log(-y), -sympy.exp(TARGET), 2),
    ("1/y", lambda y: (y > 0).all() or (y < 0).all(), np.reciprocal, 1 / TARGET, 1),
    ("sqrt(y)", lambda y: (y > 0).all(), np.sqrt, TARGET**2, 1),
    ("1/y^2", lambda y: (y > 0).all(), lambda y: y**-2, 1 / sympy.sqrt(TARGET), 2),
    ("exp(y)", lambda y: np.abs(y).max() < 50, np.exp, sympy.log(TARGET), 1),
    ("exp(-y)", lambda y: np.abs(y).max() < 50, lambda y: np.exp(-y), -sympy.log(TARGET), 1),
    ("sin(y)", lambda y: np.abs(y).max() <= np.pi / 2, np.sin, sympy.asin(TARGET), 1),
    ("cos(y)", lambda y: y.min() >= 0 and y.max() <= np.pi, np.cos, sympy.acos(TARGET), 1),
    ("tan(y)", lambda y: np.abs(y).max() < np.pi / 2, np.tan, sympy.atan(TARGET), 1),
    ("atanh(y)", lambda y: np.abs(y).max() < 1, np.arctanh, sympy.tanh(TARGET), 1),
)


def views(y: np.ndarray) -> list[View]:
    """The target and its one-to-one transforms that are finite on the data, cheapest first.

    Args:
        y: Target (N,).

    Returns:
        Views, the first being the target itself.
    """
    found = []
    for name, allowed, forward, inverse, cost in _FORWARD:
        if bool(allowed(y)):
            with np.errstate(all="ignore"):
                values = forward(y)
            if np.isfinite(values).all() and np.ptp(values) > 0:
                found.append(View(name, values, inverse, cost))
    return found
