"""Is a formula possible, given the units of its columns? And which units do its constants carry?

The rules are those of ``search.unit_equations``. Two things are possible but suspicious, and said:
a fitted number in an odd unit, such as m^-1.4993, which a fitted exponent leaves to it and no law is
known to hold; and a number that was fitted and came out exact, such as 5, if the formula needs a
unit of it.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import sympy

from kansci.data import Dataset
from kansci.data.dimensions import Unit, parse_units
from kansci.search.problem import TARGET
from kansci.search.unit_equations import ImpossibleError, Measure, System, short

__all__ = ["Units", "Verdict"]

ODD = 4
"""Largest denominator of the exponents in a unit that a law may hold, such as s/m^(1/3) or V/Hz^(1/2)."""
SAME = 1e-12
"""Relative difference of numbers that are one and the same."""


@dataclass(frozen=True)
class Verdict:
    """Whether the units allow a formula, and the units of its numbers.

    ``where``: where it goes wrong, empty for a possible formula. ``constants``: value and unit of each
    number whose unit follows from those of the columns and the target. ``doubts``: what is odd about a
    possible formula.
    """

    where: str = ""
    constants: tuple[tuple[float, Unit], ...] = ()
    doubts: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not self.where

    def __str__(self) -> str:
        if self.where:
            return f"inconsistent: {self.where}"
        return f"suspicious: {', '.join(self.doubts)}" if self.doubts else "ok"

    def unit_of(self, value: float) -> str | None:
        """The unit of the number of this size, "1" for a pure one; None if that is not determined."""
        units = {
            unit.shown
            for number, unit in self.constants
            if math.isclose(abs(number), abs(value), rel_tol=SAME)
        }
        return units.pop() if len(units) == 1 else None


@dataclass(frozen=True)
class Units:
    """The units of a table: of its columns by the name of their symbol, and of its target, where known."""

    columns: Mapping[str, Unit]
    target: Unit | None = None

    @classmethod
    def of_table(cls, dataset: Dataset) -> "Units | None":
        """The units of a table, None if there are none to hold a formula against."""
        found, _ = parse_units(dataset.units)
        columns = {symbol: found[name] for symbol, name in dataset.symbols.items() if name in found}
        return cls(columns, found.get(dataset.target)) if found else None

    def check(self, expr: sympy.Expr) -> Verdict:
        """Whether a formula can be the table's target.

        Args:
            expr: In the symbols of the table.

        Returns:
            The verdict, which is true for a possible formula.
        """
        return self._checked(expr, System(self.columns))

    def judge(self, expr: sympy.Expr, *, possible: bool) -> Verdict:
        """The verdict on a formula in which exact numbers have taken the place of fitted ones.

        Args:
            expr: In the symbols of the table.
            possible: Whether the formula was possible with its numbers fitted.

        Returns:
            As ``check``, with the units of exact numbers, such as pi/180 in 1/deg; if the formula needs a
            dimension of one, a doubt for it.
        """
        verdict = self.check(expr)
        if not (verdict or possible):
            return verdict
        system = System(self.columns, loose=True)
        looser = self._checked(expr, system)
        if verdict:
            return replace(verdict, constants=(*verdict.constants, *looser.constants))
        if not looser:
            return verdict
        carried = [
            f"the {value:g} of {short(term)} carries {unit.shown}"
            for value, term, unit in system.tied()
            if not unit.is_one
        ]
        return replace(looser, constants=system.constants(), doubts=(*carried, *looser.doubts))

    def _checked(self, expr: sympy.Expr, system: System) -> Verdict:
        try:
            whole = system.term(expr)
            if self.target is not None:
                system.equate(whole, Measure(self.target), "the formula has {0}, the target {1}")
        except ImpossibleError as error:
            return Verdict(str(error))
        constants = system.constants()
        odd = [f"{value:.4g} carries {unit.shown}" for value, unit in constants if _is_odd(unit)]
        return Verdict(constants=constants, doubts=tuple(odd))

    def allow(self, exprs: Iterable[sympy.Expr], lift: sympy.Expr) -> bool:
        """Whether columns ``exprs`` of a smaller problem can exist, and its target (see ``of_target``)."""
        return bool(self.check(lift)) and all(replace(self, target=None).check(expr) for expr in exprs)

    def of(self, expr: sympy.Expr) -> Unit | None:
        """The unit of an expression in the symbols, None where it is unknown or there is none."""
        system = System(self.columns)
        try:
            return system.known(system.measure(expr))
        except ImpossibleError:
            return None

    def of_target(self, lift: sympy.Expr) -> Unit | None:
        """The unit that ``TARGET`` has, where ``lift`` is the table's target (see ``Problem.lift``)."""
        system = System(self.columns)
        try:
            whole = system.measure(lift)
            if self.target is None or TARGET not in system.columns_open:
                return None
            system.equate(whole, Measure(self.target), "")
            return system.known(system.columns_open[TARGET])
        except ImpossibleError:
            return None


def _is_odd(unit: Unit) -> bool:
    """Whether the unit holds powers that no law is known to hold."""
    return any(power.denominator > ODD for _, power in unit.base.items)
