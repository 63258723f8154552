"""A network in another language: one Python file, one C99 file, or an ONNX graph, that need no kansci.

Where no law is found, the network is still the best description of the data there is, and this makes it
usable: the file holds every edge's function and gives what the network gives, inside its grids and outside.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kansci.data.names import symbol_names
from kansci.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kansci.models import KAN

__all__ = ["NETWORK_TARGETS", "export_network"]

NETWORK_TARGETS = ("python", "c", "onnx")


def export_network(
    model: "KAN", inputs: "Sequence[str]", target: str, to: str, loss: str = "least_squares"
) -> str | bytes:
    """Write a network in another language.

    Python and C get a function ``predict_<target>`` of the columns. An ONNX graph takes one tensor "X" (N, I)
    of float64, the columns in their order, and gives "predicted" (N, J).

    Args:
        model: The network, on the units of the table.
        inputs: Names of its input columns.
        target: Name of what it predicts.
        to: One of ``NETWORK_TARGETS``.
        loss: Name of the loss that it was trained on: with logistic and softmax the file gives
            probabilities, with poisson rates.

    Returns:
        The text, or the bytes of an ONNX file.

    Raises:
        SettingsError: There is no such target, names do not fit, or a part has no counterpart there.
    """
    from kansci.network_source.parts import layer_parts, link_of  # imports torch

    if to not in NETWORK_TARGETS:
        raise SettingsError(f"cannot export a network to {to!r}: choose one of {', '.join(NETWORK_TARGETS)}")
    if len(inputs) != model.width[0]:
        raise SettingsError(f"{len(inputs)} names of inputs for a network of {model.width[0]}")
    symbols: Mapping[str, str] = symbol_names(inputs)
    layers, link = layer_parts(model), link_of(loss)
    if to == "python":
        from kansci.network_source.python import python_source

        return python_source(layers, symbols, target, link)
    if to == "c":
        from kansci.network_source.c import c_source

        return c_source(layers, symbols, target, link)
    from kansci.network_source.onnx_graph import onnx_bytes

    return onnx_bytes(layers, symbols, target, link)
