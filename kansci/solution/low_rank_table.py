"""A function of several coordinates as a table: one of them down, the others across."""

from collections.abc import Sequence

import numpy as np

from kansci.solution.curves import SLACK
from kansci.solution.field_view import View
from kansci.solution.spans import Function, Known, span_functions

__all__ = ["Table"]

NODES, ROWS = 24, 160
TIMES_ACCURACY = 30.0


class Table:
    """f(x_a, rest): its rank is the number of products of functions of x_a and of the rest."""

    def __init__(self, view: View, axis: int):
        """Choose the coordinate that runs down."""
        self._view, self._axis = view, axis
        self._others = [k for k in range(view.dimensions) if k != axis]
        low, high = view.bounds[axis]
        self._nodes = low + (high - low) * (np.polynomial.legendre.leggauss(NODES)[0] + 1) / 2
        self._rest = view.sample(ROWS, np.random.default_rng(3))[:, self._others]

    def values(self, x: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """Evaluate at x (N,) and rest (M, d - 1): (N, M)."""
        points = np.empty((len(x) * len(rest), self._view.dimensions))
        points[:, self._axis] = np.repeat(x, len(rest))
        points[:, self._others] = np.tile(rest, (len(x), 1))
        return self._view(points).reshape(len(x), len(rest))

    def plain_functions(self, most: int) -> list[Known] | None:
        """Plain functions, 2 to `most`, that span the columns; None if there are no such."""
        grid = self.values(self._nodes, self._rest)
        if not np.isfinite(grid).all():
            return None
        _, singular, right = np.linalg.svd(grid, full_matrices=False)
        least = max(TIMES_ACCURACY * self._view.accuracy, SLACK)
        rank = int((singular > least * singular[0]).sum())
        if not 2 <= rank <= most:
            return None
        directions = right[:rank].T / singular[:rank]
        low, high = self._view.bounds[self._axis]
        return span_functions(
            lambda x: self.values(x, self._rest) @ directions, (low, high), rank, self._view.accuracy
        )

    def partners(self, functions: Sequence[Function]) -> list[View]:
        """The functions of the rest that stand beside those of x_a, by least squares on the nodes."""
        basis = np.stack([function(self._nodes) for function in functions], axis=1)
        accuracy = self._view.accuracy * float(np.linalg.cond(basis))
        return [self._partner(row, accuracy) for row in np.linalg.pinv(basis)]

    def _partner(self, row: np.ndarray, accuracy: float) -> View:
        symbols = tuple(self._view.symbols[k] for k in self._others)
        bounds = self._view.bounds[self._others]
        return View(lambda points: row @ self.values(self._nodes, points), symbols, bounds, accuracy)
