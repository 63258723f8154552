"""How constant the variance of values and of gradients stays through six layers, for every activation.

Networks of 2048 nodes a layer are drawn with `initialisation="vi3nr"`. A variance is that over the nodes, 24
points and `SEEDS` draws; one draw alone wanders by a few per cent, because the width is finite.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from kansci.inr.networks import make_network
from kansci.inr.networks import variances as measured_variances

Row = dict[str, Any]

LAYERS, WIDTH, POINTS, SEEDS = 6, 2048, 24, 12
MOST = 0.05
ACTIVATIONS = {
    "sine": "siren",
    "finer": "finer",
    "gaussian": "gaussian",
    "snake": "snake",
    "tanh": "tanh",
    "relu": "relu",
    "silu": "silu",
    "gated_tanh": "fkan",
}
"""Activations, and the family of networks that has each."""


def variances() -> Iterator[Row]:
    """A row for each activation: the largest departures from the mean over the layers."""
    for activation, kind in ACTIVATIONS.items():
        drawn = np.array([_drawn(kind, seed) for seed in range(SEEDS)])
        forward, backward = _drifts(drawn.mean(0))
        alone = np.median([max(_drifts(one)) for one in drawn])
        yield {
            "activation": activation,
            "asked": MOST,
            "forward": forward,
            "backward": backward,
            "met": max(forward, backward) <= MOST,
            "median of one draw": float(alone),
            "seeds": SEEDS,
            "width": WIDTH,
        }


def _drawn(kind: str, seed: int) -> list[np.ndarray]:
    """Both variances of one network, (6,) each."""
    # The first dense layer of FKAN's follows a layer that is no activation
    depth, options = (LAYERS + 2, {"frequency": 8}) if kind == "fkan" else (LAYERS + 1, {})
    network = make_network(kind, 2, 1, seed=seed, width=[WIDTH] * depth, initialisation="vi3nr", **options)
    points = 2 * torch.rand((POINTS, 2), generator=torch.Generator().manual_seed(seed)) - 1
    return [values[-LAYERS:] for values in measured_variances(network, points)]


def _drifts(pair: np.ndarray) -> tuple[float, float]:
    """Largest departure from the mean over layers, relative to it, of both variances (2, 6)."""
    forward, backward = (float(np.abs(v / v.mean() - 1).max()) for v in pair)
    return forward, backward
