"""What a condition prescribes: the value of a field, of its derivative, or something else."""

from collections.abc import Iterable
from dataclasses import dataclass

import sympy
from sympy.core.function import AppliedUndef

from kansci.pde.expansion import expanded
from kansci.pde.problem import Condition, Field

__all__ = ["Prescribed", "order_in", "prescribed", "unknowns_in"]


@dataclass(frozen=True)
class Prescribed:
    """A condition of the form d^order u / d axis^order = value on a face.

    Attributes:
        field: name of the field.
        axes: coordinates it is differentiated by; empty for the value itself.
        value: in the coordinates alone.
    """

    field: str
    axes: tuple[str, ...]
    value: sympy.Expr


def unknowns_in(expr: sympy.Expr) -> set[sympy.Expr]:
    """The functions and derivatives of functions in an expression, derivatives as wholes."""
    derivatives = expr.atoms(sympy.Derivative)
    return derivatives | expr.xreplace({d: sympy.Dummy() for d in derivatives}).atoms(AppliedUndef)


def prescribed(
    condition: Condition, fields: Iterable[Field], coordinates: Iterable[str]
) -> Prescribed | None:
    """Read off what a condition prescribes.

    Args:
        condition: any.
        fields: the unknown functions.
        coordinates: names; other symbols make a value unknown.

    Returns:
        The value of one field or derivative, None for conditions of any other form.
    """
    unknowns = unknowns_in(condition.residual)
    if len(unknowns) != 1:
        return None
    unknown = unknowns.pop()
    dummy = sympy.Dummy()
    residual = condition.residual.xreplace({unknown: dummy})
    slope = sympy.diff(residual, dummy)
    function = unknown.expr if isinstance(unknown, sympy.Derivative) else unknown
    name = function.func.__name__
    if not slope.is_number or slope == 0 or name not in {f.name for f in fields}:
        return None
    value = expanded(-residual.xreplace({dummy: sympy.S.Zero}) / slope)
    if {symbol.name for symbol in value.free_symbols} - set(coordinates):
        return None
    axes = unknown.variables if isinstance(unknown, sympy.Derivative) else ()
    return Prescribed(name, tuple(axis.name for axis in axes), value)


def order_in(expr: sympy.Expr, name: str, axis: str) -> int:
    """Highest order of the derivatives of a field along an axis."""
    orders = [
        sum(variable.name == axis for variable in derivative.variables)
        for derivative in expr.atoms(sympy.Derivative)
        if derivative.expr.func.__name__ == name
    ]
    return max(orders, default=0)
