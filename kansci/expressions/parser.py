"""Formula text -> sympy expression, by a grammar of our own.

    formula := sum, or where an equation is asked for: sum "=" sum
    sum     := term (("+" | "-") term)*
    term    := unary (("*" | "/") unary)*
    unary   := ("+" | "-") unary | power
    power   := atom (("**" | "^") unary)?
    atom    := number | name | function "(" sum ("," sum)* ")" | "(" sum ")"

Text from outside is never handed to ``sympify``, ``parse_expr`` or ``eval``: only the nodes
named here can come out, so a formula in a file or on the command line is data. Sympy evaluates
numbers when it builds a node, so what would build one beyond double precision is refused first.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice

import sympy

from kansci.errors import FormulaError

__all__ = ["CONSTANTS", "FUNCTIONS", "parse"]

MAX_LENGTH = 20_000
MAX_DEPTH = 60
MAX_ARGUMENTS = 10
MAX_DIGITS = 60
"""Digits of a decimal number."""
MAX_EXPONENT = 10_000
"""An integer power above this would let a short text build an astronomically large number."""
MAX_BITS = 1100
"""Numerators and denominators longer than this are no doubles."""
MAX_FACTORIAL = 170
"""The gamma function of a larger integer is no double, and is not built as an integer."""


def _log(x: sympy.Expr, base: sympy.Expr = sympy.E) -> sympy.Expr:
    if base in {sympy.S.Zero, sympy.S.One}:
        raise ValueError("no logarithm has this base")
    return sympy.log(x, base)


def _by_factorial(function: Callable[[sympy.Expr], sympy.Expr]) -> Callable[[sympy.Expr], sympy.Expr]:
    """The function with large integers and fractions as floating-point numbers."""

    def call(x: sympy.Expr) -> sympy.Expr:
        return function(sympy.Float(x) if x.is_Rational and abs(x) > MAX_FACTORIAL else x)

    return call


def _exp(x: sympy.Expr) -> sympy.Expr:
    # exp(n*log(m)) is evaluated as m**n.
    if x.has(sympy.log) and any(abs(n) > MAX_EXPONENT for n in x.atoms(sympy.Rational)):
        raise ValueError("too large a power")
    return sympy.exp(x)


FUNCTIONS: dict[str, Callable[..., sympy.Expr]] = {
    **{
        name: getattr(sympy, name)
        for name in (
            "sin cos tan cot sec csc asin acos atan atan2 sinh cosh tanh coth asinh acosh atanh "
            "sqrt cbrt erf erfc besselj bessely besseli besselk "
            "sinc sign Abs Max Min floor ceiling Heaviside LambertW"
        ).split()
    },
    "abs": sympy.Abs,
    "exp": _exp,
    "log": _log,
    "ln": sympy.log,
    "log10": lambda x: sympy.log(x, 10),
    "log2": lambda x: sympy.log(x, 2),
    "arcsin": sympy.asin,
    "arccos": sympy.acos,
    "arctan": sympy.atan,
    "arctanh": sympy.atanh,
    "gamma": _by_factorial(sympy.gamma),
    "loggamma": _by_factorial(sympy.loggamma),
}
CONSTANTS: dict[str, sympy.Expr] = {"pi": sympy.pi, "E": sympy.E}
NOT_FINITE = frozenset({"oo", "zoo", "nan"})
"""What sympy prints for a value that is no number."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[^\W\d]\w*)|(?P<op>\*\*|[-+*/^(),=]))"
)


def parse(
    text: str,
    symbols: Iterable[str] | Mapping[str, sympy.Symbol] | None = None,
    *,
    parameters: bool = False,
    unknown_functions: bool = False,
    functions: Mapping[str, Callable[..., sympy.Expr]] | None = None,
    equation: bool = False,
    exact: bool = False,
) -> sympy.Expr:
    """Read a formula.

    Args:
        text: The formula, for example ``"a*exp(-b*x) + pi"``.
        symbols: The names that may occur, or a mapping from name to symbol. A name given here
            wins over a constant or function of the same name. Without it every unknown name is a symbol.
        parameters: Whether other names may occur as well, as symbols.
        unknown_functions: Whether functions of other names may occur, as undefined ones.
        functions: Further functions by name; they win over everything else of that name when they are
            called, and may raise a FormulaError of their own, to which the position is added.
        equation: Whether the text is an equation, ``left = right``.
        exact: Whether decimal numbers become fractions.

    Returns:
        The sympy expression, unevaluated beyond what sympy does on construction; left - right of an
        equation.

    Raises:
        FormulaError: The text is not a formula, holds a name that is not allowed, or a number that
            is not real or not finite in double precision.
    """
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"formula has {len(text)} characters, more than the {MAX_LENGTH} allowed")
    if symbols is None or isinstance(symbols, Mapping):
        known = symbols or {}
    else:
        known = {name: sympy.Symbol(name) for name in symbols}
    try:
        parser = _Parser(text, known, free=parameters or symbols is None, unknown=unknown_functions)
        parser.functions, parser.exact = functions or {}, exact
        return parser.parse(equation=equation)
    except FormulaError:
        raise
    except (ArithmeticError, TypeError, ValueError, RecursionError) as error:
        raise FormulaError(f"formula {text[:60]!r} cannot be evaluated: {str(error)[:80]}") from error


class _Parser:
    """Recursive descent over the tokens of one formula."""

    def __init__(self, text: str, known: Mapping[str, sympy.Symbol], *, free: bool, unknown: bool) -> None:
        self.text, self.known, self.free, self.depth, self.at = text, known, free, 0, 0
        self.unknown_functions, self.exact = unknown, False
        self.functions: Mapping[str, Callable[..., sympy.Expr]] = {}
        self.tokens = list(self._tokens())

    def _tokens(self) -> Iterable[tuple[str, str, int]]:
        position, text = 0, self.text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                blank = len(text[position:]) - len(text[position:].lstrip())
                raise self._error("unexpected character", position + blank)
            kind = str(match.lastgroup)
            yield kind, match.group(kind), match.start(kind)
            position = match.end()
        yield "end", "", len(text)

    def _error(self, what: str, position: int) -> FormulaError:
        near = self.text[position : position + 12] or "the end"
        return FormulaError(f"formula {self.text[:60]!r}: {what} at column {position + 1}, near {near!r}")

    def parse(self, *, equation: bool = False) -> sympy.Expr:
        value = self._sum()
        if equation:
            self._expect("=")
            value -= self._sum()
        kind, _, position = self.tokens[self.at]
        if kind != "end":
            raise self._error("unexpected text", position)
        for number in value.atoms(sympy.Number, sympy.zoo, sympy.I):
            self._checked(number, 0)
        return value

    def _checked(self, value: sympy.Expr, position: int) -> sympy.Expr:
        """The value itself, if it is no constant or a real and finite one."""
        if value.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo):
            raise self._error("a value that is not finite", position)
        if value.is_number and value.is_real is False:
            raise self._error("a value that is not real", position)
        if value.is_Rational and max(abs(value.p), value.q).bit_length() > MAX_BITS:
            raise self._error("a number beyond double precision", position)
        if value.is_Number and not (value == 0 or 0 < abs(float(value)) < math.inf):
            raise self._error("a number beyond double precision", position)
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

    def _enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._error(f"nested deeper than {MAX_DEPTH}", self.tokens[self.at][2])

    def _sum(self) -> sympy.Expr:
        self._enter()
        terms = [self._term()]
        while operator := self._accept("+", "-"):
            term = self._term()
            terms.append(term if operator == "+" else -term)
        self.depth -= 1
        return terms[0] if len(terms) == 1 else sympy.Add(*terms)

    def _term(self) -> sympy.Expr:
        factors = [self._unary()]
        start = self.tokens[self.at][2]
        while operator := self._accept("*", "/"):
            position = self.tokens[self.at][2]
            factor = self._unary()
            if operator == "/" and factor.is_zero:
                raise self._error("division by zero", position)
            factors.append(factor if operator == "*" else 1 / factor)
        return factors[0] if len(factors) == 1 else self._checked(sympy.Mul(*factors), start)

    def _unary(self) -> sympy.Expr:
        signs = list(islice(iter(lambda: self._accept("+", "-"), None), MAX_DEPTH))
        value = self._power()
        return -value if signs.count("-") % 2 else value

    def _power(self) -> sympy.Expr:
        base = self._atom()
        if self._accept("**", "^") is None:
            return base
        position = self.tokens[self.at][2]
        self._enter()
        exponent = self._unary()
        self.depth -= 1
        if base.is_zero and exponent.is_negative:
            raise self._error("division by zero", position)
        if exponent.is_number:
            size = abs(float(sympy.N(exponent)))
            if size > MAX_EXPONENT and base.is_number:
                raise self._error(f"a power above {MAX_EXPONENT}", position)
            if exponent.is_Rational and size * _bits(base) > MAX_BITS:
                raise self._error("a number beyond double precision", position)
        return self._checked(base**exponent, position)

    def _atom(self) -> sympy.Expr:
        kind, text, position = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return self._number(text, position)
        if kind == "op" and text == "(":
            value = self._sum()
            self._expect(")")
            return value
        if kind == "name":
            return self._name(text, position)
        raise self._error("expected a number, a name or '('", position)

    def _number(self, text: str, position: int) -> sympy.Expr:
        value = float(text)
        if math.isinf(value) or (value == 0 and re.search("[1-9]", re.split("[eE]", text)[0])):
            raise self._error("a number beyond double precision", position)
        if text.isdigit():
            return sympy.Integer(text)
        if len(text) > MAX_DIGITS:
            raise self._error(f"a number of more than {MAX_DIGITS} digits", position)
        return sympy.Rational(text) if self.exact else sympy.Float(text)

    def _name(self, name: str, position: int) -> sympy.Expr:
        is_call = self.tokens[self.at][:2] == ("op", "(")
        if is_call and name in self.functions:
            return self._call(name, position)
        if name in self.known:
            return self.known[name]
        if is_call and (name in FUNCTIONS or self.unknown_functions):
            return self._call(name, position)
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name in NOT_FINITE:
            raise self._error("a value that is not finite", position)
        if not self.free:
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
        if len(arguments) > MAX_ARGUMENTS:
            raise self._error(f"{name} of more than {MAX_ARGUMENTS} arguments", position)
        try:
            value = (self.functions.get(name) or FUNCTIONS.get(name) or sympy.Function(name))(*arguments)
        except FormulaError as error:
            raise self._error(str(error), position) from error
        except (ArithmeticError, TypeError, ValueError) as error:
            raise self._error(f"{name} cannot take {len(arguments)} such arguments", position) from error
        return self._checked(value, position)


def _bits(base: sympy.Expr) -> float:
    """How long the numbers in a base are together, in bits; those in a sum stay what they are."""
    if base.is_Add:
        return 0.0
    numbers = base.atoms(sympy.Rational)
    return sum(math.log2(max(abs(number.p), number.q)) for number in numbers if number != 0)
