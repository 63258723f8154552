"""``kansci compare``: several models of one signal with equal means, as a table and a page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Json, Seed
from .represent import Given, Kind, Size, Steps, read_given

if TYPE_CHECKING:
    from kansci.representation.compare import Comparison

__all__ = ["compare"]

Models = Annotated[
    str, typer.Option("--models", metavar="A,B,...", help="Models as of `kansci represent --model`.")
]
Parameters = Annotated[int, typer.Option("--parameters", help="Most numbers each model may have.")]
Seconds = Annotated[float, typer.Option("--seconds", help="Time to train each network.")]
Page = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="PAGE.html", help="Write a page with pictures.", show_default=False),
]
COLUMNS = (("psnr", "PSNR (dB)"), ("ssim", "SSIM"), ("iou", "IoU"))


def compare(
    signal: Given,
    models: Models = "spline,siren,fkan,wire",
    parameters: Parameters = 20_000,
    seconds: Seconds = 20.0,
    steps: Steps = None,
    seed: Seed = 0,
    kind: Kind = None,
    size: Size = None,
    out: Page = None,
    as_json: Json = False,
) -> None:
    """Represent a signal by several models, with equal seconds and equal parameters.

    Ctrl-C stops and gives the models so far.
    """
    from kansci.interrupt import first_interrupt
    from kansci.representation.compare import compare_models
    from kansci.storage import json_text

    from .discover import leave_if
    from .views import live_line

    _check_page(out)
    data = read_given(signal, kind, size)
    with live_line() as tell, first_interrupt() as cancelled:
        comparison = compare_models(
            data,
            [name.strip() for name in models.split(",")],
            parameters=parameters,
            seconds=seconds,
            steps=steps,
            seed=seed,
            on_progress=lambda name, step: tell(f"{name}: {step.psnr:.2f} dB, {step.seconds:.0f} s"),
            cancelled=cancelled,
        )
    if out is not None:
        _write(comparison, Path(signal).name, out)
    if as_json:
        typer.echo(json_text(comparison.to_json()))
    else:
        _show(comparison, Path(signal).name, out)
    leave_if(comparison.interrupted)


def _check_page(out: Path | None) -> None:
    """Before the work, not after it."""
    from kansci.errors import SettingsError

    if out is None:
        return
    if out.suffix.lower() not in {".html", ".htm"}:
        raise SettingsError(f"--out {out}: the page is HTML, name it *.html")
    if not out.parent.is_dir():
        raise SettingsError(f"--out {out}: there is no folder {out.parent}")


def _write(comparison: "Comparison", name: str, out: Path) -> None:
    from kansci.errors import SettingsError
    from kansci.plots import comparison_page

    try:
        out.write_text(comparison_page(comparison, name), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"cannot write {out}: {error.strerror or error}") from error


def _show(comparison: "Comparison", name: str, out: Path | None) -> None:
    from .views import number, show_rows

    shown = [
        (k, text) for k, text in COLUMNS if any(r.quality.get(k) is not None for r in comparison.results)
    ]
    rows = [
        (
            result.model.kind,
            f"{result.model.n_parameters:,}",
            *(number(result.quality.get(key), 4) for key, _ in shown),
            f"{result.seconds:.1f}",
        )
        for result in comparison.ranked
    ]
    show_rows(name, ("model", "parameters", *(text for _, text in shown), "seconds"), rows)
    if out is not None:
        typer.echo(str(out))
