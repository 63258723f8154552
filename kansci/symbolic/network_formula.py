"""The formulas of a network all of whose edges are symbolic, one for each output."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy
import torch

from kansci.errors import SettingsError
from kansci.expressions.primitives import X
from kansci.models import KAN, KANLayer
from kansci.symbolic.parametric import compile_expr

__all__ = ["formula_gap", "symbolic_formula"]

Normalizer = tuple[Sequence[float], Sequence[float]]


def symbolic_formula(
    model: KAN,
    var: Sequence[str | sympy.Expr] | None = None,
    normalizer: Normalizer | None = None,
    output_normalizer: Normalizer | None = None,
    digits: int | None = None,
) -> tuple[list[sympy.Expr], list[sympy.Expr]]:
    """Write every output of a network as a formula, multiplication and affine nodes included.

    Args:
        model: the network; every edge is symbolic, or is not there.
        var: symbols of the inputs or their names; x_1, x_2, ... by default.
        normalizer: means and deviations by which the inputs were normalised; the formula takes them as
            measured.
        output_normalizer: the same for the outputs.
        digits: significant digits to round its numbers to; all by default.

    Returns:
        The formulas, and the inputs' symbols.

    Raises:
        SettingsError: an edge is not symbolic, or an argument is of another length.
    """
    learned = [edge for edge in model.edges() if "n" in model.mode(*edge)]
    if learned:
        names = ", ".join(map(str, learned[:5])) + (", ..." if len(learned) > 5 else "")
        raise SettingsError(f"no formula: edges {names} are learned; use fix_symbolic or auto_symbolic first")
    symbols = _symbols(var, model.width[0])
    nodes = list(symbols)
    if normalizer is not None:
        means, deviations = _normalizer(normalizer, len(nodes), "normalizer")
        nodes = [(x - m) / s for x, m, s in zip(nodes, means, deviations, strict=True)]
    for layer in model.layers:
        nodes = _next_level(layer, nodes)
    nodes = [_with_powers(y) for y in nodes]
    if output_normalizer is not None:
        means, deviations = _normalizer(output_normalizer, len(nodes), "output_normalizer")
        nodes = [y * s + m for y, m, s in zip(nodes, means, deviations, strict=True)]
    if digits is not None:
        nodes = [_rounded(y, digits) for y in nodes]
    return nodes, symbols


@torch.no_grad()
def formula_gap(model: KAN, x: torch.Tensor | np.ndarray) -> float:
    """Give the largest difference between a network and its formulas on rows x (N, I).

    It is relative to the largest output, and infinite where only one of the two is finite.
    """
    formulas, symbols = symbolic_formula(model)
    rows = torch.as_tensor(x, dtype=torch.float64)
    columns = rows.numpy().T
    written = np.stack([compile_expr(formula, symbols)(*columns) for formula in formulas], axis=1)
    computed = model.predict(rows)
    both = np.isfinite(written) & np.isfinite(computed)
    if (np.isfinite(written) != np.isfinite(computed)).any() or not both.any():
        return float("inf")
    size = np.abs(computed[both]).max()
    return float(np.abs(written - computed)[both].max() / (size or 1.0))


def _next_level(layer: KANLayer, nodes: Sequence[sympy.Expr]) -> list[sympy.Expr]:
    terms: list[list[sympy.Expr]] = [[] for _ in range(layer.nodes.n_subnodes)]
    for (i, j, function), row in zip(layer.symbolic, layer.affine.tolist(), strict=True):
        a, b, c, d = (_number(value) for value in row)
        terms[j].append(c * function.expr.xreplace({X: a * nodes[i] + b}) + d)
    sums = [sympy.Add(*parts) for parts in terms]
    affine = {
        name: getattr(layer.nodes, name).tolist() for name in layer.nodes.tensor_names if layer.nodes.affine
    }
    sums = _scaled(sums, affine.get("subnode_scale"), affine.get("subnode_bias"))
    owners = layer.nodes.owner.tolist()
    products = [
        sympy.Mul(*(part for part, owner in zip(sums, owners, strict=True) if owner == node))
        for node in range(layer.nodes.n_nodes)
    ]
    return _scaled(products, affine.get("node_scale"), affine.get("node_bias"))


def _with_powers(expr: sympy.Expr) -> sympy.Expr:
    """Write exp(y log(x)) as x**y."""

    def is_power(part: sympy.Expr) -> bool:
        return (
            isinstance(part, sympy.exp) and len(part.args[0].atoms(sympy.log) & set(part.args[0].args)) == 1
        )

    def power(part: sympy.Expr) -> sympy.Expr:
        (log,) = part.args[0].atoms(sympy.log) & set(part.args[0].args)
        return log.args[0] ** (part.args[0] / log)

    return expr.replace(is_power, power)


def _scaled(
    values: list[sympy.Expr], scale: list[float] | None, bias: list[float] | None
) -> list[sympy.Expr]:
    if scale is None or bias is None:
        return values
    return [_number(s) * value + _number(b) for value, s, b in zip(values, scale, bias, strict=True)]


def _number(value: float) -> sympy.Expr:
    """A number of the network in full; whole numbers as such, so that 1 and 0 leave no trace."""
    return sympy.Integer(int(value)) if value.is_integer() and abs(value) < 2**53 else sympy.Float(value, 17)


def _symbols(var: Sequence[str | sympy.Expr] | None, count: int) -> list[sympy.Expr]:
    if var is None:
        return [sympy.Symbol(f"x_{k + 1}") for k in range(count)]
    if len(var) != count:
        raise SettingsError(f"var has {len(var)} entries for {count} inputs")
    return [sympy.Symbol(entry) if isinstance(entry, str) else entry for entry in var]


def _normalizer(given: Any, count: int, name: str) -> list[list[sympy.Expr]]:
    parts = [torch.as_tensor(part, dtype=torch.float64).flatten().tolist() for part in given]
    if len(parts) != 2 or any(len(part) != count for part in parts):
        raise SettingsError(f"{name}: give the means and the deviations of {count} columns")
    return [[_number(value) for value in part] for part in parts]


def _rounded(expr: sympy.Expr, digits: int) -> sympy.Expr:
    return expr.xreplace({number: sympy.Float(number, digits) for number in expr.atoms(sympy.Float)})
