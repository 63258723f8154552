"""A coordinate network as a model: in numpy, in the signal's own scale."""

from collections.abc import Sequence

import numpy as np
import torch

from kansci.inr.model import CoordinateModel
from kansci.inr.networks import CoordinateNetwork
from kansci.inr.networks.derivatives import gradient, laplacian

__all__ = ["NetworkModel"]

MOST_AT_ONCE = 1 << 15
"""Points that are evaluated together, to bound the memory."""


class NetworkModel(CoordinateModel):
    """offset + scale * network, or its logistic function for an occupancy."""

    def __init__(
        self, network: CoordinateNetwork, offset: float = 0.0, scale: float = 1.0, *, logistic: bool = False
    ):
        """Take over a network, whose outputs are about -1 to 1.

        Args:
            network: the network.
            offset: value where the network gives 0.
            scale: by what its outputs are multiplied.
            logistic: whether the outputs are log odds.
        """
        self.network, self.offset, self.scale, self.logistic = network, offset, scale, logistic
        self.kind = network.kind
        self._dtype = next(network.parameters()).dtype

    @property
    def n_inputs(self) -> int:
        """Number d of coordinates."""
        return self.network.n_inputs

    @property
    def n_outputs(self) -> int:
        """Number C of values."""
        return self.network.n_outputs

    @property
    def n_parameters(self) -> int:
        """Number of trained weights."""
        return self.network.n_parameters

    def values(self, points: np.ndarray) -> np.ndarray:
        """Evaluate at points (N, d), giving (N, C)."""
        with torch.no_grad():
            return self._by_parts(self._scaled, points)

    def on_grid(self, axes: Sequence[np.ndarray]) -> np.ndarray:
        """Evaluate at all combinations of positions, giving (n_1, ..., n_d, C)."""
        with torch.no_grad():
            out = self._finished(self.network.on_grid([torch.as_tensor(x).to(self._dtype) for x in axes]))
        return out.double().numpy()

    def gradient(self, points: np.ndarray) -> np.ndarray:
        """Differentiate exactly at points (N, d), giving (N, C, d)."""
        return self._by_parts(lambda x: gradient(self._scaled, x), points)

    def laplacian(self, points: np.ndarray, scales: Sequence[float] | np.ndarray | None = None) -> np.ndarray:
        """Sum the second derivatives exactly at points (N, d), by coordinates / scales, giving (N, C)."""
        stretch = torch.as_tensor(np.ones(self.n_inputs) if scales is None else np.asarray(scales)).to(
            self._dtype
        )
        return self._by_parts(lambda x: laplacian(lambda z: self._scaled(z * stretch), x / stretch), points)

    def _scaled(self, points: torch.Tensor) -> torch.Tensor:
        return self._finished(self.network(points))

    def _finished(self, outputs: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(outputs) if self.logistic else self.offset + self.scale * outputs

    def _by_parts(self, function, points: np.ndarray) -> np.ndarray:  # type: ignore[no-untyped-def]
        tensor = torch.as_tensor(np.ascontiguousarray(points)).to(self._dtype)
        return torch.cat([function(part) for part in tensor.split(MOST_AT_ONCE)]).detach().double().numpy()
