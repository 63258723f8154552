"""Values of expressions in the coordinates."""

from collections.abc import Sequence

import numpy as np
import sympy

__all__ = ["evaluate"]


def evaluate(expr: sympy.Expr, coordinates: Sequence[str], points: np.ndarray) -> np.ndarray:
    """Evaluate an expression without unknown functions.

    Args:
        expr: in the coordinates.
        coordinates: their names, in the order of the points' columns.
        points: shape (N, d).

    Returns:
        Shape (N,), float64; nan or inf where the expression has no finite real value.
    """
    symbols = [sympy.Symbol(name, real=True) for name in coordinates]
    function = sympy.lambdify(symbols, expr, modules=["numpy", "scipy"], cse=True)
    with np.errstate(all="ignore"):
        values = np.asarray(function(*points.T))
    if np.iscomplexobj(values):
        values = np.where(values.imag == 0, values.real, np.nan)
    return np.broadcast_to(values.astype(float), len(points)).copy()
