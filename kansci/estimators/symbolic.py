"""SymbolicRegressor: the formula behind a table."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from kansci.data import Dataset
from kansci.data.dataset import standard_deviations
from kansci.discovery import DiscoverSettings, Discovery, discover
from kansci.estimators.seed import as_seed
from kansci.symbolic.formula import Formula

if TYPE_CHECKING:
    import pandas as pd
    import sympy

MIN_ROWS = 3


class SymbolicRegressor(RegressorMixin, BaseEstimator):
    """The formula behind X and y.

    Args:
        seconds: Time to search; the search stops earlier when a formula is exact.
        jobs: Processes to use.
        random_state: Seed of the search.
        unary_operators, binary_operators, maxsize, maxdepth, nested_constraints, functions: What the
            formula may be made of, in PySR's words; see ``kansci.search.grammar``.
        template: Required form, such as ``"a*f(x1) + g(x2)"``; see ``kansci.search.template``.

    Fitted: ``formula_``, ``discovery_``, ``n_features_in_``, ``feature_names_in_`` for a DataFrame.
    """

    def __init__(  # noqa: PLR0913, PLR0917 (scikit-learn's parameters are the constructor's)
        self,
        seconds: float = 30.0,
        jobs: int = 1,
        random_state: Any = 0,
        unary_operators: Sequence[str] | None = None,
        binary_operators: Sequence[str] | None = None,
        maxsize: int | None = None,
        maxdepth: int | None = None,
        nested_constraints: Mapping[str, Mapping[str, int]] | None = None,
        functions: Mapping[str, str] | None = None,
        template: str | None = None,
    ) -> None:
        self.seconds = seconds
        self.jobs = jobs
        self.random_state = random_state
        self.unary_operators = unary_operators
        self.binary_operators = binary_operators
        self.maxsize = maxsize
        self.maxdepth = maxdepth
        self.nested_constraints = nested_constraints
        self.functions = functions
        self.template = template

    def fit(self, X: Any, y: Any, sigma: Any = None) -> "SymbolicRegressor":
        """Search a formula for y (N,), with standard deviations sigma (N,), in the columns of X (N, I)."""
        dataset = _dataset(self, X, y)
        if sigma is not None:
            dataset = replace(dataset, sigma=standard_deviations(sigma, len(dataset)))
        same = {name: value for name, value in self.get_params().items() if name != "random_state"}
        settings = DiscoverSettings(seed=as_seed(self.random_state), **same)
        self._columns = dataset.inputs
        self.discovery_: Discovery = discover(dataset, settings)
        self.formula_: Formula = self.discovery_.formula
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Values (N,) at X (N, I); nan where the formula is not real."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return self.formula_.predict(
            dict(zip(self._columns, X.T, strict=True)) if self.formula_.inputs else X
        )

    @property
    def formula(self) -> Formula:
        """The chosen formula."""
        check_is_fitted(self)
        return self.formula_

    @property
    def front(self) -> "pd.DataFrame":
        """One row a formula: complexity, nrmse, r2, score (on held-out rows), formula, latex."""
        import pandas as pd

        check_is_fitted(self)
        rows = self.discovery_.to_json()["front"]
        return pd.DataFrame(rows, columns=["complexity", "nrmse", "r2", "score", "formula", "latex"])

    def sympy(self) -> "sympy.Expr":
        """The right-hand side of the chosen formula."""
        return self.formula.expr

    def latex(self, digits: int | None = None) -> str:
        """LaTeX of the chosen formula, its numbers to ``digits`` significant digits if given."""
        return self.formula.latex(digits)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # What a search finds in a given time depends on the machine.
        tags.non_deterministic = True
        return tags


def _dataset(estimator: Any, X: Any, y: Any) -> Dataset:
    X, y = validate_data(
        estimator, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=MIN_ROWS, force_writeable=True
    )
    names = getattr(estimator, "feature_names_in_", None)
    inputs = [f"x{i + 1}" for i in range(X.shape[1])] if names is None else [str(name) for name in names]
    target = "y" if "y" not in inputs else "target"
    return Dataset(X, np.asarray(y, dtype=np.float64), tuple(inputs), target)
