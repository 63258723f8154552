r"""A formula in LaTeX with units, for the package siunitx (version 3).

Decimal numbers become ``\num``, those with a unit ``\qty``, with their standard errors in brackets:
``\qty{9.812(21)}{\meter\per\second\squared}``. The error is rounded as by the Particle Data Group
(R. L. Workman et al., Prog. Theor. Exp. Phys. 2022:083C01, section 5.3 of the introduction): to two
digits if its first three are below 355, else to one, and the number to the same place. Units that
siunitx lacks are declared in comments ahead of the formula.
"""

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import sympy
from sympy.printing.latex import LatexPrinter

from kansci.data.dimensions import Powers, name_parts, parse_unit
from kansci.data.names import split_unit
from kansci.errors import DataError
from kansci.symbolic.constants import Constant
from kansci.symbolic.formula import Formula, latex_text

__all__ = ["number_text", "to_siunitx"]

PREFIXES = frozenset(
    "quecto ronto yocto zepto atto femto pico nano micro milli centi deci deca hecto kilo mega giga tera "
    "peta exa zetta yotta ronna quetta kibi mebi gibi tebi pebi exbi zebi yobi".split()
)
MACROS = {name: name for name in (
    "ampere candela kelvin gram meter mole second becquerel coulomb farad gray hertz henry joule katal lumen "
    "lux newton ohm pascal radian siemens sievert steradian tesla volt watt weber bel dalton day decibel "
    "degree hectare hour arcminute arcsecond minute neper percent liter").split()} | {
    "degree_Celsius": "degreeCelsius", "astronomical_unit": "astronomicalunit",
    "electron_volt": "electronvolt", "metric_ton": "tonne"}  # fmt: skip
"""Pint's units that siunitx knows, and their macros."""
ROUND_OFF = 1e-11
"""Relative standard errors below this are no measurement's."""
SAME = 1e-9
PLAIN = range(-4, 6)
"""Powers of ten of the first digit for which a number is written without exponent."""


def to_siunitx(formula: Formula, units: Mapping[str, str] | None = None, digits: int | None = None) -> str:
    """Write a formula with the units of its numbers and its columns.

    Args:
        formula: What to write; its ``constants`` say which number has which unit and error.
        units: Column -> unit, over those in the names of the columns.
        digits: Significant digits of numbers without a standard error, all of them by default.

    Returns:
        LaTeX: a displayed equation and a line with the units of the columns, which is the body of a
        document whose preamble is in the comments ahead.
    """
    declared: dict[str, str] = {}
    printer = _Printer(formula, digits, declared)
    equation = f"{formula.latex_target} = {printer.doprint(formula.expr)}"
    where = _where(formula, units or {}, declared)
    preamble = [rf"\DeclareSIUnit{{\{macro}}}{{{symbol}}}" for macro, symbol in declared.items()]
    lines = ["% Needs siunitx 3; in the preamble:", r"% \usepackage{siunitx}", *(f"% {p}" for p in preamble)]
    return "\n".join([*lines, r"\[", f"  {equation}", r"\]", *([where] if where else [])]) + "\n"


def number_text(value: float, stderr: float | None = None, digits: int | None = None) -> str:
    """A number as siunitx reads it.

    Args:
        value: The number.
        stderr: Its standard error, None if it has none.
        digits: Significant digits without a standard error, all of them by default.

    Returns:
        Such as ``9.812(21)`` or ``6.674(11)e-11``.

    >>> number_text(9.81234, 0.0213), number_text(1.2345e-11, 4e-14), number_text(0.5)
    ('9.812(21)', '1.234(4)e-11', '0.5')
    """
    if stderr is None or not ROUND_OFF * abs(value) < stderr < math.inf:
        text = repr(value) if digits is None else f"{value:.{digits}g}"
        return text.removesuffix(".0").replace("e+", "e").replace("e0", "e").replace("e-0", "e-")
    last = _last_place(stderr)
    first = Decimal(repr(value)).adjusted() if value else last
    shift = 0 if first in PLAIN and last <= 0 else max(first, last)
    mantissa = (Decimal(repr(value)).scaleb(-last)).quantize(Decimal(1)).scaleb(last - shift)
    error = Decimal(repr(stderr)).scaleb(-last).quantize(Decimal(1))
    return f"{mantissa:f}({error})" + (f"e{shift}" if shift else "")


def _last_place(stderr: float) -> int:
    """Power of ten of the last digit that is given."""
    error = Decimal(repr(stderr))
    first = error.adjusted()
    lead = error.scaleb(2 - first)
    return first - 1 if lead < 355 else first  # from 950 on, 0.95 is 1.0, whose second digit is the same


class _Printer(LatexPrinter):
    """Numbers as quantities."""

    def __init__(self, formula: Formula, digits: int | None, declared: dict[str, str]) -> None:
        settings: dict[str, Any] = {"fold_frac_powers": True, "mul_symbol": r" \, "}
        super().__init__({**settings, "symbol_names": formula.latex_names})
        self.constants, self.digits, self.declared = formula.constants, digits, declared

    def _print_Float(self, expr: sympy.Float) -> str:
        value = float(expr)
        constant = _constant(value, self.constants)
        stderr = constant.stderr if constant is not None and constant.symbolic is None else None
        number = number_text(value, stderr, self.digits)
        if constant is None or constant.unit is None or constant.unit == "1":
            return rf"\num{{{number}}}"
        unit = _unit(constant.unit, self.declared)
        if unit is None:
            return rf"\num{{{number}}}\,\text{{{latex_text(constant.unit)}}}"
        return rf"\qty{{{number}}}{{{unit}}}"


def _constant(value: float, constants: Iterable[Constant]) -> Constant | None:
    """What is known of a number of the formula; nothing if numbers of that size differ in unit."""
    found = [c for c in constants if math.isclose(abs(_shown(c)), abs(value), rel_tol=SAME)]
    return found[0] if len({c.unit for c in found}) == 1 else None


def _shown(constant: Constant) -> float:
    """The value that stands in the formula: the exact one, if that is a decimal."""
    try:
        return float(constant.symbolic or constant.value)
    except ValueError:
        return constant.value


def _where(formula: Formula, units: Mapping[str, str], declared: dict[str, str]) -> str:
    """The line with the units of the columns that have one."""
    names = {formula.target: formula.latex_target}
    names |= {formula.symbols[str(symbol)]: name for symbol, name in formula.latex_names.items()}
    parts = []
    for column, name in names.items():
        text = units.get(column) or split_unit(column)[1]
        unit = _unit(text, declared)
        if unit is None:
            parts.append(f"${name}$ in {latex_text(text)}")
        elif unit:
            parts.append(rf"${name}$ in \unit{{{unit}}}")
    return f"where the units are: {', '.join(parts)}." if parts else ""


def _unit(text: str, declared: dict[str, str]) -> str | None:
    """The macros of a unit, None for a text that has none; units that siunitx lacks are added."""
    try:
        names = parse_unit(text).names
        return "".join(_power(name, power, declared) for name, power in _above_first(names))
    except DataError:
        return None


def _above_first(names: Powers) -> list[tuple[str, Fraction]]:
    return sorted(names.items, key=lambda item: item[1] < 0)


def _power(name: str, power: Fraction, declared: dict[str, str]) -> str:
    r"""A unit to a power: ``\per\second\squared``."""
    if power.denominator > 1:
        shown = str(power) if power.denominator <= 24 else f"{float(power):.4g}"
        return rf"{_macro(name, declared)}\tothe{{{shown}}}"
    size = abs(power.numerator)
    raised = {1: "", 2: r"\squared", 3: r"\cubed"}.get(size, rf"\tothe{{{size}}}")
    return (r"\per" if power < 0 else "") + _macro(name, declared) + raised


def _macro(name: str, declared: dict[str, str]) -> str:
    r"""``\kilo\meter``; a unit that siunitx lacks goes into ``declared`` with its symbol."""
    prefix, root, symbol = name_parts(name)
    if prefix and prefix not in PREFIXES:
        prefix, root, symbol = "", prefix + root, name
    macro = MACROS.get(root)
    if macro is None:
        macro = "".join(c for c in root if c.isascii() and c.isalpha())
        declared[macro] = rf"\text{{{latex_text(symbol)}}}"
    return (rf"\{prefix}" if prefix else "") + rf"\{macro}"
