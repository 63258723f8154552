"""The layers of a network as plain arrays, in the one form that every language writes.

An input x becomes t = (x - offset) * scale, is clamped to the grid, and gives P values: of an edge's
functions or, for splines, the powers of the place within its interval (a spline is a polynomial on each).
The sums are linear in these, and in what is beyond the grid, where edges go on as straight lines.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import sympy
import torch

from kansci.basis import Basis, BSpline, Chebyshev, Fourier, GaussianRBF, Rational, Sine
from kansci.errors import SettingsError
from kansci.expressions.primitives import X
from kansci.models import KAN, KANLayer

__all__ = ["LayerParts", "NodeParts", "layer_parts", "link_of"]

LINKS = {"least_squares": None, "huber": None, "logistic": "sigmoid", "poisson": "exp", "softmax": "softmax"}
"""What turns outputs into predictions, by the loss that a network was trained on."""


@dataclass(frozen=True)
class NodeParts:
    """How J sums become M nodes; see `kansci.models.nodes.Nodes`.

    Attributes:
        n_sum: number of sums that pass through.
        products: the sums that each product takes.
        affine: scales and biases by name, empty where there are none.
    """

    n_sum: int
    products: tuple[tuple[int, ...], ...]
    affine: Mapping[str, np.ndarray]

    @property
    def n_nodes(self) -> int:
        """M."""
        return self.n_sum + len(self.products)


@dataclass(frozen=True)
class LayerParts:
    """A layer from I inputs to J sums.

    Attributes:
        family: of the functions on its edges.
        offset: shape (I,).
        scale: shape (I,).
        bounds: ends of t, two arrays (I,); None for a family without a grid.
        tables: further arrays (I, ...) of the family.
        coef: shape (I, intervals, P, J); one interval but for splines.
        slopes: of the lines below and above the grid, by t: shape (2, I, J).
        base_fun: name of the base function.
        base_scale: shape (I, J).
        centre: the base function sees (x - centre) * stretch; shape (I,).
        stretch: shape (I,).
        symbolic: (i, j, expression in `X`) of the symbolic edges.
        nodes: what the sums become.
    """

    family: str
    offset: np.ndarray
    scale: np.ndarray
    bounds: tuple[np.ndarray, np.ndarray] | None
    tables: Mapping[str, np.ndarray]
    coef: np.ndarray
    slopes: np.ndarray
    base_fun: str
    base_scale: np.ndarray
    centre: np.ndarray
    stretch: np.ndarray
    symbolic: tuple[tuple[int, int, sympy.Expr], ...]
    nodes: NodeParts

    @property
    def n_in(self) -> int:
        """I."""
        return self.coef.shape[0]

    @property
    def n_sums(self) -> int:
        """J."""
        return self.coef.shape[-1]


@torch.no_grad()
def layer_parts(model: KAN) -> list[LayerParts]:
    """Take a network apart.

    Args:
        model: The network.

    Returns:
        Its layers, the inputs' first.
    """
    return [_layer(layer) for layer in model.layers]


def link_of(loss: str) -> str | None:
    """What turns outputs into predictions: "sigmoid", "exp", "softmax" or None.

    Args:
        loss: Name of the loss that the network was trained on.

    Returns:
        The name.

    Raises:
        SettingsError: There is no such loss.
    """
    if loss not in LINKS:
        raise SettingsError(
            f"cannot export a network trained on the loss {loss!r}: {', '.join(LINKS)} are known"
        )
    return LINKS[loss]


@dataclass(frozen=True)
class _Placed:
    """What a family adds to the arrays of a layer."""

    offset: torch.Tensor
    scale: torch.Tensor
    tables: Mapping[str, np.ndarray]
    coef: torch.Tensor  # (J, I, intervals, P)
    shift: float = 0.0  # of t against the family's own


def _layer(layer: KANLayer) -> LayerParts:
    basis, mask = layer.basis, layer.mask
    coef = layer.coef * mask.unsqueeze(-1)
    if type(basis) not in _FAMILIES:
        raise SettingsError(f"cannot export edges of the family {basis.name!r}")
    placed = _FAMILIES[type(basis)](basis, coef)
    low, high = basis.domain.unbind(-1)
    ends = _ends(basis)
    slopes = torch.zeros((2, *mask.T.shape), dtype=torch.float64)
    if ends is not None:
        for side, end in enumerate(ends):
            slopes[side] = torch.einsum("jik,ik->ij", coef, basis.placed_jet(end[None], (1,))[0][0])
    return LayerParts(
        family=basis.name,
        offset=_array(placed.offset),
        scale=_array(placed.scale),
        bounds=None if ends is None else (_array(ends[0] + placed.shift), _array(ends[1] + placed.shift)),
        tables=placed.tables,
        coef=_array(placed.coef.permute(1, 2, 3, 0)),
        slopes=_array(slopes),
        base_fun=layer.base_fun,
        base_scale=_array((layer.base_scale * mask).T),
        centre=_array(0.5 * (low + high)),
        stretch=_array(2 / (high - low)),
        symbolic=_symbolic(layer),
        nodes=_nodes(layer),
    )


def _ends(basis: Basis) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Ends of the family's t, (I,) each."""
    bounds = basis.bounds()
    if bounds is None:
        return None
    like = torch.zeros((1, basis.domain.shape[-2]), dtype=torch.float64)
    low, high = (like + end for end in bounds)
    return low[0], high[0]


def _array(tensor: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(tensor.detach().cpu().double().numpy())


def _bspline(basis: BSpline, coef: torch.Tensor) -> _Placed:
    """The Taylor polynomial at the left end of each interval, in shares of its width."""
    n_in, (low, high) = basis.domain.shape[0], basis.domain.unbind(-1)
    breaks = torch.arange(basis.grid_size + 1, dtype=torch.float64).expand(n_in, -1)
    offset, scale = low, basis.grid_size / (high - low)
    if not basis.uniform:
        breaks, offset, scale = basis.grid, torch.zeros_like(low), torch.ones_like(low)
    orders = tuple(range(basis.degree + 1))
    width = breaks.diff(dim=-1).T  # (G, I)
    jets = basis.placed_jet(breaks[:, :-1].T, orders)  # each (G, I, K)
    powers = [
        torch.einsum("jik,gik->jig", coef, jet * (width**nu / math.factorial(nu)).unsqueeze(-1))
        for nu, jet in zip(orders, jets, strict=True)
    ]
    return _Placed(offset, scale, {"breaks": _array(breaks)}, torch.stack(powers, dim=-1))


def _centred(
    basis: Basis, coef: torch.Tensor, size: float = 2.0, shift: float = 0.0, **tables: torch.Tensor
) -> _Placed:
    """Count t from the middle of the domain, which is `size` wide."""
    low, high = basis.domain.unbind(-1)
    arrays = {name: _array(table) for name, table in tables.items()}
    return _Placed(0.5 * (low + high), size / (high - low), arrays, coef.unsqueeze(2), shift)


def _rbf(basis: GaussianRBF, coef: torch.Tensor) -> _Placed:
    half = 0.5 * basis.grid_size
    centres = torch.arange(basis.grid_size + 1, dtype=torch.float64) - half
    return _centred(basis, coef, 2 * half, -half, centres=centres.expand(basis.domain.shape[0], -1))


def _fourier(basis: Fourier, coef: torch.Tensor) -> _Placed:
    """First the constant, then all cosines, then all sines."""
    placed = _centred(basis, torch.cat([coef[..., :1], coef[..., 1::2], coef[..., 2::2]], dim=-1))
    return _Placed(placed.offset, 2 * math.pi / basis.period[..., 0], {}, placed.coef)


def _rational(basis: Rational, coef: torch.Tensor) -> _Placed:
    return _centred(basis, coef, denominator=basis.denominator[list(basis.groups)])


def _sine(basis: Sine, coef: torch.Tensor) -> _Placed:
    return _centred(basis, coef, frequency=basis.frequency, phase=basis.phase)


_FAMILIES: dict[type, Callable[..., _Placed]] = {
    BSpline: _bspline,
    Chebyshev: _centred,
    Fourier: _fourier,
    GaussianRBF: _rbf,
    Rational: _rational,
    Sine: _sine,
}


def _symbolic(layer: KANLayer) -> tuple[tuple[int, int, sympy.Expr], ...]:
    edges = []
    for (i, j, function), row in zip(layer.symbolic, layer.affine.tolist(), strict=True):
        a, b, c, d = (sympy.Float(value, 17) for value in row)
        edges.append((i, j, c * function.expr.xreplace({X: a * X + b}) + d))
    return tuple(edges)


def _nodes(layer: KANLayer) -> NodeParts:
    nodes = layer.nodes
    affine = {name: _array(getattr(nodes, name)) for name in nodes.tensor_names} if nodes.affine else {}
    return NodeParts(nodes.n_sum, tuple(tuple(group) for group in nodes.products()), affine)
