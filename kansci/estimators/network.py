"""What the estimators that are networks share: their options, and the way from rows to a trained network."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from kansci.errors import DataError
from kansci.estimators.seed import as_seed
from kansci.models import KAN, importance
from kansci.training import TrainSettings
from kansci.training.by_gradient import chosen_optimiser, train_by_gradient
from kansci.training.cautious import cautious
from kansci.training.losses import Loss
from kansci.training.rows import Sample, as_rows, hold_out
from kansci.training.stages import train_in_stages

FEWEST_ROWS = 3
_HIDDEN: tuple[tuple[int, ...], ...] = ((), (5,))
"""What is tried, from simple to rich, where no shape is asked for; the last is trained at any rate."""


class NetworkEstimator(BaseEstimator):
    """A Kolmogorov-Arnold network that is trained on a loss."""

    model_: KAN
    feature_importances_: np.ndarray

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
        basis: Any = "bspline",
        base_fun: str = "silu",
        smooth: float = 0.1,
        grid_eps: float = 0.02,
        opt: str = "auto",
    ) -> None:
        self.hidden = hidden
        self.grid = grid
        self.k = k
        self.lamb = lamb
        self.restarts = restarts
        self.steps = steps
        self.random_state = random_state
        self.basis = basis
        self.base_fun = base_fun
        self.smooth = smooth
        self.grid_eps = grid_eps
        self.opt = opt

    def _outputs(self, X: Any) -> np.ndarray:
        """Check X (N, I) and give the network's outputs (N, O)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64, force_writeable=True)
        return self.model_.predict(X)

    def _train(self, rows: Sample, loss: Loss) -> None:
        """Train on rows and set what is fitted."""
        seed = as_seed(self.random_state)
        settings = TrainSettings(
            restarts=self.restarts,
            steps=self.steps,
            grids=(int(self.grid),) if isinstance(self.grid, int | np.integer) else self.grid,
            k=self.k,
            basis=self.basis,
            base_fun=self.base_fun,
            lamb=self.lamb,
            smooth_share=self.smooth,
            grid_eps=self.grid_eps,
            loss=loss,
        )
        n_in, n_out = rows.x.shape[1], rows.y.shape[1]
        widths = [(n_in, *hidden, n_out) for hidden in (_HIDDEN if self.hidden is None else [self.hidden])]
        width = widths[-1]
        halves = hold_out(rows, settings, torch.Generator().manual_seed(seed))
        opt = chosen_optimiser(self.opt, width, halves[0], settings)
        if opt == "LM":
            trained = train_in_stages(width, halves, settings, seed).trained
            # Where the rows' noise was asked to be followed, it is.
            careful = loss.of_residuals and self.smooth > 0
            self.model_ = cautious(trained, widths, halves, settings, seed) if careful else trained.model
        else:
            self.model_ = train_by_gradient(opt, width, halves, settings, seed).model
        scores = importance(self.model_, rows.x).inputs.numpy()
        self.feature_importances_ = scores / scores.sum() if scores.sum() > 0 else scores


def distinct(X: np.ndarray, y: np.ndarray, sample_weight: Any = None) -> Sample:
    """Merge rows that are the same, and drop those without weight.

    So a weight of two is exactly a row twice, and no row is among the training and the held-out ones.

    Args:
        X: rows (N, I).
        y: targets (N, O).
        sample_weight: of the rows (N,), or None for ones.

    Returns:
        The different rows, each with its weight; no weights where all are one.

    Raises:
        DataError: no row has a weight.
    """
    weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
    if not (weight > 0).any():
        raise DataError("sample_weight: no row has a positive weight")
    table = np.column_stack([X, y])[weight > 0]
    rows, number = np.unique(table, axis=0, return_inverse=True)
    total = np.bincount(number.ravel(), weights=weight[weight > 0])
    plain = bool((total == total[0]).all())
    return as_rows(rows[:, : X.shape[1]], rows[:, X.shape[1] :], None if plain else total)
