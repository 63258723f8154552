"""Grids that follow samples: knots at quantiles, edges refitted to what they were."""

from typing import TYPE_CHECKING

import numpy as np
import torch

from kansci.basis import Basis
from kansci.errors import SettingsError
from kansci.kernels import edge_values
from kansci.models.layer import edge_functions, n_base_functions
from kansci.models.surgery import rebuilt

if TYPE_CHECKING:
    from kansci.models.kan import KAN


@torch.no_grad()
def update_grid_from_samples(self: "KAN", x: torch.Tensor | np.ndarray, grid_eps: float = 0.02) -> "KAN":
    """Give the network with each layer's grid where its inputs are when the rows pass through.

    Grids end where the samples end (those of an input that never changes stay), and the edges are fitted to
    what they were by least squares, layer after layer; so the function changes a little. Families without
    knots only get the samples' range.

    Args:
        self: the network.
        x: rows (N, I).
        grid_eps: 0 puts the knots at quantiles of the samples, 1 makes them equally spaced, between them both
            are mixed.

    Returns:
        The network.

    Raises:
        SettingsError: `grid_eps` is not from 0 to 1, or there are no rows of I finite numbers.
    """
    if not 0 <= grid_eps <= 1:
        raise SettingsError(f"grid_eps={grid_eps}: must be from 0 (quantiles) to 1 (equally spaced)")
    values = torch.as_tensor(x, dtype=torch.float64)
    if values.ndim != 2 or not len(values) or values.shape[1] != self.width[0]:
        raise SettingsError(f"x has shape {tuple(values.shape)}: give rows of {self.width[0]} inputs")
    if not bool(values.isfinite().all()):
        raise SettingsError("x holds NaN or infinity: leave such rows out")
    layers = []
    for layer in self.layers:
        ends = torch.stack([values.amin(dim=0), values.amax(dim=0)], dim=-1)
        domain = torch.where(ends[:, 1:] > ends[:, :1], ends, layer.basis.domain)
        basis = layer.basis.following(values, domain, grid_eps)
        weight = layer.changed(mask=torch.ones_like(layer.mask)).weight.detach()
        layers.append(layer.changed(basis=basis, weight=refitted(layer.basis, basis, layer.base_fun, weight)))
        values = layers[-1](values)
    return rebuilt(self, layers)


def refitted(old: Basis, new: Basis, base_fun: str, weight: torch.Tensor) -> torch.Tensor:
    """Fit edges on another basis to what they were, by least squares over points spread over its grid.

    Base functions keep their weights: splines come so close to them that both together would get huge
    weights which cancel on the domain and nowhere else.

    Args:
        old: basis of the edges.
        new: the basis wanted, of as many inputs.
        base_fun: name of the base function.
        weight: of the edges' functions on the old basis, (..., J, I, F).

    Returns:
        Weights on the new basis.
    """
    n_base = n_base_functions(base_fun)
    points = new.spread()  # (..., M, I)
    values = edge_values(edge_functions(old, base_fun, points)[0], weight)  # (..., M, J, I)
    before, functions = edge_functions(new, base_fun, points)[0].tensor_split([n_base], dim=-1)
    base = weight[..., :n_base]
    rest = values - edge_values(before, base)
    design = functions.movedim(-2, -3)  # (..., I, M, K)
    fitted = torch.linalg.pinv(design, rtol=1e-8) @ rest.movedim(-1, -3)  # (..., I, K, J)
    return torch.cat([base, fitted.mT.movedim(-3, -2)], dim=-1)
