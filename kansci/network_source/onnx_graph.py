"""A network as an ONNX graph in float64: one tensor "X" (N, I) in, one tensor "predicted" (N, J) out.

Operators of the standard's opset 17 only (https://onnx.ai/onnx/operators).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from kansci.expressions.primitives import X
from kansci.network_source.onnx_operators import Graph
from kansci.network_source.onnx_symbolic import add_expression
from kansci.network_source.parts import LayerParts, NodeParts

__all__ = ["onnx_bytes"]

LINKS = {None: "Identity", "sigmoid": "Sigmoid", "exp": "Exp", "softmax": "Softmax"}


def onnx_bytes(
    layers: Sequence[LayerParts], symbols: Mapping[str, str], target: str, link: str | None
) -> bytes:
    """Write a network as an ONNX file.

    Args:
        layers: What `layer_parts` gave.
        symbols: Name -> column, for each input; the columns are kept in the file's metadata.
        target: What is predicted.
        link: What turns outputs into predictions, see `link_of`.

    Returns:
        The file's bytes.

    Raises:
        SettingsError: The package onnx is missing, or a symbolic edge has no counterpart.
    """  # noqa: DOC502  raised by Graph and add_expression
    graph = Graph()
    x = Graph.INPUT
    for layer in layers:
        x = _layer(graph, layer, x)
    return graph.to_bytes(graph.op(LINKS[link], x), symbols, target, layers[-1].nodes.n_nodes)


def _layer(graph: Graph, layer: LayerParts, x: str) -> str:
    t = graph.op("Mul", graph.op("Sub", x, graph.array(layer.offset)), graph.array(layer.scale))
    terms = []
    inside = t
    if layer.bounds is not None:
        low, high = (graph.array(end) for end in layer.bounds)
        inside = graph.op("Max", graph.op("Min", t, high), low)
        zero = graph.array(0.0)
        for cut, end, slopes in (("Min", low, layer.slopes[0]), ("Max", high, layer.slopes[1])):
            excess = graph.op(cut, graph.op("Sub", t, end), zero)
            terms.append(graph.op("MatMul", excess, graph.array(slopes)))
    terms.append(
        _splines(graph, layer, inside) if layer.family == "bspline" else _others(graph, layer, inside)
    )
    if layer.base_fun != "zero":
        u = graph.op("Mul", graph.op("Sub", x, graph.array(layer.centre)), graph.array(layer.stretch))
        terms.append(graph.op("MatMul", _base(graph, layer.base_fun, u), graph.array(layer.base_scale)))
    sums = terms[0]
    for term in terms[1:]:
        sums = graph.op("Add", sums, term)
    return _nodes(graph, layer.nodes, _with_symbolic(graph, layer, x, sums))


def _base(graph: Graph, name: str, u: str) -> str:
    if name == "silu":
        return graph.op("Mul", u, graph.op("Sigmoid", u))
    return graph.op("Tanh", u) if name == "tanh" else u


def _splines(graph: Graph, layer: LayerParts, inside: str) -> str:
    """Look up the polynomial of each interval, and evaluate it at the share of the interval passed."""
    n_in, intervals, n_values, n_sums = layer.coef.shape
    breaks = layer.tables["breaks"]
    place = graph.array(np.arange(n_in) * intervals)
    if intervals > 1:
        passed = graph.op("GreaterOrEqual", graph.unsqueezed(inside), graph.array(breaks[:, 1:-1]))
        count = graph.op("ReduceSum", graph.op("Cast", passed, to=graph.INT64), graph.array([-1]), keepdims=0)
        place = graph.op("Add", count, place)
    left, width = (
        graph.op("Gather", graph.array(values.ravel()), place)
        for values in (breaks[:, :-1], np.diff(breaks, axis=1))
    )
    share = graph.op("Div", graph.op("Sub", inside, left), width)
    powers = graph.op("Pow", graph.unsqueezed(share), graph.array(np.arange(n_values, dtype=float)))
    table = graph.array(layer.coef.reshape(n_in * intervals, n_values * n_sums))
    coef = graph.op("Reshape", graph.op("Gather", table, place), graph.array([-1, n_in, n_values, n_sums]))
    products = graph.op("Mul", graph.unsqueezed(powers), coef)
    return graph.op("ReduceSum", products, graph.array([1, 2]), keepdims=0)


def _others(graph: Graph, layer: LayerParts, t: str) -> str:
    """Sums of the functions of a family without intervals; its first one is the constant 1."""
    values = _values(graph, layer, t)
    coef = layer.coef[:, 0]
    n_in, n_values, n_sums = coef.shape
    flat = graph.op("Reshape", values, graph.array([-1, n_in * (n_values - 1)]))
    sums = graph.op("MatMul", flat, graph.array(coef[:, 1:].reshape(-1, n_sums)))
    return graph.op("Add", sums, graph.array(coef[:, 0].sum(axis=0)))


def _values(graph: Graph, layer: LayerParts, t: str) -> str:
    """The functions but the constant: (N, I) -> (N, I, P - 1)."""
    n_values, tables = layer.coef.shape[2], {name: graph.array(v) for name, v in layer.tables.items()}
    wide = graph.unsqueezed(t)
    if layer.family == "chebyshev":
        return graph.stacked(_chebyshev(graph, t, n_values)[1:])
    if layer.family == "fourier":
        angle = graph.op("Mul", wide, graph.array(np.arange(1.0, n_values // 2 + 1)))
        return graph.op("Concat", graph.op("Cos", angle), graph.op("Sin", angle), axis=-1)
    if layer.family == "rbf":
        away = graph.op("Sub", wide, tables["centres"])
        return graph.op("Exp", graph.op("Neg", graph.op("Mul", away, away)))
    if layer.family == "sine":
        return graph.op("Sin", graph.op("Add", graph.op("Mul", wide, tables["frequency"]), tables["phase"]))
    degree = layer.tables["denominator"].shape[1]
    powers = graph.op("Pow", wide, graph.array(np.arange(1.0, degree + 1)))
    inner = graph.op("Mul", powers, tables["denominator"])
    total = graph.op("ReduceSum", inner, graph.array([-1]), keepdims=1)
    below = graph.op("Add", graph.op("Abs", total), graph.array(1.0))
    one = graph.op("Add", graph.op("Mul", t, graph.array(0.0)), graph.array(1.0))
    upper = graph.stacked([one, *_chebyshev(graph, t, n_values - 1)[1:]])
    return graph.op("Div", upper, below)


def _chebyshev(graph: Graph, t: str, size: int) -> list[str]:
    """T_0 (a number) to T_{size - 1} by their recurrence."""
    values, twice = [graph.array(1.0), t], graph.op("Mul", t, graph.array(2.0))
    while len(values) < size:
        values.append(graph.op("Sub", graph.op("Mul", twice, values[-1]), values[-2]))
    return values[:size]


def _with_symbolic(graph: Graph, layer: LayerParts, x: str, sums: str) -> str:
    """Add the symbolic edges, each to its own sum, so that an undefined one spoils no other."""
    if not layer.symbolic:
        return sums
    columns = [graph.column(sums, j) for j in range(layer.n_sums)]
    for i, j, expr in layer.symbolic:
        value = add_expression(graph, expr, {X: graph.column(x, i)})
        columns[j] = graph.op("Add", columns[j], value)
    return graph.op("Concat", *columns, axis=1)


def _nodes(graph: Graph, nodes: NodeParts, sums: str) -> str:
    affine = {name: graph.array(values) for name, values in nodes.affine.items()}
    if affine:
        sums = graph.op("Add", graph.op("Mul", sums, affine["subnode_scale"]), affine["subnode_bias"])
    if nodes.products:
        columns = [graph.column(sums, j) for j in range(nodes.n_sum)]
        for group in nodes.products:
            product = graph.column(sums, group[0])
            for j in group[1:]:
                product = graph.op("Mul", product, graph.column(sums, j))
            columns.append(product)
        sums = graph.op("Concat", *columns, axis=1)
    if affine:
        sums = graph.op("Add", graph.op("Mul", sums, affine["node_scale"]), affine["node_bias"])
    return sums
