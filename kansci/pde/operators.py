"""Operators of vector analysis on sympy expressions, as an equation's text names them.

A vector is a linear form in the symbols of `basis`, so that the grammar needs nothing but numbers:
grad(u) = sum_i u_{x_i} e_i, div(v) = sum_i d(v_i)/dx_i.
"""

from collections.abc import Callable, Sequence

import sympy

from kansci.errors import FormulaError
from kansci.pde.notation import MAX_ORDER

__all__ = ["basis", "derivative", "vector_functions"]

MAX_OPERATIONS = 5000
"""Of a derivative: nested products grow exponentially under the product rule."""


def basis(axes: Sequence[str]) -> tuple[sympy.Symbol, ...]:
    """The unit vectors of the axes, as symbols no text can name."""
    return tuple(sympy.Symbol(f"e[{axis}]", real=True) for axis in axes)


def derivative(expr: sympy.Expr, *axes: sympy.Symbol) -> sympy.Expr:
    """Differentiate one axis after another.

    Raises:
        FormulaError: The order is too high or the result too long.
    """
    if len(axes) > MAX_ORDER:
        raise FormulaError(f"a derivative of order above {MAX_ORDER}")
    for axis in axes:
        expr = sympy.diff(expr, axis)
        if sympy.count_ops(expr) > MAX_OPERATIONS:
            raise FormulaError("the derivative is too long")
    return expr


def diff(expr: sympy.Expr, *by: sympy.Expr) -> sympy.Expr:
    """Differentiate by coordinates, each followed by its order if that is not 1: u, x, 2, y.

    Raises:
        FormulaError: The arguments are no symbols and small whole numbers.
    """
    axes: list[sympy.Symbol] = []
    for item in by:
        if item.is_Symbol:
            axes.append(item)
        elif item.is_Integer and axes and 1 <= item <= MAX_ORDER:
            axes += [axes[-1]] * (int(item) - 1)
        else:
            raise FormulaError(
                "diff takes an expression, then coordinates, each with an order: diff(u, x, 2)"
            )
    if not axes:
        raise FormulaError("diff needs a coordinate: diff(u, x)")
    return derivative(expr, *axes)


def vector_functions(axes: Sequence[sympy.Symbol]) -> dict[str, Callable[..., sympy.Expr]]:
    """Functions of vector analysis over the given space coordinates, by the names texts use."""
    units = basis([axis.name for axis in axes])

    def parts(vector: sympy.Expr) -> list[sympy.Expr]:
        if not vector.has(*units):
            raise FormulaError("a vector is expected here, like grad(u) or vec(1, 0)")
        return [sympy.diff(vector, unit) for unit in units]  # it is linear in them

    def vec(*components: sympy.Expr) -> sympy.Expr:
        if len(components) != len(units):
            raise FormulaError(f"vec takes {len(units)} components, one for each space coordinate")
        return sum((c * unit for c, unit in zip(components, units, strict=True)), sympy.S.Zero)

    def grad(expr: sympy.Expr) -> sympy.Expr:
        return vec(*(derivative(expr, axis) for axis in axes))

    def div(vector: sympy.Expr) -> sympy.Expr:
        return sum((derivative(c, axis) for c, axis in zip(parts(vector), axes, strict=True)), sympy.S.Zero)

    def laplacian(expr: sympy.Expr) -> sympy.Expr:
        return sum((derivative(expr, axis, axis) for axis in axes), sympy.S.Zero)

    def dot(left: sympy.Expr, right: sympy.Expr) -> sympy.Expr:
        return sum((a * b for a, b in zip(parts(left), parts(right), strict=True)), sympy.S.Zero)

    def absolute(expr: sympy.Expr) -> sympy.Expr:
        return sympy.sqrt(dot(expr, expr)) if expr.has(*units) else sympy.Abs(expr)

    return {
        "diff": diff,
        "Derivative": diff,
        "vec": vec,
        "grad": grad,
        "div": div,
        "laplacian": laplacian,
        "Laplacian": laplacian,
        "biharmonic": lambda expr: laplacian(laplacian(expr)),
        "dot": dot,
        "abs": absolute,
        "Abs": absolute,
        "norm": absolute,
        "sech": lambda x: 1 / sympy.cosh(x),
        "csch": lambda x: 1 / sympy.sinh(x),
    }
