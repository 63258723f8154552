"""KANClassifier: the probabilities of classes from a network."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, validate_data

from kansci.errors import DataError
from kansci.estimators.network import FEWEST_ROWS, NetworkEstimator, distinct
from kansci.training.class_losses import Logistic, Softmax, count_ones
from kansci.training.losses import Loss


class KANClassifier(ClassifierMixin, NetworkEstimator):
    """A Kolmogorov-Arnold network for classes: one output and logistic loss for two, else softmax.

    A fifth of the rows, from 20 on, is held out to choose among networks.

    Args:
        hidden: Nodes on each hidden level; empty for a sum of one-variable functions.
        grid: Intervals of each edge's grid; several are gone through from coarse to fine; "auto" begins with
            5 and doubles as long as the held-out error falls.
        k: Degree of the splines.
        lamb: Sparsity penalty; 0 keeps every edge. It and the next are for Levenberg-Marquardt.
        restarts: Random starts.
        steps: Steps of Levenberg-Marquardt in each stage; ten times as many of L-BFGS and self-scaled
            Broyden, a hundred times as many batches of Adam.
        random_state: Seed of the starts and of the held-out rows.
        class_weight: None, "balanced", or class -> weight.
        basis: Family of the edges' functions, or one for each layer.
        base_fun: Base function of every edge.
        smooth: Penalty on the edges' curvature, as a share of the present loss, for Levenberg-Marquardt.
        grid_eps: Below 1, Levenberg-Marquardt tries knots at quantiles of unevenly spread rows (0), or
            between these and equally spaced ones; they stay if the held-out error is not worse.
        opt: "auto" chooses by size (see `FitOptions.chosen`); "LM", "LBFGS", "SSBroyden" or "Adam".

    Fitted: ``classes_``, ``model_`` (a KAN), ``feature_importances_`` (attribution to the inputs, of sum 1),
    ``n_features_in_``, ``feature_names_in_`` for a DataFrame.
    """

    def __init__(  # noqa: PLR0913
        self,
        hidden: Sequence[int] = (3,),
        grid: Any = 5,
        k: int = 3,
        lamb: float = 0.0,
        restarts: int = 6,
        steps: int = 30,
        random_state: Any = 0,
        *,
        class_weight: Any = None,
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
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "KANClassifier":
        """Train on X (N, I) and classes y (N,), rows counting sample_weight (N,) times.

        Args:
            X: Rows.
            y: Classes.
            sample_weight: Multiplied with the class's weight.

        Returns:
            The estimator.

        Raises:
            DataError: There is only one class.
        """
        X, y = validate_data(
            self, X, y, dtype=np.float64, ensure_min_samples=FEWEST_ROWS, force_writeable=True
        )
        check_classification_targets(y)
        self.classes_, number = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(f"y holds one class only ({self.classes_[0]}): there must be two or more classes")
        if self.class_weight is not None:
            own = np.ones(len(X)) if sample_weight is None else _check_sample_weight(sample_weight, X)
            sample_weight = own * compute_sample_weight(self.class_weight, y)
        rows = distinct(X, number[:, None].astype(np.float64), sample_weight)
        n_out = 1 if len(self.classes_) == 2 else len(self.classes_)
        hard = self._loss.targets(rows.y, n_out)
        loss = self._loss.smoothed(count_ones(hard), len(hard))
        self._train(rows._replace(y=loss.targets(hard, n_out)), self._loss)
        return self

    @property
    def _loss(self) -> Loss:
        return Logistic() if len(self.classes_) == 2 else Softmax()

    def decision_function(self, X: Any) -> np.ndarray:
        """Outputs of the network: log odds (N,) for two classes, else one score (N, C) for each."""
        outputs = self._outputs(X)
        return outputs[:, 0] if len(self.classes_) == 2 else outputs

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities (N, C) of the classes."""
        outputs = torch.as_tensor(self._outputs(X))
        chance = self._loss.predict(outputs).numpy()
        return np.column_stack([1 - chance, chance]) if len(self.classes_) == 2 else chance

    def predict(self, X: Any) -> np.ndarray:
        """Most probable class at each of X (N, I), (N,)."""
        scores = self.decision_function(X)
        return self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)]
