"""The tensors of a network as few bytes: uniform quantisation, one step a tensor, entropy coding.

The step of a tensor is that at which all tensors lose alike: where the mean squared error of the
output grows as s_t times the mean squared error of the weights of tensor t, the least error at a
given size needs steps in proportion to 1 / sqrt(s_t) (reverse water-filling at high rates; Cover and
Thomas, "Elements of information theory", section 10.3). Without sensitivities the steps are in
proportion to the standard deviations of the tensors.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kansci.compression.bit_coder import Decoder, Encoder
from kansci.compression.coefficients import code_signs
from kansci.compression.contexts import FULL, UNIT
from kansci.compression.frame import pack, unpack
from kansci.compression.magnitudes import Distributions
from kansci.compression.schema import check_network
from kansci.compression.search import largest_step
from kansci.errors import DataError, SettingsError

__all__ = ["compress_network", "decompress_network", "sensitivities"]

PIECE = 4096
Tensors = Mapping[str, np.ndarray]


def compress_network(
    tensors: Tensors,
    *,
    bits: float | None = None,
    tolerance: float | None = None,
    sensitivity: Mapping[str, float] | None = None,
    description: Mapping[str, Any] | None = None,
) -> bytes:
    """Compress named tensors. Give one of bits and tolerance.

    Args:
        tensors: Name -> finite floating-point numbers of any shape.
        bits: The most bits a number, the header included.
        tolerance: The largest error of a number in units of its tensor's standard deviation or, with
            sensitivities, of 1 / sqrt(sensitivity).
        sensitivity: Name -> mean squared error of the output for each unit of mean squared error of the
            tensor, see `sensitivities`.
        description: What is needed to make the network again; JSON must hold it.

    Returns:
        The bytes of a file, for `decompress_network`.

    Raises:
        SettingsError: A target is not possible.
        DataError: A tensor is empty or not finite.
    """
    if (bits is None) == (tolerance is None):
        raise SettingsError("give either the bits a number or the tolerance")
    arrays = {name: _checked(name, tensor) for name, tensor in tensors.items()}
    if not arrays:
        raise DataError("there are no tensors to compress")
    units = {name: _unit(name, array, sensitivity) for name, array in arrays.items()}

    def attempt(relative: float) -> bytes:
        return _encode(arrays, {name: relative * unit for name, unit in units.items()}, description or {})

    if tolerance is not None:
        if not 1e-7 <= tolerance <= 1e3:
            raise SettingsError(f"tolerance {tolerance:g}: give a number between 1e-7 and 1000")
        return attempt(2 * tolerance)
    limit = float(bits or 0.0) * sum(array.size for array in arrays.values()) / 8
    if not 0 < limit < math.inf:
        raise SettingsError(f"{bits:g} bits a number: give a positive number")
    return largest_step(
        lambda fineness: attempt(max(1 / fineness, 1e-7)),
        lambda content: math.log2(limit / len(content)),
        8.0,
        f"{bits:g} bits a number",
    )


def decompress_network(
    content: bytes, where: str = "the data"
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The tensors of what `compress_network` gave: whole numbers times the steps, exactly.

    Args:
        content: The bytes.
        where: The file, for messages.

    Returns:
        Name -> float64 array, and the description; damaged content is a DataError.
    """
    header, body = unpack(content, where)
    check_network(header, len(content), where)
    coder, found = Decoder(body), {}
    for entry in header["tensors"]:
        shape = tuple(entry["shape"])
        numbers = _code(coder, np.zeros(math.prod(shape), dtype=np.int64), entry["mean"])
        found[entry["name"]] = (numbers * float(entry["step"])).reshape(shape)
    return found, header["description"]


def sensitivities(
    tensors: Tensors, output: Callable[[dict[str, np.ndarray]], np.ndarray], *, seed: int = 0
) -> dict[str, float]:
    """How much the output changes with each tensor, by one small random change of each.

    Args:
        tensors: Name -> numbers.
        output: Tensors -> output of the network at points that stand for all.
        seed: Of the changes.

    Returns:
        Name -> mean squared change of the output over that of the tensor.
    """
    random = np.random.default_rng(seed)
    exact, found = output({name: np.asarray(tensor) for name, tensor in tensors.items()}), {}
    for name, tensor in tensors.items():
        size = 1e-3 * _spread(np.asarray(tensor, dtype=np.float64))
        changed = dict(tensors) | {name: tensor + size * random.standard_normal(np.shape(tensor))}
        found[name] = float(np.mean((output(changed) - exact) ** 2)) / size**2
    return found


def _encode(arrays: Tensors, steps: Mapping[str, float], description: Mapping[str, Any]) -> bytes:
    coder, entries = Encoder(), []
    for name, array in arrays.items():
        step = float(np.float32(steps[name]))
        numbers = np.floor(array.ravel() / step + 0.5).astype(np.int64)
        mean = min(int(np.abs(numbers).mean() * UNIT), FULL)
        _code(coder, numbers, mean)
        entries.append({"name": name, "shape": list(array.shape), "step": step, "mean": mean})
    header = {"codec": "network", "tensors": entries, "description": dict(description)}
    return pack(header, coder.content())


def _code(coder: Encoder | Decoder, numbers: np.ndarray, mean: int) -> np.ndarray:
    """Write (N,) numbers of one tensor, or read them, in pieces that adapt the distribution."""
    distributions, found = Distributions(), np.zeros(len(numbers), dtype=np.int64)
    classes = distributions.classes(np.full(len(numbers), mean))
    for start in range(0, len(numbers), PIECE):
        part = slice(start, start + PIECE)
        magnitudes = distributions.code(coder, np.abs(numbers[part]), classes[part])
        found[part] = code_signs(coder, numbers[part], magnitudes)
        distributions.learn(classes[part], magnitudes)
    return found


def _checked(name: str, tensor: np.ndarray) -> np.ndarray:
    array = np.asarray(tensor, dtype=np.float64)
    if array.size == 0 or not np.abs(array).max() < 1e30:
        raise DataError(f"tensor {name}: empty, or a number is missing, infinite or beyond 1e30")
    return array


def _spread(array: np.ndarray) -> float:
    """The standard deviation, or where all is the same, the size."""
    return float(np.std(array)) or float(np.abs(array).max()) or 1.0


def _unit(name: str, array: np.ndarray, sensitivity: Mapping[str, float] | None) -> float:
    """What the step of a tensor is a multiple of; never so fine that numbers have more than 30 bits."""
    finest = 16 * float(np.abs(array).max()) / (1 << 30)
    if sensitivity is None:
        return max(_spread(array), finest)
    value = sensitivity.get(name, 0.0)
    if not (value >= 0 and math.isfinite(value)):
        raise SettingsError(f"the sensitivity of {name} is {value:g}: it must be a number of at least 0")
    return max(min(1 / math.sqrt(value) if value else math.inf, _spread(array)), finest)
