"""A formula on a table: its numbers free, fitted to some of the rows and judged on others."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sympy

from kansci.data import Dataset
from kansci.discovery.rows import all_rows, search_rows
from kansci.errors import DataError
from kansci.evidence.forms import with_floats
from kansci.expressions.custom import written_out
from kansci.search.dimensions import Units
from kansci.search.rows import Rows
from kansci.symbolic.formula import Formula
from kansci.symbolic.parametric import Parametric

__all__ = ["Table", "fitted", "positive_inputs"]

STEPS = 100


@dataclass(frozen=True, eq=False)
class Table:
    """A dataset as the search sees it: with the weight of each row, and rows that are held out."""

    dataset: Dataset
    seed: int = 0

    @cached_property
    def searched(self) -> Rows:
        """The rows that a search of this seed works on."""
        return search_rows(self.dataset, self.seed)

    @cached_property
    def rows(self) -> Rows:
        """All rows, with their weights."""
        return all_rows(self.dataset, self.searched)

    @property
    def sigma(self) -> np.ndarray | None:
        """Relative sizes (N,) of the errors; None where they are all equal, or the dataset holds them."""
        weight = self.rows.weight
        return 1 / weight if self.dataset.sigma is None and np.ptp(weight) > 0 else None

    @cached_property
    def units(self) -> Units | None:
        """Those of the dataset, if it has any."""
        return Units.of_table(self.dataset)

    def allows(self, expr: sympy.Expr) -> bool:
        """Whether the units allow a formula whose numbers may carry units, as in a search."""
        return self.units is None or bool(self.units.check(with_floats(expr)))

    def sample(self, most: int) -> Rows:
        """All rows, or ``most`` of them drawn at random."""
        rows, n = self.rows, len(self.dataset.y)
        if n <= most:
            return rows
        at = np.sort(np.random.default_rng(self.seed).permutation(n)[:most])
        return Rows(
            tuple(x[at] for x in rows.columns), rows.y[at], rows.weight[at], np.arange(most), np.arange(0)
        )

    def model(self, formula: Formula) -> Parametric:
        """The formula over the inputs of the table, its floating-point numbers free.

        Raises:
            DataError: The formula is of a column that the table does not have.
        """
        names = {column: symbol for symbol, column in self.dataset.symbols.items()}
        expr = written_out(formula.expr)
        own = {}
        for symbol in expr.free_symbols:
            column = formula.symbols.get(symbol.name, symbol.name)
            if column not in names:
                raise DataError(
                    f"the formula {formula} is of '{column}', which is no input of the table"
                    f" (inputs: {', '.join(self.dataset.inputs)})"
                )
            own[symbol] = sympy.Symbol(names[column])
        return Parametric.of(expr.xreplace(own), [sympy.Symbol(s) for s in self.dataset.symbols])


def fitted(model: Parametric, rows: Rows, at: np.ndarray) -> Parametric:
    """The model with its constants fitted to the rows ``at``, from the values it has.

    It is the model itself where no fit is finite.
    """
    columns = [x[at] for x in rows.columns]
    trial, fit = model.refit(columns, rows.y[at], rows.weight[at], steps=STEPS)
    return trial if np.isfinite(fit.rss) else model


def positive_inputs(dataset: Dataset) -> tuple[str, ...]:
    """Symbols of the inputs that have no values below or at zero."""
    return tuple(s for s, x in zip(dataset.symbols, dataset.X.T, strict=True) if (x > 0).all())
