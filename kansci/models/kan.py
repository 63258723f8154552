"""The Kolmogorov-Arnold network: layers of one-variable functions and sums, float64 throughout."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch

from kansci.basis import BasisSpec, glorot_deviation, layer_specs, make_basis
from kansci.errors import ExtrapolationWarning, SettingsError
from kansci.models import expand, grid_update, pruning, reorder, surgery, upward
from kansci.models.description import Domain, describe_layer, empty_layer, input_domains, per_layer
from kansci.models.importance import Importance, importance, spread_points
from kansci.models.jet import directional_jet
from kansci.models.layer import KANLayer, n_base_functions
from kansci.models.nodes import Arity, Nodes, Width, read_width

# Random coefficients are smaller where a base function carries the signal already.
_BESIDE_BASE = 0.3


class KAN(torch.nn.Module):
    """A network whose edge (l, i, j), from node i of level l to subnode j of the next, carries a function.

    phi(x) = base_scale * b(u) + sum_k coef_k B_k(x), where u is x mapped to [-1, 1] over the edge's grid.
    Outside its grid an edge goes on as a straight line; `predict`, and `forward` in evaluation mode, warn of
    rows that are. Beside it, or in its place, there may be a formula c * f(a * x + b) + d.
    Subnodes add their edges. Each of the first nodes of a level is a subnode; the others are products of the
    next ones. Everything but `fit` leaves the network as it is and returns a new one.

    Attributes:
        layers: the `KANLayer`s, inputs' first.

    Example:
        >>> model = KAN([2, 5, 1], grid=5, k=3)
        >>> model(torch.zeros(4, 2, dtype=torch.float64)).shape
        torch.Size([4, 1])
    """

    layers: Sequence[KANLayer]

    def __init__(  # noqa: PLR0913 (pykan's arguments)
        self,
        width: Width,
        grid: int | Sequence[int] = 5,
        k: int | Sequence[int] = 3,
        base_fun: str | Sequence[str] = "silu",
        *,
        mult_arity: Arity = 2,
        basis: BasisSpec | Sequence[BasisSpec] = "bspline",
        grid_range: Domain = (-1.0, 1.0),
        affine_trainable: bool = False,
        seed: int = 0,
    ):
        """Build a network with random edges that keep values and gradients of order one.

        Args:
            width: for each level, inputs first, the number of nodes that add, or [n_sum, n_mult] with the
                number of those that multiply.
            grid: intervals of each edge's grid, one number or one for each layer.
            k: degree of the splines, one or one for each layer.
            base_fun: "silu", "identity", "tanh" or "zero", one or one for each layer.
            mult_arity: number of factors of every product, or for each level that of its products, as one
                number or a list.
            basis: family of the edges' functions (see `make_basis`), or one for each layer.
            grid_range: ends of the inputs' grids, one pair or one for each input.
            affine_trainable: give the nodes scales and biases, which gradient methods train;
                Levenberg-Marquardt keeps them, because edges hold the same.
            seed: of the random coefficients.

        """
        super().__init__()
        levels = read_width(width, mult_arity)
        depth = len(levels) - 1
        generator = torch.Generator().manual_seed(seed)
        rows = zip(
            layer_specs(basis, depth),
            per_layer(grid, depth, "grid"),
            per_layer(k, depth, "k"),
            per_layer(base_fun, depth, "base_fun"),
            strict=True,
        )
        layers: list[KANLayer] = []
        for number, (spec, size, degree, base) in enumerate(rows):
            nodes = Nodes(*levels[number + 1])
            n_in, n_out = Nodes(*levels[number]).n_nodes, nodes.n_subnodes
            domain = input_domains((-1.0, 1.0) if number else grid_range, n_in)
            placed = make_basis(spec, size, degree, domain)
            coef = torch.randn((n_out, n_in, placed.size), generator=generator, dtype=torch.float64)
            coef *= (_BESIDE_BASE if n_base_functions(base) else 1.0) * glorot_deviation(placed, n_out)
            scale = torch.full((n_out, n_in, n_base_functions(base)), n_in**-0.5, dtype=torch.float64)
            if affine_trainable:
                nodes = nodes.with_affine(trainable=True)
            layers.append(KANLayer(placed, base, torch.cat([scale, coef], dim=-1), nodes=nodes))
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
        return (self.layers[0].mask.shape[1], *(layer.nodes.n_nodes for layer in self.layers))

    width_in = width

    @property
    def width_out(self) -> tuple[int, ...]:
        """Number of subnodes, the sums that nodes are made of, on each level."""
        return (self.width[0], *(layer.nodes.n_subnodes for layer in self.layers))

    @property
    def structure(self) -> tuple[tuple[int, int], ...]:
        """For each level (n_sum, n_mult): nodes that add, then nodes that multiply."""
        return ((self.width[0], 0), *((n.n_sum, len(n.arities)) for n in self._nodes))

    @property
    def mult_arity(self) -> tuple[tuple[int, ...], ...]:
        """For each level the number of factors of each product."""
        return ((), *(nodes.arities for nodes in self._nodes))

    @property
    def _nodes(self) -> list[Nodes]:
        return [layer.nodes for layer in self.layers]

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
        """Number of weights and symbolic parameters on the edges that exist."""
        return sum(layer.n_parameters for layer in self.layers)

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
        used = self.layers[0].mask.bool().any(dim=0)  # formulas have no grid
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
        """List the edges (l, i, j) with a function, learned or symbolic."""
        live = [layer.live.mT.nonzero().tolist() for layer in self.layers]
        return [(level, i, j) for level, pairs in enumerate(live) for i, j in pairs]

    def mode(self, l: int, i: int, j: int) -> str:  # noqa: E741
        """Say what edge (l, i, j) has: "n" a learned function, "s" a symbolic one, "sn" both, "" neither."""
        return self.layers[l].mode(i, j)

    def get_act(self, x: torch.Tensor | np.ndarray) -> list[torch.Tensor]:
        """Give the values of every level's nodes, as `activations`; nothing is stored."""
        return self.activations(x)

    def attribute(self, x: torch.Tensor | np.ndarray | None = None) -> Importance:
        """Attribute the outputs to edges and nodes over rows x (N, I); see `importance`.

        Args:
            x: rows (N, I); without them, points spread over the inputs' grids.

        Returns:
            Scores of edges, subnodes and nodes.
        """
        return importance(self, spread_points(self) if x is None else x)

    @property
    def feature_score(self) -> torch.Tensor:
        """Score of each input (I,), over points spread over the inputs' grids."""
        return self.attribute().inputs

    @property
    def edge_scores(self) -> list[torch.Tensor]:
        """Scores of each layer's edges (J, I), over points spread over the inputs' grids."""
        return self.attribute().edges

    @property
    def node_scores(self) -> list[torch.Tensor]:
        """Scores of each level's nodes, over points spread over the inputs' grids."""
        return self.attribute().nodes

    def load_layers(self, other: "KAN") -> None:
        """Take over the layers of another network (what `fit` does at its end)."""
        self._place(list(other.copy().layers))

    def copy(self) -> "KAN":
        """Give an independent copy."""
        return KAN.from_config(self.to_config(), self.state_dict())

    jet = directional_jet
    refine = surgery.refine
    update_grid_from_samples = grid_update.update_grid_from_samples
    prune = pruning.prune
    prune_node = pruning.prune_node
    prune_edge = pruning.prune_edge
    prune_input = pruning.prune_input
    remove_edge = surgery.remove_edge
    remove_node = surgery.remove_node
    expand_width = expand.expand_width
    expand_depth = expand.expand_depth
    perturb = expand.perturb
    swap = reorder.swap
    auto_swap = reorder.auto_swap
    connection_cost = reorder.connection_cost
    fix_symbolic = upward.fix_symbolic
    unfix_symbolic = upward.unfix_symbolic
    unfix_symbolic_all = upward.unfix_symbolic_all
    suggest_symbolic = upward.suggest_symbolic
    auto_symbolic = upward.auto_symbolic
    symbolic_formula = upward.symbolic_formula
    plot = upward.plot
    tree = upward.tree
    saveckpt = upward.saveckpt
    loadckpt = staticmethod(upward.loadckpt)

    def fit(
        self, dataset: Any, opt: str = "auto", steps: int | None = None, lamb: float = 0.0, **options: Any
    ) -> dict[str, list[float]]:
        """Train this network in place; see `kansci.training.fit_model`, which does it.

        Args:
            dataset: a dict with train_input, train_label, test_input, test_label; a Dataset; (X, y); or a
                DataLoader.
            opt: "auto", "LM" (Levenberg-Marquardt), "LBFGS", "SSBroyden" or "Adam".
            steps: of the optimiser; None for as many as suit it.
            lamb: weight of the sparsity penalty.
            **options: further fields of `kansci.training.fit_options.FitOptions`: loss_fn, metrics,
                update_grid, lr, batch, lamb_l1, ...

        Returns:
            Root mean squared errors after each step: {"train_loss": [...], "test_loss": [...]}.
        """
        # The one upward import: pykan's users call model.fit, and training is built on models.
        from kansci.training.fit_model import fit_model

        return fit_model(self, dataset, opt=opt, steps=steps, lamb=lamb, **options)

    def to_config(self) -> dict[str, Any]:
        """Describe the structure in JSON's types; with `state_dict` it is the whole network."""
        width = [n_sum if n_mult == 0 else [n_sum, n_mult] for n_sum, n_mult in self.structure]
        config: dict[str, Any] = {"width": width, "layers": [describe_layer(layer) for layer in self.layers]}
        if any(self.mult_arity):
            config["mult_arity"] = [list(arities) for arities in self.mult_arity]
        return config

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
            nodes = [Nodes(*level) for level in read_width(config["width"], config.get("mult_arity", 2))]
            rows = zip(config["layers"], nodes[:-1], nodes[1:], strict=True)
            model = cls.from_layers([empty_layer(row, below.n_nodes, above) for row, below, above in rows])
            if state is not None:
                model.load_state_dict(dict(state))
        except (KeyError, TypeError, ValueError, RuntimeError, IndexError) as error:
            raise SettingsError(f"not the description of a KAN: {error}") from error
        return model
