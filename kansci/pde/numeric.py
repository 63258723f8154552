"""Grids of points, and the values of expressions there."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import sympy

__all__ = ["evaluate", "grid_of"]


def evaluate(expr: sympy.Expr, coordinates: Sequence[str], points: np.ndarray) -> np.ndarray:
    """Evaluate an expression without unknown functions.

    Args:
        expr: in the coordinates.
        coordinates: their names, in the order of the points' columns.
        points: shape (N, d).

    Returns:
        Shape (N,), float64; nan or inf where the expression has no finite real value.
    """
    with np.errstate(all="ignore"):
        values = np.asarray(_compiled(expr, tuple(coordinates))(*points.T))
    if np.iscomplexobj(values):
        values = np.where(values.imag == 0, values.real, np.nan)
    return np.broadcast_to(values.astype(float), len(points)).copy()


def grid_of(nodes: Sequence[np.ndarray]) -> np.ndarray:
    """Give all combinations of d coordinates' nodes, (N, d); a single point without coordinates for d = 0."""
    if not nodes:
        return np.empty((1, 0))
    return np.stack([part.ravel() for part in np.meshgrid(*nodes, indexing="ij")], axis=1)


@lru_cache(maxsize=512)
def _compiled(expr: sympy.Expr, coordinates: tuple[str, ...]) -> Callable[..., np.ndarray]:
    symbols = [sympy.Symbol(name, real=True) for name in coordinates]
    return sympy.lambdify(symbols, expr, modules=["numpy", "scipy"], cse=True)
