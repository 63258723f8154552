"""KANRegressor: one or several numbers from a network."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import validate_data

from kansci.estimators.network import FEWEST_ROWS, NetworkEstimator, distinct
from kansci.training.losses import Poisson
from kansci.training.user_loss import as_loss


class KANRegressor(MultiOutputMixin, RegressorMixin, NetworkEstimator):
    """A Kolmogorov-Arnold network, trained by Levenberg-Marquardt from several starts, and pruned.

    A fifth of the rows, from 20 on, is held out to choose among networks.

    Args:
        hidden: Nodes on each hidden level; empty for a sum of one-variable functions. None takes five nodes,
            or none where few, noisy rows do not say clearly that more is better.
        grid: Intervals of each edge's grid; several are gone through from coarse to fine; "auto" begins with
            5 and doubles as long as the held-out error falls.
        k: Degree of the splines.
        lamb: Sparsity penalty; 0 keeps every edge. It and the next are for Levenberg-Marquardt.
        restarts: Random starts.
        steps: Steps of Levenberg-Marquardt in each stage; ten times as many of L-BFGS and self-scaled
            Broyden, a hundred times as many batches of Adam.
        random_state: Seed of the starts and of the held-out rows.
        loss: "least_squares", "huber", "poisson", a `Loss` such as `Huber(0.1)`, or a function of predictions
            and targets (see `as_loss`).
        basis: Family of the edges' functions, or one for each layer.
        base_fun: Base function of every edge.
        smooth: Penalty on the edges' curvature, as a share of the present loss, for Levenberg-Marquardt.
            Where rows are few and noisy, strong penalties are tried too (see `cautious`); 0 leaves that out.
        grid_eps: Below 1, Levenberg-Marquardt tries knots at quantiles of unevenly spread rows (0), or
            between these and equally spaced ones; they stay if the held-out error is not worse.
        opt: "auto" chooses by size (see `FitOptions.chosen`); "LM", "LBFGS", "SSBroyden" or "Adam".

    Fitted: ``model_`` (a KAN), ``feature_importances_`` (attribution to the inputs, of sum 1),
    ``n_features_in_``, ``feature_names_in_`` for a DataFrame.
    """

    def __init__(  # noqa: PLR0913
        self,
        hidden: Sequence[int] | None = None,
        grid: Any = "auto",
        k: int = 3,
        lamb: float = 3e-2,
        restarts: int = 6,
        steps: int = 50,
        random_state: Any = 0,
        *,
        loss: Any = "least_squares",
        basis: Any = "bspline",
        base_fun: str = "silu",
        smooth: float = 0.1,
        grid_eps: float = 0.02,
        opt: str = "auto",
    ) -> None:
        super().__init__(
            hidden,
            grid,
            k,
            lamb,
            restarts,
            steps,
            random_state,
            basis=basis,
            base_fun=base_fun,
            smooth=smooth,
            grid_eps=grid_eps,
            opt=opt,
        )
        self.loss = loss

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "KANRegressor":
        """Train on X (N, I) and y (N,) or (N, O), rows counting sample_weight (N,) times."""
        X, y = validate_data(
            self,
            X,
            y,
            dtype=np.float64,
            y_numeric=True,
            multi_output=True,
            ensure_min_samples=FEWEST_ROWS,
            force_writeable=True,
        )
        y = np.asarray(y, dtype=np.float64)
        self._flat = y.ndim == 1
        self.loss_ = as_loss(self.loss)
        self._train(distinct(X, y.reshape(len(y), -1), sample_weight), self.loss_)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Values (N,) or (N, O) at X (N, I)."""
        values = self._outputs(X)
        values = self.loss_.predict(torch.as_tensor(values)).numpy()
        return values[:, 0] if self._flat else values

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = self.loss == "poisson" or isinstance(self.loss, Poisson)
        return tags
