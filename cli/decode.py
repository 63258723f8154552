"""``kansci decode``: samples of a represented signal, at any resolution."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["decode"]

Source = Annotated[
    Path,
    typer.Argument(
        metavar="RUN|FILE",
        help="Folder that `kansci represent --out` wrote, or a file of `kansci compress`.",
        show_default=False,
    ),
]
Out = Annotated[
    Path, typer.Argument(metavar="OUT", help="File to write: .png, .wav, .npz, .ply, ...", show_default=False)
]
Scale = Annotated[
    float | None, typer.Option("--scale", help="So many times as many samples.", show_default=False)
]
Shape = Annotated[
    str | None,
    typer.Option("--shape", metavar="N,N", help="Samples along each axis.", show_default=False),
]
What = Annotated[
    str,
    typer.Option("--what", help="values, or their exact gradient or laplacian (.npz or .csv)."),
]


def decode(source: Source, out: Out, scale: Scale = None, shape: Shape = None, what: What = "values") -> None:
    """Write samples of a represented signal, at its own resolution or any other."""
    from kansci.representation.packed import open_packed
    from kansci.representation.store import open_representation
    from kansci.signals.write import write_signal

    result = open_representation(source) if source.is_dir() else open_packed(source)
    samples = result.decode(None if shape is None else _shape(shape), scale=scale)
    write_signal(samples if what == "values" else result.derivatives(samples, what), out)
    typer.echo(str(out))


def _shape(text: str) -> tuple[int, ...]:
    from kansci.errors import SettingsError

    try:
        return tuple(int(part) for part in text.replace("x", ",").split(","))
    except ValueError:
        raise SettingsError(f"--shape {text}: give numbers of samples, such as 512,512") from None
