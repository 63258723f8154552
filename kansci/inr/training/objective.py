"""The loss of a batch, as a module whose parameters are the network's."""

from collections.abc import Callable

import torch

from kansci.inr.networks import CoordinateNetwork
from kansci.inr.training.losses import ROW_LOSSES, distance_loss
from kansci.inr.training.samples import Batch, Samples
from kansci.inr.training.settings import TrainSettings
from kansci.inr.training.slopes import gradient, laplacian, values_and_gradient

__all__ = ["Objective"]

_Forward = Callable[[torch.Tensor], torch.Tensor]


class Objective(torch.nn.Module):
    """Maps a batch to the loss of each of its rows.

    Being one module, it is what DistributedDataParallel wraps.
    """

    def __init__(self, network: CoordinateNetwork, samples: Samples, settings: TrainSettings):
        """Join network and loss.

        Args:
            network: from points (P, d) to (P, C).
            samples: where batches come from.
            settings: say which loss, and how the network is computed.
        """
        super().__init__()
        self.network = network
        self._axes, self._derivative = samples.axes, samples.derivative
        self._loss, self._bfloat16 = settings.loss, settings.precision == "bfloat16"
        ahead = settings.compiled and self._derivative == "value" and self._loss != "sdf"
        self._compiled = _compiled(network, samples) if ahead else None

    def forward(self, batch: Batch, free: torch.Tensor | None = None) -> torch.Tensor:
        """Compute the loss of each row.

        Args:
            batch: B rows.
            free: places off the surface and their signed distances, (B, d + 1), for the loss "sdf".

        Returns:
            Shape (B,).
        """
        dtype = batch.targets.dtype
        with torch.autocast(batch.points.device.type, torch.bfloat16, enabled=self._bfloat16):
            if self._loss == "sdf":
                assert free is not None
                values, slopes = values_and_gradient(self.network, torch.cat([batch.points, free[:, :-1]]))
                return distance_loss(values.to(dtype), slopes[:, 0].to(dtype), batch.targets, free[:, -1])
            values = self._field(batch).to(dtype)
        if batch.entries is not None:
            values = _applied(batch, values)
        return ROW_LOSSES[self._loss](values.flatten(1), batch.targets.flatten(1))

    def _field(self, batch: Batch) -> torch.Tensor:
        if self._derivative == "gradient":
            return gradient(self.network, batch.points)
        if self._derivative == "laplacian":
            return laplacian(self.network, batch.points)
        if self._compiled is not None:
            return self._compiled(batch.points)
        if self._axes is not None and batch.index is not None:
            return self.network.at_indices(self._axes, batch.index)
        return self.network(batch.points)


def _applied(batch: Batch, values: torch.Tensor) -> torch.Tensor:
    """Apply the rows of the operator to the values (P, C) at the points: (B, C)."""
    assert batch.entries is not None
    row, number, weight = batch.entries
    zeros = values.new_zeros(len(batch.targets), values.shape[1])
    return zeros.index_add(0, row, weight.unsqueeze(1) * values[number])


def _compiled(network: CoordinateNetwork, samples: Samples) -> _Forward | None:
    """Translate the network by torch.compile, None where that does not work, as without a C++ compiler."""
    compiled: _Forward = torch.compile(network, dynamic=True)
    points = samples.batch(torch.arange(min(2, samples.count), device=samples.targets.device)).points
    try:
        compiled(points).sum().backward()
    except RuntimeError:
        return None
    finally:
        network.zero_grad()
    return compiled
