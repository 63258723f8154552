"""How formulas of different length and error are compared."""

import numpy as np

__all__ = ["description_length"]


def description_length(train: float, held: float, parameters: int, nodes: int, rows: int) -> float:
    """Nats to tell the residuals, the constants and the tree (minimum description length).

    ``n ln(error) + (k/2) ln n + nodes ln 8`` after Rissanen (1978), the middle term at least the
    small-sample one of Hurvich & Tsai (Biometrika 76:297, 1989). The error is the larger of the
    one on the fitted rows (corrected for k parameters) and the one on the held-out rows.
    """
    free = rows - parameters
    if free <= 1:
        return float("inf")
    error = max(train * np.sqrt(rows / free), held, 1e-15)
    constants = max(0.5 * parameters * np.log(rows), parameters + parameters * (parameters + 1) / (free - 1))
    return rows * float(np.log(error)) + float(constants) + nodes * float(np.log(8.0))
