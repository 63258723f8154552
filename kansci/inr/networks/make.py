"""From a family's name and a number of parameters to a network."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from typing import Any

import torch

from kansci.errors import SettingsError
from kansci.inr.networks.kinds import KINDS, Settings
from kansci.inr.networks.network import CoordinateNetwork
from kansci.inr.networks.variance import draw_weights

__all__ = ["make_network"]

_INITIALISATIONS = ("published", "vi3nr")
_DTYPES = {"float32": torch.float32, "float64": torch.float64}


def make_network(  # noqa: PLR0913 (what a network is made of)
    kind: str,
    n_inputs: int,
    n_outputs: int,
    *,
    parameters: int = 200_000,
    width: int | Sequence[int] | None = None,
    depth: int | None = None,
    frequency: float | None = None,
    seed: int = 0,
    dtype: torch.dtype | str = torch.float32,
    initialisation: str = "published",
    **options: Any,
) -> CoordinateNetwork:
    """Build a network with random weights.

    Args:
        kind: one of `KINDS`: "siren", "fkan", "fourier", "gaussian", "wire", "finer", "snake", "tanh",
            "relu", "silu", "kan", "sl2a".
        n_inputs: number of coordinates d.
        n_outputs: number of values C of a point.
        parameters: most trainable numbers; the widest network that has no more is built.
        width: of the hidden layers, one number or one for each, instead of `parameters`.
        depth: number of hidden layers.
        frequency: how fine a detail it begins with (`suggested_frequency`); None takes the published value.
        seed: of the weights.
        dtype: float32 or float64, by torch's name or as text.
        initialisation: "published" as the family's authors draw the weights, or "vi3nr" (see `variance`).
        **options: further settings of the family, see `kansci.inr.networks.kinds`.

    Returns:
        The network. Its `config` builds one of the same form.

    Raises:
        SettingsError: there is no such family or setting, or no network is so small.

    Example:
        >>> make_network("siren", 2, 3, width=256).n_parameters
        198915
    """
    settings = _settings(kind, frequency, options)
    depth = _count(settings.depth if depth is None else depth, "depth")
    n_inputs, n_outputs = _count(n_inputs, "n_inputs"), _count(n_outputs, "n_outputs")
    name = str(dtype).removeprefix("torch.")
    if name not in _DTYPES:
        raise SettingsError(f"dtype={dtype}: choose float32 or float64")

    if initialisation not in _INITIALISATIONS:
        raise SettingsError(f"initialisation={initialisation!r}: choose {' or '.join(_INITIALISATIONS)}")

    def built(widths: Sequence[int]) -> CoordinateNetwork:
        config = {
            "kind": kind,
            "n_inputs": n_inputs,
            "n_outputs": n_outputs,
            "width": list(widths),
            "seed": seed,
            "dtype": name,
            "initialisation": initialisation,
            **asdict(settings),
        }
        generator = torch.Generator().manual_seed(seed)
        first, body = settings.build(n_inputs, n_outputs, widths, generator)
        return CoordinateNetwork(first, body, config)

    if width is None:
        network = _widest(lambda w: built(settings.widths(w, depth)), _count(parameters, "parameters"), kind)
    elif isinstance(width, Sequence):
        network = built([_count(w, "width") for w in width] or [_count(0, "width")])
    else:
        network = built(settings.widths(_count(width, "width"), depth))
    if initialisation == "vi3nr":
        draw_weights(network, torch.Generator().manual_seed(seed))
    return network.to(_DTYPES[name])


def _settings(kind: str, frequency: float | None, options: dict[str, Any]) -> Settings:
    if kind not in KINDS:
        raise SettingsError(f"model={kind!r}: choose one of {', '.join(KINDS)}")
    known = {field.name for field in fields(KINDS[kind])}
    unknown = sorted(set(options) - known)
    if unknown:
        raise SettingsError(f"{unknown[0]}: {kind} has no such setting; it has {', '.join(sorted(known))}")
    given = {name: value for name, value in options.items() if value is not None}
    if frequency is not None:
        given["frequency"] = frequency
    for name, value in given.items():
        if name.endswith(("frequency", "scale")) and not 0 < value < float("inf"):
            raise SettingsError(f"{name}={value}: give a positive number")
    return KINDS[kind](**given)


def _count(number: int, name: str) -> int:
    if isinstance(number, bool) or number != int(number) or number < 1:
        raise SettingsError(f"{name}={number}: give a whole number of 1 or more")
    return int(number)


def _widest(build: Callable[[int], CoordinateNetwork], parameters: int, kind: str) -> CoordinateNetwork:
    """Search the greatest width by doubling and bisection; networks are built to count what they have."""
    best, low, high = build(1), 1, 2
    if best.n_parameters > parameters:
        raise SettingsError(
            f"parameters={parameters}: the smallest {kind} network has {best.n_parameters}; "
            "allow more, or lower depth or frequency"
        )
    growing = True
    while high - low > 1 or growing:
        width = high if growing else (low + high) // 2
        network = build(width)
        if network.n_parameters <= parameters:
            best, low = network, width
            high = 2 * width if growing else high
        else:
            high, growing = width, False
    return best
