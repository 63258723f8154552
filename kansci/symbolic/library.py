"""The functions that an edge can be given by name: the table of primitives, under pykan's names too."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import sympy

from kansci.errors import SettingsError
from kansci.expressions.evaluate import in_x
from kansci.expressions.parser import parse
from kansci.expressions.primitives import LIBRARY, PRIMITIVES, Primitive, X
from kansci.symbolic.complexity import complexity

__all__ = ["SYMBOLIC_LIB", "Library", "add_symbolic", "chosen_functions", "find_function"]

Library = Mapping[str, Primitive]

_ALIASES = {
    "x^0.5": "sqrt",
    "x^1.5": "x^(3/2)",
    "1/sqrt(x)": "1/sqrt",
    "1/x^0.5": "1/sqrt",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctanh": "atanh",
}
_FURTHER = (
    Primitive("0", sympy.S.Zero, 0, shift=False, scale=False),
    Primitive("1/x^5", 1 / X**5, 4, scale=False),
    replace(PRIMITIVES["sin"], name="cos", expr=sympy.cos(X)),
    Primitive("sgn", sympy.sign(X), 1, scale=False),
)

SYMBOLIC_LIB: Library = MappingProxyType(
    {
        **PRIMITIVES,
        **{primitive.name: primitive for primitive in _FURTHER},
        **{alias: replace(PRIMITIVES[name], name=alias) for alias, name in _ALIASES.items()},
    }
)
"""Every function by its names; pykan's names among them. It does not change: see `add_symbolic`."""


def add_symbolic(name: str, fun: Any, c: int | None = None, lib: Library = SYMBOLIC_LIB) -> Library:
    """Give a library with one more function, for `fix_symbolic` and the like.

    A function is a formula here, never a Python function: it is differentiated, printed and stored.

    Args:
        name: what to call it.
        fun: sympy expression of one symbol, or its text, which the safe grammar of formulas reads.
        c: complexity; by default counted.
        lib: the library to start from.

    Returns:
        The new library; the old one is as it was.

    Example:
        >>> lib = add_symbolic("lorentz", "1/(1 + x^2)")
        >>> lib["lorentz"].expr
        1/(x**2 + 1)
    """
    return {**lib, name: _formula(name, fun, c)}


def find_function(fun: Any, lib: Library | None = None) -> Primitive:
    """Look up a function by its name, or read it as a formula.

    Args:
        fun: a name in the library, a formula in x as text, a sympy expression of one symbol, or a primitive.
        lib: the library, `SYMBOLIC_LIB` by default.

    Returns:
        The function.
    """
    library = SYMBOLIC_LIB if lib is None else lib
    if isinstance(fun, Primitive):
        return fun
    if isinstance(fun, str) and fun in library:
        return library[fun]
    return _formula(str(fun), fun, None)


def chosen_functions(lib: Library | Sequence[Any] | None = None) -> tuple[Primitive, ...]:
    """List the functions to choose among.

    Args:
        lib: a library, or names and formulas; by default one of each kind there is.

    Returns:
        The functions.

    Raises:
        SettingsError: there are none.
    """
    if lib is None:
        return LIBRARY
    functions = tuple(lib.values()) if isinstance(lib, Mapping) else tuple(find_function(fun) for fun in lib)
    if not functions:
        raise SettingsError("lib is empty: name at least one function")
    return functions


def _formula(name: str, fun: Any, c: int | None) -> Primitive:
    if isinstance(fun, str):
        fun = parse(fun, {"x": X})
    if not isinstance(fun, sympy.Expr):
        raise SettingsError(f"{name}: give a formula in x, such as 'sin(x)/x' or a sympy expression")
    expr = in_x(fun)
    return Primitive(name, expr, complexity(expr) - 1 if c is None else c)
