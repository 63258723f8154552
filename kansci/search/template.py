"""Formulas of a required form: ``a*f(x) + g(z)`` with unknown constants a and unknown functions f, g.

Names that are no columns are constants; functions that are not known are functions of one variable
to be found, which may stand at several places and in one another (``f(x) - f(z)``, ``f(g(x) + z)``).
Everything else of the form is fixed, its numbers too.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import sympy
from sympy.core.function import AppliedUndef

from kansci.errors import SettingsError
from kansci.expressions.parser import parse
from kansci.search.grammar import Grammar

__all__ = ["Template", "read_template"]


@dataclass(frozen=True)
class Template:
    """``expr`` in the columns' symbols, the ``constants``, and the ``calls`` of unknown functions.

    A call stands after those in its argument, and a function after those in its arguments.
    """

    text: str
    expr: sympy.Expr
    constants: tuple[sympy.Symbol, ...]
    calls: tuple[AppliedUndef, ...]
    functions: tuple[str, ...]

    def filled(self, constants: Iterable[float], functions: Mapping[str, Callable]) -> sympy.Expr:
        """The formula with these constants, and functions that turn an argument into an expression."""
        numbers = [sympy.Float(float(value), 17) for value in constants]
        return self.expr.xreplace(dict(zip(self.constants, numbers, strict=True))).replace(
            lambda e: isinstance(e, AppliedUndef), lambda e: functions[name_of(e)](e.args[0])
        )


def name_of(call: AppliedUndef) -> str:
    """The name of the function that is called."""
    return call.func.__name__


def read_template(text: str, symbols: Sequence[sympy.Symbol], target: str, grammar: Grammar) -> Template:
    """Read a required form.

    Args:
        text: Right-hand side, or ``target = right-hand side``.
        symbols: Symbols of the columns.
        target: Name of the target.
        grammar: What formulas may be made of; its functions are known in the form.

    Returns:
        The form.

    Raises:
        SettingsError: The form is for another target, holds no column, calls an unknown function with other
            than one argument, of no column or inside itself, or needs operators that are not allowed.
    """
    left, equals, right = text.rpartition("=")
    if equals and left.strip() != target:
        raise SettingsError(f"form {text!r}: it must give the target {target!r}, not {left.strip()!r}")
    columns = {symbol.name: symbol for symbol in symbols}
    expr = parse(right, columns, parameters=True, unknown_functions=True)
    expr = _with_customs(expr, grammar)
    free = sorted(expr.free_symbols - set(symbols), key=str)
    for call in sorted(expr.atoms(AppliedUndef), key=str):
        _check_call(text, call, set(symbols), set(map(str, free)))
    constants = {symbol: sympy.Dummy(symbol.name, real=True) for symbol in free}
    numbers = {number: sympy.Rational(str(number)) for number in expr.atoms(sympy.Float)}
    expr = expr.xreplace({**constants, **numbers})
    if not expr.free_symbols & set(symbols):
        raise SettingsError(f"form {text!r} holds no column (columns: {', '.join(columns)})")
    if target in map(str, free):
        raise SettingsError(f"form {text!r} holds the target {target!r} itself: give it in the columns alone")
    calls = tuple(sorted(expr.atoms(AppliedUndef), key=lambda call: (_depth(call), str(call))))
    if not grammar.operators_allow(expr.xreplace({call: sympy.Dummy() for call in calls})):
        raise SettingsError(f"form {text!r} needs an operator that is not among those allowed")
    return Template(text, expr, tuple(constants.values()), calls, _inner_first(text, calls))


def _with_customs(expr: sympy.Expr, grammar: Grammar) -> sympy.Expr:
    """The functions that the user has given, instead of unknown ones of their names."""
    known = {custom.name: custom for custom in grammar.customs}
    return expr.replace(
        lambda e: isinstance(e, AppliedUndef) and name_of(e) in known and len(e.args) == 1,
        lambda e: known[name_of(e)](e.args[0]),
    )


def _check_call(text: str, call: AppliedUndef, columns: set[sympy.Symbol], names: set[str]) -> None:
    name = name_of(call)
    if len(call.args) != 1:
        raise SettingsError(
            f"form {text!r}: {name} has {len(call.args)} arguments; functions of one can be found"
        )
    if not call.free_symbols & columns:
        raise SettingsError(f"form {text!r}: the argument of {call} holds no column")
    if name in names:
        raise SettingsError(f"form {text!r}: {name} is a function and a constant: give them two names")


def _inner_first(text: str, calls: Sequence[AppliedUndef]) -> tuple[str, ...]:
    inside: dict[str, set[str]] = {}
    for call in calls:
        inside.setdefault(name_of(call), set()).update(map(name_of, call.args[0].atoms(AppliedUndef)))
    try:
        return tuple(
            TopologicalSorter({name: sorted(inside[name]) for name in sorted(inside)}).static_order()
        )
    except CycleError as error:
        name = error.args[1][0]
        raise SettingsError(
            f"form {text!r}: {name} stands inside itself: give the inner one another name"
        ) from error


def _depth(call: AppliedUndef) -> int:
    return 1 + max((_depth(inner) for arg in call.args for inner in arg.atoms(AppliedUndef)), default=0)
