"""One layer forward and backward, one thread, float32: ours beside the formulas of other libraries.

    python benchmarks/kernels.py [--json FILE]

The others are written anew from their formulas: the dense Cox-de Boor recursion of efficient-kan, the
Gaussian bumps of FastKAN. Every case runs in turn in one process, and the table gives medians.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from kansci.kernels import Functions, to_outputs, use_kernels

CASES = [(4096, 256, 256, 5), (4096, 256, 256, 50), (1000, 5, 5, 5)]
DEGREE = 3


def dense_splines(x: torch.Tensor, coef: torch.Tensor, grid: int) -> torch.Tensor:
    """Cox-de Boor on all knots, every function at every row."""
    knots = torch.arange(-DEGREE, grid + DEGREE + 1, dtype=x.dtype)
    x = x.unsqueeze(-1)
    values = ((x >= knots[:-1]) & (x < knots[1:])).to(x.dtype)
    for k in range(1, DEGREE + 1):
        left = (x - knots[: -(k + 1)]) / (knots[k:-1] - knots[: -(k + 1)]) * values[..., :-1]
        right = (knots[k + 1 :] - x) / (knots[k + 1 :] - knots[1:-k]) * values[..., 1:]
        values = left + right
    return values.flatten(1) @ coef.flatten(1).mT


def gaussian_bumps(x: torch.Tensor, coef: torch.Tensor, grid: int) -> torch.Tensor:
    """FastKAN's layer without its normalisation."""
    centres = torch.linspace(0, grid, coef.shape[-1], dtype=x.dtype)
    step = float(centres[1] - centres[0])
    return torch.exp(-(((x.unsqueeze(-1) - centres) / step) ** 2)).flatten(1) @ coef.flatten(1).mT


def ours(x: torch.Tensor, coef: torch.Tensor, grid: int) -> torch.Tensor:
    """The layer as a network runs it."""
    return to_outputs(Functions("bspline", grid + DEGREE, DEGREE), x, coef)


def reference(x: torch.Tensor, coef: torch.Tensor, grid: int) -> torch.Tensor:
    """The layer on plain torch."""
    with use_kernels("torch"):
        return ours(x, coef, grid)


LAYERS = {
    "ours": ours,
    "ours, plain torch": reference,
    "dense Cox-de Boor": dense_splines,
    "RBF": gaussian_bumps,
}


def measure(layer: Callable, case: tuple[int, int, int, int]) -> float:
    """Seconds of one forward and backward pass."""
    n, n_in, n_out, grid = case
    generator = torch.Generator().manual_seed(0)
    x = (torch.rand(n, n_in, generator=generator) * grid).requires_grad_()
    coef = torch.randn(n_out, n_in, grid + DEGREE, generator=generator).requires_grad_()
    start = time.perf_counter()
    layer(x, coef, grid).sum().backward()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = []
    for case in CASES:
        repeats = options.repeats if case[0] * case[1] > 1e5 else 60 * options.repeats
        times: dict[str, list[float]] = {name: [] for name in LAYERS}
        for repeat in range(repeats + 1):
            for name, layer in LAYERS.items():
                seconds = measure(layer, case)
                if repeat:  # the first warms up
                    times[name].append(seconds)
        medians = {name: 1e3 * statistics.median(values) for name, values in times.items()}
        n, n_in, n_out, grid = case
        results.append({"rows": n, "inputs": n_in, "outputs": n_out, "grid": grid, "milliseconds": medians})
        print(f"{n} x {n_in}->{n_out}, G={grid}: " + ", ".join(f"{k} {v:.3g} ms" for k, v in medians.items()))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
