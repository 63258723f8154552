"""A formula in another language: LaTeX, sympy, Python, C99 or JSON.

Python and C come out as one self-contained function of the input columns, with every number written
out to round-off, so that the file can be copied into a paper's repository or an instrument's firmware.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy
from sympy.printing.c import C99CodePrinter
from sympy.printing.numpy import SciPyPrinter

from kansci.data.names import split_unit, symbol_names
from kansci.errors import FormulaError, SettingsError
from kansci.symbolic.formula import Formula

__all__ = ["TARGETS", "export", "shorten", "to_c", "to_json", "to_latex", "to_python", "to_sympy"]

C_KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if inline int "
    "long register restrict return short signed sizeof static struct switch typedef union unsigned void "
    "volatile while exp log sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh sqrt cbrt pow "
    "fabs floor ceil fmax fmin erf erfc tgamma lgamma main".split()
)
"""Names a C parameter must not have: keywords, and the functions that a formula may call."""


def export(formula: Formula, target: str, digits: int | None = None) -> str:
    """Write a formula in another language.

    Args:
        formula: What to write; it must have no free parameters.
        target: One of ``TARGETS``.
        digits: Significant digits of the numbers, all of them by default.

    Returns:
        The text, ending with a newline.

    Raises:
        SettingsError: There is no such target, or ``digits`` is out of range.
    """
    if target not in TARGETS:
        raise SettingsError(f"cannot export to {target!r}: choose one of {', '.join(TARGETS)}")
    if digits is not None and not 1 <= digits <= 17:
        raise SettingsError(f"digits={digits}: choose 1 to 17")
    return TARGETS[target](_rounded(formula, digits)).rstrip("\n") + "\n"


def shorten(text: str, digits: int = 6) -> str:
    """A formula, as text or LaTeX, with its decimal numbers rounded for reading.

    >>> shorten("2.000000012*x**1.4999 + 1234567.891", 4)
    '2*x**1.5 + 1235000'
    """
    return re.sub(
        r"(?<![\w.])\d+\.\d+(?:e[+-]?\d+)?", lambda match: _short_number(match.group(), digits), text
    )


def to_latex(formula: Formula) -> str:
    """LaTeX of ``target = formula``, without dollar signs."""
    return formula.latex()


def to_sympy(formula: Formula) -> str:
    """The right-hand side as sympy (and Python) reads it, over the names of ``formula.symbols``."""
    return sympy.sstr(_shortest(formula.expr), full_prec=False)


def to_json(formula: Formula) -> str:
    """A JSON object with the formula, its symbols, constants, LaTeX and complexity."""
    record = {
        "target": formula.target,
        "inputs": list(formula.inputs),
        "symbols": dict(formula.symbols),
        "formula": sympy.sstr(formula.expr, full_prec=False),
        "latex": formula.latex_rhs(),
        "complexity": formula.complexity,
        "constants": [
            {"value": c.value, "stderr": c.stderr, "symbolic": c.symbolic} for c in formula.constants
        ],
    }
    return json.dumps(record, indent=2, ensure_ascii=False)


def to_python(formula: Formula) -> str:
    """A Python file with one numpy function (scipy too, where the formula needs it)."""
    printer = _Python({"fully_qualified_modules": True})
    body = printer.doprint(_elementary(formula.expr))
    if "Not supported" in body:
        raise FormulaError("the formula holds a function that numpy and scipy lack: export it to sympy")
    names, name = list(formula.symbols), f"predict_{_function_suffix(formula.target)}"
    modules = sorted({"numpy", *printer.module_imports})
    lines = [f'"""{_one_line(formula.target)} by a formula found with kansci."""', ""]
    lines += [f"import {module}" for module in modules]
    lines += ["", "", f"def {name}({', '.join(names)}):"]
    lines += [f'    """{_one_line(str(formula))}', "", *_argument_lines(formula.symbols, "    "), '    """']
    lines += [f"    {symbol} = numpy.asarray({symbol}, dtype=float)" for symbol in names]
    return "\n".join([*lines, f"    return {body}", ""])


def to_c(formula: Formula) -> str:
    """A C99 file with one function; needs ``math.h`` only.

    Args:
        formula: What to write.

    Returns:
        The source.

    Raises:
        FormulaError: The formula holds a function that C99 does not have.
    """
    names = _c_names(list(formula.symbols))
    renamed = _elementary(formula.expr).xreplace(
        {sympy.Symbol(symbol): sympy.Symbol(name) for symbol, name in names.items()}
    )
    _, unsupported, body = _C({"human": False, "math_macros": {}}).doprint(renamed)
    if unsupported:
        what = ", ".join(sorted(str(item) for item in unsupported))
        raise FormulaError(f"C99 has no function for {what}: export the formula to python or sympy")
    columns = {names[symbol]: column for symbol, column in formula.symbols.items()}
    comment = [f"/* {_one_line(str(formula)).replace('*/', '* /')}", *_argument_lines(columns, " * "), " */"]
    arguments = ", ".join(f"double {name}" for name in columns) or "void"
    suffix = _ascii(_function_suffix(formula.target))
    return "\n".join(["#include <math.h>", "", *comment, f"double predict_{suffix}({arguments})", "{",
                      f"    return {body};", "}", ""])  # fmt: skip


TARGETS: dict[str, Callable[[Formula], str]] = {
    "latex": to_latex,
    "sympy": to_sympy,
    "python": to_python,
    "c": to_c,
    "json": to_json,
}


class _Python(SciPyPrinter):
    """Numbers as the shortest text that reads back to the same float."""

    def _print_Float(self, expr: sympy.Float) -> str:
        return _number(expr)


class _C(C99CodePrinter):
    """The same for C, and pi as a number: ``M_PI`` is not in C99."""

    def _print_Float(self, expr: sympy.Float) -> str:
        return _number(expr)

    def _print_NumberSymbol(self, expr: sympy.NumberSymbol) -> str:
        return repr(float(expr))


def _number(expr: sympy.Float) -> str:
    text = repr(float(expr)) if expr._prec >= 53 else str(expr)
    return f"({text})" if text.startswith("-") else text


def _rounded(formula: Formula, digits: int | None) -> Formula:
    if digits is None:
        return formula
    numbers = {number: _to_digits(number, digits) for number in formula.expr.atoms(sympy.Float)}
    return Formula(formula.expr.xreplace(numbers), formula.symbols, formula.target, formula.constants)


def _to_digits(number: sympy.Float, digits: int) -> sympy.Float:
    """Rounded in decimal; sympy alone would round in binary, and other digits would show."""
    return sympy.Float(f"{float(number):.{digits - 1}e}", digits)


def _short_number(text: str, digits: int) -> str:
    if "e" in text:
        return f"{float(text):.{digits}g}"
    return np.format_float_positional(float(text), precision=digits, fractional=False, trim="-")


def _shortest(expr: sympy.Expr) -> sympy.Expr:
    """Every float as the shortest text that reads back to it: 0.1, not 0.10000000000000001."""
    return expr.xreplace({f: sympy.Float(repr(float(f))) for f in expr.atoms(sympy.Float) if f._prec >= 53})


def _elementary(expr: sympy.Expr) -> sympy.Expr:
    """Functions that neither numpy nor C have, by those that both have."""
    x = sympy.Wild("x")
    rules: list[tuple[Any, Any]] = [
        (sympy.cot(x), 1 / sympy.tan(x)),
        (sympy.sec(x), 1 / sympy.cos(x)),
        (sympy.csc(x), 1 / sympy.sin(x)),
        (sympy.coth(x), 1 / sympy.tanh(x)),
        (sympy.Heaviside(x), sympy.Piecewise((0, x < 0), (1, x > 0), (sympy.Rational(1, 2), True))),
        (sympy.sinc(x), sympy.Piecewise((sympy.sin(x) / x, sympy.Ne(x, 0)), (1, True))),
    ]
    for pattern, replacement in rules:
        if expr.has(pattern.func):
            expr = expr.replace(pattern, replacement)
    return expr


def _c_names(symbols: Sequence[str]) -> dict[str, str]:
    """Symbol -> ASCII name that C accepts, distinct."""
    names: dict[str, str] = {}
    for symbol in symbols:
        name = _ascii(symbol)
        name = f"{name}_" if name in C_KEYWORDS else name
        while name in names.values() or (name != symbol and name in symbols):
            name += "_"
        names[symbol] = name
    return names


def _ascii(name: str) -> str:
    """Greek letters by their names, other letters without their accents."""
    text = re.sub(r"[^\x00-\x7f]", _spelled, unicodedata.normalize("NFC", name))
    text = re.sub(r"\W", "_", text, flags=re.ASCII)
    return f"x{text}" if text[:1].isdigit() or not text.strip("_") else text


def _spelled(match: re.Match[str]) -> str:
    letter = match.group()
    words = unicodedata.name(letter, "").split()
    if words[:1] == ["GREEK"] and "LETTER" in words:
        spelled = words[words.index("LETTER") + 1].lower()
        return spelled.capitalize() if "CAPITAL" in words else spelled
    plain = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
    return plain or f"u{ord(letter):x}"


def _function_suffix(target: str) -> str:
    return next(iter(symbol_names([target]))).rstrip("_") or "y"


def _argument_lines(columns: Mapping[str, str], indent: str) -> list[str]:
    """What each argument is: its column, and the unit if the header gives one."""
    lines = []
    for symbol, column in columns.items():
        name, unit = split_unit(column)
        text = f"{symbol}: column {name!r}" + (f" in {unit}" if unit else "")
        lines.append(indent + _one_line(text).replace("*/", "* /"))
    return lines


def _one_line(text: str) -> str:
    """Column names are free text: nothing in them may end the comment or the docstring."""
    return re.sub(r"\s+", " ", text).replace("\\", "/").replace('"""', "'''")
