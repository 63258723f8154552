"""What ours is compared with: pykan, trained as its documentation does, and a multilayer perceptron."""

import contextlib
import io
import itertools
import sys
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from _training_cases import Case, Rows

Trace = list[tuple[float, float]]
"""Seconds since the start, test RMSE."""


def seconds_to(trace: Trace, target: float) -> float | None:
    """When the error first was as small as this."""
    return next((seconds for seconds, rmse in trace if rmse <= target), None)


def best(trace: Trace) -> float:
    """The smallest error."""
    return min((rmse for _, rmse in trace if np.isfinite(rmse)), default=float("inf"))


def pykan(case: Case, grids: tuple[int, ...], steps: int, limit: float, seed: int = 0) -> Trace:
    """L-BFGS on each grid in turn, in float64; times within a grid are interpolated over its steps."""
    import kan

    (x, y), (x_test, y_test) = case.train_and_test()
    rows = (x, y[:, None], x_test, y_test[:, None])
    names = ("train_input", "train_label", "test_input", "test_label")
    dataset = {name: torch.tensor(row) for name, row in zip(names, rows, strict=True)}
    trace: Trace = []
    start = time.perf_counter()
    with _quiet():
        model: Any = kan.KAN(width=list(case.width), grid=grids[0], k=3, seed=seed, auto_save=False)
        for grid in grids:
            if grid != grids[0]:
                model = model.refine(grid)
                model.auto_save = False
            began = time.perf_counter() - start
            if began > limit:
                break
            errors = model.fit(dataset, opt="LBFGS", steps=steps)["test_loss"]
            lasted = (time.perf_counter() - start - began) / len(errors)
            trace += [(began + lasted * (k + 1), float(error)) for k, error in enumerate(errors)]
    return trace


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep pykan from printing, and let it compute in float64."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    sink = io.StringIO()
    try:
        with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_default_dtype(before)


def perceptron(rows: Rows, test: Rows, target: float, limit: float, hidden: int = 64) -> float | None:
    """Seconds that two hidden tanh levels under Adam need for a test RMSE, None if they do not get there."""
    generator = torch.Generator().manual_seed(0)
    x, y, x_test, y_test = (torch.tensor(array) for pair in (rows, test) for array in pair)
    sizes = [x.shape[1], hidden, hidden, 1]
    layers: list[torch.nn.Module] = []
    for n_in, n_out in itertools.pairwise(sizes):
        layer = torch.nn.Linear(n_in, n_out, dtype=torch.float64)
        torch.nn.init.xavier_normal_(layer.weight, generator=generator)
        torch.nn.init.zeros_(layer.bias)
        layers += [layer, torch.nn.Tanh()]
    model = torch.nn.Sequential(*layers[:-1])
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    start = time.perf_counter()
    step = 0
    while time.perf_counter() - start < limit:
        optimiser.zero_grad()
        (model(x)[:, 0] - y).square().mean().backward()
        optimiser.step()
        step += 1
        if step % 20 == 0:
            with torch.no_grad():
                if float((model(x_test)[:, 0] - y_test).square().mean().sqrt()) <= target:
                    return time.perf_counter() - start
    return None


def has_pykan() -> bool:
    """Whether pykan can be imported."""
    import importlib.util

    return importlib.util.find_spec("kan") is not None


def add_folder(folder: str) -> None:
    """Let packages in a folder be imported, after everything that is installed."""
    sys.path.append(folder)
