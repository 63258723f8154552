"""Functions of one variable that a user adds: one operator each while a formula is searched.

As sympy functions of their own they pass through refits and simplification unharmed, and count as
one node; ``written_out`` puts their formulas in their place.
"""

import re
from dataclasses import dataclass

import numpy as np
import sympy

from kansci.errors import FormulaError
from kansci.expressions.parser import CONSTANTS, FUNCTIONS, parse
from kansci.expressions.primitives import Primitive, X

__all__ = ["Custom", "CustomPrimitive", "custom_primitive", "written_out"]

_NAME = re.compile(r"[^\W\d]\w*")


class Custom(sympy.Function):
    """Base of the added functions; ``body`` is the formula, in ``X``."""

    nargs = 1
    body: sympy.Expr

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """The derivative, written out."""
        return sympy.diff(self.body, X).xreplace({X: self.args[0]})

    def _eval_is_extended_real(self) -> bool | None:
        return self.args[0].is_extended_real


@dataclass(frozen=True)
class CustomPrimitive(Primitive):
    """A primitive that stands as ``function`` in formulas."""

    function: type[Custom] = Custom

    def __call__(self, inner: sympy.Expr) -> sympy.Expr:
        """``f(inner)`` as one operator."""
        return self.function(inner)


def custom_primitive(name: str, text: str) -> CustomPrimitive:
    """Read a function from its formula.

    Args:
        name: What to call it.
        text: Its formula in one variable of any name, such as ``"exp(-x**2)"``.

    Returns:
        The primitive.

    Raises:
        FormulaError: The name is taken or no name, or the text is no function of one variable that
            is finite anywhere near zero.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise FormulaError(f"function {name!r}: its name must be letters, digits and underscores")
    if name in FUNCTIONS or name in CONSTANTS:
        raise FormulaError(f"function {name!r} exists already: choose another name")
    if not isinstance(text, str):
        raise FormulaError(f"function {name!r}: give its formula as text, such as 'exp(-x**2)'")
    body = parse(text)
    variables = sorted(map(str, body.free_symbols))
    if len(variables) != 1:
        found = ", ".join(variables) or "none"
        raise FormulaError(f"function {name!r}: {text!r} must have one variable, it has {found}")
    body = body.xreplace(dict.fromkeys(body.free_symbols, X))
    function: type[Custom] = type(name, (Custom,), {"body": body})
    primitive = CustomPrimitive(name, body, 1, function=function)
    if not np.isfinite(primitive.values(np.linspace(-3.0, 3.0, 61))).any():
        raise FormulaError(f"function {name!r}: {text!r} is finite nowhere between -3 and 3")
    return primitive


def written_out(expr: sympy.Expr) -> sympy.Expr:
    """The expression with the formula of every added function in its place."""
    if not expr.has(Custom):
        return expr
    return expr.replace(lambda e: isinstance(e, Custom), lambda e: e.body.xreplace({X: e.args[0]}))
