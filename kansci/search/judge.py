"""How formulas of different length and error are compared."""

import numpy as np
import sympy

__all__ = ["description_length", "rarity", "surprise"]

HELD = 0.2
"""Share of the rows that are held out."""
IMPOSSIBLE = 10
"""Nodes that a formula is longer by when the units of the table do not allow it."""
COMMON = (sympy.exp, sympy.log, sympy.sin, sympy.cos, sympy.Pow)
FAMILIAR = (sympy.tan, sympy.tanh, sympy.atan, sympy.asin, sympy.acos, sympy.sinh, sympy.cosh, sympy.Abs)


def rarity(expr: sympy.Expr) -> float:
    """Nodes that a formula is longer by for the functions and exponents that laws seldom hold.

    Args:
        expr: Any expression.

    Returns:
        1.5 for a familiar function, 2.5 for a rare one, 1 for an odd exponent.
    """
    total = 0.0
    for part in sympy.preorder_traversal(expr):
        if part.is_Pow and part.exp.is_Rational:
            total += abs(part.exp.p) > 4 or part.exp.q > 2
        elif part.is_Function and not isinstance(part, COMMON):
            total += 1.5 if isinstance(part, FAMILIAR) else 2.5
    return total


def surprise(expr: sympy.Expr, *, possible: bool) -> float:
    """Nodes that a formula is longer by than it looks: see ``rarity``, and whether the units allow it."""
    return rarity(expr) + (0 if possible else IMPOSSIBLE)


def description_length(train: float, held: float, parameters: int, nodes: float, rows: int) -> float:
    """Nats to tell the residuals, the constants and the tree (minimum description length).

    ``n ln(error) + (k/2) ln n + nodes ln 8`` after Rissanen (1978), the middle term at least the
    small-sample one of Hurvich & Tsai (Biometrika 76:297, 1989). The error is that of the fitted rows,
    corrected for k parameters, and of the held-out rows together, as far as these are worse: few
    held-out rows say little by themselves.
    """
    free = rows - parameters
    if free <= 1:
        return float("inf")
    fitted = train * np.sqrt(rows / free)
    error = max(float(np.sqrt((1 - HELD) * fitted**2 + HELD * max(fitted, held) ** 2)), 1e-15)
    constants = max(0.5 * parameters * np.log(rows), parameters + parameters * (parameters + 1) / (free - 1))
    return rows * float(np.log(error)) + float(constants) + nodes * float(np.log(8.0))
