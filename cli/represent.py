"""``kansci represent``: a signal in, a function of its coordinates out."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import Json, OutRun, Seed

if TYPE_CHECKING:
    import numpy as np

    from kansci.signals import Signal

__all__ = ["Given", "Kind", "Size", "Steps", "read_given", "represent"]

Given = Annotated[
    str,
    typer.Argument(
        metavar="SIGNAL",
        help="An image, sound, video, volume, mesh or table; an example (camera, astronaut, ...) or a shape "
        "(sphere, torus, ...) by its name.",
        show_default=False,
    ),
]
Model = Annotated[
    str,
    typer.Option(
        "--model",
        help="spline, siren, fkan, fourier, gaussian, wire, finer, snake, tanh, relu, silu, kan or sl2a.",
    ),
]
Task = Annotated[
    str,
    typer.Option(
        "--task", help="fit, denoise, inpaint, scan (from a sinogram), gradient, laplacian or eikonal."
    ),
]
Parameters = Annotated[
    int | None,
    typer.Option(
        "--parameters",
        help="Most numbers the model may have; by default as many as samples (spline) or 200000 (networks).",
        show_default=False,
    ),
]
Seconds = Annotated[
    float, typer.Option("--seconds", help="Time to train a network, or to try weights of a prior.")
]
Steps = Annotated[
    int | None,
    typer.Option("--steps", help="Steps of training instead of seconds.", show_default=False),
]
Kind = Annotated[
    str | None,
    typer.Option(
        "--kind",
        help="image, audio, video, volume, field or shape, where a file could be several.",
        show_default=False,
    ),
]
Size = Annotated[
    str | None,
    typer.Option(
        "--size",
        metavar="N|H,W",
        help="Resample an image first, smoothly; one number is for the longer side.",
        show_default=False,
    ),
]
Coordinates = Annotated[
    str | None,
    typer.Option("--coordinates", metavar="A,B", help="Columns of a table.", show_default=False),
]
Values = Annotated[
    str | None, typer.Option("--values", metavar="A,B", help="Columns of a table.", show_default=False)
]
Resolution = Annotated[int, typer.Option("--resolution", help="Samples along each axis of a solid.")]
Occupancy = Annotated[
    bool, typer.Option("--occupancy", help="Of a solid: inside or outside, instead of the distance.")
]
Mask = Annotated[
    Path | None,
    typer.Option("--mask", metavar="IMAGE", help="White where the signal is known, for --task inpaint."),
]
Angles = Annotated[
    str | None,
    typer.Option(
        "--angles",
        metavar="A,A,...",
        help="Of the columns of a sinogram, in degrees; evenly over 180 by default.",
        show_default=False,
    ),
]
Reference = Annotated[
    Path | None,
    typer.Option("--reference", metavar="SIGNAL", help="What should come out: quality is measured on it."),
]
Decoded = Annotated[
    Path | None,
    typer.Option("--decode", metavar="FILE", help="Write the samples of the function (see --scale)."),
]
Scale = Annotated[float, typer.Option("--scale", help="Of --decode: so many times as many samples.")]
Degree = Annotated[int, typer.Option("--k", help="Degree of splines, odd.")]
Prior = Annotated[
    str | None,
    typer.Option(
        "--prior",
        help="What is regular: tv (edges), tv2 (slopes) or smooth; by default what predicts best.",
        show_default=False,
    ),
]
Width = Annotated[int | None, typer.Option("--width", help="Nodes of a hidden layer.", show_default=False)]
Depth = Annotated[int | None, typer.Option("--depth", help="Number of hidden layers.", show_default=False)]
Frequency = Annotated[
    float | None,
    typer.Option(
        "--frequency",
        help="How fine a network begins (omega_0); from the spectrum by default.",
        show_default=False,
    ),
]
Rate = Annotated[
    float | None, typer.Option("--learning-rate", help="Highest rate of Adam.", show_default=False)
]
Sampling = Annotated[str, typer.Option("--sampling", help="Of the batches: uniform, recent, int or nint.")]
Initialisation = Annotated[str, typer.Option("--initialisation", help="Of networks: published or vi3nr.")]

WithFormula = Annotated[
    bool, typer.Option("--formula", help="Look for a formula too: of a sound, a time series, a field.")
]
FormulaSeconds = Annotated[float, typer.Option("--formula-seconds", help="Time for --formula.")]

Precision = Annotated[str, typer.Option("--precision", help="Of a network's products: float32 or bfloat16.")]
Compiled = Annotated[bool, typer.Option("--compile", help="Translate a network by torch.compile.")]


def represent(
    signal: Given,
    model: Model = "spline",
    task: Task = "fit",
    parameters: Parameters = None,
    seconds: Seconds = 60.0,
    steps: Steps = None,
    seed: Seed = 0,
    kind: Kind = None,
    size: Size = None,
    coordinates: Coordinates = None,
    values: Values = None,
    resolution: Resolution = 64,
    occupancy: Occupancy = False,
    mask: Mask = None,
    angles: Angles = None,
    reference: Reference = None,
    decode: Decoded = None,
    scale: Scale = 1.0,
    k: Degree = 3,
    prior: Prior = None,
    width: Width = None,
    depth: Depth = None,
    frequency: Frequency = None,
    learning_rate: Rate = None,
    sampling: Sampling = "uniform",
    initialisation: Initialisation = "published",
    precision: Precision = "float32",
    compiled: Compiled = False,
    formula: WithFormula = False,
    formula_seconds: FormulaSeconds = 60.0,
    out: OutRun = None,
    as_json: Json = False,
) -> None:
    """Represent a signal by a function of its coordinates: fit, denoise, inpaint, reconstruct.

    Ctrl-C stops and gives the best function so far.
    """
    from kansci.interrupt import first_interrupt
    from kansci.representation import find_formula
    from kansci.representation import represent as find
    from kansci.representation.store import save_representation
    from kansci.signals.write import check_ending, write_signal
    from kansci.storage import check_free, json_text

    from .discover import leave_if
    from .represent_views import show_representation
    from .views import live_line, note

    if out is not None:
        check_free(out)
    columns = {"coordinates": _names(coordinates), "values": _names(values)}
    solid = {"resolution": resolution, "quantity": "occupancy" if occupancy else "distance"}
    data = signal if task == "eikonal" else read_given(signal, kind, size, **columns, **solid)
    if decode is not None:
        shown = "shape" if isinstance(data, str) else "image" if task == "scan" else data.kind
        check_ending(shown, decode)
    with live_line() as tell, first_interrupt() as cancelled:
        result = find(
            data,
            model,
            mask=None if mask is None else _mask(mask, size),
            angles=None if angles is None else _angles(angles),
            reference=None if reference is None else read_given(str(reference), None, size),
            on_progress=lambda step: tell(f"step {step.step}, {step.psnr:.2f} dB, {step.seconds:.0f} s"),
            cancelled=cancelled,
            task=task,
            parameters=parameters,
            seconds=seconds,
            steps=steps,
            seed=seed,
            degree=k,
            prior=prior,
            width=width,
            depth=depth,
            frequency=frequency,
            learning_rate=learning_rate,
            sampling=sampling,
            initialisation=initialisation,
            precision=precision,
            compiled=compiled,
        )
        if formula and not result.interrupted:
            result = find_formula(result, formula_seconds, on_stage=tell, cancelled=cancelled)
    if int(os.environ.get("RANK", "0")):
        return  # under torchrun the first process alone reports and writes
    if out is not None:
        save_representation(result, out)
    if decode is not None:
        write_signal(result.decode(scale=scale), decode)
    if as_json:
        for line in result.notes:
            note(line)
        typer.echo(json_text(result.to_json()))
    else:
        show_representation(result, out, decode)
    leave_if(result.interrupted)


def read_given(source: str, kind: str | None, size: str | None, **how: Any) -> "Signal":
    """Read what the user named, see `read_any`, and resample it if asked to."""
    from kansci.representation.read_any import read_any
    from kansci.signals.resize import resized

    signal = read_any(source, kind, **how)
    return signal if size is None else resized(signal, _size(size))


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",")]


def _size(text: str) -> int | tuple[int, ...]:
    from kansci.errors import SettingsError

    try:
        numbers = tuple(int(part) for part in text.replace("x", ",").split(","))
    except ValueError:
        raise SettingsError(f"--size {text}: give rows and columns, such as 256,256") from None
    return numbers[0] if len(numbers) == 1 else numbers


def _mask(file: Path, size: str | None) -> "np.ndarray":
    """True where a grey or colour image, of the signal's size, is brighter than half."""
    return read_given(str(file), "image", size).values[..., :3].mean(axis=-1) > 0.5


def _angles(text: str) -> list[float]:
    from kansci.errors import SettingsError

    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise SettingsError(f"--angles {text}: give degrees, separated by commas") from None
