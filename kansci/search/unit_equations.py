"""The rules of units as equations, and their solution.

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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import sympy

from kansci.data.dimensions import ONE, Unit
from kansci.search.problem import TARGET

__all__ = ["ImpossibleError", "Measure", "System", "short"]

FINEST = 1000
"""Denominator to which a fitted exponent is rounded."""
_SAME = (sympy.Max, sympy.Min, sympy.atan2)


class ImpossibleError(Exception):
    """No units of the constants make the formula possible."""


@dataclass(frozen=True)
class Measure:
    """The unit ``known * product of unknown_k ** unknowns[k]``."""

    known: Unit = ONE
    unknowns: Mapping[int, Fraction] = field(default_factory=dict)

    def __mul__(self, other: "Measure") -> "Measure":
        total = dict(self.unknowns)
        for k, power in other.unknowns.items():
            total[k] = total.get(k, Fraction(0)) + power
        return Measure(self.known * other.known, {k: power for k, power in total.items() if power != 0})

    def __pow__(self, exponent: Fraction | int) -> "Measure":
        powers = {k: power * exponent for k, power in self.unknowns.items() if exponent != 0}
        return Measure(self.known**exponent, powers)


class System:
    """The equations so far, each solved for one unknown: ``solved[k]`` is its unit.

    ``loose``: the exact factor of a term, 1 too, may carry a unit, as a fitted one does. ``shifted``:
    numbers beside logarithms, and the unit of what these are taken of.
    """

    def __init__(self, columns: Mapping[str, Unit], *, loose: bool = False) -> None:
        self.columns, self.loose = columns, loose
        self.exact: list[tuple[float, sympy.Expr, Measure]] = []
        self.shifted: list[tuple[float, Measure]] = []
        self.columns_open: dict[sympy.Expr, Measure] = {}
        self.numbers: list[tuple[float, Measure]] = []
        self.solved: dict[int, Measure] = {}
        self.count = 0

    def unknown(self) -> Measure:
        """A new unknown unit."""
        self.count += 1
        return Measure(ONE, {self.count: Fraction(1)})

    def reduced(self, measure: Measure) -> Measure:
        """The measure without the unknowns that are solved."""
        total = Measure(measure.known)
        for k, power in measure.unknowns.items():
            total *= self.solved.get(k, Measure(ONE, {k: Fraction(1)})) ** power
        return total

    def equate(self, left: Measure, right: Measure, where: str) -> None:
        """Add an equation; ``where`` may show both units as {0} and {1}."""
        rest = self.reduced(left * right**-1)
        if not rest.unknowns:
            if not rest.known.is_one:
                shown = (str(self.reduced(side).known) for side in (left, right))
                raise ImpossibleError(where.format(*shown))
            return
        k, power = max(rest.unknowns.items())
        without = Measure(rest.known, {j: p for j, p in rest.unknowns.items() if j != k})
        self.solved[k] = without ** (-1 / power)
        for j, measure in self.solved.items():
            if k in measure.unknowns:
                self.solved[j] = self.reduced(measure)

    def known(self, measure: Measure) -> Unit | None:
        """The unit, if it is determined."""
        rest = self.reduced(measure)
        return None if rest.unknowns else rest.known

    def constants(self) -> tuple[tuple[float, Unit], ...]:
        """Every fitted number whose unit is determined.

        Another unit of x would shift, not scale, the offset of ``c*log(x) + offset``: it has no unit.
        """
        shifted = {value for value, measure in self.shifted if not self._is_pure(measure)}
        numbers = [*self.numbers, *((value, measure) for value, _, measure in self.exact)]
        units = ((value, self.known(measure)) for value, measure in numbers)
        return tuple((value, unit) for value, unit in units if unit is not None and value not in shifted)

    def _is_pure(self, measure: Measure) -> bool:
        unit = self.known(measure)
        return unit is not None and unit.is_one

    def tied(self) -> list[tuple[float, sympy.Expr, Unit]]:
        """The exact numbers, their terms and units.

        Where there is a choice they are pure, first the ones, and of these those of the longest terms.
        """
        order = self.exact[::-1]
        order.sort(key=lambda number: abs(number[0]) != 1)
        for *_, measure in order:
            if self.known(measure) is None:
                self.equate(measure, Measure(), "")
        return [(value, term, self.known(measure) or ONE) for value, term, measure in self.exact]

    def term(self, expr: sympy.Expr) -> Measure:
        """The unit of a term, whose exact factor is free if ``loose``."""
        found = self.measure(expr)
        if not self.loose:
            return found
        factor = expr if expr.is_number else expr.as_independent(*expr.free_symbols, as_Add=False)[0]
        if factor.has(sympy.Float):
            return found
        free = self.unknown()
        self.exact.append((float(factor), expr, free))
        return found * free

    def measure(self, expr: sympy.Expr) -> Measure:
        """The unit of a part of the formula, after adding the equations inside it."""
        if expr.is_Float:
            found = self.unknown()
            self.numbers.append((float(expr), found))
            return found
        if expr.is_Symbol:
            return self._column(expr)
        if expr.is_number and not expr.has(sympy.Float):
            return Measure()
        return self._operation(expr)

    def _operation(self, expr: sympy.Expr) -> Measure:
        if expr.is_Mul:
            product = Measure()
            for factor in expr.args:
                product *= self.measure(factor)
            return product
        if expr.is_Pow:
            return self._power(*expr.args)
        if expr.is_Add:
            return self._sum(expr)
        return self.measure(expr.args[0]) if isinstance(expr, sympy.Abs) else self._function(expr)

    def _column(self, symbol: sympy.Symbol) -> Measure:
        if symbol.name in self.columns and symbol is not TARGET:
            return Measure(self.columns[symbol.name])
        if symbol not in self.columns_open:
            self.columns_open[symbol] = self.unknown()
        return self.columns_open[symbol]

    def _power(self, base: sympy.Expr, exponent: sympy.Expr) -> Measure:
        if exponent.is_number:
            if exponent.is_Float:
                self.numbers.append((float(exponent), Measure()))
            return self.measure(base) ** Fraction(float(exponent)).limit_denominator(FINEST)
        if base.is_Float:  # c**x = exp(k x), and k may have a unit
            self.measure(exponent)
        else:
            self._pure(exponent, "the exponent")
            self._pure(base, "the base of a power")
        return Measure()

    def _pure(self, expr: sympy.Expr, what: str) -> None:
        self.equate(self.term(expr), Measure(), f"{what} {short(expr)} has {{0}}")

    def _function(self, expr: sympy.Expr) -> Measure:
        name = type(expr).__name__
        if isinstance(expr, _SAME):
            first = self._same(expr.args, f"{name} compares")
            return Measure() if isinstance(expr, sympy.atan2) else first
        if isinstance(expr, sympy.sign):
            self.measure(expr.args[0])
            return Measure()
        for argument in expr.args:
            self._pure(argument, f"the argument of {name},")
        return Measure()

    def _same(self, terms: Sequence[sympy.Expr], what: str) -> Measure:
        measures = [self.term(term) for term in terms]
        for term, measure in zip(terms[1:], measures[1:], strict=True):
            where = f"{what} {short(terms[0])} [{{0}}] and {short(term)} [{{1}}]"
            self.equate(measures[0], measure, where)
        return measures[0]

    def _sum(self, expr: sympy.Add) -> Measure:
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
        units = [self.term(c) for c in logarithms.values()] + [self.term(term) for term in others]
        for unit in units[1:]:
            self.equate(units[0], unit, f"the sum {short(expr)} adds {{0}} and {{1}}")
        self._product(logarithms, [float(term) for term in others if term.is_Float])
        return units[0]

    def _product(self, logarithms: Mapping[sympy.Expr, sympy.Expr], offsets: Sequence[float]) -> None:
        """The product of powers that a sum of logarithms stands for is a pure number, or scaled to one."""
        whole = Measure()
        for log, coefficient in logarithms.items():
            argument = self.measure(log.args[0])
            whole *= argument ** Fraction(float(coefficient)).limit_denominator(FINEST)
        if offsets:
            self.shifted += [(offset, whole) for offset in offsets]
            return
        shown = " + ".join(map(short, logarithms))
        self.equate(whole, Measure(), f"the argument of {shown} has {{0}}")


def short(expr: sympy.Expr) -> str:
    """The expression with numbers of few digits, cut where it is long."""
    rounded = expr.xreplace({number: sympy.Float(number, 3) for number in expr.atoms(sympy.Float)})
    text = sympy.sstr(rounded, full_prec=False).replace("{", "(").replace("}", ")")
    return text if len(text) <= 40 else f"{text[:37]}..."
