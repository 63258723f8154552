"""Registers, shared memory and spills of every Triton kernel on GPUs that need not be here.

    python benchmarks/kernel_resources.py [FILE.json]

Everything is compiled for sm_80 (A100) and sm_90 (H100), in float32, bfloat16 and float64 and for the values
and their first three derivatives; the table on the screen shows the largest of each group. It takes a few
minutes and measures no time.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import triton

from kansci.kernels.compile_triton import ARCHITECTURES, compile_ahead, variants

DTYPES = (torch.float32, torch.bfloat16, torch.float64)
ORDERS = (0, 1, 2, 3)
TARGET = Path(__file__).with_name("kernel_resources.json")


def measure() -> list[dict[str, Any]]:
    """Compile everything; one record for each kernel, precision, derivative and architecture."""
    return [
        {
            "family": variant.family,
            "contraction": variant.contraction,
            "nu": variant.nu,
            "dtype": str(variant.dtype).removeprefix("torch."),
            "sm": architecture,
            **asdict(compile_ahead(variant, architecture)),
        }
        for variant in variants(DTYPES, ORDERS)
        for architecture in ARCHITECTURES
    ]


def show(records: list[dict[str, Any]]) -> None:
    """Print the largest registers, shared memory and spills over the derivatives and architectures."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for record in records:
        groups.setdefault((record["family"], record["contraction"], record["dtype"]), []).append(record)
    print(f"{'family':28}{'kernel':13}{'dtype':10}{'registers':>10}{'shared':>9}{'spills':>8}")
    for (family, contraction, dtype), group in sorted(groups.items()):
        registers, shared, spills = (
            max(r[key] for r in group) for key in ("registers", "shared", "spill_stores")
        )
        print(f"{family:28}{contraction:13}{dtype:10}{registers:10}{shared:9}{spills:8}")


def main() -> None:
    """Compile, print and write."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    records = measure()
    show(records)
    text = ",\n".join(json.dumps(record) for record in records)
    target.write_text(f'{{"triton": "{triton.__version__}", "kernels": [\n{text}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
