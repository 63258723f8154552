"""The structure of a KAN in JSON's types, and a layer from its description."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from kansci.basis import Basis, make_basis
from kansci.errors import SettingsError
from kansci.models.layer import KANLayer, n_base_functions
from kansci.models.nodes import Nodes
from kansci.models.symbolic_edge import SymbolicFunction

Domain = Sequence[float] | Sequence[Sequence[float]] | torch.Tensor | np.ndarray


def per_layer(value: Any, n_layers: int, what: str) -> list[Any]:
    """Give one value for each layer.

    Args:
        value: one for all layers, or a list with one for each.
        n_layers: number of layers.
        what: name of the option, for the message.

    Returns:
        The values.

    Raises:
        SettingsError: the list is of another length.
    """
    if isinstance(value, str) or not isinstance(value, Sequence):
        return [value] * n_layers
    if len(value) != n_layers:
        raise SettingsError(f"{what}={list(value)}: give one, or one for each of the {n_layers} layers")
    return list(value)


def input_domains(grid_range: Domain, n_inputs: int) -> torch.Tensor:
    """Give the ends of each input's grid, (I, 2).

    Args:
        grid_range: one pair for all inputs, or one for each.
        n_inputs: I.

    Returns:
        The ends.

    Raises:
        SettingsError: it is neither.
    """
    domain = torch.as_tensor(np.asarray(grid_range, dtype=float))
    if domain.shape not in {(2,), (n_inputs, 2)}:
        raise SettingsError(
            f"grid_range has shape {tuple(domain.shape)}: give (low, high) or one pair for each input"
        )
    return domain.expand(n_inputs, 2).clone()


def describe_layer(layer: KANLayer) -> dict[str, Any]:
    """Describe a layer in JSON's types."""
    row = {**layer.basis.to_config(), "base_fun": layer.base_fun}
    if layer.symbolic:
        row["symbolic"] = [{"edge": [i, j], **function.to_config()} for i, j, function in layer.symbolic]
    if layer.nodes.affine:
        row["affine_nodes"] = "trainable" if layer.nodes.trainable else "fixed"
    return row


def empty_layer(row: Mapping[str, Any], n_in: int, nodes: Nodes) -> KANLayer:
    """Build the layer that `describe_layer` described, with weights of zero.

    Args:
        row: the description.
        n_in: number of inputs.
        nodes: what its sums become.

    Returns:
        The layer.

    Raises:
        SettingsError: a formula stands on an edge that does not exist.
    """
    basis: Basis = make_basis(row, int(row["grid"]), 3, input_domains((-1.0, 1.0), n_in))
    base_fun, n_out = str(row["base_fun"]), nodes.n_subnodes
    weight = torch.zeros((n_out, n_in, basis.size + n_base_functions(base_fun)), dtype=torch.float64)
    if "affine_nodes" in row:
        nodes = nodes.with_affine(trainable=row["affine_nodes"] == "trainable")
    symbolic = []
    for entry in row.get("symbolic", ()):
        i, j = (int(n) for n in entry["edge"])
        if not (0 <= i < n_in and 0 <= j < n_out):
            raise SettingsError(f"no edge ({i}, {j}) between {n_in} nodes and {n_out}")
        symbolic.append((i, j, SymbolicFunction.from_config(entry)))
    affine = torch.zeros((len(symbolic), 4), dtype=torch.float64)
    return KANLayer(basis, base_fun, weight, nodes=nodes, symbolic=symbolic, affine=affine)
