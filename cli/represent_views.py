"""What ``kansci represent`` shows."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .views import number

if TYPE_CHECKING:
    from kansci.representation import Representation

__all__ = ["show_representation"]

MEASURES = {
    "psnr": ("PSNR", "dB"),
    "ssim": ("SSIM", ""),
    "snr": ("SNR", "dB"),
    "rmse": ("RMSE", ""),
    "iou": ("IoU of the insides", ""),
    "misfit": ("misfit of the measurements, relative", ""),
}


def show_representation(result: "Representation", run: Path | None, decoded: Path | None) -> None:
    """Show the model, its quality, and where things are."""
    record = result.to_json()
    shape = " x ".join(str(n) for n in record["shape"])
    head = Text(f"{record['model']} with {record['parameters']:,} parameters", style="bold")
    samples = (
        f"{record['kind']}, {shape} samples, {record['channels']} channel{'s' * (record['channels'] > 1)}"
    )
    where = [
        Text(f"{what}: {path}", style="dim")
        for what, path in (("kept in", run), ("written to", decoded))
        if path
    ]
    notes = [Text(line, style="yellow") for line in record["notes"]]
    title = f"{record['task']}, {record['seconds']:.1f} s, seed {record['seed']}"
    parts: list[Any] = [head, Text(samples), Text(""), _quality(record), *_laws(result), *notes, *where]
    Console().print(Panel(Group(*parts), title=title, title_align="left", padding=(1, 2)))


def _laws(result: "Representation") -> Iterator[Text]:
    for law in result.formulas:
        error, model = (f"{number(law.record[key], 3)}" for key in ("error", "model_error"))
        if law.formula is None:
            yield Text(f"{law.channel}: no formula: {law.record['verdict']}", style="yellow")
            continue
        how = "exact up to round-off" if law.exact else f"RMSE {error}, the model's {model}"
        yield Text(f"{law.channel} = {law.formula.text}", style="bold green") + Text(f"   {how}", style="dim")


def _quality(record: dict[str, Any]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for label, value in _rows(record):
        table.add_row(Text(label), Text(value))
    return table


def _rows(record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, (label, unit) in MEASURES.items():
        if record.get(name) is not None:
            yield label, f"{number(record[name], 4)} {unit}".strip()
