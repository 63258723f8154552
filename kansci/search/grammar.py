"""What a formula may be made of, in the words of PySR (Cranmer, arXiv:2305.01582).

What counts, on the formula as it is written (see ``writing``):

- Operators: those listed. With only one of the two lists given, the other is PySR's default: no
  unary operators, and + - * / as binary ones. With neither, all there are.
- ``maxsize``: nodes of the tree (``symbolic.complexity``).
- ``maxdepth``: levels of the tree, a variable or number alone being one.
- ``nested_constraints``: ``{"sin": {"cos": 0}}``: inside a sin no cos; ``{"exp": {"exp": 1}}``: at
  most two exp in one another.
- ``functions``: more functions of one variable, ``{"gauss": "exp(-x**2)"}``. Each is an operator of
  its own, listed or not, and one node; in the result its formula stands in its place.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral
from typing import Any

import sympy

from kansci.errors import SettingsError
from kansci.expressions.custom import CustomPrimitive, custom_primitive
from kansci.expressions.primitives import LIBRARY, PRIMITIVES, Primitive, X
from kansci.search.writing import ALIASES, BINARY, UNARY, NotWritableError, Writer
from kansci.symbolic.complexity import complexity

__all__ = ["ANYTHING", "Grammar"]

_COSINE = replace(PRIMITIVES["sin"], name="cos", expr=sympy.cos(X))
_DEFAULT_BINARY = ("+", "-", "*", "/")


@dataclass(frozen=True)
class Grammar:
    """See the module. ``None`` is no restriction.

    Raises:
        SettingsError: An operator is unknown, or a limit is no whole number that makes sense.
        FormulaError: The formula of a function cannot be read.
    """

    unary_operators: Iterable[str] | None = None
    binary_operators: Iterable[str] | None = None
    maxsize: int | None = None
    maxdepth: int | None = None
    nested_constraints: Mapping[str, Mapping[str, int]] | None = None
    functions: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        _ = self.customs
        _ = self._writer
        _ = self._nestings
        for name, limit in (("maxsize", self.maxsize), ("maxdepth", self.maxdepth)):
            if limit is not None and not _whole(limit, 1):
                raise SettingsError(f"{name}={limit!r} must be a whole number of at least 1")

    def allows(self, expr: sympy.Expr) -> bool:
        """Whether a formula can be written with these operators, within the limits."""
        if self.maxsize is not None and complexity(expr) > self.maxsize:
            return False
        if self.any_operator and self.maxdepth is None and not self._nestings:
            return True
        try:
            tree = self._writer.write(expr)
        except NotWritableError:
            return False
        if self.maxdepth is not None and tree.depth > self.maxdepth:
            return False
        return all(tree.keeps(outer, inner, most) for outer, inner, most in self._nestings)

    @property
    def any_operator(self) -> bool:
        """Whether there is no restriction on operators."""
        return self._writer.allowed is None

    def operators_allow(self, expr: sympy.Expr) -> bool:
        """Whether the operators are enough, whatever the limits."""
        if self.any_operator:
            return True
        try:
            self._writer.write(expr)
        except NotWritableError:
            return False
        return True

    @cached_property
    def library(self) -> tuple[Primitive, ...]:
        """The one-variable functions worth trying, the added ones first."""
        # a cosine is a shifted sine, unless there is no sine
        cosine = () if self.operators_allow(sympy.sin(X)) else (_COSINE,)
        return self.customs + tuple(p for p in (*LIBRARY, *cosine) if self.operators_allow(p.expr))

    @cached_property
    def customs(self) -> tuple[CustomPrimitive, ...]:
        """The added functions."""
        functions = self.functions or {}
        if not isinstance(functions, Mapping):
            raise SettingsError(
                f"functions={functions!r}: give names and formulas, {{'gauss': 'exp(-x**2)'}}"
            )
        for name in functions:
            if name in UNARY or name in BINARY or name in ALIASES:
                raise SettingsError(f"function {name!r} exists already: choose another name")
        return tuple(custom_primitive(name, text) for name, text in functions.items())

    @cached_property
    def _writer(self) -> Writer:
        names = {custom.name for custom in self.customs}
        if self.unary_operators is None and self.binary_operators is None:
            return Writer()
        unary = () if self.unary_operators is None else self.unary_operators
        binary = _DEFAULT_BINARY if self.binary_operators is None else self.binary_operators
        listed = _names("unary_operators", unary, (*UNARY, *names))
        return Writer(frozenset(listed | _names("binary_operators", binary, BINARY)))

    @cached_property
    def _nestings(self) -> tuple[tuple[str, str, int], ...]:
        """Outer operator, inner operator, how many at most."""
        setting, given = "nested_constraints", self.nested_constraints or {}
        if not isinstance(given, Mapping) or not all(isinstance(inner, Mapping) for inner in given.values()):
            raise SettingsError(f"nested_constraints={given!r}: give {{'sin': {{'sin': 0, 'cos': 0}}}}")
        known = (*UNARY, *BINARY, *(custom.name for custom in self.customs))
        found: list[tuple[str, str, int]] = []
        for outer, limits in given.items():
            for inner, most in limits.items():
                if not _whole(most, 0):
                    raise SettingsError(
                        f"nested_constraints: {outer}, {inner}: {most!r} must be a whole number"
                    )
                found.append((_name(setting, outer, known), _name(setting, inner, known), most))
        return tuple(found)


ANYTHING = Grammar()


def _names(setting: str, given: Any, known: tuple[str, ...]) -> set[str]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise SettingsError(f"{setting}={given!r} must be a list of names")
    return {_name(setting, name, known) for name in given}


def _name(setting: str, name: Any, known: tuple[str, ...]) -> str:
    """The operator's own name.

    Raises:
        SettingsError: There is no such operator.
    """
    own = ALIASES.get(name, name) if isinstance(name, str) else name
    if own not in known:
        raise SettingsError(f"{setting}: {name!r} is no operator (known: {', '.join(known)})")
    return own


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least
