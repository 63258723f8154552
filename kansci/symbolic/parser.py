"""Formula text -> sympy expression, by a grammar of our own.

    sum     := term (("+" | "-") term)*
    term    := unary (("*" | "/") unary)*
    unary   := ("+" | "-") unary | power
    power   := atom (("**" | "^") unary)?
    atom    := number | name | function "(" sum ("," sum)* ")" | "(" sum ")"

Text from outside is never handed to ``sympify``, ``parse_expr`` or ``eval``: only the nodes
named here can come out, so a formula in a file or on the command line is data.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice

import sympy

from kansci.errors import FormulaError

__all__ = ["CONSTANTS", "FUNCTIONS", "parse"]

MAX_LENGTH = 20_000
MAX_DEPTH = 60
MAX_EXPONENT = 10_000
"""An integer power above this would let a short text build an astronomically large number."""

FUNCTIONS: dict[str, Callable[..., sympy.Expr]] = {
    **{
        name: getattr(sympy, name)
        for name in (
            "sin cos tan cot sec csc asin acos atan atan2 sinh cosh tanh coth asinh acosh atanh "
            "exp log sqrt cbrt erf erfc gamma loggamma besselj bessely besseli besselk "
            "sinc sign Abs Max Min floor ceiling Heaviside LambertW"
        ).split()
    },
    "abs": sympy.Abs,
    "ln": sympy.log,
    "log10": lambda x: sympy.log(x, 10),
    "log2": lambda x: sympy.log(x, 2),
    "arcsin": sympy.asin,
    "arccos": sympy.acos,
    "arctan": sympy.atan,
    "arctanh": sympy.atanh,
}
CONSTANTS: dict[str, sympy.Expr] = {"pi": sympy.pi, "E": sympy.E}

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)|(?P<op>\*\*|[-+*/^(),]))"
)


def parse(text: str, symbols: Iterable[str] | Mapping[str, sympy.Symbol] | None = None) -> sympy.Expr:
    """Read a formula.

    Args:
        text: The formula, for example ``"a*exp(-b*x) + pi"``.
        symbols: The names that may occur, or a mapping from name to symbol. A name given here
            wins over a constant of the same name. Without it every unknown name is a symbol.

    Returns:
        The sympy expression, unevaluated beyond what sympy does on construction.

    Raises:
        FormulaError: The text is not a formula, or holds a name that is not allowed.
    """
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"formula has {len(text)} characters, more than the {MAX_LENGTH} allowed")
    known: Mapping[str, sympy.Symbol] | None
    if symbols is None or isinstance(symbols, Mapping):
        known = symbols
    else:
        known = {name: sympy.Symbol(name) for name in symbols}
    return _Parser(text, known).parse()


class _Parser:
    """Recursive descent over the tokens of one formula."""

    def __init__(self, text: str, known: Mapping[str, sympy.Symbol] | None) -> None:
        self.text, self.known, self.depth, self.at = text, known, 0, 0
        self.tokens = list(self._tokens())

    def _tokens(self) -> Iterable[tuple[str, str, int]]:
        position, text = 0, self.text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self._error("unexpected character", position)
            kind = str(match.lastgroup)
            yield kind, match.group(kind), match.start(kind)
            position = match.end()
        yield "end", "", len(text)

    def _error(self, what: str, position: int) -> FormulaError:
        near = self.text[position : position + 12] or "the end"
        return FormulaError(f"formula {self.text[:60]!r}: {what} at column {position + 1}, near {near!r}")

    def parse(self) -> sympy.Expr:
        value = self._sum()
        kind, _, position = self.tokens[self.at]
        if kind != "end":
            raise self._error("unexpected text", position)
        return value

    def _accept(self, *operators: str) -> str | None:
        kind, text, _ = self.tokens[self.at]
        if kind == "op" and text in operators:
            self.at += 1
            return text
        return None

    def _expect(self, operator: str) -> None:
        if self._accept(operator) is None:
            raise self._error(f"expected {operator!r}", self.tokens[self.at][2])

    def _sum(self) -> sympy.Expr:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._error(f"nested deeper than {MAX_DEPTH}", self.tokens[self.at][2])
        value = self._term()
        while operator := self._accept("+", "-"):
            right = self._term()
            value = value + right if operator == "+" else value - right
        self.depth -= 1
        return value

    def _term(self) -> sympy.Expr:
        value = self._unary()
        while operator := self._accept("*", "/"):
            position = self.tokens[self.at][2]
            right = self._unary()
            if operator == "/" and right.is_zero:
                raise self._error("division by zero", position)
            value = value * right if operator == "*" else value / right
        return value

    def _unary(self) -> sympy.Expr:
        signs = list(islice(iter(lambda: self._accept("+", "-"), None), MAX_DEPTH))
        value = self._power()
        return -value if signs.count("-") % 2 else value

    def _power(self) -> sympy.Expr:
        base = self._atom()
        if self._accept("**", "^") is None:
            return base
        position = self.tokens[self.at][2]
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._error(f"nested deeper than {MAX_DEPTH}", position)
        exponent = self._unary()
        self.depth -= 1
        if exponent.is_number and base.is_number and abs(sympy.N(exponent)) > MAX_EXPONENT:
            raise self._error(f"a power above {MAX_EXPONENT}", position)
        if base.is_zero and exponent.is_negative:
            raise self._error("division by zero", position)
        return base**exponent

    def _atom(self) -> sympy.Expr:
        kind, text, position = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return sympy.Integer(text) if text.isdigit() else sympy.Float(text)
        if kind == "op" and text == "(":
            value = self._sum()
            self._expect(")")
            return value
        if kind == "name":
            return self._name(text, position)
        raise self._error("expected a number, a name or '('", position)

    def _name(self, name: str, position: int) -> sympy.Expr:
        is_call = self.tokens[self.at][1] == "(" and self.tokens[self.at][0] == "op"
        if is_call and name in FUNCTIONS and not (self.known and name in self.known):
            return self._call(name, position)
        if self.known is not None and name in self.known:
            return self.known[name]
        if name in CONSTANTS:
            return CONSTANTS[name]
        if self.known is not None:
            raise self._error(f"unknown name {name!r} (known: {', '.join(self.known) or 'none'})", position)
        if is_call or name in FUNCTIONS:
            raise self._error(f"{name!r} is not a function that can be called here", position)
        return sympy.Symbol(name)

    def _call(self, name: str, position: int) -> sympy.Expr:
        self._expect("(")
        arguments = [self._sum()]
        while self._accept(","):
            arguments.append(self._sum())
        self._expect(")")
        try:
            value = FUNCTIONS[name](*arguments)
        except (TypeError, ValueError) as error:
            raise self._error(f"{name} cannot take {len(arguments)} such arguments", position) from error
        if value.has(sympy.zoo, sympy.nan, sympy.oo):
            raise self._error(f"{name} is not finite here", position)
        return value
