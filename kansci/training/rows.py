"""Rows to train on: brought into shape, split, and y standardised in a way the network undoes."""

from typing import NamedTuple

import numpy as np
import torch

from kansci.errors import DataError
from kansci.models import Nodes
from kansci.training.losses import Loss
from kansci.training.population import Population
from kansci.training.settings import TrainSettings

Array = np.ndarray | torch.Tensor


class Sample(NamedTuple):
    """Rows to learn from.

    Attributes:
        x: inputs (N, I).
        y: targets (N, O).
        weight: how much each row counts, (N,), with mean 1; None for ones.
    """

    x: torch.Tensor
    y: torch.Tensor
    weight: torch.Tensor | None = None


Held = tuple[Array, Array] | Sample
"""Rows that judge."""


_FEWEST_TO_HOLD_OUT = 20


def as_rows(X: Array, y: Array, weights: Array | None = None) -> Sample:
    """Bring data into tensors (N, I) and (N, O).

    Args:
        X: rows (N, I) or (N,).
        y: targets (N,) or (N, O).
        weights: how much each row counts (N,); their mean is brought to 1.

    Returns:
        The tensors.

    Raises:
        DataError: they do not fit together, are empty or not finite, or no weight is positive.
    """
    x, targets = (torch.as_tensor(a, dtype=torch.float64).detach() for a in (X, y))
    x = x.unsqueeze(-1) if x.ndim == 1 else x
    targets = targets.unsqueeze(-1) if targets.ndim == 1 else targets
    if x.ndim != 2 or targets.ndim != 2 or len(x) != len(targets) or len(x) == 0:
        raise DataError(f"X {tuple(x.shape)} and y {tuple(targets.shape)}: need N rows each, N at least 1")
    if not (bool(x.isfinite().all()) and bool(targets.isfinite().all())):
        raise DataError("X or y holds values that are not finite: drop those rows")
    return Sample(x, targets, None if weights is None else normalised(weights, len(x)))


def normalised(weights: Array, n_rows: int) -> torch.Tensor:
    """Check the weights of N rows and bring their mean to 1."""
    weight = torch.as_tensor(weights, dtype=torch.float64).detach()
    if weight.shape != (n_rows,):
        raise DataError(f"weights {tuple(weight.shape)}: give one for each of the {n_rows} rows")
    if not bool((weight.isfinite() & (weight >= 0)).all()) or not bool((weight > 0).any()):
        raise DataError("weights must be finite, not negative, and not all zero")
    return weight / weight.mean()


def hold_out(rows: Sample, settings: TrainSettings, generator: torch.Generator) -> tuple[Sample, Sample]:
    """Split rows into training and held-out ones; too few rows are both.

    Args:
        rows: all of them.
        settings: says which share to hold out.
        generator: chooses the rows.

    Returns:
        Training rows and held-out rows.
    """
    count = int(len(rows.x) * settings.validation_fraction)
    if len(rows.x) < _FEWEST_TO_HOLD_OUT or count == 0:
        return rows, rows
    order = torch.randperm(len(rows.x), generator=generator)
    held_out, kept = order[:count].sort().values, order[count:].sort().values
    return chosen(rows, kept), chosen(rows, held_out)


def chosen(rows: Sample, index: torch.Tensor) -> Sample:
    """Give some of the rows."""
    weight = None if rows.weight is None else rows.weight[index]
    return Sample(rows.x[index], rows.y[index], weight)


class Scale:
    """Brings y to mean 0 and variance 1; exactly undone in a network's last layer."""

    def __init__(self, mean: torch.Tensor, std: torch.Tensor, largest: float = 0.0):
        """Take over mean and standard deviations (O,); the one of a constant y, next to `largest`, is 1."""
        self.mean, self.std = mean, std.amax()
        if not self.std > 1e-14 * largest:
            self.std = torch.ones_like(self.std)

    @classmethod
    def of(cls, y: torch.Tensor, loss: Loss) -> "Scale":
        """Measure y (N, O); what is not compared by residuals is left alone."""
        if not loss.of_residuals:
            return cls(torch.zeros_like(y[0]), torch.ones_like(y[0]))
        return cls(y.mean(dim=0), y.std(dim=0, correction=0), float(y.abs().max()))

    def for_outputs(self, nodes: Nodes) -> "Scale":
        """Leave the mean where it is for outputs that are products: they cannot take a shift."""
        return Scale(torch.zeros_like(self.mean), self.std) if nodes.arities else self

    def apply(self, y: torch.Tensor) -> torch.Tensor:
        """Standardise targets."""
        return (y - self.mean) / self.std

    def standardised(self, population: Population) -> Population:
        """Give networks of the standardised y from networks of y."""
        return population.rescaled(1 / self.std, -self.mean / self.std)

    def undone(self, population: Population) -> Population:
        """Give networks of y from networks of the standardised y."""
        return population.rescaled(self.std, self.mean)
