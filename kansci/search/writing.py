"""A formula as a tree of the operators that a person (or PySR) would write it with.

Sympy knows one sum, one product and one power; a written formula has ``-``, ``/``, ``sqrt``,
``inv``, ... Where there are several ways, the first one that the given operators allow is taken:

    x^(1/2)      sqrt, ^                 x^n      square, cube, ^, repeated *
    x^(1/3)      cbrt, ^                 x^(p/q)  ^, roots of powers by sqrt and cbrt
    1/x          /, inv, ^               a - b    -, + with a negative constant
    -x           neg, * by -1, 0 - x     c*x      *, / by a constant

A number is one leaf whatever it is made of. ``log2`` and ``log10`` are ``log``, but for a factor.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import sympy

from kansci.expressions.custom import Custom

__all__ = ["ALIASES", "BINARY", "UNARY", "Node", "NotWritableError", "Writer"]

_FUNCTIONS: dict[type, str] = {
    **{
        getattr(sympy, name): name
        for name in (
            "exp log sin cos tan cot sec csc asin acos atan sinh cosh tanh coth asinh acosh atanh "
            "erf erfc gamma loggamma sinc sign floor"
        ).split()
    },
    sympy.Abs: "abs",
    sympy.ceiling: "ceil",
    sympy.atan2: "atan2",
    sympy.Max: "max",
    sympy.Min: "min",
}
_ON_REQUEST = frozenset({"square", "cube", "inv", "neg"})
"""Special cases of other operators: used only where they are listed."""
UNARY = (
    *(name for name in _FUNCTIONS.values() if name not in {"atan2", "max", "min"}),
    *("sqrt", "cbrt", "besselj0", "besselj1", *sorted(_ON_REQUEST)),
)
BINARY = ("+", "-", "*", "/", "^", "atan2", "max", "min")
ALIASES = {"log2": "log", "log10": "log", "ln": "log", "pow": "^", "**": "^"}
MOST_REPEATED = 64


class NotWritableError(Exception):
    """The operators are not enough for an expression."""


@dataclass(frozen=True)
class Node:
    """An operator (``""`` for a leaf) and what it is applied to; sums and products take any number."""

    name: str
    args: tuple["Node", ...] = ()

    @property
    def depth(self) -> int:
        """Levels of the flattest tree of binary operators, 1 for a leaf (Golumbic 1976)."""
        levels = [arg.depth for arg in self.args]
        if self.name not in ("+", "-", "*"):
            return 1 + max(levels, default=0)
        heapq.heapify(levels)
        while len(levels) > 1:
            heapq.heappop(levels)
            heapq.heapreplace(levels, levels[0] + 1)
        return levels[0]

    def count(self, name: str) -> int:
        """The most operators of a name on one path from here to a leaf."""
        return (self.name == name) + max((arg.count(name) for arg in self.args), default=0)

    def keeps(self, outer: str, inner: str, most: int) -> bool:
        """Whether at most so many operators ``inner`` are nested inside every ``outer``."""
        if self.name == outer and any(arg.count(inner) > most for arg in self.args):
            return False
        return all(arg.keeps(outer, inner, most) for arg in self.args)


_LEAF = Node("")


class Writer:
    """Writes with the operators ``allowed``, or with all there are for None."""

    def __init__(self, allowed: frozenset[str] | None = None) -> None:
        self.allowed = allowed

    def write(self, e: sympy.Expr) -> Node:
        """The tree; ``NotWritableError`` if the operators are not enough."""
        if e.is_Symbol or e.is_number:
            return _LEAF
        if e.is_Add:
            return self._sum(e.args)
        if e.is_Mul:
            return self._product(e.args)
        if e.is_Pow and e.base != sympy.E:
            return self._power(e.base, e.exp)
        return self._call(e)

    def _has(self, name: str) -> bool:
        return name not in _ON_REQUEST if self.allowed is None else name in self.allowed

    def _node(self, name: str, *args: Node) -> Node:
        if not self._has(name):
            raise NotWritableError(name)
        return Node(name, args)

    def _call(self, e: sympy.Expr) -> Node:
        if isinstance(e, Custom):
            return Node(type(e).__name__, (self.write(e.args[0]),))
        if isinstance(e, sympy.exp):
            return self._node("exp", self.write(e.exp))
        if isinstance(e, sympy.besselj):
            return self._node(f"besselj{e.args[0]}", self.write(e.args[1]))
        name = _FUNCTIONS.get(e.func, e.func.__name__)
        return self._node(name, *map(self.write, e.args))

    def _sum(self, terms: Sequence[sympy.Expr]) -> Node:
        """The positive terms first; without ``-`` a negative term is added, with its sign in a constant."""
        negative = [t for t in terms if t.could_extract_minus_sign()] if self._has("-") else []
        positive = [t for t in terms if t not in negative]
        if not positive:
            positive, negative = negative[:1], negative[1:]
        written = [self.write(t) for t in positive]
        head = written[0] if len(written) == 1 else self._node("+", *written)
        return Node("-", (head, *(self.write(-t) for t in negative))) if negative else head

    def _product(self, factors: Sequence[sympy.Expr]) -> Node:
        constant = sympy.Mul(*(f for f in factors if f.is_number))
        rest = [f for f in factors if not f.is_number]
        below = [f for f in rest if f.is_Pow and f.exp.is_number and f.exp.is_negative]
        if below and self._has("/"):
            above = [f for f in rest if f not in below]
            numerator = self._times(constant, above) if above else _LEAF
            return Node("/", (numerator, self._times(sympy.S.One, [1 / f for f in below])))
        return self._times(constant, rest)

    def _times(self, constant: sympy.Expr, factors: Sequence[sympy.Expr]) -> Node:
        """The product of a number and what is not one."""
        written = [self.write(f) for f in factors]
        bare = written[0] if len(written) == 1 else self._node("*", *written)
        if constant == 1:
            return bare
        if constant == -1 and self._has("neg"):
            return Node("neg", (bare,))
        if self._has("*"):
            return Node("*", (_LEAF, *written))
        if constant == -1:
            return self._node("-", _LEAF, bare)
        return self._node("/", bare, _LEAF)

    def _power(self, base: sympy.Expr, exponent: sympy.Expr) -> Node:
        if not exponent.is_number:
            return self._node("^", self.write(base), self.write(exponent))
        if exponent.is_negative and (self._has("/") or self._has("inv")):
            below = self.write(base**-exponent)
            return Node("/", (_LEAF, below)) if self._has("/") else Node("inv", (below,))
        short = {
            sympy.S.Half: "sqrt",
            sympy.Rational(1, 3): "cbrt",
            sympy.Integer(2): "square",
            sympy.Integer(3): "cube",
        }.get(exponent, "^")
        if self._has(short):
            return Node(short, (self.write(base), _LEAF) if short == "^" else (self.write(base),))
        if self._has("^"):
            return Node("^", (self.write(base), _LEAF))
        return self._roots(base, exponent)

    def _roots(self, base: sympy.Expr, exponent: sympy.Expr) -> Node:
        """Rational powers without ``^``."""
        if exponent.is_Rational and exponent.q % 2 == 0:
            return self._node("sqrt", self.write(base ** (2 * exponent)))
        if exponent.is_Rational and exponent.q % 3 == 0:
            return self._node("cbrt", self.write(base ** (3 * exponent)))
        if not (exponent.is_Integer and 2 <= exponent <= MOST_REPEATED):
            raise NotWritableError("^")
        if exponent.is_even and self._has("square"):
            return Node("square", (self.write(base ** (exponent / 2)),))
        return self._node("*", *([self.write(base)] * int(exponent)))
