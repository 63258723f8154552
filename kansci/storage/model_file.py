"""``model.safetensors``: a KAN, its structure as JSON in the header and its weights as tensors."""

import json

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from kansci.errors import RunError, SettingsError
from kansci.models import KAN
from kansci.storage.schema import COUNT, OBJECTS, TEXT, Rule, Schema, check, parse_object

__all__ = ["model_bytes", "read_model"]

_SIZES: Rule = (
    "a list of positive whole numbers",
    lambda value: isinstance(value, list) and all(isinstance(n, int) and 0 < n < 1 << 20 for n in value),
)
_MODEL: Schema = {"width": _SIZES, "layers": OBJECTS}
_LAYER: Schema = {
    "basis": TEXT,
    "grid": COUNT,
    "base_fun": TEXT,
}


def model_bytes(model: KAN, stage: int = 0) -> bytes:
    """The file's content; ``stage`` says how far training was, so that both change in one rename."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    return save(state, metadata={"kan": json.dumps(model.to_config()), "stage": str(stage)})


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
        state = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    except (SafetensorError, ValueError, RecursionError) as error:
        raise RunError(f"{where}: not a safetensors file ({str(error).splitlines()[0]})") from error
    metadata = header.get("__metadata__", {})
    config = parse_object(metadata.get("kan", ""), _MODEL, f"{where}: header 'kan'")
    for number, layer in enumerate(config["layers"]):
        check(layer, _LAYER, f"{where}: header 'kan', layers[{number}]")
    if _bytes_claimed(config) > len(content):
        raise RunError(f"{where}: the header describes a larger network than the file holds")
    if not all(tensor.is_floating_point() and torch.isfinite(tensor).all() for tensor in state.values()):
        raise RunError(f"{where}: holds weights that are not finite numbers")
    try:
        return KAN.from_config(config, state), int(metadata.get("stage", "0"))
    except (SettingsError, ValueError) as error:
        raise RunError(f"{where}: {str(error).splitlines()[0]}") from error


def _bytes_claimed(config: dict) -> int:
    """Size of the weights in the header's own words, so that a short file cannot ask for much memory."""
    width = config["width"]
    pairs = zip(config["layers"], width[:-1], width[1:], strict=False)
    return sum(8 * n_in * n_out * max(layer["grid"], 0) for layer, n_in, n_out in pairs)
