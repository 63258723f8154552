"""``kansci compress``: a signal, or the function that stands for it, in a small file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .options import Json
from .represent import Kind, Size, read_given

__all__ = ["compress"]

Source = Annotated[
    str,
    typer.Argument(
        metavar="SIGNAL|RUN",
        help="A signal as of `kansci represent`, or the folder that this wrote.",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Argument(metavar="FILE", help="File to write, such as camera.ksf.")]
Psnr = Annotated[
    float | None, typer.Option("--psnr", help="The least PSNR in dB of a signal.", show_default=False)
]
Bits = Annotated[
    float | None,
    typer.Option("--bits", help="The most bits for a sample, or for a weight.", show_default=False),
]
Quality = Annotated[
    float | None, typer.Option("--quality", help="From 0 (coarse) to 100 (fine); 75.", show_default=False)
]


def compress(
    source: Source,
    file: Out,
    psnr: Psnr = None,
    bits: Bits = None,
    quality: Quality = None,
    kind: Kind = None,
    size: Size = None,
    as_json: Json = False,
) -> None:
    """Write a signal into a small file, from which `kansci decode` gives samples of any resolution."""
    from kansci.representation.packed import write_packed
    from kansci.representation.store import open_representation
    from kansci.storage import is_run, json_text

    given: Any = open_representation(source) if is_run(source) else read_given(source, kind, size)
    record = write_packed(given, file, psnr=psnr, bits=bits, quality=quality)
    typer.echo(json_text(record) if as_json else _line(record))


def _line(record: dict[str, Any]) -> str:
    measures = [
        f"{name.upper()} {record[name]:.4g}" for name in ("psnr", "ssim") if record.get(name) is not None
    ]
    size = f"{record['bytes']:,} bytes, {record['bits']:.3g} bits for a sample"
    return f"{record['file']}: {size}, {', '.join(measures)}"
