"""The Kolmogorov-Arnold network: layers of one-variable functions and sums, float64 throughout."""

import itertools
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch

from kansci.basis import Basis, BasisSpec, glorot_deviation, layer_specs, make_basis
from kansci.errors import ExtrapolationWarning, SettingsError
from kansci.models import surgery
from kansci.models.layer import KANLayer, n_base_functions

Domain = Sequence[float] | Sequence[Sequence[float]] | torch.Tensor | np.ndarray

# Random coefficients are smaller where a base function carries the signal already.
_BESIDE_BASE = 0.3


class KAN(torch.nn.Module):
    """A network whose edge (l, i, j), from node i of level l to node j of the next, carries a function.

    phi(x) = base_scale * b(u) + sum_k coef_k B_k(x), where u is x mapped to [-1, 1] over the edge's grid.
    Outside its grid an edge goes on as a straight line; `predict`, and `forward` in evaluation mode, warn of
    rows that are.
    Nodes add their edges. Everything but `fit` leaves the network as it is and returns a new one.

    Attributes:
        layers: the `KANLayer`s, inputs' first.

    Example:
        >>> model = KAN([2, 5, 1], grid=5, k=3)
        >>> model(torch.zeros(4, 2, dtype=torch.float64)).shape
        torch.Size([4, 1])
    """

    layers: Sequence[KANLayer]

    def __init__(
        self,
        width: Sequence[int],
        grid: int = 5,
        k: int = 3,
        base_fun: str = "silu",
        *,
        basis: BasisSpec | Sequence[BasisSpec] = "bspline",
        grid_range: Domain = (-1.0, 1.0),
        seed: int = 0,
    ):
        """Build a network with random edges that keep values and gradients of order one.

        Args:
            width: number of nodes on each level, inputs first, outputs last.
            grid: intervals of each edge's grid.
            k: degree of the splines.
            base_fun: "silu", "identity", "tanh" or "zero".
            basis: family of the edges' functions (see `make_basis`), or one for each layer.
            grid_range: ends of the inputs' grids, one pair or one for each input.
            seed: of the random coefficients.

        """
        super().__init__()
        width = check_width(width)
        generator = torch.Generator().manual_seed(seed)
        domain = _domains(grid_range, width[0])
        layers: list[KANLayer] = []
        specs = layer_specs(basis, len(width) - 1)
        for (n_in, n_out), spec in zip(itertools.pairwise(width), specs, strict=True):
            placed = make_basis(spec, grid, k, domain if not layers else _domains((-1.0, 1.0), n_in))
            coef = torch.randn((n_out, n_in, placed.size), generator=generator, dtype=torch.float64)
            coef *= (_BESIDE_BASE if n_base_functions(base_fun) else 1.0) * glorot_deviation(placed, n_out)
            base = torch.full((n_out, n_in, n_base_functions(base_fun)), n_in**-0.5, dtype=torch.float64)
            layers.append(KANLayer(placed, base_fun, torch.cat([base, coef], dim=-1)))
        self._place(layers)

    def _place(self, layers: Sequence[KANLayer]) -> None:
        # To torch a ModuleList, to everyone else a sequence of layers.
        self.layers = cast("Sequence[KANLayer]", torch.nn.ModuleList(layers))

    @classmethod
    def from_layers(cls, layers: Sequence[KANLayer]) -> "KAN":
        """Build a network out of layers."""
        model = cls.__new__(cls)
        torch.nn.Module.__init__(model)
        model._place(layers)
        return model

    @property
    def width(self) -> tuple[int, ...]:
        """Number of nodes on each level."""
        return (self.layers[0].mask.shape[1], *(layer.mask.shape[0] for layer in self.layers))

    @property
    def depth(self) -> int:
        """Number of layers."""
        return len(self.layers)

    @property
    def grid(self) -> int:
        """Number of grid intervals of the first layer."""
        return self.layers[0].basis.grid_size

    @property
    def k(self) -> int:
        """Degree of the first layer's splines, 0 for another family."""
        return int(self.layers[0].basis.to_config().get("k", 0))

    @property
    def base_fun(self) -> str:
        """Name of the first layer's base function."""
        return self.layers[0].base_fun

    @property
    def n_parameters(self) -> int:
        """Number of weights on the edges that exist."""
        return sum(int(layer.mask.sum()) * layer.weight.shape[-1] for layer in self.layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map rows x (N, I) to outputs (N, J)."""
        if not self.training:
            self._warn_outside(x)
        for layer in self.layers:
            x = layer(x)
        return x

    @torch.no_grad()
    def predict(self, x: torch.Tensor | np.ndarray) -> np.ndarray:
        """Map rows x (N, I) to outputs (N, J) as an array."""
        rows = torch.as_tensor(x, dtype=torch.float64)
        if self.training:  # in evaluation mode, forward warns
            self._warn_outside(rows)
        return self(rows).numpy()

    def outside(self, x: torch.Tensor) -> torch.Tensor:
        """Tell which rows of x (N, I) are extrapolated: outside the grid of an input that is used; (N,)."""
        used = self.layers[0].mask.bool().any(dim=0)
        return (self.layers[0].basis.outside(x) & used).any(dim=-1)

    def _warn_outside(self, x: torch.Tensor) -> None:
        count = int(self.outside(x).sum())
        if count:
            warnings.warn(
                f"{count} of {len(x)} rows ({count / len(x):.1%}) are beyond the grids of the inputs "
                "by more than 5% of their width: there its edges go on as straight lines",
                ExtrapolationWarning,
                stacklevel=3,
            )

    @torch.no_grad()
    def activations(self, x: torch.Tensor | np.ndarray) -> list[torch.Tensor]:
        """Give the values of every level's nodes, inputs first: x (N, I) -> one (N, width[l]) a level."""
        levels = [torch.as_tensor(x, dtype=torch.float64)]
        for layer in self.layers:
            levels.append(layer(levels[-1]))
        return levels

    @torch.no_grad()
    def edge(self, l: int, i: int, j: int, x: torch.Tensor | np.ndarray) -> torch.Tensor:  # noqa: E741
        """Evaluate the function on edge (l, i, j) alone: x (N,) -> (N,)."""
        return self.layers[l].edge(i, j, torch.as_tensor(x, dtype=torch.float64))

    def get_fun(self, l: int, i: int, j: int) -> tuple[torch.Tensor, torch.Tensor]:  # noqa: E741
        """Sample edge (l, i, j) at 101 points over its grid: (x, y), each (101,)."""
        low, high = self.layers[l].basis.domain[i].tolist()
        x = torch.linspace(low, high, 101, dtype=torch.float64)
        return x, self.edge(l, i, j, x)

    def get_range(self, l: int, i: int, j: int) -> tuple[float, float, float, float]:  # noqa: E741
        """Give the ranges of edge (l, i, j) over its grid: (x_min, x_max, y_min, y_max)."""
        x, y = self.get_fun(l, i, j)
        return float(x[0]), float(x[-1]), float(y.min()), float(y.max())

    def edges(self) -> list[tuple[int, int, int]]:
        """List the edges (l, i, j) that exist."""
        live = [layer.mask.mT.nonzero().tolist() for layer in self.layers]
        return [(level, i, j) for level, pairs in enumerate(live) for i, j in pairs]

    def load_layers(self, other: "KAN") -> None:
        """Take over the layers of another network (what `fit` does at its end)."""
        self._place(list(other.copy().layers))

    def copy(self) -> "KAN":
        """Give an independent copy."""
        return KAN.from_config(self.to_config(), self.state_dict())

    refine = surgery.refine
    prune = surgery.prune
    prune_node = surgery.prune_node
    prune_edge = surgery.prune_edge
    prune_input = surgery.prune_input
    remove_edge = surgery.remove_edge
    remove_node = surgery.remove_node

    def fit(
        self, dataset: Any, opt: str = "LM", steps: int = 100, lamb: float = 0.0, **settings: Any
    ) -> dict:
        """Train this network in place; see `kansci.training.fit_model`, which does it.

        Args:
            dataset: a dict with train_input, train_label, test_input, test_label; a Dataset; or (X, y).
            opt: "LM".
            steps: Levenberg-Marquardt steps.
            lamb: weight of the sparsity penalty.
            **settings: further fields of `TrainSettings`, and on_step.

        Returns:
            Root mean squared errors after each step: {"train_loss": [...], "test_loss": [...]}.
        """
        # The one upward import: pykan's users call model.fit, and training is built on models.
        from kansci.training.fit import fit_model

        return fit_model(self, dataset, opt=opt, steps=steps, lamb=lamb, **settings)

    def to_config(self) -> dict[str, Any]:
        """Describe the structure in JSON's types; with `state_dict` it is the whole network."""
        layers = [{**layer.basis.to_config(), "base_fun": layer.base_fun} for layer in self.layers]
        return {"width": list(self.width), "layers": layers}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], state: Mapping[str, torch.Tensor] | None = None) -> "KAN":
        """Rebuild a network.

        Args:
            config: what `to_config` gave.
            state: what `state_dict` gave; without it the weights are zero.

        Returns:
            The network.

        Raises:
            SettingsError: the description is not one of a KAN, or the state does not fit it.
        """
        try:
            width = check_width(config["width"])
            rows = zip(config["layers"], width[:-1], width[1:], strict=True)
            layers = [_empty_layer(row, n_in, n_out) for row, n_in, n_out in rows]
            model = cls.from_layers(layers)
            if state is not None:
                model.load_state_dict(dict(state))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise SettingsError(f"not the description of a KAN: {error}") from error
        return model


def check_width(width: Sequence[int]) -> tuple[int, ...]:
    """Check the number of nodes on each level.

    Args:
        width: inputs first, outputs last.

    Returns:
        The same as a tuple of ints.

    Raises:
        SettingsError: fewer than two levels, or a level without a node.
    """
    sizes = tuple(width)
    if len(sizes) < 2 or not all(isinstance(n, (int, np.integer)) and n >= 1 for n in sizes):
        raise SettingsError(
            f"width={list(sizes)}: give at least inputs and outputs, each a positive whole number"
        )
    return tuple(int(n) for n in sizes)


def _domains(grid_range: Domain, n_inputs: int) -> torch.Tensor:
    domain = torch.as_tensor(np.asarray(grid_range, dtype=float))
    if domain.shape not in {(2,), (n_inputs, 2)}:
        raise SettingsError(
            f"grid_range has shape {tuple(domain.shape)}: give (low, high) or one pair for each input"
        )
    return domain.expand(n_inputs, 2).clone()


def _empty_layer(row: Mapping[str, Any], n_in: int, n_out: int) -> KANLayer:
    basis: Basis = make_basis(row, int(row["grid"]), 3, _domains((-1.0, 1.0), n_in))
    base_fun = str(row["base_fun"])
    weight = torch.zeros((n_out, n_in, basis.size + n_base_functions(base_fun)), dtype=torch.float64)
    return KANLayer(basis, base_fun, weight)
