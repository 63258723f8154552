"""Solids as functions: how much of the inside is right, at equal parameters and equal seconds."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kansci.representation import represent
from kansci.signals.quality import iou
from kansci.signals.shapes import analytic_shape, shape_signal

Row = dict[str, Any]
SHAPES = ("torus", "gyroid", "box")
PARAMETERS = 200_000
SPLINE_SIDE = 58
"""58^3 samples are less than 200,000."""
NETWORK_SIDE = 64
TEST_POINTS = 200_000


def occupancies(seconds: float, seeds: Sequence[int]) -> Iterator[Row]:
    """A spline from distances; networks from distances and from occupancies, which have more samples."""
    for name in SHAPES:
        shape = analytic_shape(name)
        points = np.random.default_rng(99).uniform(*shape.box.T, (TEST_POINTS, 3))
        truth = shape.occupancy(points)
        cases = [("spline", "distance", SPLINE_SIDE, 0)]
        networks = ("siren", "fkan", "wire")
        cases += [(m, q, NETWORK_SIDE, s) for s in seeds for m in networks for q in ("occupancy", "distance")]
        for model, quantity, side, seed in cases:
            signal = shape_signal(shape, side, quantity)
            found = represent(signal, model, parameters=PARAMETERS, seconds=seconds, seed=seed)
            values = found.predict(points)[:, 0]
            inside = values < 0 if quantity == "distance" else values > 0.5
            row = {"shape": name, "model": model, "from": quantity, "parameters": found.model.n_parameters}
            yield {**row, "seed": seed, "iou": iou(truth, inside), "seconds": found.seconds}
