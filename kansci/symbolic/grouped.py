"""One form fitted to several groups of rows at once: some numbers shared by all groups, others not.

All numbers are fitted together, so that what is shared is determined by all rows (the separable
structure of "global" or "shared-parameter" regression, Bates & Watts, Nonlinear Regression Analysis
and Its Applications, 1988, section 4.3).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import sympy

from kansci.symbolic.least_squares import Fit, covariance, levenberg_marquardt
from kansci.symbolic.parametric import Parametric

__all__ = ["GroupedModel"]


@dataclass(frozen=True)
class GroupedModel:
    """A form with P parameters in G groups, filled from K free numbers.

    ``slots`` (G, P): which of ``values`` (K,) stands for parameter p in group g; a shared parameter has the
    same slot in every group. The values of ``form`` itself are not used.
    """

    form: Parametric
    slots: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, form: Parametric, table: np.ndarray, shared: np.ndarray) -> "GroupedModel":
        """The model with the values ``table`` (G, P), shared parameters at their median over the groups.

        Args:
            form: The form.
            table: Values (G, P).
            shared: Which parameters all groups share (P,).

        Returns:
            The model, not yet refitted.
        """
        slots = np.empty(table.shape, int)
        values: list[float] = []
        for p in np.argsort(~np.asarray(shared, bool), kind="stable"):  # what is shared comes first
            own = [float(np.median(table[:, p]))] if shared[p] else [float(v) for v in table[:, p]]
            slots[:, p] = len(values) + (0 if shared[p] else np.arange(len(table)))
            values += own
        return cls(form, slots, np.array(values))

    @property
    def table(self) -> np.ndarray:
        """Values of the parameters in every group (G, P)."""
        return self.values[self.slots]

    @property
    def shared(self) -> np.ndarray:
        """Which parameters have one value for all groups (P,)."""
        return (self.slots == self.slots[:1]).all(axis=0)

    def predict(self, columns: Sequence[np.ndarray], index: np.ndarray) -> np.ndarray:
        """Model values (N,) at the columns (one array (N,) a variable) in the groups ``index`` (N,)."""
        values = self.form.predict(columns, list(self.table[index].T))
        return np.array(np.broadcast_to(values, index.shape))

    def rss(
        self, columns: Sequence[np.ndarray], index: np.ndarray, y: np.ndarray, weight: np.ndarray
    ) -> float:
        """Weighted residual sum of squares; the arguments are those of ``refit``."""
        return float(np.sum((weight * (self.predict(columns, index) - y)) ** 2))

    def jacobian(self, columns: Sequence[np.ndarray], index: np.ndarray) -> np.ndarray:
        """Derivatives (N, K) with respect to the free numbers."""
        rows = np.arange(len(index))
        slopes = self.form.jacobian(columns, list(self.table[index].T))
        J = np.zeros((len(index), len(self.values)))
        for p in range(self.slots.shape[1]):
            J[rows, self.slots[index, p]] += slopes[:, p]
        return J

    def refit(
        self,
        columns: Sequence[np.ndarray],
        index: np.ndarray,
        y: np.ndarray,
        weight: np.ndarray,
        steps: int = 60,
    ) -> tuple["GroupedModel", Fit]:
        """All free numbers together by least squares.

        Args:
            columns: One array (N,) a variable.
            index: Group of each row (N,).
            y: Target (N,).
            weight: Factor of each residual (N,).
            steps: The most Levenberg-Marquardt steps.

        Returns:
            The refitted copy, and the fit (its ``rss`` is infinite if the model is not finite).
        """
        fit = levenberg_marquardt(
            lambda v: weight * (self._at(v).predict(columns, index) - y),
            lambda v: weight[:, None] * self._at(v).jacobian(columns, index),
            self.values,
            steps=steps,
        )
        return self._at(fit.values), fit

    def stderr(
        self, columns: Sequence[np.ndarray], index: np.ndarray, y: np.ndarray, weight: np.ndarray
    ) -> np.ndarray:
        """Standard error of each free number (K,) at the solution; the arguments are those of ``refit``."""
        rss = self.rss(columns, index, y, weight)
        J = weight[:, None] * self.jacobian(columns, index)
        if not np.isfinite(J).all() or not np.isfinite(rss):
            return np.full(len(self.values), np.inf)
        return np.sqrt(np.diag(covariance(J, rss)))

    def with_groups_as_columns(self) -> Parametric:
        """The same as an ordinary model with one more variable a group: 1 on its rows, 0 elsewhere.

        Its parameters are the free numbers, in their order.
        """
        groups = [sympy.Dummy(f"group{g}", real=True) for g in range(len(self.slots))]
        free = [sympy.Dummy(f"v{k}", real=True) for k in range(len(self.values))]
        filled = {
            parameter: free[self.slots[0, p]]
            if self.shared[p]
            else sympy.Add(*(free[k] * d for k, d in zip(self.slots[:, p], groups, strict=True)))
            for p, parameter in enumerate(self.form.parameters)
        }
        expr = self.form.expr.xreplace(filled)
        return Parametric(expr, (*self.form.variables, *groups), tuple(free), self.values)

    def _at(self, values: np.ndarray) -> "GroupedModel":
        return replace(self, values=values)
