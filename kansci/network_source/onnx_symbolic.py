"""A sympy expression as operators of an ONNX graph.

Some of the standard's operators have kernels for float32 only, in ONNX Runtime and even in the reference
evaluator: such functions are composed of others, erf and atan by Chebyshev series to 1e-13.
"""

import functools
from collections.abc import Callable, Mapping

import numpy as np
import scipy.special
import sympy

from kansci.errors import SettingsError
from kansci.expressions.custom import written_out
from kansci.network_source.onnx_operators import Graph
from kansci.symbolic.formula import Formula

__all__ = ["add_expression", "formula_onnx"]


def add_expression(graph: Graph, expr: sympy.Expr, inputs: Mapping[sympy.Symbol, str]) -> str:
    """Add an expression to a graph.

    Args:
        graph: Where to.
        expr: The expression.
        inputs: Names of its symbols' tensors.

    Returns:
        The name of the result.

    Raises:
        SettingsError: It holds a function that ONNX does not have.
    """  # noqa: DOC502  raised in node
    known: dict[sympy.Basic, str] = dict(inputs)

    def visit(part: sympy.Basic) -> str:
        if part not in known:
            known[part] = node(part)
        return known[part]

    def node(part: sympy.Basic) -> str:
        if part.is_number:
            return graph.array(float(part))
        if part.is_Pow:
            return _power(graph, visit(part.base), part.exp, visit)
        if part.func not in _OPERATORS:
            raise SettingsError(f"ONNX has no function for {part}: export to python or c")
        return _OPERATORS[part.func](graph, *(visit(argument) for argument in part.args))

    return visit(expr)


def formula_onnx(formula: Formula) -> bytes:
    """Write a formula as an ONNX file, see `Graph.to_bytes`.

    Args:
        formula: A formula without free parameters.

    Returns:
        The file's bytes.

    Raises:
        SettingsError: The formula has no inputs, or the package onnx or a function is missing.
    """
    if not formula.symbols:
        raise SettingsError("a formula without inputs has no ONNX graph: export it to python or c")
    graph = Graph()
    columns = {sympy.Symbol(name): graph.column(Graph.INPUT, k) for k, name in enumerate(formula.symbols)}
    value = add_expression(graph, written_out(formula.expr), columns)
    if not formula.expr.free_symbols:  # one row for each of X
        zeros = graph.op("Mul", graph.column(Graph.INPUT, 0), graph.array(0.0))
        value = graph.op("Add", zeros, value)
    return graph.to_bytes(value, formula.symbols, formula.target)


def _power(graph: Graph, base: str, exponent: sympy.Expr, visit: Callable[[sympy.Expr], str]) -> str:
    if exponent == sympy.S.Half:
        return graph.op("Sqrt", base)
    if exponent.is_number and exponent.is_negative:
        return graph.op("Reciprocal", _power(graph, base, -exponent, visit))
    return base if exponent == 1 else graph.op("Pow", base, visit(exponent))


def _chain(kind: str) -> Callable[..., str]:
    return lambda graph, *parts: functools.reduce(lambda a, b: graph.op(kind, a, b), parts)


def _one(kind: str) -> Callable[..., str]:
    return lambda graph, x: graph.op(kind, x)


def _exponentials(kind: str) -> Callable[..., str]:
    """(exp(x) + exp(-x)) / 2, or their difference."""

    def operator(graph: Graph, x: str) -> str:
        up, down = graph.op("Exp", x), graph.op("Exp", graph.op("Neg", x))
        return graph.op("Mul", graph.op(kind, up, down), graph.array(0.5))

    return operator


def _reciprocal(function: Callable[..., str]) -> Callable[..., str]:
    return lambda graph, x: graph.op("Reciprocal", function(graph, x))


def _tan(graph: Graph, x: str) -> str:
    return graph.op("Div", graph.op("Sin", x), graph.op("Cos", x))


def _is_zero(graph: Graph, x: str) -> str:
    return graph.op("Cast", graph.op("Equal", x, graph.array(0.0)), to=graph.DOUBLE)


def _sinc(graph: Graph, x: str) -> str:
    """(sin(x) + [x = 0]) / (x + [x = 0])."""
    zero = _is_zero(graph, x)
    return graph.op("Div", graph.op("Add", graph.op("Sin", x), zero), graph.op("Add", x, zero))


def _step(graph: Graph, x: str, at_zero: str) -> str:
    """(1 + sign(x)) / 2 + (at_zero - 1/2) [x = 0]."""
    half = graph.array(0.5)
    step = graph.op("Add", graph.op("Mul", graph.op("Sign", x), half), half)
    return graph.op("Add", step, graph.op("Mul", graph.op("Sub", at_zero, half), _is_zero(graph, x)))


def _odd(function: Callable[[np.ndarray], np.ndarray], reach: float, degree: int) -> Callable[..., str]:
    """An odd function x g(x^2) on [-reach, reach], constant beyond: g as a Chebyshev series, by Clenshaw."""

    def g(square: np.ndarray) -> np.ndarray:
        return function(np.sqrt(square)) / np.sqrt(square)

    def operator(graph: Graph, x: str) -> str:
        series = np.polynomial.Chebyshev.interpolate(g, degree, domain=[0.0, reach**2])
        x = graph.op("Max", graph.op("Min", x, graph.array(reach)), graph.array(-reach))
        square = graph.op("Mul", graph.op("Mul", x, x), graph.array(2.0 / reach**2))
        place = graph.op("Sub", square, graph.array(1.0))
        twice = graph.op("Add", place, place)
        last, sum_ = graph.array(0.0), graph.array(series.coef[-1])
        for c in series.coef[-2:0:-1]:
            term = graph.op("Sub", graph.array(c), last)
            last, sum_ = sum_, graph.op("Add", graph.op("Mul", twice, sum_), term)
        rest = graph.op("Sub", graph.array(series.coef[0]), last)
        return graph.op("Mul", x, graph.op("Add", graph.op("Mul", place, sum_), rest))

    return operator


_erf = _odd(scipy.special.erf, 6.0, 40)
_atan_inside = _odd(np.arctan, 1.0, 20)


def _atan(graph: Graph, x: str) -> str:
    """Beyond 1 by atan(x) = sign(x) pi/2 - atan(1/x)."""
    far = graph.op("Greater", graph.op("Abs", x), graph.array(1.0))
    inverse = _atan_inside(graph, graph.op("Reciprocal", x))
    quarter = graph.op("Mul", graph.op("Sign", x), graph.array(np.pi / 2))
    return graph.op("Where", far, graph.op("Sub", quarter, inverse), _atan_inside(graph, x))


def _asin(graph: Graph, x: str) -> str:
    """Give atan(x / sqrt(1 - x^2)); the product keeps the digits near 1."""
    one = graph.array(1.0)
    rest = graph.op("Mul", graph.op("Sub", one, x), graph.op("Add", one, x))
    return _atan(graph, graph.op("Div", x, graph.op("Sqrt", rest)))


def _acos(graph: Graph, x: str) -> str:
    return graph.op("Sub", graph.array(np.pi / 2), _asin(graph, x))


def _asinh(graph: Graph, x: str) -> str:
    size = graph.op("Abs", x)
    root = graph.op("Sqrt", graph.op("Add", graph.op("Mul", x, x), graph.array(1.0)))
    return graph.op("Mul", graph.op("Sign", x), graph.op("Log", graph.op("Add", size, root)))


def _acosh(graph: Graph, x: str) -> str:
    root = graph.op("Sqrt", graph.op("Sub", graph.op("Mul", x, x), graph.array(1.0)))
    return graph.op("Log", graph.op("Add", x, root))


def _atanh(graph: Graph, x: str) -> str:
    one = graph.array(1.0)
    ratio = graph.op("Div", graph.op("Add", one, x), graph.op("Sub", one, x))
    return graph.op("Mul", graph.op("Log", ratio), graph.array(0.5))


_OPERATORS: dict[type, Callable[..., str]] = {
    sympy.Add: _chain("Add"),
    sympy.Mul: _chain("Mul"),
    sympy.Max: _chain("Max"),
    sympy.Min: _chain("Min"),
    sympy.exp: _one("Exp"),
    sympy.log: _one("Log"),
    sympy.sin: _one("Sin"),
    sympy.cos: _one("Cos"),
    sympy.tan: _tan,
    sympy.cot: _reciprocal(_tan),
    sympy.sec: _reciprocal(_one("Cos")),
    sympy.csc: _reciprocal(_one("Sin")),
    sympy.coth: _reciprocal(_one("Tanh")),
    sympy.sech: _reciprocal(_exponentials("Add")),
    sympy.csch: _reciprocal(_exponentials("Sub")),
    sympy.sinc: _sinc,
    sympy.Heaviside: _step,
    sympy.tanh: _one("Tanh"),
    sympy.sinh: _exponentials("Sub"),
    sympy.cosh: _exponentials("Add"),
    sympy.asinh: _asinh,
    sympy.acosh: _acosh,
    sympy.atanh: _atanh,
    sympy.asin: _asin,
    sympy.acos: _acos,
    sympy.atan: _atan,
    sympy.erf: _erf,
    sympy.erfc: lambda graph, x: graph.op("Sub", graph.array(1.0), _erf(graph, x)),
    sympy.Abs: _one("Abs"),
    sympy.sign: _one("Sign"),
    sympy.floor: _one("Floor"),
    sympy.ceiling: _one("Ceil"),
}
