"""Rows to train on: brought into shape, split, and y standardised in a way the network undoes."""

import numpy as np
import torch

from kansci.errors import DataError
from kansci.training.population import Population
from kansci.training.settings import TrainSettings

Array = np.ndarray | torch.Tensor
Pair = tuple[torch.Tensor, torch.Tensor]

_FEWEST_TO_HOLD_OUT = 20


def as_rows(X: Array, y: Array) -> Pair:
    """Bring data into tensors (N, I) and (N, O).

    Args:
        X: rows (N, I) or (N,).
        y: targets (N,) or (N, O).

    Returns:
        The tensors.

    Raises:
        DataError: they do not fit together, are empty or not finite.
    """
    x, targets = (torch.as_tensor(a, dtype=torch.float64).detach() for a in (X, y))
    x = x.unsqueeze(-1) if x.ndim == 1 else x
    targets = targets.unsqueeze(-1) if targets.ndim == 1 else targets
    if x.ndim != 2 or targets.ndim != 2 or len(x) != len(targets) or len(x) == 0:
        raise DataError(f"X {tuple(x.shape)} and y {tuple(targets.shape)}: need N rows each, N at least 1")
    if not (bool(x.isfinite().all()) and bool(targets.isfinite().all())):
        raise DataError("X or y holds values that are not finite: drop those rows")
    return x, targets


def hold_out(rows: Pair, settings: TrainSettings, generator: torch.Generator) -> tuple[Pair, Pair]:
    """Split rows into training and held-out ones; too few rows are both.

    Args:
        rows: (N, I) and (N, O).
        settings: says which share to hold out.
        generator: chooses the rows.

    Returns:
        Training rows and held-out rows.
    """
    x, y = rows
    count = int(len(x) * settings.validation_fraction)
    if len(x) < _FEWEST_TO_HOLD_OUT or count == 0:
        return rows, rows
    order = torch.randperm(len(x), generator=generator)
    held_out, kept = order[:count].sort().values, order[count:].sort().values
    return (x[kept], y[kept]), (x[held_out], y[held_out])


class Scale:
    """Brings y to mean 0 and variance 1; exactly undone in a network's last layer."""

    def __init__(self, y: torch.Tensor):
        """Measure y (N, O); a constant y is only shifted."""
        self.mean, self.std = y.mean(dim=0), y.std(dim=0, correction=0).amax()
        if not self.std > 1e-14 * y.abs().max():
            self.std = torch.ones_like(self.std)

    def apply(self, y: torch.Tensor) -> torch.Tensor:
        """Standardise targets."""
        return (y - self.mean) / self.std

    def standardised(self, population: Population) -> Population:
        """Give networks of the standardised y from networks of y."""
        return self._rescaled(population, 1 / self.std, -self.mean / self.std)

    def undone(self, population: Population) -> Population:
        """Give networks of y from networks of the standardised y."""
        return self._rescaled(population, self.std, self.mean)

    @staticmethod
    def _rescaled(population: Population, scale: torch.Tensor, shift: torch.Tensor) -> Population:
        last = population.layers[-1]
        size = (population.size, last.weight.shape[1])
        layer = last.rescaled(scale.expand(size), shift.expand(size))
        return population.with_layer(len(population.layers) - 1, layer)
