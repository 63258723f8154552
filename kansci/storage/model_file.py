"""``model.safetensors``: a KAN, its structure as JSON in the header and its weights as tensors."""

import json
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save

from kansci.errors import RunError, SettingsError
from kansci.models import KAN
from kansci.models.nodes import read_width
from kansci.storage.described import read_described
from kansci.storage.schema import COUNT, OBJECTS, TEXT, Rule, Schema, check, parse_object

__all__ = ["check_network", "model_bytes", "read_model"]


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 20


def _is_level(value: Any) -> bool:
    return _is_count(value) or (
        isinstance(value, list) and len(value) == 2 and all(_is_count(n) for n in value)
    )


_SIZES: Rule = (
    "a list of numbers of nodes",
    lambda value: isinstance(value, list) and all(_is_level(n) for n in value),
)
_MODEL: Schema = {"width": _SIZES, "layers": OBJECTS}
_LAYER: Schema = {
    "basis": TEXT,
    "grid": COUNT,
    "base_fun": TEXT,
}


def model_bytes(model: KAN, stage: int = 0) -> bytes:
    """The file's content; ``stage`` says how far training was, so that both change in one rename.

    All metadata are one entry, as safetensors writes several in any order.
    """
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    return save(state, metadata={"kan": json.dumps({**model.to_config(), "stage": stage})})


def read_model(content: bytes, where: str) -> tuple[KAN, int]:
    """The network back.

    Args:
        content: The file's content.
        where: Its name, for messages.

    Returns:
        The network, and its stage of training.

    Raises:
        RunError: This is not what `model_bytes` writes.
    """
    try:
        state, metadata = read_described(content)
    except (SafetensorError, ValueError, RecursionError) as error:
        raise RunError(f"{where}: not a safetensors file ({str(error).splitlines()[0]})") from error
    config = parse_object(metadata.get("kan", ""), {}, f"{where}: header 'kan'")
    check_network(config, f"{where}: header 'kan'", len(content))
    if not all(tensor.is_floating_point() and torch.isfinite(tensor).all() for tensor in state.values()):
        raise RunError(f"{where}: holds weights that are not finite numbers")
    try:
        stage = int(config.pop("stage", metadata.get("stage", 0)))
        return KAN.from_config(config, state), stage
    except (ValueError, TypeError) as error:
        raise RunError(f"{where}: {str(error).splitlines()[0]}") from error


def check_network(config: Any, where: str, size: int) -> None:
    """Check the description of a network before it is built.

    Args:
        config: What should be the description.
        where: The file and the place in it, for messages.
        size: Of the file in bytes, which the weights cannot exceed.

    Raises:
        RunError: It is no such description, or that of a larger network.
    """
    check(config, _MODEL, where)
    for number, layer in enumerate(config["layers"]):
        check(layer, _LAYER, f"{where}, layers[{number}]")
    if _bytes_claimed(config, where, size) > size:
        raise RunError(f"{where}: describes a larger network than the file holds")


def _bytes_claimed(config: dict, where: str, most: int) -> int:
    """Size of the weights in the header's own words, so that a short file cannot ask for much memory."""
    n_nodes = sum(level if isinstance(level, int) else sum(level) for level in config["width"])
    if n_nodes > most:  # each has a weight
        return n_nodes
    try:
        levels = read_width(config["width"], config.get("mult_arity", 2))
    except (SettingsError, TypeError) as error:
        raise RunError(f"{where}: {str(error).splitlines()[0]}") from error
    n_in = [n_sum + len(arities) for n_sum, arities in levels[:-1]]
    n_out = [n_sum + sum(arities) for n_sum, arities in levels[1:]]
    triples = zip(config["layers"], n_in, n_out, strict=False)
    return sum(8 * i * j * max(layer["grid"], 0) for layer, i, j in triples)
