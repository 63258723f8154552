"""From the curves of a KAN to expressions: match every edge, compose, best combinations first."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, product

import numpy as np
import sympy

from kansci.expressions.primitives import LIBRARY, Primitive
from kansci.models import KAN
from kansci.symbolic.match import Match, match
from kansci.symbolic.merge import merge_constants

__all__ = ["compose", "edge_matches", "snapped_networks"]

Edge = tuple[int, int, int]


def edge_matches(
    model: KAN, X: np.ndarray, top: int = 4, library: Sequence[Primitive] = LIBRARY
) -> dict[Edge, list[Match]]:
    """The best primitives for every edge, over the values its input takes on the data.

    Args:
        model: The network.
        X: Rows (N, I).
        top: Matches kept for an edge.
        library: The primitives to try.

    Returns:
        Matches by edge (l, i, j), best first; an edge that no primitive fits is absent.
    """
    levels = [level.numpy() for level in model.activations(X)]
    found = {}
    for l, i, j in model.edges():  # noqa: E741
        x = levels[l][:, i]
        if np.ptp(x) > 0:
            found[l, i, j] = match(x, model.edge(l, i, j, x).numpy(), library=library, top=top)
    return {edge: matches for edge, matches in found.items() if matches}


def compose(width: Sequence[int], matches: dict[Edge, Match], inputs: Sequence[sympy.Expr]) -> sympy.Expr:
    """The expression of the network's first output; constant terms of one node are one number.

    Args:
        width: Nodes on each level.
        matches: One match an edge; edges that are absent are zero.
        inputs: What the inputs are.

    Returns:
        The expression, its redundant constants folded together.
    """
    nodes = list(inputs)
    for l in range(len(width) - 1):  # noqa: E741
        sums: list[sympy.Expr] = []
        for j in range(width[l + 1]):
            here = [(nodes[i], matches[l, i, j]) for i in range(width[l]) if (l, i, j) in matches]
            offset = sum(m.d for _, m in here)
            total = sympy.Add(*(replace(m, d=0.0).expr(node) for node, m in here))
            sums.append(total + sympy.Float(offset, 17) if offset else total)
        nodes = sums
    return merge_constants(nodes[0])


def snapped_networks(
    model: KAN,
    X: np.ndarray,
    inputs: Sequence[sympy.Expr],
    most: int = 24,
    library: Sequence[Primitive] = LIBRARY,
) -> Iterator[sympy.Expr]:
    """Formulas for the network from combinations of its edges' matches, the likeliest first.

    Which combination is right shows in the error of the whole formula after its constants are
    refitted together, so several are given (in-context choice; arXiv:2603.15250).

    Args:
        model: The network, pruned.
        X: Rows (N, I).
        inputs: What the inputs are.
        most: How many combinations.
        library: The primitives to try.

    Yields:
        Expressions for the network's first output.
    """
    found = edge_matches(model, X, library=library)
    edges = list(found)
    choices = (
        sorted(product(*(range(len(found[e])) for e in edges)), key=_doubt)
        if len(edges) <= 8
        else [(0,) * len(edges)]
    )
    for choice in islice(choices, most):
        picked = {edge: found[edge][k] for edge, k in zip(edges, choice, strict=True)}
        yield compose(model.width, picked, inputs)


def _doubt(choice: tuple[int, ...]) -> tuple[int, int, tuple[int, ...]]:
    """Combinations near everybody's best first."""
    return sum(choice), max(choice), choice
