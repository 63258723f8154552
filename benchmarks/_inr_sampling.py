"""How much time error-driven sampling saves: CPU time to the signal-to-noise ratio of uniform mini-batches.

    python _inr_sampling.py [--size 128] [--parameters 50000] [--steps 1500] [--seeds 2] [--ways recent,int]

A SIREN is fitted to squares of images from scikit-image that the suite's table does not show. Uniform
mini-batches take `steps` steps. Each other way takes 40 %, 55 %, 70 % and 100 % of them, the learning rate
falling over its own steps, and the number of steps to equal PSNR is interpolated. Steps times the median CPU
time of one give seconds, whichever other work the machine does.
"""

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from skimage import data, transform

from kansci.inr.measurements import Measurements
from kansci.inr.model import cell_centres
from kansci.inr.networks import make_network
from kansci.inr.training import TrainSettings, train

IMAGES = "coffee,coins,rocket,moon"
WAYS = "recent,int,nint"
SHARES = (0.4, 0.55, 0.7, 1.0)
ALL_STEPS = 8
"""Steps over mini-batches for each step over all pixels, which costs about as much as sixteen."""


def image(name: str, size: int) -> Measurements:
    """The middle square of an image of scikit-image, values 0...1."""
    pixels = getattr(data, name)()[..., None] / 255
    pixels = pixels[..., 0] if pixels.ndim == 4 else pixels
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = transform.resize(pixels[top : top + side, left : left + side], (size, size), anti_aliasing=True)
    return Measurements(square.reshape(size * size, -1), (cell_centres(size),) * 2)


def fitted(signal: Measurements, settings: TrainSettings, parameters: int) -> tuple[float, float]:
    """PSNR in dB and the median CPU seconds of a step, looks at all pixels included."""
    network = make_network("siren", 2, signal.values.shape[1], parameters=parameters, seed=settings.seed)
    times = [time.process_time()]
    result = train(network, signal, settings, on_progress=lambda _: times.append(time.process_time()))
    # means over a tenth each: a look at all pixels belongs to the steps it serves
    tenths = [statistics.fmean(part) for part in np.array_split(np.diff(times), 10)]
    return result.psnr, statistics.median(tenths)


def steps_to(psnr: float, reached: Sequence[tuple[int, float]]) -> float:
    """Number of steps that reach a PSNR, from steps and PSNR of some runs; infinite beyond the last."""
    steps, values = np.log([r[0] for r in reached]), np.maximum.accumulate([r[1] for r in reached])
    if psnr > values[-1]:
        return float("inf")
    return float(np.exp(np.interp(psnr, values, steps)))


def compared(
    signal: Measurements, settings: TrainSettings, parameters: int, ways: Sequence[str]
) -> dict[str, Any]:
    """Share of the CPU time saved by each way."""
    goal, uniform = fitted(signal, settings, parameters)
    total = settings.steps or 0
    saved: dict[str, Any] = {"uniform": round(goal, 2)}
    for way in ways:
        reached, costs = [], []
        for share in SHARES:
            steps = round(share * total)
            psnr, cost = fitted(signal, replace(settings, sampling=way, steps=steps), parameters)
            reached.append((steps, psnr))
            costs.append(cost)
        needed = steps_to(goal, reached) * statistics.median(costs)
        saved[way] = round(1 - needed / (total * uniform), 3)
        saved[f"{way}, steps"] = round(1 - steps_to(goal, reached) / total, 3)
        saved[f"{way}, dB"] = round(reached[-1][1] - goal, 2)
    return saved


def against_all(signal: Measurements, settings: TrainSettings, parameters: int) -> dict[str, Any]:
    """Share of the CPU time that batches of the largest errors save over steps that take all pixels."""
    steps = settings.steps or 0
    every = replace(settings, steps=steps // ALL_STEPS, batch=len(signal.values))
    goal, cost = fitted(signal, every, parameters)
    whole = cost * (steps // ALL_STEPS)
    reached, costs = [], []
    for share in (0.05, 0.1, *SHARES):
        taken = round(share * steps)
        psnr, each = fitted(signal, replace(settings, sampling="int", steps=taken), parameters)
        reached.append((taken, psnr))
        costs.append(each)
    needed = steps_to(goal, reached) * statistics.median(costs)
    return {
        "all pixels": round(goal, 2),
        "int": round(reached[-1][1], 2),
        "saved": round(1 - needed / whole, 3),
    }


def rows(seeds: Sequence[int] = (0,), steps: int = 800) -> Iterator[dict[str, Any]]:
    """A row for each image, seed and comparison."""
    for name in IMAGES.split(","):
        signal = image(name, 128)
        for seed in seeds:
            settings = TrainSettings(steps=steps, seed=seed)
            head = {"image": name, "seed": seed}
            yield {**head, "against": "all pixels a step", **against_all(signal, settings, 50_000)}
            found = compared(signal, settings, 50_000, ("recent", "int"))
            yield {**head, "against": "uniform mini-batches", **found}


def main() -> None:
    """Print a line an image and seed, then medians and ranges."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", default=IMAGES)
    parser.add_argument("--ways", default=WAYS)
    for name, default in (("size", 128), ("parameters", 50_000), ("steps", 1500), ("seeds", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name in options.images.split(","):
        signal = image(name, options.size)
        for seed in range(options.seeds):
            settings = TrainSettings(steps=options.steps, seed=seed)
            rows.append(compared(signal, settings, options.parameters, options.ways.split(",")))
            print(name, seed, rows[-1], flush=True)
    for key in rows[0]:
        values = [row[key] for row in rows]
        print(f"{key:14} median {statistics.median(values):.3f}, {min(values):.3f} ... {max(values):.3f}")


if __name__ == "__main__":
    main()
