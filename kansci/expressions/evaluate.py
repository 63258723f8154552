"""A sympy expression in one symbol as a torch function, of any derivative order.

The expression is written down once as a list of elementary steps, each subexpression once; nothing is
compiled. Automatic differentiation takes the derivative's own expression, so that it works as often as
wanted, also where torch does not differentiate a function.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import sympy
import torch
from torch.autograd import Function

from kansci.errors import FormulaError
from kansci.expressions.primitives import X
from kansci.expressions.torch_functions import FUNCTIONS, Value, power

__all__ = ["evaluate", "in_x"]

Step = tuple[Callable[..., Value], tuple[int, ...]]


def evaluate(expr: sympy.Expr, x: torch.Tensor, nu: int = 0) -> torch.Tensor:
    """Evaluate the nu-th derivative of an expression.

    Args:
        expr: in `X`, see `in_x`.
        x: any shape.
        nu: order of the derivative.

    Returns:
        The values, of the same shape and dtype; nan where the expression is not a real number.
    """
    return _Evaluate.apply(expr, nu, x)


def in_x(expr: sympy.Expr) -> sympy.Expr:
    """Rename an expression's symbol to the real symbol `X`.

    Args:
        expr: with at most one symbol.

    Returns:
        The expression in `X`.

    Raises:
        FormulaError: it has several symbols, or a function that torch cannot evaluate.
    """
    symbols = expr.free_symbols
    if len(symbols) > 1:
        names = ", ".join(sorted(str(symbol) for symbol in symbols))
        raise FormulaError(f"{expr}: a function of one variable is needed, this one has {names}")
    renamed = expr.xreplace(dict.fromkeys(symbols, X))
    _program(renamed, 0)
    return renamed


class _Evaluate(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(expr: sympy.Expr, nu: int, x: torch.Tensor) -> torch.Tensor:
        values: list[Value] = []
        for function, arguments in _program(expr, nu):
            values.append(function(*(values[k] for k in arguments)) if arguments else function(x))
        last = values[-1]
        return last.clone() if isinstance(last, torch.Tensor) else torch.full_like(x, last)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        ctx.expr, ctx.nu, x = inputs
        ctx.save_for_backward(x)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[None, None, torch.Tensor]:
        (x,) = ctx.saved_tensors
        return None, None, gradient * evaluate(ctx.expr, x, ctx.nu + 1)


@lru_cache(maxsize=512)
def _derivative(expr: sympy.Expr, nu: int) -> sympy.Expr:
    return expr if nu == 0 else sympy.diff(_derivative(expr, nu - 1), X)


@lru_cache(maxsize=512)
def _program(expr: sympy.Expr, nu: int) -> tuple[Step, ...]:
    """List the steps in order; each is a function and the numbers of the steps it takes values from."""
    steps: list[Step] = []
    places: dict[sympy.Basic, int] = {}

    def place(part: sympy.Basic) -> int:
        if part not in places:
            function, needed = _step(part)
            arguments = tuple(place(argument) for argument in needed)
            steps.append((function, arguments))
            places[part] = len(steps) - 1
        return places[part]

    place(_derivative(expr, nu))
    return tuple(steps)


def _step(part: sympy.Basic) -> tuple[Callable[..., Value], tuple[sympy.Basic, ...]]:
    """Give the function of one node of the expression's tree, and the nodes it waits for."""
    if part == X:
        return lambda x: x, ()
    if part.is_number:
        return _constant(part), ()
    if isinstance(part, (sympy.Derivative, sympy.Subs)):  # of floor and ceiling: flat almost everywhere
        return torch.zeros_like, ()
    if isinstance(part, sympy.Pow):
        return power(part.exp), part.args
    if part.func not in FUNCTIONS:
        raise FormulaError(f"{part}: {part.func.__name__} cannot be evaluated on an edge")
    return FUNCTIONS[part.func], part.args


def _constant(part: sympy.Expr) -> Callable[..., float]:
    try:
        value = float(part)
    except TypeError as error:
        raise FormulaError(f"{part}: not a real number") from error
    return lambda _: value
