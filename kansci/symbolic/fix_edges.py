"""Formulas on the edges of a network, one edge at a time; `KAN` has these as methods, under pykan's names."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from kansci.errors import SettingsError
from kansci.models import KAN, KANLayer, SymbolicFunction
from kansci.models.importance import spread_points
from kansci.models.surgery import check_edge
from kansci.symbolic.edge_fit import EdgeFit, Range, fit_edge
from kansci.symbolic.library import Library, chosen_functions, find_function

__all__ = [
    "Suggestion",
    "edge_samples",
    "fix_symbolic",
    "suggest_symbolic",
    "unfix_symbolic",
    "unfix_symbolic_all",
    "with_formula",
]

Edge = tuple[int, int, int]
Rows = torch.Tensor | np.ndarray

SHORT_LIST = 12
"""Functions that are fitted to the end, of which the best are suggested."""
NO_ERROR = 1e-10
"""Below this share of the variance an error counts as none."""


class Suggestion(NamedTuple):
    """A function for an edge.

    Attributes:
        name: of the function f.
        params: (a, b, c, d) of c * f(a * x + b) + d.
        r2: of the fit.
        complexity: nodes of that expression, see `EdgeFit`.
        score: what suggestions are sorted by; less is better.
    """

    name: str
    params: tuple[float, float, float, float]
    r2: float
    complexity: int
    score: float


def fix_symbolic(
    model: KAN,
    edge: Edge,
    fun: Any,
    *,
    fit_params: bool = True,
    ranges: tuple[Range | None, Range | None] = (None, None),
    x: Rows | None = None,
    lib: Library | None = None,
) -> KAN:
    """Replace the function on an edge by a formula c * f(a * x + b) + d.

    Args:
        model: the network.
        edge: (l, i, j).
        fun: a name in the library, a formula in x as text, or a sympy expression of one symbol.
        fit_params: whether to fit a, b, c, d to the edge as it is, or take 1, 0, 1, 0.
        ranges: where a and b may lie, None for no bounds.
        x: rows (N, I) that say at which values to fit; without them points spread over the inputs' grids.
        lib: the library of names.

    Returns:
        The network with it; the learned function is kept aside for `unfix_symbolic`.

    Raises:
        SettingsError: there is no such edge or name, or f is not finite on the edge's values.
    """
    check_edge(model, *edge)
    primitive = find_function(fun, lib)
    if not fit_params:
        return with_formula(model, edge, EdgeFit(primitive, (1.0, 0.0, 1.0, 0.0), 0.0))
    found = fit_edge([primitive], *edge_samples(model, edge, x), ranges)
    if not found:
        raise SettingsError(
            f"{primitive.name} is not finite on the values of edge {edge}: try another function, other ranges"
        )
    return with_formula(model, edge, found[0])


def with_formula(model: KAN, edge: Edge, fit: EdgeFit) -> KAN:
    """Give the network with a fitted function on an edge."""
    level, i, j = edge
    function = SymbolicFunction(fit.primitive.name, fit.primitive.expr)
    return _exchanged(model, level, model.layers[level].with_symbolic(i, j, function, fit.params))


def unfix_symbolic(model: KAN, edge: Edge) -> KAN:
    """Take the formula off an edge and bring its learned function back.

    An edge that never had one gets the spline that comes closest to the formula on its grid.

    Args:
        model: the network.
        edge: (l, i, j).

    Returns:
        The network without the formula.
    """
    check_edge(model, *edge)
    level, i, j = edge
    layer = model.layers[level]
    if layer.find(i, j) is None:
        return model.copy()
    learned = layer.without_symbolic(i, j)
    if not bool((learned.weight[j, i] != 0).any()):
        learned = _fitted(learned, layer, i, j)
    return _exchanged(model, level, learned)


def unfix_symbolic_all(model: KAN) -> KAN:
    """Take all formulas off, as `unfix_symbolic`."""
    for level, layer in enumerate(model.layers):
        for i, j, _ in layer.symbolic:
            model = unfix_symbolic(model, (level, i, j))
    return model.copy()


def suggest_symbolic(
    model: KAN,
    edge: Edge,
    *,
    ranges: tuple[Range | None, Range | None] = (None, None),
    lib: Library | Sequence[Any] | None = None,
    topk: int = 5,
    weight_simple: float = 0.8,
    x: Rows | None = None,
) -> list[Suggestion]:
    """List the functions that describe an edge best.

    Args:
        model: the network.
        edge: (l, i, j).
        ranges: where a and b may lie, None for no bounds.
        lib: the functions to try, a library or a list of names and formulas.
        topk: how many to return.
        weight_simple: from 0, the error alone, to 1, the length alone: the score is weight_simple *
            complexity + (1 - weight_simple) * log2(1 - r2 + 1e-10).
        x: rows (N, I) that say at which values to fit; without them points spread over the inputs' grids.

    Returns:
        Suggestions, best first; a table for `pandas.DataFrame`.
    """
    check_edge(model, *edge)
    fits = fit_edge(chosen_functions(lib), *edge_samples(model, edge, x), ranges, max(topk, SHORT_LIST))
    rows = [_suggestion(fit, weight_simple) for fit in fits if np.isfinite(fit.r2)]
    return sorted(rows, key=lambda row: (row.score, row.complexity, row.name))[:topk]


def _suggestion(fit: EdgeFit, weight_simple: float) -> Suggestion:
    bits = float(np.log2(max(1 - fit.r2, 0.0) + NO_ERROR))
    cost = fit.complexity
    score = weight_simple * cost + (1 - weight_simple) * bits
    return Suggestion(fit.primitive.name, fit.params, fit.r2, cost, score)


def edge_samples(model: KAN, edge: Edge, x: Rows | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Give the values at which an edge is used, and its own there.

    Args:
        model: the network.
        edge: (l, i, j).
        x: rows (N, I); without them points spread over the inputs' grids.

    Returns:
        Two arrays (N,).
    """
    level, i, j = edge
    rows = spread_points(model) if x is None else torch.as_tensor(x, dtype=torch.float64)
    values = model.activations(rows)[level][:, i]
    return values.numpy(), model.edge(level, i, j, values).numpy()


@torch.no_grad()
def _fitted(learned: KANLayer, formula: KANLayer, i: int, j: int) -> KANLayer:
    """The layer whose learned edge (i, j) is the least-squares fit to the other layer's edge on its grid."""
    low, high = learned.basis.domain[i]
    points = torch.linspace(0, 1, 8 * learned.basis.size + 1, dtype=torch.float64) * (high - low) + low
    values = formula.edge(i, j, points)
    finite = values.isfinite()
    basis = learned.basis.select(torch.tensor([i]))
    coef = basis.fit(points[finite, None], values[finite, None, None])
    changed = learned.changed()
    changed.coef.data[j, i] = coef[0, 0]
    return changed


def _exchanged(model: KAN, level: int, layer: KANLayer) -> KAN:
    return KAN.from_layers([layer if k == level else old.changed() for k, old in enumerate(model.layers)])
