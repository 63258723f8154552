"""Is this function symmetric, is it separable? Tests on the derivatives of a network or of any function.

    symmetry                f = g(h(x_A), x_B)        the direction of the gradient in x_A does not feel x_B
    additive separability   f = g(x_A) + h(x_B)       no mixed second derivatives
    multiplicative          f = g(x_A) h(x_B)         the same for log |f|
    general                 f = F(g(x_A) + h(x_B))    the same for log |f_a / f_b|, a in A and b in B

Names and arguments are those of pykan's `hypothesis.py` (Liu et al., KAN 2.0, 2024; the ideas are those of
AI Feynman, Udrescu and Tegmark 2020). Here derivatives are by x / std(x), and of f / std(f) unless the size
of f cancels: so thresholds mean the same in any units. Every score is the median over the rows, which a few
singular rows do not move.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import sympy
import torch

from kansci.errors import SettingsError
from kansci.search.derivatives import (
    Derivatives,
    Function,
    Rows,
    batch_hessian,
    batch_jacobian,
    median,
    sides,
)
from kansci.symbolic.parametric import compile_expr

__all__ = [
    "batch_grad_normgrad",
    "batch_hessian",
    "batch_jacobian",
    "detect_separability",
    "get_dependence",
    "separability_score",
    "test_general_separability",
    "test_separability",
    "test_symmetry",
    "test_symmetry_var",
]


def batch_grad_normgrad(model: Function, x: Rows, group: Sequence[int]) -> torch.Tensor:
    """Derivatives, by the inputs outside a group, of the gradient's direction within it.

    Args:
        model: the function, (N, I) to (N, 1).
        x: rows (N, I).
        group: indices of A inputs.

    Returns:
        Shape (N, A, I - A); zero everywhere if f = g(h(x_A), x_B).
    """
    return Derivatives(model, x).turning(group)


def get_dependence(model: Function, x: Rows, group: Sequence[int]) -> torch.Tensor:
    """Median over the rows of |`batch_grad_normgrad`|, shape (A, I - A)."""
    return median(batch_grad_normgrad(model, x, group))


def test_symmetry(model: Function, x: Rows, group: Sequence[int], dependence_th: float = 1e-3) -> bool:
    """Tell whether some inputs enter only through one function of them: f = g(h(x_A), x_B).

    Args:
        model: the function, (N, I) to (N, 1).
        x: rows (N, I).
        group: indices of the inputs A.
        dependence_th: largest dependence that counts as none.

    Returns:
        True for a symmetry.

    Example:
        >>> x = torch.randn(100, 3, generator=torch.Generator().manual_seed(0))
        >>> f = lambda x: x[:, [0]] ** 2 * (x[:, [1]] + x[:, [2]])
        >>> test_symmetry(f, x, [1, 2]), test_symmetry(f, x, [0, 2])
        (True, False)
    """
    return Derivatives(model, x).symmetric(group, dependence_th)


def test_separability(
    model: Function,
    x: Rows,
    groups: Sequence[Sequence[int]],
    mode: str = "add",
    threshold: float = 1e-2,
    bias: float = 0.0,
) -> bool:
    """Tell whether a function is a sum, or a product, of functions of groups of inputs.

    Args:
        model: the function, (N, I) to (N, 1).
        x: rows (N, I).
        groups: indices of each group's inputs; those in no group form one more.
        mode: "add" or "mul".
        threshold: largest mixed second derivative that counts as none.
        bias: added to f before its logarithm is taken ("mul").

    Returns:
        True for a separable function.
    """
    return separability_score(model, x, groups, mode, bias) < threshold


def separability_score(
    model: Function, x: Rows, groups: Sequence[Sequence[int]], mode: str = "add", bias: float = 0.0
) -> float:
    """Give the largest mixed second derivative between groups; arguments as for `test_separability`."""
    scores = _interactions(model, x, mode, bias)
    rest = sides([i for group in groups for i in group], len(scores))[1]
    parts = [list(group) for group in (*groups, rest) if len(group)]
    return max((float(scores[a][:, b].max()) for a, b in combinations(parts, 2)), default=0.0)


def test_general_separability(
    model: Function, x: Rows, groups: Sequence[Sequence[int]], threshold: float = 1e-2
) -> bool:
    """Tell whether f = F(g(x_A) + h(x_B) + ...) for the groups A, B, ... of inputs.

    Then each group is symmetric, and f_a / f_b = g_a(x_A) / h_b(x_B) for a in A and b in B: its logarithm has
    no mixed derivatives and no other inputs.

    Args:
        model: the function, (N, I) to (N, 1).
        x: rows (N, I).
        groups: indices of each group's inputs.
        threshold: largest derivative that counts as none.

    Returns:
        True for a separable function.
    """
    whole = Derivatives(model, x)
    if not all(whole.symmetric(group, threshold) for group in groups):
        return False
    for first, second in combinations([list(group) for group in groups], 2):

        def log_ratio(rows: torch.Tensor, a: int = first[0], b: int = second[0]) -> torch.Tensor:
            slopes = batch_jacobian(model, rows, create_graph=True)
            return (slopes[:, a].abs() / slopes[:, b].abs()).log()

        found = Derivatives(log_ratio, x)
        others = sides([*first, *second], found.gradient.shape[1])[1]
        foreign = median(found.gradient[:, others])
        mixed = median(found.hessian[:, first][:, :, second])
        if not (bool((foreign < threshold).all()) and bool((mixed < threshold).all())):
            return False
    return True


def detect_separability(
    model: Function,
    x: Rows,
    mode: str = "add",
    score_th: float = 1e-2,
    res_th: float = 1e-2,
    n_clusters: int | None = None,
    bias: float = 0.0,
) -> dict[str, Any]:
    """Find the finest groups of inputs between which a function is separable.

    Args:
        model: the function, (N, I) to (N, 1).
        x: rows (N, I).
        mode: "add" or "mul".
        score_th: two inputs whose mixed derivative is not below it are in one group.
        res_th: largest share of all second derivatives that may lie between groups.
        n_clusters: number of groups wanted, at most as many as there are.
        bias: added to f before its logarithm is taken ("mul").

    Returns:
        hessian (I, I): the scores; n_groups; labels: group of each input; groups: inputs of each group.
    """
    scores = _interactions(model, x, mode, bias)
    groups = _connected(scores >= score_th)
    total = float(scores.sum())

    def between(a: Sequence[int], b: Sequence[int]) -> float:
        return 2 * float(scores[a][:, b].sum())

    def too_fine() -> bool:
        rest = sum(between(a, b) for a, b in combinations(groups, 2))
        return rest >= res_th * total > 0 or len(groups) > (n_clusters or len(scores))

    while len(groups) > 1 and too_fine():
        a, b = max(combinations(groups, 2), key=lambda pair: between(*pair))
        groups = sorted([*(g for g in groups if g not in (a, b)), sorted(a + b)])
    labels = [next(k for k, group in enumerate(groups) if i in group) for i in range(len(scores))]
    return {"hessian": scores, "n_groups": len(groups), "labels": labels, "groups": groups}


def test_symmetry_var(
    model: Function, x: Rows, input_vars: Sequence[sympy.Symbol], symmetry_var: sympy.Expr
) -> torch.Tensor:
    """Compare the gradient of a function with that of an expression it may depend on.

    Args:
        model: the function, (N, I) to (N, 1).
        x: rows (N, I).
        input_vars: the symbols of the I inputs.
        symmetry_var: the expression, for example b + c.

    Returns:
        |cosine| of the angle between the two gradients in the expression's inputs, at each row (N,): 1 where
        f depends on these inputs only through the expression.

    Raises:
        SettingsError: the expression holds another symbol.
    """
    rows = torch.as_tensor(x, dtype=torch.float64)
    names = list(input_vars)
    unknown = symmetry_var.free_symbols - set(names)
    if unknown or not symmetry_var.free_symbols:
        raise SettingsError(f"symmetry_var={symmetry_var}: write it in {', '.join(map(str, names))}")
    used = [k for k, name in enumerate(names) if name in symmetry_var.free_symbols]
    columns = rows.detach().numpy().T
    slopes = [compile_expr(sympy.diff(symmetry_var, names[k]), names)(*columns) for k in used]
    expected = torch.tensor(np.stack(slopes, axis=1))
    found = batch_jacobian(model, rows).detach()[:, used]
    return torch.nn.functional.cosine_similarity(found, expected, eps=1e-300).abs()


def _interactions(model: Function, x: Rows, mode: str, bias: float) -> torch.Tensor:
    """Medians (I, I) of the second derivatives of f / std(f), or of log |f + bias|."""
    if mode not in {"add", "mul"}:
        raise SettingsError(f'mode={mode!r}: choose "add" or "mul"')
    if mode == "mul":
        return median(Derivatives(lambda rows: (model(rows) + bias).abs().log(), x).hessian)
    with torch.no_grad():
        size = float(model(torch.as_tensor(x, dtype=torch.float64)).std())
    return median(Derivatives(model, x).hessian) / (size or 1.0)


def _connected(linked: torch.Tensor) -> list[list[int]]:
    """Connected components of the graph with adjacency (I, I)."""
    groups: list[set[int]] = []
    for i in range(len(linked)):
        near = {i, *linked[i].nonzero().flatten().tolist()}
        for group in [g for g in groups if g & near]:
            near |= group
            groups.remove(group)
        groups.append(near)
    return sorted(sorted(group) for group in groups)


# pytest must not take them for tests of its own where they are imported.
_NOT_PYTESTS: tuple[Any, ...] = (
    test_symmetry,
    test_separability,
    test_general_separability,
    test_symmetry_var,
)
for _function in _NOT_PYTESTS:
    _function.__test__ = False
