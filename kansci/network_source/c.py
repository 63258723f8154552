"""A network as one C99 file that needs ``math.h`` only."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import sympy

from kansci.expressions.primitives import X
from kansci.network_source.parts import LayerParts, NodeParts
from kansci.source_text import (
    argument_lines,
    ascii_name,
    c_names,
    c_text,
    function_suffix,
    number_lines,
    one_line,
)

__all__ = ["c_source"]

Table = Callable[[str, np.ndarray], str]

CHEBYSHEV = """\
        {b}[0] = 1.0;
        {b}[1] = inside;
        for (int p = 2; p < {n}; p++) {b}[p] = 2.0 * inside * {b}[p - 1] - {b}[p - 2];
"""
# From `inside`, a number, to the P values b of input i.
FAMILIES = {
    "bspline": """\
        while (m < {intervals} - 1 && inside >= {breaks}[i][m + 1]) m++;
        double share = (inside - {breaks}[i][m]) / ({breaks}[i][m + 1] - {breaks}[i][m]);
        b[0] = 1.0;
        for (int p = 1; p < {P}; p++) b[p] = b[p - 1] * share;
""",
    "chebyshev": CHEBYSHEV.format(b="b", n="{P}"),
    "fourier": """\
        b[0] = 1.0;
        for (int p = 1; p <= {P} / 2; p++) {{
            b[p] = cos(p * inside);
            b[{P} / 2 + p] = sin(p * inside);
        }}
""",
    "rbf": """\
        b[0] = 1.0;
        for (int p = 1; p < {P}; p++) {{
            double away = inside - {centres}[i][p - 1];
            b[p] = exp(-away * away);
        }}
""",
    "rational": """\
        double below = 0.0;
        for (int p = {degree} - 1; p >= 0; p--) below = (below + {denominator}[i][p]) * inside;
        double *upper = b + 1;
        b[0] = 1.0;
"""
    + CHEBYSHEV.format(b="upper", n="{P} - 1")
    + """\
        for (int p = 1; p < {P}; p++) b[p] /= 1.0 + fabs(below);
""",
    "sine": """\
        b[0] = 1.0;
        for (int p = 1; p < {P}; p++) b[p] = sin({frequency}[i][p - 1] * inside + {phase}[i][p - 1]);
""",
}
BASE = {"silu": "0.5 * u * (1.0 + tanh(0.5 * u))", "identity": "u", "tanh": "tanh(u)"}
LINKS = {
    "sigmoid": "    for (int k = 0; k < {n}; k++) {y}[k] = 0.5 * (1.0 + tanh(0.5 * {y}[k]));\n",
    "exp": "    for (int k = 0; k < {n}; k++) {y}[k] = exp({y}[k]);\n",
    "softmax": """\
    {{ /* a block of its own: arguments may have these names */
        double most = {y}[0], total = 0.0;
        for (int k = 1; k < {n}; k++) most = fmax(most, {y}[k]);
        for (int k = 0; k < {n}; k++) total += {y}[k] = exp({y}[k] - most);
        for (int k = 0; k < {n}; k++) {y}[k] /= total;
    }}
""",
}


def c_source(layers: Sequence[LayerParts], symbols: Mapping[str, str], target: str, link: str | None) -> str:
    """Write a network as a C99 file.

    Args:
        layers: What `layer_parts` gave.
        symbols: Name of the argument -> column, for each input.
        target: What is predicted.
        link: What turns outputs into predictions, see `link_of`.

    Returns:
        The text.
    """
    parts = [_layer(number, layer) for number, layer in enumerate(layers, 1)]
    return "\n".join(["#include <math.h>", "", *parts, _entry(layers, symbols, target, link)])


def _entry(layers: Sequence[LayerParts], symbols: Mapping[str, str], target: str, link: str | None) -> str:
    """The function that people call: it returns the value, or fills an array of several."""
    names, n_out = c_names(list(symbols)), layers[-1].nodes.n_nodes
    columns = {names[symbol]: column for symbol, column in symbols.items()}
    about = f"{one_line(target)} by a Kolmogorov-Arnold network fitted with kansci.".replace("*/", "* /")
    lines = [f"/* {about}", *argument_lines(columns, " * "), " */"]
    arguments = [f"double {name}" for name in columns]
    several = _free("y", columns)
    arguments += [f"double {several}[{n_out}]"] if n_out > 1 else []
    suffix = ascii_name(function_suffix(target))
    lines += [f"{'void' if n_out > 1 else 'double'} predict_{suffix}({', '.join(arguments)})", "{"]
    level = [_free(f"level_{number}", columns) for number in range(len(layers) + 1)]
    lines += [f"    double {level[0]}[{layers[0].n_in}] = {{{', '.join(columns)}}};"]
    for number, layer in enumerate(layers, 1):
        lines += [f"    double {level[number]}[{layer.nodes.n_nodes}];"]
        lines += [f"    layer_{number}({level[number - 1]}, {level[number]});"]
    if link:
        lines += [LINKS[link].format(n=n_out, y=level[-1]).rstrip("\n")]
    if n_out > 1:
        lines += [f"    for (int k = 0; k < {n_out}; k++) {several}[k] = {level[-1]}[k];"]
    else:
        lines += [f"    return {level[-1]}[0];"]
    return "\n".join([*lines, "}", ""])


def _free(name: str, taken: Mapping[str, str]) -> str:
    while name in taken:
        name += "_"
    return name


def _layer(number: int, layer: LayerParts) -> str:
    """Text of a layer's arrays and function."""
    arrays: list[str] = []

    def table(name: str, values: np.ndarray) -> str:
        arrays.append(_array(f"{name}_{number}", values))
        return f"{name}_{number}"

    lines = [f"    double sums[{layer.n_sums}] = {{0.0}};", *_edges(layer, table)]
    for i, j, expr in layer.symbolic:
        body = c_text(expr.xreplace({X: sympy.Symbol(f"_input{i}_")}))
        lines.append(f"    sums[{j}] += {body.replace(f'_input{i}_', f'x[{i}]')};")
    lines += _nodes(layer.nodes, layer.n_sums, table)
    head = f"/* layer {number}: {layer.n_in} inputs, {layer.n_sums} sums, {layer.nodes.n_nodes} nodes */"
    signature = (
        f"static void layer_{number}(const double x[{layer.n_in}], double nodes[{layer.nodes.n_nodes}])"
    )
    return "\n".join([head, *arrays, signature, "{", *lines, "}", ""])


def _edges(layer: LayerParts, table: Table) -> list[str]:
    _, intervals, n_values, n_sums = layer.coef.shape
    tables = {name: table(name, values) for name, values in layer.tables.items()}
    offset, scale = table("offset", layer.offset), table("scale", layer.scale)
    lines = [f"    for (int i = 0; i < {layer.n_in}; i++) {{", "        int m = 0;"]
    lines += [f"        double b[{max(n_values, 2)}];"]
    lines += [f"        double t = (x[i] - {offset}[i]) * {scale}[i];", "        double inside = t;"]
    if layer.bounds is not None:
        low, high = (table(name, end) for name, end in zip(("low", "high"), layer.bounds, strict=True))
        slopes = table("slopes", layer.slopes)
        lines += [f"        if (t < {low}[i]) inside = {low}[i];"]
        lines += [f"        if (t > {high}[i]) inside = {high}[i];"]
        lines += [f"        if (t != inside) for (int j = 0; j < {n_sums}; j++)"]
        lines += [f"            sums[j] += {slopes}[t > inside][i][j] * (t - inside);"]
    degree = layer.tables["denominator"].shape[1] if "denominator" in layer.tables else 0
    family = FAMILIES[layer.family].format(intervals=intervals, P=n_values, degree=degree, **tables)
    lines += family.rstrip("\n").split("\n")
    coef = table("coef", layer.coef)
    lines += [f"        for (int p = 0; p < {n_values}; p++) for (int j = 0; j < {n_sums}; j++)"]
    lines += [f"            sums[j] += {coef}[i][m][p][j] * b[p];"]
    if layer.base_fun != "zero":
        centre, stretch = table("centre", layer.centre), table("stretch", layer.stretch)
        lines += [f"        double u = (x[i] - {centre}[i]) * {stretch}[i];"]
        lines += [f"        double base = {BASE[layer.base_fun]};"]
        lines += [f"        for (int j = 0; j < {n_sums}; j++)"]
        lines += [f"            sums[j] += {table('base_scale', layer.base_scale)}[i][j] * base;"]
    return [*lines, "    }"]


def _nodes(nodes: NodeParts, n_sums: int, table: Table) -> list[str]:
    affine = {name: table(name, values) for name, values in nodes.affine.items()}
    lines = []
    if affine:
        line = "    for (int j = 0; j < {}; j++) sums[j] = sums[j] * {}[j] + {}[j];"
        lines += [line.format(n_sums, affine["subnode_scale"], affine["subnode_bias"])]
    if nodes.n_sum:
        lines += [f"    for (int k = 0; k < {nodes.n_sum}; k++) nodes[k] = sums[k];"]
    for k, group in enumerate(nodes.products, nodes.n_sum):
        lines += [f"    nodes[{k}] = {' * '.join(f'sums[{j}]' for j in group)};"]
    if affine:
        line = "    for (int k = 0; k < {}; k++) nodes[k] = nodes[k] * {}[k] + {}[k];"
        lines += [line.format(nodes.n_nodes, affine["node_scale"], affine["node_bias"])]
    return lines


def _array(name: str, values: np.ndarray) -> str:
    """A static array, its numbers nested in braces by dimension."""
    sizes = "".join(f"[{size}]" for size in values.shape)
    return f"static const double {name}{sizes} = {_braces(values)};"


def _braces(values: np.ndarray) -> str:
    inner = number_lines(values) if values.ndim == 1 else ",\n    ".join(_braces(part) for part in values)
    return f"{{{inner}}}"
