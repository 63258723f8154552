"""A solution at the points where it is drawn, with what it is compared with and what its equations leave."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sympy

from kansci.pde.compiled import compile_residual
from kansci.pde.numeric import evaluate
from kansci.pde.numerical_solution import NumericalSolution
from kansci.pde.problem import Problem
from kansci.pde.reference.solution import reference_solution
from kansci.plots.sheets import Sheet, maps, profiles
from kansci.plots.style import symbol

__all__ = ["Compared", "Quantity", "Sampled", "quantities"]


SHORT = 24
"""Letters of a name in a legend."""


@dataclass(frozen=True)
class Quantity:
    """A field, or the two real parts of a complex one, of which the modulus is drawn.

    Attributes:
        parts: names of the real fields.
        name: as it is printed.
        label: the same, between bars for a modulus.
        arguments: coordinates it depends on.
        sought: whether it is a coefficient that was found from data.
    """

    parts: tuple[str, ...]
    name: str
    label: str
    arguments: tuple[str, ...]
    sought: bool = False

    def size(self, parts: np.ndarray) -> np.ndarray:
        """The value of a real field, the modulus of a complex one; parts (len(parts), N) -> (N,)."""
        return parts[0] if len(parts) == 1 else np.linalg.norm(parts, axis=0)


def quantities(problem: Problem) -> tuple[Quantity, ...]:
    """What is drawn: every real field, and complex ones once."""
    names, found = {field.name for field in problem.fields}, []
    for field in problem.fields:
        stem = field.name.removesuffix("_re")
        if field.name.endswith("_im") and f"{field.name.removesuffix('_im')}_re" in names:
            continue
        pair = stem != field.name and f"{stem}_im" in names
        name = symbol(stem if pair else field.name)
        parts = (field.name, f"{stem}_im") if pair else (field.name,)
        found.append(Quantity(parts, name, f"$|${name}$|$" if pair else name, field.arguments, field.sought))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Compared:
    """What a solution is compared with.

    Attributes:
        against: "exact", or the classical method; empty if there is nothing.
        values: by real field, at the points inside all sheets, one sheet after the other.
        reason: why there is nothing.
    """

    against: str
    values: dict[str, np.ndarray]
    reason: str = ""


class Sampled:
    """A solution on the sheets on which it is drawn."""

    def __init__(self, solution: NumericalSolution, seconds: float = 20.0) -> None:
        """Choose the sheets.

        Args:
            solution: of a problem.
            seconds: how long a classical reference may take, where no exact solution is known.
        """
        self.solution, self.problem, self._seconds = solution, solution.problem, seconds
        self.quantities = quantities(self.problem)
        needed = {quantity.arguments for quantity in self.quantities} | {self.problem.coordinates}
        self._maps = {arguments: maps(self.problem, arguments) for arguments in sorted(needed)}
        # A classical solution on a shape takes about as long for each point.
        coarse = not self.problem.domain.is_box and not self.problem.exact
        self._compared_maps = (
            {arguments: maps(self.problem, arguments, coarse=True) for arguments in self._maps}
            if coarse
            else self._maps
        )
        self._profiles = {arguments: profiles(self.problem, arguments) for arguments in sorted(needed)}

    def maps(self, quantity: Quantity) -> tuple[Sheet, ...]:
        """Planes on which it is drawn."""
        return self._maps[quantity.arguments]

    def profiles(self, quantity: Quantity) -> tuple[Sheet, ...]:
        """Lines along which it is drawn."""
        return self._profiles[quantity.arguments]

    def compared_maps(self, quantity: Quantity) -> tuple[Sheet, ...]:
        """Planes on which it is compared with the reference."""
        return self._compared_maps[quantity.arguments]

    def whole(self) -> tuple[Sheet, ...]:
        """Planes for what depends on every coordinate."""
        return self._maps[self.problem.coordinates]

    def values(self, quantity: Quantity, sheet: Sheet) -> np.ndarray:
        """The field at the points inside, (n,)."""
        return quantity.size(self._parts(quantity, sheet))

    def standard_errors(self, quantity: Quantity, sheet: Sheet) -> np.ndarray | None:
        """Standard errors at the points inside, (n,), of a real field that comes from data."""
        return self.solution.standard_error(quantity.parts[0], sheet.points[sheet.inside])

    def reference(self, quantity: Quantity, sheet: Sheet) -> np.ndarray | None:
        """What the field is compared with, (n,); None without a reference."""
        parts = self._reference_parts(quantity, sheet)
        return None if parts is None else quantity.size(parts)

    def errors(self, quantity: Quantity, sheet: Sheet) -> np.ndarray | None:
        """Absolute difference from the reference, (n,); None without one."""
        parts = self._reference_parts(quantity, sheet)
        return None if parts is None else np.linalg.norm(self._parts(quantity, sheet) - parts, axis=0)

    def residuals(self, equation: int) -> list[np.ndarray]:
        """Absolute residual of an equation on every plane, by the root mean square of its largest term."""
        unknown = {sympy.Symbol(c.name, real=True): c.name for c in self.problem.unknowns}
        residual = compile_residual(self.problem.equations[equation], self.problem.symbols, unknown)
        constants = {name: value for name, (value, _) in self.solution.constants().items()}
        left, terms = [], []
        for sheet in self.whole():
            points = sheet.points[sheet.inside]
            with np.errstate(all="ignore"):  # at corners there may be no derivative
                parts = [self.solution.evaluate(name, points, index) for name, index in residual.components]
                arguments = [*points.T, *parts, *(constants[name] for name in residual.constants)]
                left.append(np.abs(np.broadcast_to(residual.value(*arguments), len(points))))
                slopes = residual.slopes(*arguments)
            terms.append([np.broadcast_to(s * v, len(points)) for s, v in zip(slopes, parts, strict=False)])
        largest = max(
            (float(np.sqrt(np.nanmean(np.concatenate(term) ** 2))) for term in zip(*terms, strict=True)),
            default=1.0,
        )
        return [part / largest if largest > 0 else part for part in left]

    @property
    def reference_name(self) -> str:
        """What the field is compared with, short."""
        against = self.compared.against
        return against if len(against) <= SHORT else "reference"

    @cached_property
    def compared(self) -> Compared:
        """The exact solution where it is known, else a classical one."""
        points = np.concatenate([sheet.points[sheet.inside] for sheet in self._sheets])
        names, exact = [field.name for field in self.problem.fields], self.problem.exact
        axes = self.problem.coordinates
        # An exact solution may be stated with an unknown constant in it.
        if known := [n for n in names if n in exact and {s.name for s in exact[n].free_symbols} <= {*axes}]:
            return Compared("exact", {name: evaluate(exact[name], axes, points) for name in known})
        found = reference_solution(self.problem, points, seconds=self._seconds)
        if found.values is None:
            return Compared("", {}, found.reason)
        return Compared(found.method, dict(zip(names, found.values.T, strict=True)))

    @cached_property
    def _sheets(self) -> tuple[Sheet, ...]:
        return tuple(
            sheet
            for group in (self._compared_maps, self._profiles)
            for each in group.values()
            for sheet in each
        )

    def _parts(self, quantity: Quantity, sheet: Sheet) -> np.ndarray:
        points = sheet.points[sheet.inside]
        return np.stack([self.solution.evaluate(name, points) for name in quantity.parts])

    def _reference_parts(self, quantity: Quantity, sheet: Sheet) -> np.ndarray | None:
        values = self.compared.values
        if not all(name in values for name in quantity.parts):
            return None
        ends = np.cumsum([each.inside.sum() for each in self._sheets])
        end = ends[next(k for k, each in enumerate(self._sheets) if each is sheet)]
        return np.stack([values[name][end - sheet.inside.sum() : end] for name in quantity.parts])
