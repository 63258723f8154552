"""The terms of differential equations: products of powers and functions of fields and derivatives."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import sympy

__all__ = ["Coordinate", "Factor", "Jet", "Names", "Term"]


@dataclass(frozen=True, order=True)
class Jet:
    """A derivative of a field, or the field itself.

    Attributes:
        field: its number.
        orders: of the derivative along each coordinate.
    """

    field: int
    orders: tuple[int, ...]


@dataclass(frozen=True, order=True)
class Coordinate:
    """One of the coordinates."""

    axis: int


Jets = Mapping[Jet | Coordinate, np.ndarray]
"""Values of what terms are made of, all of one shape."""


@dataclass(frozen=True)
class Names:
    """How coordinates and fields are written."""

    coordinates: tuple[str, ...]
    fields: tuple[str, ...]

    def symbol(self, atom: Jet | Coordinate) -> sympy.Symbol:
        """``x``, ``u``, ``u_xx``; ``u_pos_pos`` where coordinates have longer names."""
        if isinstance(atom, Coordinate):
            return sympy.Symbol(self.coordinates[atom.axis])
        along = [name for name, n in zip(self.coordinates, atom.orders, strict=True) for _ in range(n)]
        glue = "" if all(len(name) == 1 for name in self.coordinates) else "_"
        name = self.fields[atom.field]
        return sympy.Symbol(f"{name}_{glue.join(along)}" if along else name)


_FUNCTIONS = {"sin": np.sin, "cos": np.cos, "exp": np.exp}


@dataclass(frozen=True)
class Factor:
    """A power ``atom**number``, or a function ``f(number*atom)``.

    Attributes:
        function: "power", "sin", "cos" or "exp".
    """

    atom: Jet | Coordinate
    function: str = "power"
    number: float = 1

    def value(self, jets: Jets) -> np.ndarray:
        """The values."""
        x = jets[self.atom]
        if self.function == "power":
            return x if self.number == 1 else x**self.number
        return _FUNCTIONS[self.function](self.number * x)

    def slope(self, jets: Jets) -> np.ndarray:
        """The derivative by the atom."""
        x, a = jets[self.atom], self.number
        if self.function == "power":
            return np.ones_like(x) if a == 1 else a * x ** (a - 1)
        if self.function == "sin":
            return a * np.cos(a * x)
        if self.function == "cos":
            return -a * np.sin(a * x)
        return a * np.exp(a * x)

    def expression(self, names: Names) -> sympy.Expr:
        """As sympy writes it."""
        x = names.symbol(self.atom)
        if self.function == "power":
            return x ** int(self.number)
        number = sympy.nsimplify(round(self.number, 12)) if self.number == round(self.number) else self.number
        return getattr(sympy, self.function)(number * x)


@dataclass(frozen=True)
class Term:
    """A product of factors; without any it is the constant one."""

    factors: tuple[Factor, ...] = ()

    @property
    def jets(self) -> tuple[Jet, ...]:
        """The fields and derivatives in it."""
        return tuple(f.atom for f in self.factors if isinstance(f.atom, Jet))

    @property
    def complexity(self) -> float:
        """A larger number for what one would write down later: degrees and orders of derivatives."""
        cost = 0.0
        for factor in self.factors:
            order = sum(factor.atom.orders) if isinstance(factor.atom, Jet) else 1
            cost += (abs(factor.number) if factor.function == "power" else 2) + order / 2
        return cost

    def value(self, jets: Jets) -> np.ndarray:
        """The values, of the shape of the jets."""
        out = np.ones_like(next(iter(jets.values())))
        for factor in self.factors:
            out = out * factor.value(jets)
        return out

    def slopes(self, jets: Jets) -> dict[Jet, np.ndarray]:
        """The partial derivative by each field or derivative in it."""
        out: dict[Jet, np.ndarray] = {}
        for i, factor in enumerate(self.factors):
            if isinstance(factor.atom, Jet):
                rest = Term(self.factors[:i] + self.factors[i + 1 :])
                slope = factor.slope(jets) * rest.value(jets)
                out[factor.atom] = out.get(factor.atom, 0) + slope
        return out

    def expression(self, names: Names) -> sympy.Expr:
        """As sympy writes it."""
        return sympy.Mul(*(factor.expression(names) for factor in self.factors))
