"""Derivatives of a KAN by its inputs in one pass forward, without nested automatic differentiation.

Along a direction every node carries its value, slope and curvature. An edge turns (x, x', x'') into
(phi, phi' x', phi'' x'^2 + phi' x''), sums add, products follow Leibniz's rule (the "forward Laplacian",
Li et al., Nature Machine Intelligence 6, 2024). Each is a sum over edges as the forward pass is, on the same
kernels, so that the results may themselves be differentiated by the weights.
"""

from typing import TYPE_CHECKING, NamedTuple

import torch

from kansci.basis import base_curvature, base_function
from kansci.models.layer import KANLayer, n_base_functions
from kansci.models.nodes import Nodes
from kansci.models.symbolic_edge import inner, outer

if TYPE_CHECKING:
    from kansci.models.kan import KAN


class Jet(NamedTuple):
    """Values of M nodes at N rows, and their derivatives along D directions.

    Attributes:
        value: shape (N, M).
        first: shape (D, N, M).
        second: shape (D, N, M).
    """

    value: torch.Tensor
    first: torch.Tensor
    second: torch.Tensor


def directional_jet(model: "KAN", x: torch.Tensor, directions: torch.Tensor | None = None) -> Jet:
    """Evaluate a network with its first and second derivatives along directions.

    Mixed derivatives follow by polarisation: f_ab = (D_{a+b}^2 - D_a^2 - D_b^2) f / 2.

    Args:
        model: the network.
        x: rows (N, I).
        directions: shape (D, I); the I inputs themselves by default, which gives the gradient and the
            Hessian's diagonal.

    Returns:
        Outputs (N, O), their derivatives (D, N, O) and second derivatives (D, N, O).
    """
    if directions is None:
        directions = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    first = directions.to(x).unsqueeze(1).expand(-1, len(x), -1)
    jet = Jet(x, first, torch.zeros_like(first))
    for layer in model.layers:
        jet = _through_nodes(layer.nodes, _through_edges(layer, jet))
    return jet


def _through_edges(layer: KANLayer, jet: Jet) -> Jet:
    x, first, second = jet
    n_directions = len(first)
    repeated = x.repeat(n_directions, 1)
    flat, bent = first.flatten(0, 1), second.flatten(0, 1)
    coef = layer.coef * layer.mask.unsqueeze(-1)
    slope = layer.basis.edge_derivative(repeated, coef, flat, 1)
    curvature = layer.basis.edge_derivative(repeated, coef, flat.square(), 2)
    if jet.second.any():
        curvature = curvature + layer.basis.edge_derivative(repeated, coef, bent, 1)
    sums = Jet(layer.sums(x), *(part.unflatten(0, (n_directions, -1)) for part in (slope, curvature)))
    for more in (_base_part, _symbolic_part):
        addition = more(layer, jet)
        if addition is not None:
            sums = Jet(sums.value, sums.first + addition[0], sums.second + addition[1])
    return sums


def _base_part(layer: KANLayer, jet: Jet) -> tuple[torch.Tensor, torch.Tensor] | None:
    if not n_base_functions(layer.base_fun):
        return None
    low, high = layer.basis.domain.unbind(-1)
    scale = (2 / (high - low)).to(jet.value)
    u = layer.basis.unit(jet.value)
    slope = base_function(layer.base_fun)[1](u) * scale
    curvature = base_curvature(layer.base_fun)(u) * scale**2
    weight = (layer.base_scale * layer.mask).mT
    first = slope * jet.first
    second = curvature * jet.first**2 + slope * jet.second
    return first.to(weight.dtype) @ weight, second.to(weight.dtype) @ weight


def _symbolic_part(layer: KANLayer, jet: Jet) -> tuple[torch.Tensor, torch.Tensor] | None:
    if not layer.symbolic:
        return None
    u = inner(layer.symbolic, layer.affine, jet.value)
    a, _, c, _ = layer.affine.unsqueeze(-3).unbind(-1)
    slope = c * a * outer(layer.symbolic, u, 1)
    curvature = c * a**2 * outer(layer.symbolic, u, 2)
    columns = [i for i, _, _ in layer.symbolic]
    targets = torch.tensor([j for _, j, _ in layer.symbolic], device=u.device)
    x_first, x_second = jet.first[..., columns], jet.second[..., columns]
    empty = jet.first.new_zeros((*jet.first.shape[:-1], layer.mask.shape[0]))
    return (
        empty.index_add(-1, targets, slope * x_first),
        empty.index_add(-1, targets, curvature * x_first**2 + slope * x_second),
    )


def _through_nodes(nodes: Nodes, jet: Jet) -> Jet:
    if nodes.plain:
        return jet
    value, first, second = jet
    if nodes.affine:
        value = value * nodes.subnode_scale + nodes.subnode_bias
        first, second = first * nodes.subnode_scale, second * nodes.subnode_scale
    factors = Jet(value, first, second)
    columns = [_column(factors, j) for j in range(nodes.n_sum)]
    for group in nodes.products():
        product = _column(factors, group[0])
        for j in group[1:]:
            product = _times(product, _column(factors, j))
        columns.append(product)
    value, first, second = (torch.stack(parts, dim=-1) for parts in zip(*columns, strict=True))
    if nodes.affine:
        value = value * nodes.node_scale + nodes.node_bias
        first, second = first * nodes.node_scale, second * nodes.node_scale
    return Jet(value, first, second)


def _column(jet: Jet, number: int) -> Jet:
    return Jet(*(part[..., number] for part in jet))


def _times(one: Jet, other: Jet) -> Jet:
    return Jet(
        one.value * other.value,
        one.first * other.value + one.value * other.first,
        one.second * other.value + 2 * one.first * other.first + one.value * other.second,
    )
