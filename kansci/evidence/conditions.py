"""What must hold for each part of a formula to be finite, real and smooth: read off its tree.

A pole, a branch point, a jump or a kink is where a certain quantity is zero: the base of a negative power,
the argument of a logarithm, cos(u) of tan(u). Where it is negative, roots and logarithms are not real.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sympy

from kansci.evidence.intervals import UNDERSTOOD

__all__ = ["HARMLESS", "Condition", "conditions", "not_understood"]

HARMLESS = frozenset({"jump", "kink", "branch point"})
"""Kinds of points at which a formula stays finite and real."""
LARGEST_EXPONENT = 709.78
"""exp(x) is no double beyond."""
LARGEST_GAMMA = 171.62


@dataclass(frozen=True)
class Condition:
    """A quantity that must be positive, or only not zero.

    Attributes:
        part: the part of the formula that needs it.
        quantity: what must be positive or not zero.
        at_zero: what there is where it is zero: "pole", "singularity" (of a logarithm, or another that is
            no pole), "branch point" (finite), "jump", "kink" or "overflow".
        below: what there is where it is negative, "not real" or "overflow"; None if that does no harm.
        guard: the condition only counts where this is not positive; None for everywhere.
    """

    part: sympy.Expr
    quantity: sympy.Expr
    at_zero: str
    below: str | None = None
    guard: sympy.Expr | None = None


def conditions(expr: sympy.Expr) -> tuple[Condition, ...]:
    """List what must hold, outer parts of the formula first.

    Args:
        expr: A formula, functions of the user written out.

    Returns:
        The conditions that depend on the inputs, each once.
    """
    found: dict[tuple, Condition] = {}
    for part in sympy.preorder_traversal(expr):
        for condition in _of(part):
            if condition.quantity.free_symbols:
                key = (condition.quantity, condition.at_zero, condition.below, condition.guard)
                found.setdefault(key, condition)
    return tuple(found.values())


def not_understood(expr: sympy.Expr) -> tuple[sympy.Expr, ...]:
    """Parts about whose singularities nothing is known."""
    parts = sympy.preorder_traversal(expr)
    return tuple(dict.fromkeys(p for p in parts if p.args and p.free_symbols and not _is_known(p)))


def _is_known(part: sympy.Basic) -> bool:
    return part.func in UNDERSTOOD or part.func in _CONDITIONS


def _of(part: sympy.Basic) -> Iterator[Condition]:
    if part.func in _CONDITIONS:
        yield from _CONDITIONS[part.func](part)


def _pow(part: sympy.Pow) -> Iterator[Condition]:
    base, exponent = part.base, part.exp
    if not exponent.is_number:
        if not base.is_positive:
            yield Condition(part, base, "singularity", "not real")
        yield _no_overflow(part, exponent * sympy.log(base))
        return
    e = float(exponent)
    if e.is_integer():
        if e < 0:
            yield Condition(part, base, "pole")
    else:
        yield Condition(part, base, "pole" if e < 0 else "branch point", "not real")
    if abs(e) > 1:
        yield _no_overflow(part, e * sympy.log(sympy.Abs(base)))


def _no_overflow(part: sympy.Expr, exponent: sympy.Expr) -> Condition:
    return Condition(part, LARGEST_EXPONENT - exponent, "overflow", "overflow")


def _log(part: sympy.Expr) -> Iterator[Condition]:
    yield Condition(part, part.args[0], "singularity", "not real")


def _between_ones(kind: str) -> Callable[[sympy.Expr], Iterator[Condition]]:
    def rule(part: sympy.Expr) -> Iterator[Condition]:
        yield Condition(part, 1 - part.args[0], kind, "not real")
        yield Condition(part, 1 + part.args[0], kind, "not real")

    return rule


def _acosh(part: sympy.Expr) -> Iterator[Condition]:
    yield Condition(part, part.args[0] - 1, "branch point", "not real")


def _zero_of(
    function: Callable[[sympy.Expr], sympy.Expr], kind: str
) -> Callable[[sympy.Expr], Iterator[Condition]]:
    def rule(part: sympy.Expr) -> Iterator[Condition]:
        yield Condition(part, function(part.args[0]), kind)

    return rule


def _identity(x: sympy.Expr) -> sympy.Expr:
    return x


def _turns(x: sympy.Expr) -> sympy.Expr:
    """Zero at whole numbers."""
    return sympy.sin(sympy.pi * x)


def _grows(part: sympy.Expr) -> Iterator[Condition]:
    size = part.args[0] if isinstance(part, sympy.exp) else sympy.Abs(part.args[0])
    yield _no_overflow(part, size)


def _gamma(part: sympy.Expr) -> Iterator[Condition]:
    x = part.args[0]
    yield Condition(part, _turns(x), "pole", guard=x)
    yield Condition(part, LARGEST_GAMMA - x, "overflow", "overflow")


def _right_half(kind: str) -> Callable[[sympy.Expr], Iterator[Condition]]:
    """Functions that are real for positive arguments, the last one."""

    def rule(part: sympy.Expr) -> Iterator[Condition]:
        yield Condition(part, part.args[-1], kind, "not real")

    return rule


def _bessel(part: sympy.Expr) -> Iterator[Condition]:
    order, x = part.args
    if not order.is_integer:
        yield Condition(part, x, "branch point" if order.is_positive else "singularity", "not real")


def _lambert(part: sympy.Expr) -> Iterator[Condition]:
    yield Condition(part, part.args[0] + math.exp(-1), "branch point", "not real")


def _atan2(part: sympy.Expr) -> Iterator[Condition]:
    y, x = part.args
    yield Condition(part, y, "jump", guard=x)


def _extreme(part: sympy.Expr) -> Iterator[Condition]:
    first, *others = part.args
    for other in others:
        yield Condition(part, first - other, "kink")


_CONDITIONS: dict[type, Callable[[sympy.Expr], Iterator[Condition]]] = {
    sympy.Pow: _pow,
    sympy.log: _log,
    sympy.tan: _zero_of(sympy.cos, "pole"),
    sympy.sec: _zero_of(sympy.cos, "pole"),
    sympy.cot: _zero_of(sympy.sin, "pole"),
    sympy.csc: _zero_of(sympy.sin, "pole"),
    sympy.coth: _zero_of(_identity, "pole"),
    sympy.csch: _zero_of(_identity, "pole"),
    sympy.asin: _between_ones("branch point"),
    sympy.acos: _between_ones("branch point"),
    sympy.atanh: _between_ones("singularity"),
    sympy.acosh: _acosh,
    sympy.exp: _grows,
    sympy.sinh: _grows,
    sympy.cosh: _grows,
    sympy.gamma: _gamma,
    sympy.loggamma: _right_half("singularity"),
    sympy.bessely: _right_half("singularity"),
    sympy.besselk: _right_half("singularity"),
    sympy.besselj: _bessel,
    sympy.besseli: _bessel,
    sympy.LambertW: _lambert,
    sympy.atan2: _atan2,
    sympy.sign: _zero_of(_identity, "jump"),
    sympy.Heaviside: _zero_of(_identity, "jump"),
    sympy.floor: _zero_of(_turns, "jump"),
    sympy.ceiling: _zero_of(_turns, "jump"),
    sympy.Abs: _zero_of(_identity, "kink"),
    sympy.Max: _extreme,
    sympy.Min: _extreme,
}
