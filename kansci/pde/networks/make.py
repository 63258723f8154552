"""Networks by name: KAN, multilayer perceptron, SIREN, FKAN."""

import math
from collections.abc import Sequence
from typing import Any

import torch

from kansci.basis import make_basis
from kansci.errors import SettingsError
from kansci.pde.networks.expansion import BasisFunctions, Expansion, Pointwise
from kansci.pde.networks.stacked import Initial, Layer, Stacked

__all__ = ["NETWORKS", "make_network"]

NETWORKS = ("kan", "mlp", "siren", "fkan")
_WIDTHS = {"kan": (4, 4, 4), "mlp": (24, 24), "siren": (24, 24), "fkan": (16, 24)}
_MOST_EDGES = 10_000
_INNER_RANGE = 2.0
"""Half the width of the grids behind the first layer, whose nodes are of order one at the start."""
_PERIODIC_HARMONICS = 3
_SIREN_FREQUENCY = 3.0
"""omega_0 on [-1, 1]; solutions of equations vary less than the images SIREN was made for."""


def make_network(
    kind: str,
    periodic: Sequence[bool],
    *,
    width: Sequence[int] | None = None,
    basis: str | dict[str, Any] = "bspline",
    grid: int = 10,
    k: int = 5,
    frequency: float | None = None,
) -> Stacked:
    """Build a network with one output, for coordinates on [-1, 1].

    Args:
        kind: "kan" (a KAN of any basis), "mlp" (tanh), "siren" (Sitzmann et al., 2020) or "fkan" (a Fourier
            KAN layer before a tanh perceptron, Mehrabian et al., 2024).
        periodic: for each coordinate whether its ends are one; then it enters through sines and cosines.
        width: numbers of nodes of the hidden layers.
        basis: of a KAN, see `kansci.basis.make_basis`.
        grid: resolution of a basis.
        k: degree of splines.
        frequency: omega_0 of a SIREN.

    Returns:
        The network.

    Raises:
        SettingsError: there is no such network, or a width is impossible.
    """
    if kind not in NETWORKS:
        raise SettingsError(f"model={kind!r}: choose one of {', '.join(NETWORKS)}")
    hidden = tuple(width or _WIDTHS[kind])
    if sum(a * b for a, b in zip((len(periodic), *hidden), (*hidden, 1), strict=True)) > _MOST_EDGES:
        raise SettingsError(f"width={list(hidden)}: more than {_MOST_EDGES} edges: choose fewer nodes")
    if not hidden or min(hidden) < 1:
        raise SettingsError(f"width={width}: give the numbers of nodes of the hidden layers, each at least 1")
    if kind == "kan":
        return _kan(periodic, hidden, basis, grid, k)
    if kind == "fkan":
        first = _basis_layer([_fourier(grid, 1.0 if p else 2.0) for p in periodic], hidden[0], _normal)
        return Stacked([first, *_perceptron(hidden[0], hidden[1:], Pointwise("tanh"), 1.0)])
    entry = [_fourier(_PERIODIC_HARMONICS, 1.0) if p else Pointwise("identity") for p in periodic]
    if kind == "mlp":
        return Stacked(
            [
                _dense(entry, hidden[0], _glorot, 1.0),
                *_perceptron(hidden[0], hidden[1:], Pointwise("tanh"), 0.1),
            ]
        )
    omega = frequency or _SIREN_FREQUENCY
    first = _dense(entry, hidden[0], _uniform(1 / len(periodic)), 1.0)
    rest = _perceptron(hidden[0], hidden[1:], Pointwise("sine", omega), 0.1, _siren(omega))
    return Stacked([first, *rest])


def _kan(
    periodic: Sequence[bool], hidden: Sequence[int], basis: str | dict[str, Any], grid: int, k: int
) -> Stacked:
    first = [_fourier(grid // 2 + 1, 1.0) if p else _edges(basis, grid, k, 1.0, 1) for p in periodic]
    layers = [_basis_layer(first, hidden[0], _normal)]
    for below, above in zip(hidden, (*hidden[1:], 1), strict=True):
        layers.append(_basis_layer([_edges(basis, grid, k, _INNER_RANGE, below)], above, _normal, below))
    return Stacked(layers)


def _edges(basis: str | dict[str, Any], grid: int, k: int, half: float, count: int) -> BasisFunctions:
    domain = torch.tensor([[-half, half]] * count, dtype=torch.float64)
    return BasisFunctions(make_basis(basis, grid, k, domain))


def _fourier(grid: int, widths: float) -> BasisFunctions:
    return BasisFunctions(
        make_basis(
            {"basis": "fourier", "grid": grid, "widths": widths},
            grid,
            3,
            torch.tensor([[-1.0, 1.0]], dtype=torch.float64),
        )
    )


def _basis_layer(expansions: Sequence[Expansion], outputs: int, draw: Any, nodes: int | None = None) -> Layer:
    functions = sum(e.size for e in expansions) * (nodes or 1)
    return Layer(expansions, functions, outputs, draw(outputs, functions))


def _dense(
    expansions: Sequence[Expansion], outputs: int, draw: Any, bias: float, nodes: int | None = None
) -> Layer:
    functions = sum(e.size for e in expansions) * (nodes or 1)
    return Layer(expansions, functions, outputs, draw(outputs, functions), _between(bias, outputs))


def _perceptron(
    below: int, hidden: Sequence[int], activation: Pointwise, bias: float, draw: Any = None
) -> list[Layer]:
    layers = []
    for count in (*hidden, 1):
        layers.append(_dense([activation], count, draw or _glorot, bias, below))
        below = count
    return layers


def _between(bound: float, *shape: int) -> Initial:
    return lambda generator: (torch.rand(shape, generator=generator, dtype=torch.float64) * 2 - 1) * bound


def _uniform(bound: float) -> Any:
    return lambda outputs, inputs: _between(bound, outputs, inputs)


def _siren(omega: float) -> Any:
    return lambda outputs, inputs: _between(math.sqrt(6 / inputs) / omega, outputs, inputs)


def _glorot(outputs: int, inputs: int) -> Initial:
    scale = math.sqrt(2 / (outputs + inputs))
    return lambda g: scale * torch.randn((outputs, inputs), generator=g, dtype=torch.float64)


def _normal(outputs: int, inputs: int) -> Initial:
    scale = 1 / math.sqrt(inputs)
    return lambda g: scale * torch.randn((outputs, inputs), generator=g, dtype=torch.float64)
