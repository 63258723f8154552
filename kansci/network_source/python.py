"""A network as one Python file that needs numpy only (scipy too, where a symbolic edge needs it)."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import sympy

from kansci.expressions.primitives import X
from kansci.network_source.parts import LayerParts, NodeParts
from kansci.source_text import argument_lines, function_suffix, number_lines, one_line, python_text

__all__ = ["python_source"]

Table = Callable[[str, np.ndarray], str]

FAMILIES = {
    "bspline": '''
def _bspline(t, breaks, degree):
    """Number of the interval, and powers of the place in it: (N,), (N, degree + 1)."""
    interval = numpy.clip(numpy.searchsorted(breaks, t, side="right") - 1, 0, len(breaks) - 2)
    share = (t - breaks[interval]) / (breaks[interval + 1] - breaks[interval])
    return interval, share[:, None] ** numpy.arange(degree + 1)
''',
    "chebyshev": '''
def _chebyshev(t, size):
    """T_0 to T_{size - 1}: (N, size)."""
    values = [numpy.ones_like(t), t]
    while len(values) < size:
        values.append(2 * t * values[-1] - values[-2])
    return numpy.stack(values[:size], axis=1)
''',
    "fourier": '''
def _fourier(t, harmonics):
    """1, the cosines and the sines: (N, 2 * harmonics + 1)."""
    angle = t[:, None] * numpy.arange(1, harmonics + 1)
    return numpy.hstack([numpy.ones_like(t)[:, None], numpy.cos(angle), numpy.sin(angle)])
''',
    "rbf": '''
def _rbf(t, centres):
    """1 and the bumps: (N, 1 + number of centres)."""
    return numpy.hstack([numpy.ones_like(t)[:, None], numpy.exp(-((t[:, None] - centres) ** 2))])
''',
    "rational": '''
def _rational(t, size, denominator):
    """1, and T_0 to T_{size - 1} over the denominator: (N, 1 + size)."""
    below = 1 + numpy.abs((t[:, None] ** numpy.arange(1, len(denominator) + 1)) @ denominator)
    return numpy.hstack([numpy.ones_like(t)[:, None], _chebyshev(t, size) / below[:, None]])
''',
    "sine": '''
def _sine(t, frequency, phase):
    """1 and the sines: (N, 1 + number of frequencies)."""
    return numpy.hstack([numpy.ones_like(t)[:, None], numpy.sin(t[:, None] * frequency + phase)])
''',
}
BASE = {"silu": "0.5 * u * (1 + numpy.tanh(0.5 * u))", "identity": "u", "tanh": "numpy.tanh(u)"}
LINKS = {
    "sigmoid": ["x = 0.5 * (1 + numpy.tanh(0.5 * x))"],
    "exp": ["x = numpy.exp(x)"],
    "softmax": [
        "x = numpy.exp(x - x.max(axis=1, keepdims=True))",
        "x = x / x.sum(axis=1, keepdims=True)",
    ],
}


def python_source(
    layers: Sequence[LayerParts], symbols: Mapping[str, str], target: str, link: str | None
) -> str:
    """Write a network as a Python file.

    Args:
        layers: What `layer_parts` gave.
        symbols: Name of the argument -> column, for each input.
        target: What is predicted.
        link: What turns outputs into predictions, see `link_of`.

    Returns:
        The text.
    """
    bodies = [_layer(number, layer) for number, layer in enumerate(layers, 1)]
    modules = sorted({"numpy", *(module for _, needed in bodies for module in needed)})
    families = {layer.family for layer in layers}
    families |= {"chebyshev"} if "rational" in families else set()
    parts = [f'"""{one_line(target)} by a Kolmogorov-Arnold network fitted with kansci."""\n']
    parts += ["\n".join(f"import {module}" for module in modules) + "\n"]
    parts += [FAMILIES[family] for family in sorted(families)]
    parts += [text for text, _ in bodies]
    parts += [_entry(layers, symbols, target, link)]
    return "\n".join(parts)


def _entry(layers: Sequence[LayerParts], symbols: Mapping[str, str], target: str, link: str | None) -> str:
    """The function that people call."""
    n_out = layers[-1].nodes.n_nodes
    result = f"{n_out} values a row, in the last dimension." if n_out > 1 else "One value a row."
    names = ", ".join(symbols)
    lines = [f"def predict_{function_suffix(target)}({names}):"]
    lines += [f'    """{one_line(target)}. {result}', "", *argument_lines(symbols, "    "), '    """']
    lines += [f"    columns = [numpy.asarray(column, dtype=float) for column in ({names},)]"]
    lines += ["    x = numpy.stack(numpy.broadcast_arrays(*columns), axis=-1)"]
    lines += ["    shape = x.shape[:-1]", f"    x = x.reshape(-1, {layers[0].n_in})"]
    lines += [f"    x = _layer_{number}(x)" for number in range(1, len(layers) + 1)]
    lines += [f"    {line}" for line in LINKS[link]] if link else []
    return "\n".join(
        ["", *lines, f"    return x.reshape({f'(*shape, {n_out})' if n_out > 1 else 'shape'})", ""]
    )


def _layer(number: int, layer: LayerParts) -> tuple[str, list[str]]:
    """Text of a layer's arrays and function, and the modules it needs."""
    arrays: list[str] = []

    def table(name: str, values: np.ndarray) -> str:
        arrays.append(_array(f"{name}_{number}", values))
        return f"{name}_{number}"

    lines = [*_edges(layer, table), *_base(layer, table)]
    modules: list[str] = []
    for i, j, expr in layer.symbolic:
        body, needed = python_text(expr.xreplace({X: sympy.Symbol(f"_input{i}_")}))
        lines.append(f"sums[:, {j}] += " + body.replace(f"_input{i}_", f"x[:, {i}]"))
        modules += needed
    lines += [*_nodes(layer.nodes, table)]
    head = f"\n# layer {number}: {layer.n_in} inputs, {layer.n_sums} sums, {layer.nodes.n_nodes} nodes"
    body = "\n".join(f"    {line}" for line in lines)
    return "\n".join([head, *arrays, "", "", f"def _layer_{number}(x):", body, ""]), modules


def _edges(layer: LayerParts, table: Table) -> list[str]:
    lines = [f"t = (x - {table('OFFSET', layer.offset)}) * {table('SCALE', layer.scale)}"]
    if layer.bounds is None:
        lines += ["inside = t", f"sums = numpy.zeros((len(x), {layer.n_sums}))"]
    else:
        low, high = (table(name, end) for name, end in zip(("LOW", "HIGH"), layer.bounds, strict=True))
        below, above = (
            table(name, line) for name, line in zip(("BELOW", "ABOVE"), layer.slopes, strict=True)
        )
        lines += [f"inside = numpy.clip(t, {low}, {high})"]
        lines += [
            f"sums = numpy.minimum(t - {low}, 0.0) @ {below} + numpy.maximum(t - {high}, 0.0) @ {above}"
        ]
    coef, n_values = table("COEF", layer.coef), layer.coef.shape[2]
    names = [f"{table(name.upper(), values)}[i]" for name, values in layer.tables.items()]
    sizes = {
        "bspline": n_values - 1,
        "chebyshev": n_values,
        "fourier": n_values // 2,
        "rational": n_values - 1,
    }
    if layer.family == "rational":
        names = [str(sizes["rational"]), *names]
    elif layer.family in sizes:
        names += [str(sizes[layer.family])]
    call = f"_{layer.family}({', '.join(['inside[:, i]', *names])})"
    lines += [f"for i in range({layer.n_in}):"]
    if layer.family == "bspline":
        lines += [f"    interval, values = {call}"]
        lines += [f'    sums += numpy.einsum("np,npj->nj", values, {coef}[i, interval])']
    else:
        lines += [f"    sums += {call} @ {coef}[i, 0]"]
    return lines


def _base(layer: LayerParts, table: Table) -> list[str]:
    if layer.base_fun == "zero":
        return []
    unit = f"u = (x - {table('CENTRE', layer.centre)}) * {table('STRETCH', layer.stretch)}"
    return [unit, f"sums += ({BASE[layer.base_fun]}) @ {table('BASE', layer.base_scale)}"]


def _nodes(nodes: NodeParts, table: Table) -> list[str]:
    affine = {name: table(name.upper(), values) for name, values in nodes.affine.items()}
    lines = []
    if affine:
        lines += [f"sums = sums * {affine['subnode_scale']} + {affine['subnode_bias']}"]
    products = [f"sums[:, {list(group)}].prod(axis=1)" for group in nodes.products]
    result = "sums"
    if products:
        result = f"numpy.column_stack([sums[:, :{nodes.n_sum}], {', '.join(products)}])"
    if affine:
        result = f"{result} * {affine['node_scale']} + {affine['node_bias']}"
    return [*lines, f"return {result}"]


def _array(name: str, values: np.ndarray) -> str:
    numbers = number_lines(values.ravel())
    listed = f"[\n    {numbers}\n]" if "\n" in numbers else f"[{numbers}]"
    return f"{name} = numpy.array({listed})" + (f".reshape({values.shape})" if values.ndim > 1 else "")
