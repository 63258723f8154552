"""A formula in another language: LaTeX, sympy, Python, C99 or JSON.

Python and C come out as one self-contained function of the input columns, with every number written
out to round-off, so that the file can be copied into a paper's repository or an instrument's firmware.
"""

import json
import re
from collections.abc import Callable, Mapping

import numpy as np
import sympy

from kansci.errors import SettingsError
from kansci.siunitx import to_siunitx
from kansci.source_text import (
    argument_lines,
    ascii_name,
    c_names,
    c_text,
    function_suffix,
    one_line,
    python_text,
)
from kansci.symbolic.formula import Formula, rounded

__all__ = ["TARGETS", "export", "shorten", "to_c", "to_json", "to_latex", "to_python", "to_sympy"]


def export(
    formula: Formula,
    target: str,
    digits: int | None = None,
    *,
    siunitx: bool = False,
    units: Mapping[str, str] | None = None,
) -> str:
    """Write a formula in another language.

    Args:
        formula: What to write; it must have no free parameters.
        target: One of ``TARGETS``.
        digits: Significant digits of the numbers, all of them by default.
        siunitx: LaTeX with the units of numbers and columns; see ``kansci.siunitx``.
        units: Column -> unit, for siunitx, over those in the names of the columns.

    Returns:
        The text, ending with a newline.

    Raises:
        SettingsError: There is no such target, ``digits`` is out of range, or ``siunitx`` is asked
            for what is not LaTeX.
    """
    if target not in TARGETS:
        raise SettingsError(f"cannot export to {target!r}: choose one of {', '.join(TARGETS)}")
    if digits is not None and not 1 <= digits <= 17:
        raise SettingsError(f"digits={digits}: choose 1 to 17")
    if siunitx and target != "latex":
        raise SettingsError(f"siunitx is a package of LaTeX: it cannot go into {target}")
    if siunitx:
        return to_siunitx(formula, units, digits)
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
    return formula.text


def to_json(formula: Formula) -> str:
    """A JSON object with the formula, its symbols, constants, LaTeX and complexity."""
    record = {
        "target": formula.target,
        "inputs": list(formula.inputs),
        "symbols": dict(formula.symbols),
        "formula": sympy.sstr(formula.expr, full_prec=False),
        "latex": formula.latex_rhs(),
        "complexity": formula.complexity,
        "constants": [c.to_json() for c in formula.constants],
    }
    return json.dumps(record, indent=2, ensure_ascii=False)


def to_python(formula: Formula) -> str:
    """A Python file with one numpy function (scipy too, where the formula needs it)."""
    body, modules = python_text(formula.expr)
    names, name = list(formula.symbols), f"predict_{function_suffix(formula.target)}"
    lines = [f'"""{one_line(formula.target)} by a formula found with kansci."""', ""]
    lines += [f"import {module}" for module in modules]
    lines += ["", "", f"def {name}({', '.join(names)}):"]
    lines += [f'    """{one_line(str(formula))}', "", *argument_lines(formula.symbols, "    "), '    """']
    lines += [f"    {symbol} = numpy.asarray({symbol}, dtype=float)" for symbol in names]
    return "\n".join([*lines, f"    return {body}", ""])


def to_c(formula: Formula) -> str:
    """A C99 file with one function; needs ``math.h`` only."""
    names = c_names(list(formula.symbols))
    body = c_text(
        formula.expr.xreplace({sympy.Symbol(symbol): sympy.Symbol(name) for symbol, name in names.items()})
    )
    columns = {names[symbol]: column for symbol, column in formula.symbols.items()}
    comment = [f"/* {one_line(str(formula)).replace('*/', '* /')}", *argument_lines(columns, " * "), " */"]
    arguments = ", ".join(f"double {name}" for name in columns) or "void"
    suffix = ascii_name(function_suffix(formula.target))
    return "\n".join(["#include <math.h>", "", *comment, f"double predict_{suffix}({arguments})", "{",
                      f"    return {body};", "}", ""])  # fmt: skip


TARGETS: dict[str, Callable[[Formula], str]] = {
    "latex": to_latex,
    "sympy": to_sympy,
    "python": to_python,
    "c": to_c,
    "json": to_json,
}


def _rounded(formula: Formula, digits: int | None) -> Formula:
    if digits is None:
        return formula
    return Formula(rounded(formula.expr, digits), formula.symbols, formula.target, formula.constants)


def _short_number(text: str, digits: int) -> str:
    if "e" in text:
        return f"{float(text):.{digits}g}"
    return np.format_float_positional(float(text), precision=digits, fractional=False, trim="-")
