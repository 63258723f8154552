"""Relations between fitted constants: two are equal, one is the square or twice the other.

The likelihood decides as it does for exact numbers (``symbolic.constants``): the ratio of the two,
known to a relative precision 2^-b, carries b bits, and a relation that takes clearly fewer explains it.
The errors of the two are correlated, so the precision is that of the ratio itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import sympy

from kansci.symbolic.constants import MARGIN_BITS, ROUND_OFF, interval_width
from kansci.symbolic.least_squares import covariance
from kansci.symbolic.parametric import Parametric

__all__ = ["Relation", "in_numbers", "relate_constants"]

POWERS = {1: 0.0, -1: 1.0, 2: 1.5, -2: 2.5}
"""Exponent of the other constant, and the bits of its description."""
FACTORS = {
    sympy.Rational(p, q): math.log2(p) + 1.5 * math.log2(q)
    for p, q in ((1, 1), (2, 1), (3, 1), (4, 1), (1, 2))
}


@dataclass(frozen=True)
class Relation:
    """``one = factor * other**power`` for two parameters, within the errors, which saves ``bits``."""

    one: sympy.Symbol
    other: sympy.Symbol
    power: int
    factor: sympy.Rational
    bits: float

    @property
    def expr(self) -> sympy.Expr:
        """What the first is in terms of the other."""
        return self.factor * self.other**self.power

    def text(self, other: float) -> str:
        """The relation in sizes (signs stand in the formula), given the value of the other."""
        size = sympy.Symbol(f"{abs(other):.6g}")
        value = abs(float(self.factor)) * abs(other) ** self.power
        return f"{value:.6g} = {sympy.sstr(abs(self.factor) * size**self.power)}"


def relate_constants(
    model: Parametric, columns: Sequence[np.ndarray], y: np.ndarray, weight: np.ndarray | None = None
) -> tuple[Parametric, tuple[Relation, ...]]:
    """Express constants by others where the data support it, the surest first.

    Args:
        model: A refitted model.
        columns: One array (N,) a variable.
        y: Target (N,).
        weight: Factor of each residual (N,), 1 by default.

    Returns:
        The model with fewer parameters, refitted, and the relations. A relation stays only if the residuals
        do not grow by more than an F test on one degree of freedom allows.
    """
    relations: list[Relation] = []
    refused: set[tuple] = set()
    model, fit = model.refit(columns, y, weight)
    size = float(np.linalg.norm(y if weight is None else weight * y))
    while (found := _surest(model, columns, fit.rss, weight, refused)) is not None:
        related, again = model.fixed({found.one: found.expr}).refit(columns, y, weight)
        freedom = max(len(y) - len(model.parameters), 1)
        allowed = fit.rss * (1 + interval_width(freedom) ** 2 / freedom) + (ROUND_OFF * size) ** 2
        if again.rss <= allowed:
            model, fit = related, again
            relations.append(found)
        else:
            refused.add((found.one, found.other, found.power, found.factor))
    return model, tuple(relations)


def in_numbers(relations: Sequence[Relation], model: Parametric) -> tuple[str, ...]:
    """The relations as texts such as ``6.25 = 2.5**2``, with the values of the model they ended in."""
    values = dict(zip(model.parameters, map(float, model.values), strict=True))
    texts = []
    for relation in reversed(relations):  # the other of the last is a parameter still
        other = values[relation.other]
        values[relation.one] = float(relation.factor) * other**relation.power
        texts.append(relation.text(other))
    return tuple(reversed(texts))


def _surest(
    model: Parametric,
    columns: Sequence[np.ndarray],
    rss: float,
    weight: np.ndarray | None,
    refused: set[tuple],
) -> Relation | None:
    """The relation that saves the most bits, if any saves enough among as many pairs."""
    J = model.jacobian(columns) * (1.0 if weight is None else weight[:, None])
    if len(model.parameters) < 2 or not np.isfinite(J).all():
        return None
    matrix, names = covariance(J, rss), model.parameters
    width = interval_width(max(len(J) - len(names), 1))
    best: Relation | None = None
    for k, m in permutations(range(len(names)), 2):
        one, other, block = float(model.values[k]), float(model.values[m]), matrix[np.ix_([k, m], [k, m])]
        if one == 0 or other == 0 or not np.isfinite(block).all():
            continue
        for power, bits in POWERS.items():
            gradient = np.array([1 / one, -power / other])
            tolerance = max(width * math.sqrt(max(float(gradient @ block @ gradient), 0.0)), ROUND_OFF)
            for factor, more in FACTORS.items():
                signed = factor if one * other**power > 0 else -factor
                off = abs(math.log(abs(one)) - power * math.log(abs(other)) - math.log(factor))
                saved = -math.log2(tolerance) - bits - more - math.log2(len(names))
                form = names[k], names[m], power, signed
                if off < tolerance < 1 and saved >= MARGIN_BITS and form not in refused:
                    best = max(best, Relation(*form, saved), key=_bits)
    return best


def _bits(relation: Relation | None) -> float:
    return -math.inf if relation is None else relation.bits
