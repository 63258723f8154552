"""Is a formula possible, given the units of its columns? And which units do its constants carry?

Every part of the formula has a unit: known for a column, unknown for a fitted number, a column
without a unit, and ``TARGET``. The rules are equations, linear in the exponents, solved over the
rationals, one after the other, so that the first that cannot hold says where the formula goes wrong:

    terms of a sum, arguments of Max, Min, atan2     have the same unit
    arguments of other functions, exponents          are pure numbers, as are integers, fractions, pi
    c**x for a fitted number c                       is exp(k*x), whose k may have any unit
    x**p for a number p, Abs(x)                      the unit of x to the p, the unit of x
    2 log(x) - log(z) + ...                          a sum of logarithms is that of their product,
                                                     x**2/z, which a fitted number beside them may scale

A fitted number (a ``Float``) may so carry whatever unit makes its term fit; one that is an
exponent is a pure number. The idea is that of dimensional analysis in symbolic regression
(Udrescu & Tegmark, Science Advances 6:eaay2631, 2020), with free constants as in PySR.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import sympy

from kansci.data import Dataset
from kansci.data.dimensions import ONE, Unit, parse_units
from kansci.search.problem import TARGET

__all__ = ["Units", "Verdict"]

FINEST = 1000
"""Denominator to which a fitted exponent is rounded."""
_SAME = (sympy.Max, sympy.Min, sympy.atan2)


@dataclass(frozen=True)
class Verdict:
    """``where`` is empty for a possible formula. ``constants``: the units of its numbers that have one."""

    where: str = ""
    constants: tuple[tuple[float, Unit], ...] = ()

    def __bool__(self) -> bool:
        return not self.where

    def __str__(self) -> str:
        return "ok" if self else f"inconsistent: {self.where}"


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
        system = _System(self.columns)
        try:
            whole = system.measure(expr)
            if self.target is not None:
                system.equate(whole, _Measure(self.target), "the formula has {0}, the target {1}")
        except _ImpossibleError as error:
            return Verdict(str(error))
        return Verdict(constants=system.constants())

    def allow(self, exprs: Iterable[sympy.Expr], lift: sympy.Expr) -> bool:
        """Whether columns ``exprs`` of a smaller problem can exist, and its target (see ``of_target``)."""
        return bool(self.check(lift)) and all(replace(self, target=None).check(expr) for expr in exprs)

    def of(self, expr: sympy.Expr) -> Unit | None:
        """The unit of an expression in the symbols, None where it is unknown or there is none."""
        system = _System(self.columns)
        try:
            return system.known(system.measure(expr))
        except _ImpossibleError:
            return None

    def of_target(self, lift: sympy.Expr) -> Unit | None:
        """The unit that ``TARGET`` has, where ``lift`` is the table's target (see ``Problem.lift``)."""
        system = _System(self.columns)
        try:
            whole = system.measure(lift)
            if self.target is None or TARGET not in system.columns_open:
                return None
            system.equate(whole, _Measure(self.target), "")
            return system.known(system.columns_open[TARGET])
        except _ImpossibleError:
            return None


class _ImpossibleError(Exception):
    """No units of the constants make the formula possible."""


@dataclass(frozen=True)
class _Measure:
    """The unit ``known * product of unknown_k ** unknowns[k]``."""

    known: Unit = ONE
    unknowns: Mapping[int, Fraction] = field(default_factory=dict)

    def __mul__(self, other: "_Measure") -> "_Measure":
        total = dict(self.unknowns)
        for k, power in other.unknowns.items():
            total[k] = total.get(k, Fraction(0)) + power
        return _Measure(self.known * other.known, {k: power for k, power in total.items() if power != 0})

    def __pow__(self, exponent: Fraction | int) -> "_Measure":
        powers = {k: power * exponent for k, power in self.unknowns.items() if exponent != 0}
        return _Measure(self.known**exponent, powers)


class _System:
    """The equations so far, each solved for one unknown: ``solved[k]`` is its unit."""

    def __init__(self, columns: Mapping[str, Unit]) -> None:
        self.columns = columns
        self.columns_open: dict[sympy.Expr, _Measure] = {}
        self.numbers: list[tuple[float, _Measure]] = []
        self.solved: dict[int, _Measure] = {}
        self.count = 0

    def unknown(self) -> _Measure:
        """A new unknown unit."""
        self.count += 1
        return _Measure(ONE, {self.count: Fraction(1)})

    def reduced(self, measure: _Measure) -> _Measure:
        """The measure without the unknowns that are solved."""
        total = _Measure(measure.known)
        for k, power in measure.unknowns.items():
            total *= self.solved.get(k, _Measure(ONE, {k: Fraction(1)})) ** power
        return total

    def equate(self, left: _Measure, right: _Measure, where: str) -> None:
        """Add an equation; ``where`` may show both units as {0} and {1}."""
        rest = self.reduced(left * right**-1)
        if not rest.unknowns:
            if not rest.known.is_one:
                shown = (str(self.reduced(side).known) for side in (left, right))
                raise _ImpossibleError(where.format(*shown))
            return
        k, power = max(rest.unknowns.items())
        without = _Measure(rest.known, {j: p for j, p in rest.unknowns.items() if j != k})
        self.solved[k] = without ** (-1 / power)
        for j, measure in self.solved.items():
            if k in measure.unknowns:
                self.solved[j] = self.reduced(measure)

    def known(self, measure: _Measure) -> Unit | None:
        """The unit, if it is determined."""
        rest = self.reduced(measure)
        return None if rest.unknowns else rest.known

    def constants(self) -> tuple[tuple[float, Unit], ...]:
        """Every fitted number whose unit is determined."""
        units = ((value, self.known(measure)) for value, measure in self.numbers)
        return tuple((value, unit) for value, unit in units if unit is not None)

    def measure(self, expr: sympy.Expr) -> _Measure:
        """The unit of a part of the formula, after adding the equations inside it."""
        if expr.is_Float:
            found = self.unknown()
            self.numbers.append((float(expr), found))
            return found
        if expr.is_Symbol:
            return self._column(expr)
        if expr.is_number and not expr.has(sympy.Float):
            return _Measure()
        return self._operation(expr)

    def _operation(self, expr: sympy.Expr) -> _Measure:
        if expr.is_Mul:
            product = _Measure()
            for factor in expr.args:
                product *= self.measure(factor)
            return product
        if expr.is_Pow:
            return self._power(*expr.args)
        if expr.is_Add:
            return self._sum(expr)
        return self.measure(expr.args[0]) if isinstance(expr, sympy.Abs) else self._function(expr)

    def _column(self, symbol: sympy.Symbol) -> _Measure:
        if symbol.name in self.columns and symbol is not TARGET:
            return _Measure(self.columns[symbol.name])
        if symbol not in self.columns_open:
            self.columns_open[symbol] = self.unknown()
        return self.columns_open[symbol]

    def _power(self, base: sympy.Expr, exponent: sympy.Expr) -> _Measure:
        if exponent.is_number:
            return self.measure(base) ** Fraction(float(exponent)).limit_denominator(FINEST)
        if base.is_Float:  # c**x = exp(k x), and k may have a unit
            self.measure(exponent)
        else:
            self._pure(exponent, "the exponent")
            self._pure(base, "the base of a power")
        return _Measure()

    def _pure(self, expr: sympy.Expr, what: str) -> None:
        self.equate(self.measure(expr), _Measure(), f"{what} {_short(expr)} has {{0}}")

    def _function(self, expr: sympy.Expr) -> _Measure:
        name = type(expr).__name__
        if isinstance(expr, _SAME):
            first = self._same(expr.args, f"{name} compares")
            return _Measure() if isinstance(expr, sympy.atan2) else first
        if isinstance(expr, sympy.sign):
            self.measure(expr.args[0])
            return _Measure()
        for argument in expr.args:
            self._pure(argument, f"the argument of {name},")
        return _Measure()

    def _same(self, terms: Sequence[sympy.Expr], what: str) -> _Measure:
        measures = [self.measure(term) for term in terms]
        for term, measure in zip(terms[1:], measures[1:], strict=True):
            where = f"{what} {_short(terms[0])} [{{0}}] and {_short(term)} [{{1}}]"
            self.equate(measures[0], measure, where)
        return measures[0]

    def _sum(self, expr: sympy.Add) -> _Measure:
        logarithms, others = {}, []
        for term in expr.args:
            coefficient, rest = term.as_coeff_Mul()
            if isinstance(rest, sympy.log):
                logarithms[rest] = coefficient
            else:
                others.append(term)
        if not logarithms:
            return self._same(expr.args, "a sum of")
        # exactly the coefficients carry the unit of c*log(x); the argument's is made up for together
        units = [self.measure(c) for c in logarithms.values()] + [self.measure(term) for term in others]
        for unit in units[1:]:
            self.equate(units[0], unit, f"the sum {_short(expr)} adds {{0}} and {{1}}")
        self._product(logarithms, free=any(term.is_Float for term in others))
        return units[0]

    def _product(self, logarithms: Mapping[sympy.Expr, sympy.Expr], *, free: bool) -> None:
        """The product of powers that a sum of logarithms stands for is a pure number, or scaled to one."""
        arguments = {log: self.measure(log.args[0]) for log in logarithms}
        if free:
            return
        whole = _Measure()
        for log, coefficient in logarithms.items():
            whole *= arguments[log] ** Fraction(float(coefficient)).limit_denominator(FINEST)
        shown = " + ".join(map(_short, logarithms))
        self.equate(whole, _Measure(), f"the argument of {shown} has {{0}}")


def _short(expr: sympy.Expr) -> str:
    """The expression with numbers of few digits, cut where it is long."""
    rounded = expr.xreplace({number: sympy.Float(number, 3) for number in expr.atoms(sympy.Float)})
    text = sympy.sstr(rounded, full_prec=False).replace("{", "(").replace("}", ")")
    return text if len(text) <= 40 else f"{text[:37]}..."
