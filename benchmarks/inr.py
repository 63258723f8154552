"""Signals as functions: quality at equal seconds and equal parameters, tasks, speed.

    kansci bench inr [--parts images scarce ...] [--seconds 60] [--seeds 0 1 2] [--threads 1]

"images" gives every model 200,000 parameters and the same seconds; "scarce" a quarter of a parameter for each
number of the picture, where nothing can go through all of them. The pictures come with scikit-image.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import torch
from _inr_shapes import occupancies
from _inr_tasks import super_resolution, tasks
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from kansci.representation import represent
from kansci.signals import Signal
from kansci.signals.read import read_signal
from kansci.signals.resize import resized

Row = dict[str, Any]
IMAGES = ("camera", "astronaut", "chelsea", "retina")
MODELS = (
    "spline",
    "siren",
    "finer",
    "wire",
    "gaussian",
    "fourier",
    "fkan",
    "sl2a",
    "kan",
    "snake",
    "tanh",
    "relu",
)
SIDE = 256
PARAMETERS = 200_000
SHARE = 0.25
"""Parameters for each number of the picture, in "scarce"."""


def picture(name: str) -> Signal:
    """One of the pictures, 256 by 256."""
    return resized(read_signal(name), (SIDE, SIDE))


def images(options: argparse.Namespace) -> Iterator[Row]:
    """All models on all pictures."""
    yield from _pictures(options, lambda _: PARAMETERS)


def scarce(options: argparse.Namespace) -> Iterator[Row]:
    """The same with few parameters."""
    yield from _pictures(options, lambda signal: int(SHARE * signal.values.size))


def _pictures(options: argparse.Namespace, most: Callable[[Signal], int]) -> Iterator[Row]:
    for seed in options.seeds:
        for name in options.images:
            signal = picture(name)
            for model in options.models:
                if model == "spline" and seed != options.seeds[0]:
                    continue  # nothing is drawn
                found = represent(signal, model, seconds=options.seconds, parameters=most(signal), seed=seed)
                record = found.to_json()
                kept = ("model", "parameters", "psnr", "ssim", "seconds", "seed")
                yield {"image": name, **{key: record[key] for key in kept}}


def variance(options: argparse.Namespace) -> Iterator[Row]:
    """How constant the variance stays through six layers."""
    from _inr_variance import variances

    yield from variances()


def sampling(options: argparse.Namespace) -> Iterator[Row]:
    """Time to equal quality, with batches drawn by the error."""
    from _inr_sampling import rows

    yield from rows(options.seeds)


def compression(options: argparse.Namespace) -> Iterator[Row]:
    """Rate and distortion beside JPEG."""
    from _inr_compression import compression_rows, compression_summary

    rows = compression_rows()
    yield from ({key: value for key, value in row.items() if key != "curves"} for row in rows)
    yield {"image": "mean, and least", **compression_summary(rows)}


def fkan(options: argparse.Namespace) -> Iterator[Row]:
    """FKAN at its own set-up."""
    from _inr_fkan import rows

    yield from rows()


def helmholtz(options: argparse.Namespace) -> Iterator[Row]:
    """The field of a point source."""
    from _inr_helmholtz import rows

    yield from rows()


PARTS: dict[str, Callable[[argparse.Namespace], Iterator[Row]]] = {
    "images": images,
    "scarce": scarce,
    "super-resolution": lambda options: super_resolution(options.seconds),
    "tasks": lambda options: tasks(options.seconds),
    "occupancy": lambda options: occupancies(options.seconds, options.seeds),
    "variance": variance,
    "sampling": sampling,
    "fkan": fkan,
    "helmholtz": helmholtz,
    "compression": compression,
}


def means(rows: list[Row]) -> list[Row]:
    """The mean over pictures and seeds for each model, best first."""
    models = {row["model"] for row in rows}
    found = [
        {
            "model": model,
            "psnr": float(np.mean([r["psnr"] for r in rows if r["model"] == model])),
            "ssim": float(np.mean([r["ssim"] for r in rows if r["model"] == model])),
            "runs": sum(r["model"] == model for r in rows),
        }
        for model in models
    ]
    return sorted(found, key=lambda row: -row["psnr"])


def show(title: str, rows: list[Row]) -> None:
    """Print a table."""
    heads = list(dict.fromkeys(key for row in rows for key in row))
    table = Table(*heads, title=title, title_justify="left", box=None)
    for row in rows:
        table.add_row(*(_cell(row.get(key)) for key in heads))
    Console(width=160).print(table)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def main() -> None:
    """Run what was asked for, print it and write it as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--images", nargs="+", default=list(IMAGES))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, default=Path("inr.json"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    record: dict[str, Any] = {
        "torch": torch.__version__,
        "threads": options.threads,
        "seconds": options.seconds,
    }
    with threadpool_limits(options.threads):
        for part in options.parts:
            began, rows = time.monotonic(), []
            for row in PARTS[part](options):
                rows.append(row)
                print(part, json.dumps(row), flush=True)
                record[part] = rows
                options.json.write_text(json.dumps(record, indent=1), encoding="utf-8")
            show(f"{part} ({time.monotonic() - began:.0f} s)", rows)
            if part in {"images", "scarce"}:
                record[f"{part} means"] = means(rows)
                show(f"{part}: means", record[f"{part} means"])
    options.json.write_text(json.dumps(record, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
