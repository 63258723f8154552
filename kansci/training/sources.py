"""Rows that need not fit into memory: arrays read by index (numpy.memmap too), or a DataLoader."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from kansci.errors import DataError, SettingsError
from kansci.training.class_losses import count_ones
from kansci.training.initialise import data_domain
from kansci.training.losses import Loss
from kansci.training.rows import Sample, Scale, as_rows, normalised

_PASS = 8192


class ArraySource:
    """Rows of arrays, read when they are needed.

    Attributes:
        n_rows: N.
    """

    def __init__(self, X: Any, y: Any, weights: Any = None, device: torch.device | None = None):
        """Take over arrays.

        Args:
            X: rows (N, I) or (N,).
            y: targets (N,) or (N, O).
            weights: how much each row counts (N,).
            device: where the rows go when they are read.

        Raises:
            DataError: they do not fit together.
        """
        self._x, self._y = _indexable(X), _indexable(y)
        if len(self._x) != len(self._y) or len(self._x) == 0:
            raise DataError(f"X has {len(self._x)} rows and y {len(self._y)}: need the same number, not 0")
        self.n_rows, self._device = len(self._x), device
        self._weight = None if weights is None else normalised(weights, self.n_rows)

    def rows(self, index: Any = slice(None)) -> Sample:
        """Read some of the rows, by a slice or an array of numbers."""
        weight = None if self._weight is None else self._weight[index]
        x, y = _read(self._x, index), _read(self._y, index)
        return moved(as_rows(x, y)._replace(weight=weight), self._device)

    def once(self) -> Iterator[Sample]:
        """Go through all rows in order."""
        for start in range(0, self.n_rows, _PASS):
            yield self.rows(slice(start, start + _PASS))

    def batches(self, size: int, generator: torch.Generator, first: int = 0) -> Iterator[Sample]:
        """Go on giving batches without end; each epoch has a new order and drops what fills no batch.

        Args:
            size: of a batch; -1 for all rows.
            generator: of the orders, as it was at the very beginning.
            first: number of the batch to begin with.

        Yields:
            The batches.
        """
        size = self.n_rows if size == -1 else min(size, self.n_rows)
        epochs, done = divmod(first, self.n_rows // size)
        for _ in range(epochs):  # drawing an order again costs next to nothing beside training on it
            torch.randperm(self.n_rows, generator=generator)
        while True:
            order = torch.randperm(self.n_rows, generator=generator).numpy()
            for start in range(done * size, self.n_rows - size + 1, size):
                # In the order of the file, which a disk reads faster.
                yield self.rows(np.sort(order[start : start + size]))
            done = 0

    def spread(self, count: int) -> Sample:
        """Read about `count` rows evenly spread, all of them if there are no more."""
        return self.rows(slice(None, None, -(-self.n_rows // count)))


class LoaderSource:
    """Batches (x, y) or (x, y, weight) of a DataLoader, or of anything that can be gone through again."""

    n_rows = None

    def __init__(self, loader: Any, device: torch.device | None = None):
        """Take over a loader; its rows go to a device."""
        self._loader, self._device = loader, device

    def once(self) -> Iterator[Sample]:
        """Go through all rows in the loader's order.

        Yields:
            The batches.

        Raises:
            DataError: a batch is of another form.
        """
        for batch in self._loader:
            if not isinstance(batch, (tuple, list)) or len(batch) not in {2, 3}:
                raise DataError("a loader must give batches (x, y) or (x, y, weight)")
            x, y, *weight = batch
            weighted = torch.as_tensor(weight[0], dtype=torch.float64) if weight else None
            yield moved(as_rows(x, y)._replace(weight=weighted), self._device)

    def batches(self, size: int, generator: torch.Generator, first: int = 0) -> Iterator[Sample]:
        """Go on giving the loader's batches, whose size and order are its own affair.

        Yields:
            The batches.

        Raises:
            SettingsError: it should not begin with the first.
            DataError: there are none.
        """
        if first:
            raise SettingsError(
                "a DataLoader's order is its own affair: training on it cannot be taken up again"
            )
        while True:
            empty = True
            for batch in self.once():
                empty = False
                yield batch
            if empty:
                raise DataError("the loader gives no batch, or none a second time")

    def rows(self) -> Sample:
        """Read all rows."""
        return self.spread(sys.maxsize)

    def spread(self, count: int) -> Sample:
        """Read about `count` rows from its first batches."""
        x, y, found = [], [], 0
        for batch in self.once():
            x.append(batch.x)
            y.append(batch.y)
            found += len(batch.x)
            if found >= count:
                break
        return Sample(torch.cat(x)[:count], torch.cat(y)[:count])


Source = ArraySource | LoaderSource


@dataclass(frozen=True, eq=False)
class Scan:
    """What one pass over all rows finds.

    Attributes:
        domain: range of each input, (I, 2).
        scale: of the targets.
        ones: see `count_ones`; None too where rows have weights, or the loss is none of classes.
        n_rows: N.
    """

    domain: torch.Tensor
    scale: Scale
    ones: torch.Tensor | None
    n_rows: int


def scan(source: Source, loss: Loss, n_out: int, device: torch.device | None = None) -> Scan:
    """Go through all rows once.

    Args:
        source: of the rows.
        loss: says what targets are, and whether they are scaled.
        n_out: outputs of the network.
        device: of the rows.

    Returns:
        What was found.

    Raises:
        DataError: there are no rows.
    """
    ends, largest, count = [], 0.0, 0
    ones: torch.Tensor | None = torch.zeros(n_out, dtype=torch.float64, device=device)
    mean = square = torch.zeros(n_out, dtype=torch.float64, device=device)
    for part in source.once():
        ends.append(torch.stack([part.x.amin(0), part.x.amax(0)]))
        y = loss.targets(part.y, n_out)
        if loss.of_residuals:
            largest = max(largest, float(y.abs().max()))
            # Chan, Golub and LeVeque 1979: means and squares of parts add up without cancellation.
            shift, share = y.mean(0) - mean, len(y) / (count + len(y))
            square = square + (y - y.mean(0)).square().sum(0) + shift**2 * count * share
            mean = mean + shift * share
        count += len(y)
        more = count_ones(y) if loss.of_classes and part.weight is None else None
        ones = None if ones is None or more is None else ones + more
    if not ends:
        raise DataError("there are no rows to train on")
    std = (square / count).sqrt() if loss.of_residuals else torch.ones_like(square)
    return Scan(data_domain(torch.cat(ends)), Scale(mean, std, largest), ones, count)


def moved(sample: Sample, device: torch.device | None) -> Sample:
    """Bring rows to a device."""
    x, y, weight = sample
    return Sample(x.to(device), y.to(device), None if weight is None else weight.to(device))


def _read(values: Any, index: Any) -> Any:
    """Read rows; of an array as a copy, as torch warns of files that must not be written to."""
    part = values[index]
    return part if isinstance(part, torch.Tensor) else np.array(part, dtype=np.float64)


def _indexable(values: Any) -> Any:
    if isinstance(values, torch.Tensor):
        return values.detach()
    return values if isinstance(values, np.ndarray) else np.asarray(values, dtype=np.float64)
