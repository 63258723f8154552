"""One layer forward and backward, one thread, float32: ours beside other libraries and their formulas.

    kansci bench kernels [--json FILE] [--peers DIR]

efficient-kan's dense Cox-de Boor recursion and FastKAN's Gaussian bumps are written anew from their formulas.
inkan and pykan run where they can be imported; DIR is a folder they were installed into:

    pip install --no-deps --target DIR inkan==0.5.2 pykan==0.2.8 tqdm pyyaml

Every case runs in turn in one process, and the table gives medians. inkan's layer has a SiLU path beside its
splines; it is compared with our whole layer, which has one too.
"""

import argparse
import contextlib
import importlib
import io
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from kansci import KAN
from kansci.basis import BSpline
from kansci.kernels import Functions, to_outputs, use_kernels
from kansci.models import KANLayer

Case = tuple[int, int, int, int]
Pass = Callable[[], None]

CASES: list[Case] = [(4096, 256, 256, 5), (4096, 256, 256, 50), (1000, 5, 5, 5)]
DEGREE = 3
SLOW = {"efficient-kan's formulas", "fast-kan's formulas"}
"""Only compared on coarse grids."""
HESSIAN_WIDTH, HESSIAN_POINTS = [2, 16, 16, 1], 10_000


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


def splines(x: torch.Tensor, coef: torch.Tensor, grid: int) -> torch.Tensor:
    """The splines as a layer of ours sums them."""
    return to_outputs(Functions("bspline", grid + DEGREE, DEGREE), x, coef)


def splines_on_torch(x: torch.Tensor, coef: torch.Tensor, grid: int) -> torch.Tensor:
    """The same on plain torch."""
    with use_kernels("torch"):
        return splines(x, coef, grid)


FORMULAS = {
    "ours": splines,
    "ours on plain torch": splines_on_torch,
    "efficient-kan's formulas": dense_splines,
    "fast-kan's formulas": gaussian_bumps,
}


def passes(case: Case) -> dict[str, Pass]:
    """One forward and backward pass of everything that can run this case."""
    n, n_in, n_out, grid = case
    generator = torch.Generator().manual_seed(0)
    x = (torch.rand(n, n_in, generator=generator) * grid).requires_grad_()
    coef = torch.randn(n_out, n_in, grid + DEGREE, generator=generator).requires_grad_()
    found = {
        name: _backward(lambda x, formula=formula: formula(x, coef, grid), x, coef)
        for name, formula in FORMULAS.items()
        if grid <= 10 or name not in SLOW
    }
    unit = torch.rand(n, n_in, generator=generator).requires_grad_()
    basis = BSpline(grid, DEGREE, torch.tensor([[0.0, 1.0]], dtype=torch.float64).expand(n_in, 2))
    weight = torch.randn(n_out, n_in, grid + DEGREE + 1, generator=generator).double()
    layer = KANLayer(basis, "silu", weight).float()
    found["our layer with SiLU"] = _backward(layer, unit, *layer.parameters())
    inkan = optional("inkan")
    if inkan is not None:
        for compiled in (False, True):
            other = inkan.KANLayer(n_in, n_out, grid_size=grid, grid_range=(0, 1), compile_basis=compiled)
            found["inkan, compiled" if compiled else "inkan"] = _backward(other, unit, *other.parameters())
    return found


def _backward(layer: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, *weights: Any) -> Pass:
    def run() -> None:
        for tensor in (x, *weights):
            tensor.grad = None
        layer(x).sum().backward()

    return run


def optional(name: str) -> Any:
    """The module, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def medians(runs: dict[str, Pass], repeats: int) -> dict[str, float]:
    """Milliseconds, taken in turn; the first turn warms up."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for repeat in range(repeats + 1):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if repeat:
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def second_derivatives(repeats: int) -> dict[str, float]:
    """Both pure second derivatives of a small network by its inputs."""
    x = torch.rand(HESSIAN_POINTS, HESSIAN_WIDTH[0]) * 2 - 1
    model = KAN(HESSIAN_WIDTH, grid=5, k=3).float()
    runs = {"ours in one pass": lambda: model.jet(x), "ours nested": _nested(model, x)}
    pykan = optional("kan")
    if pykan is not None:
        with contextlib.redirect_stdout(io.StringIO()):
            other = pykan.KAN(width=list(HESSIAN_WIDTH), grid=5, k=3, auto_save=False, save_act=False)
        other.speed()
        runs["pykan nested"] = _nested(other, x)
    return medians(runs, repeats)


def _nested(model: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> Pass:
    def run() -> None:
        points = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(model(points).sum(), points, create_graph=True)
        for i in range(x.shape[1]):
            torch.autograd.grad(slope[:, i].sum(), points, retain_graph=True)

    return run


def peak_memory(name: str) -> float:
    """Megabytes that one pass of the first case adds to a process of its own (Linux)."""
    command = [sys.executable, __file__, "--memory", name]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure_memory(name: str) -> None:
    """Print what `peak_memory` reads; the kernels have been loaded before."""
    passes((64, 16, 16, 5))[name]()
    run = passes(CASES[0])[name]
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak so far
    before = _peak_kilobytes()
    run()
    sys.stdout.write(f"{(_peak_kilobytes() - before) / 1024:.1f}\n")


def _peak_kilobytes() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def print_table(title: str, columns: list[str], results: list[dict[str, float]], unit: str) -> None:
    """One column a case, one row a library."""
    table = Table("", *columns, title=f"{title} ({unit})")
    for name in dict.fromkeys(name for result in results for name in result):
        cells = [f"{result[name]:.3g}" if name in result else "-" for result in results]
        table.add_row(name, *cells)
    Console().print(table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--memory", choices=sorted(FORMULAS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.peers:
        sys.path.append(str(options.peers))
    if options.memory:
        measure_memory(options.memory)
        return
    layers = [medians(passes(case), options.repeats * (1 if case[0] > 1000 else 60)) for case in CASES]
    names = [f"{n} x {n_in}->{n_out}, G={grid}" for n, n_in, n_out, grid in CASES]
    print_table("forward and backward", names, layers, "ms, medians")
    memory = {name: peak_memory(name) for name in FORMULAS}
    print_table("peak memory", names[:1], [memory], "MB")
    hessian = second_derivatives(options.repeats)
    shape = f"{HESSIAN_WIDTH}, {HESSIAN_POINTS} points"
    print_table("second derivatives by the inputs", [shape], [hessian], "ms, medians")
    if options.json:
        report = {
            "torch": torch.__version__,
            "layers": [
                {"case": name, "milliseconds": result} for name, result in zip(names, layers, strict=True)
            ],
            "peak_megabytes": memory,
            "second_derivatives_milliseconds": hessian,
        }
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
