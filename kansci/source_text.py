"""Expressions, names and comments as Python and C have them."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sympy
from sympy.printing.c import C99CodePrinter
from sympy.printing.numpy import SciPyPrinter

from kansci.data.names import split_unit, symbol_names
from kansci.errors import FormulaError

__all__ = [
    "argument_lines",
    "ascii_name",
    "c_names",
    "c_text",
    "elementary",
    "function_suffix",
    "number_lines",
    "one_line",
    "python_text",
]

C_KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if inline int "
    "long register restrict return short signed sizeof static struct switch typedef union unsigned void "
    "volatile while exp log sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh sqrt cbrt pow "
    "fabs floor ceil fmax fmin erf erfc tgamma lgamma main".split()
)
"""Names a C parameter must not have: keywords, and the functions that a formula may call."""


def python_text(expr: sympy.Expr) -> tuple[str, list[str]]:
    """An expression in numpy and, where it must be, scipy.

    Args:
        expr: The expression.

    Returns:
        Its text, and the modules to import.

    Raises:
        FormulaError: It holds a function that neither has.
    """
    printer = _Python({"fully_qualified_modules": True})
    body = printer.doprint(elementary(expr))
    if "Not supported" in body:
        raise FormulaError("the formula holds a function that numpy and scipy lack: export it to sympy")
    return body, sorted({"numpy", *printer.module_imports})


def c_text(expr: sympy.Expr) -> str:
    """An expression in C99.

    Args:
        expr: The expression.

    Returns:
        Its text.

    Raises:
        FormulaError: It holds a function that C99 does not have.
    """
    _, unsupported, body = _C({"human": False, "math_macros": {}}).doprint(elementary(expr))
    if unsupported:
        what = ", ".join(sorted(str(item) for item in unsupported))
        raise FormulaError(f"C99 has no function for {what}: export the formula to python or sympy")
    return body


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


def elementary(expr: sympy.Expr) -> sympy.Expr:
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


def c_names(symbols: Sequence[str]) -> dict[str, str]:
    """Symbol -> ASCII name that C accepts, distinct."""
    names: dict[str, str] = {}
    for symbol in symbols:
        name = ascii_name(symbol)
        name = f"{name}_" if name in C_KEYWORDS else name
        while name in names.values() or (name != symbol and name in symbols):
            name += "_"
        names[symbol] = name
    return names


def ascii_name(name: str) -> str:
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


def function_suffix(target: str) -> str:
    """What follows ``predict_`` in the name of the function."""
    return next(iter(symbol_names([target]))).rstrip("_") or "y"


def number_lines(values: Iterable[float]) -> str:
    """Numbers that read back as the same, six a line, separated by commas."""
    words = [repr(float(value)) for value in values]
    return ",\n    ".join(", ".join(words[start : start + 6]) for start in range(0, len(words), 6))


def argument_lines(columns: Mapping[str, str], indent: str) -> list[str]:
    """What each argument is: its column, and the unit if the header gives one."""
    lines = []
    for symbol, column in columns.items():
        name, unit = split_unit(column)
        text = f"{symbol}: column {name!r}" + (f" in {unit}" if unit else "")
        lines.append(indent + one_line(text).replace("*/", "* /"))
    return lines


def one_line(text: str) -> str:
    """Column names are free text: nothing in them may end the comment or the docstring."""
    return re.sub(r"\s+", " ", text).replace("\\", "/").replace('"""', "'''")
