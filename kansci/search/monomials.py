"""Features and the monomials made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement

import numpy as np
import sympy

__all__ = ["Feature", "Monomials"]

GROUP_POWER = 2
Exponents = tuple[int, ...]


@dataclass(frozen=True)
class Feature:
    """A column (N,), what it is, and the highest power it may take in a monomial."""

    values: np.ndarray
    expr: sympy.Expr
    max_power: int = 99
    group: int = -1
    """Features of one group (sine and cosine of one argument) may be multiplied up to GROUP_POWER."""


class Monomials:
    """Monomials of the features, by degree: ``values`` (N, M) of the scaled features, ``exponents`` (M)."""

    def __init__(self, features: Sequence[Feature], most: int, max_degree: int) -> None:
        """Take whole degrees only, as many as fit under ``most``; degrees 0 and 1 always."""
        self.features = tuple(features)
        self.scales = [float(np.abs(f.values).max()) or 1.0 for f in features]
        limits = tuple((f.max_power, f.group) for f in features)
        self.exponents = _exponents(limits, most, max_degree)
        self.degrees = [sum(e) for e in self.exponents]
        self.values = np.stack([self._product(e) for e in self.exponents], axis=1)

    def _product(self, exponents: Exponents) -> np.ndarray:
        value = np.ones_like(self.features[0].values)
        for feature, scale, power in zip(self.features, self.scales, exponents, strict=True):
            if power:
                value = value * (feature.values / scale) ** power
        return value

    def scale(self, index: int) -> float:
        """What the scaled monomial is to be multiplied by to give that of the unscaled features."""
        with np.errstate(over="ignore", under="ignore"):
            return float(np.prod(np.float_power(self.scales, self.exponents[index])))

    def term(self, index: int, coefficient: float) -> sympy.Expr:
        """Coefficient times monomial in the unscaled features; infinite or nan beyond the range of floats."""
        powers = zip(self.features, self.exponents[index], strict=True)
        product = sympy.prod([f.expr**e for f, e in powers])
        with np.errstate(all="ignore"):
            value = float(np.divide(coefficient, self.scale(index)))
        return sympy.Float(value, 17) * product


@lru_cache(maxsize=512)
def _exponents(limits: tuple[tuple[int, int], ...], most: int, max_degree: int) -> tuple[Exponents, ...]:
    found: list[Exponents] = []
    for degree in range(max_degree + 1):
        level = []
        for choice in combinations_with_replacement(range(len(limits)), degree):
            exponents = tuple(np.bincount(np.array(choice, int), minlength=len(limits)).tolist())
            if _allowed(exponents, limits):
                level.append(exponents)
        if not level or (len(found) + len(level) > most and degree > 1):
            break
        found += level
    return tuple(found)


def _allowed(exponents: Exponents, limits: tuple[tuple[int, int], ...]) -> bool:
    totals: dict[int, int] = {}
    for power, (max_power, group) in zip(exponents, limits, strict=True):
        if power > max_power:
            return False
        if group >= 0:
            totals[group] = totals.get(group, 0) + power
    return all(total <= GROUP_POWER for total in totals.values())
