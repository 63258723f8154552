"""A table of numbers whose columns know which expression they are: what every search step works on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import sympy

from kansci.search.grammar import ANYTHING, Grammar
from kansci.search.monomials import Feature
from kansci.search.press import press

__all__ = ["TARGET", "Problem", "View", "views"]

STRAYS = 0.15
"""Largest share of rows of the other sign that noise is blamed for."""
SMOOTH_TERMS = 100
TARGET = sympy.Dummy("target", real=True)
"""Stands for the problem's own target in ``Problem.lift``."""


@dataclass(frozen=True)
class View:
    """A one-to-one function of the target: ``name``, its values, and its inverse as an expression.

    ``at``: transformed values at which the function was linearised, if it was.
    """

    name: str
    values: np.ndarray
    inverse: sympy.Expr
    cost: int
    at: np.ndarray | None = None

    @property
    def slope(self) -> np.ndarray:
        """|dy/dT| at the rows (N,): what an error of the transformed target does to the target."""
        with np.errstate(all="ignore"):
            slope = np.abs(_derivative(self.inverse)(self.values if self.at is None else self.at))
        return np.broadcast_to(slope, self.values.shape).astype(float)


@lru_cache(maxsize=64)
def _derivative(inverse: sympy.Expr) -> Callable[[np.ndarray], np.ndarray]:
    return sympy.lambdify([TARGET], sympy.diff(inverse, TARGET), modules=["numpy"])


@dataclass(frozen=True)
class Problem:
    """Find y as a function of the columns.

    ``columns``: I arrays (N,). ``exprs``: what each is in the symbols of the table. ``y`` (N,).
    ``lift``: the table's target as an expression in ``TARGET`` (this y) and the symbols.
    ``trail``: how the problem came about, one sentence a step. ``grammar``: what formulas may be made of.
    ``errors`` (N,): what a residual of this y is in the table's target, over its spread; None: 1 / std(y).
    """

    columns: tuple[np.ndarray, ...]
    exprs: tuple[sympy.Expr, ...]
    y: np.ndarray
    lift: sympy.Expr = TARGET
    trail: tuple[str, ...] = ()
    grammar: Grammar = ANYTHING
    errors: np.ndarray | None = None

    @property
    def weight(self) -> np.ndarray:
        """Weight of each residual (N,), so that they count as they do in the table."""
        if self.errors is not None:
            return self.errors
        return np.full(len(self.y), 1 / (float(self.y.std()) or 1.0))

    @cached_property
    def views(self) -> list[View]:
        """The target and its transforms, cheapest first.

        Where noise alone keeps a transform from being defined (the logarithm of a few negative rows), it is
        linearised at a polynomial's values: ``T(f) + T'(f) (y - f)``, the working response of generalised
        linear models (Nelder & Wedderburn, J. R. Stat. Soc. A 135:370, 1972).
        """
        found = views(self.y, self.grammar)
        strays = float(min((self.y < 0).mean(), (self.y > 0).mean()))
        if not 0 < strays < STRAYS or self.size == 0:
            return found
        left = press(self.columns, self.y, self.weight, min(SMOOTH_TERMS, len(self.y) // 5))
        if left is None:
            return found
        sign = 1.0 if (self.y > 0).mean() > 0.5 else -1.0
        smooth = sign * np.maximum(sign * left.fitted, float(np.quantile(np.abs(left.fitted), 0.01)))
        names = {view.name for view in found}
        for view in views(smooth, self.grammar):
            if view.name not in names and smooth.all():
                with np.errstate(all="ignore"):
                    values = view.values + (self.y - smooth) / _derivative(view.inverse)(view.values)
                if np.isfinite(values).all():
                    found.append(replace(view, values=values, at=view.values))
        return found

    @property
    def size(self) -> int:
        """Number of columns."""
        return len(self.columns)

    @property
    def features(self) -> list[Feature]:
        """The columns as what monomials are made of."""
        return [Feature(x, e) for x, e in zip(self.columns, self.exprs, strict=True)]

    def solution(self, expr: sympy.Expr) -> sympy.Expr:
        """The formula of the table's target, when ``expr`` (in the symbols of the table) is this y."""
        return self.lift.xreplace({TARGET: expr})

    def with_target(
        self, y: np.ndarray, lift: sympy.Expr, step: str | None = None, slope: np.ndarray | None = None
    ) -> "Problem":
        """The problem for a new target.

        Args:
            y: The new target (N,).
            lift: The old one in ``TARGET`` and the symbols.
            step: What was done, in words.
            slope: Derivative of the old target by the new one (N,), 1 by default.

        Returns:
            The problem.
        """
        trail = self.trail if step is None else (*self.trail, step)
        errors = self.weight if slope is None else self.weight * np.abs(slope)
        return replace(self, y=y, lift=self.lift.xreplace({TARGET: lift}), trail=trail, errors=errors)

    def divided(self, expr: sympy.Expr, power: sympy.Rational, step: str | None = None) -> "Problem":
        """The problem for the target over a power of a column, which stays among the columns."""
        column = self.columns[self.exprs.index(expr)]
        with np.errstate(all="ignore"):
            y, slope = self.y * column ** float(-power), column ** float(power)
        return self.with_target(y, TARGET * expr**power, step, slope)

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


def views(y: np.ndarray, grammar: Grammar = ANYTHING) -> list[View]:
    """The target and its one-to-one transforms that are finite on the data, cheapest first.

    Args:
        y: Target (N,).
        grammar: What the inverse may be made of.

    Returns:
        Views, the first being the target itself.
    """
    found = []
    for name, allowed, forward, inverse, cost in _FORWARD:
        if bool(allowed(y)) and grammar.operators_allow(inverse):
            with np.errstate(all="ignore"):
                values = forward(y)
            if np.isfinite(values).all() and np.ptp(values) > 0:
                found.append(View(name, values, inverse, cost))
    return found
