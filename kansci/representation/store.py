"""Representations in RUN folders: what `kansci represent` leaves on disk, and how it comes back.

config.json          the settings
signal.safetensors   the signal, its form in the file's header
model.safetensors    coefficients or weights; the model's form in the file's header
representation.json  the result, in the form that ``kansci represent --json`` prints
history.jsonl        one JSON object a look during training
formula.json         the formula of the first channel that has one, as other commands read it
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import save

from kansci.errors import KansciError, RunError
from kansci.inr.model import CoordinateModel
from kansci.representation.formula import SignalFormula
from kansci.representation.model_form import Tensors, model_form, model_from
from kansci.representation.representation import Representation
from kansci.representation.settings import RepresentSettings
from kansci.signals import Signal
from kansci.storage import box_columns, check_free, commit, json_text, open_run_of, run_config
from kansci.storage.described import read_described
from kansci.storage.files import encode, read_bytes, read_text
from kansci.storage.layout import (
    ALL_FILES,
    CONFIG_FILE,
    FORMULA_FILE,
    HISTORY_FILE,
    LIMITS,
    MODEL_FILE,
    REPRESENTATION_FILE,
    SIGNAL_FILE,
)
from kansci.storage.schema import OBJECT, parse_object

__all__ = ["open_representation", "save_representation"]

COMMAND = "represent"
MEASURES = ("psnr", "ssim", "snr", "rmse", "iou", "misfit")


def save_representation(result: Representation, path: str | Path) -> None:
    """Write a representation, in place of an older run at the same path.

    Args:
        result: what to write.
        path: the folder; made if need be.
    """
    folder = Path(path)
    check_free(folder)
    lines = [json_text(step, indent=None) + "\n" for step in result.history]
    files = {
        SIGNAL_FILE: _signal_bytes(result.frame),
        MODEL_FILE: _model_bytes(result.model),
        REPRESENTATION_FILE: encode({**result.to_json(), "settings": asdict(result.settings)}),
        HISTORY_FILE: "".join(lines).encode(),
    }
    laws = [dict(law.record) for law in result.formulas if law.found]
    if laws:
        files[FORMULA_FILE] = encode({**laws[0], "fields": laws})
    commit(folder, files | {CONFIG_FILE: _config(result)}, stale=ALL_FILES)


def open_representation(path: str | Path) -> Representation:
    """Open a representation that `save_representation` wrote.

    Args:
        path: the folder.

    Returns:
        The representation.

    Raises:
        RunError: the folder holds none, or a file is damaged.
    """
    run = open_run_of(path, COMMAND)
    file = run.path / REPRESENTATION_FILE
    result = parse_object(read_text(file, LIMITS[file.name]), {"settings": OBJECT}, str(file))
    try:
        return Representation(
            _opened(run.path / SIGNAL_FILE, _signal),
            RepresentSettings(**result["settings"]),
            _opened(run.path / MODEL_FILE, _model),
            {name: _number(result[name]) for name in MEASURES if name in result},
            float(result["seconds"]),
            run.history(),
            tuple(str(note) for note in result["notes"]),
            bool(result["interrupted"]),
            tuple(SignalFormula(dict(record)) for record in result.get("formulas", ())),
        )
    except RunError:
        raise
    except (KansciError, KeyError, TypeError, ValueError) as error:
        raise RunError(f"{file}: not what `kansci represent` writes ({error})") from error


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _config(result: Representation) -> bytes:
    frame = result.frame
    return run_config(
        COMMAND,
        frame.channels[0],
        box_columns(frame.coordinates, frame.box),
        frame.coordinates,
        result.notes,
        asdict(result.settings),
    )


def _signal_bytes(signal: Signal) -> bytes:
    tensors = {"values": _compact(signal.values)}
    if signal.points is not None:
        tensors["points"] = torch.from_numpy(np.ascontiguousarray(signal.points))
    for number, axis in enumerate(signal.axes or ()):
        tensors[f"axis{number}"] = torch.tensor(axis)  # a copy: several axes may be the same array
    return save(tensors, {"signal": json.dumps(signal.header())})


def _compact(values: np.ndarray) -> torch.Tensor:
    """In half the space where nothing is lost."""
    single = values.astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(single if np.array_equal(single, values) else values))


def _signal(tensors: Tensors, header: Mapping[str, Any]) -> Signal:
    form = header["signal"]
    axes = None
    if form["shape"] is not None:
        axes = tuple(tensors[f"axis{number}"].numpy() for number in range(len(form["shape"])))
    points = tensors["points"].numpy() if "points" in tensors else None
    return Signal.from_header(form, tensors["values"].double().numpy(), axes, points)


def _model_bytes(model: CoordinateModel) -> bytes:
    form, tensors = model_form(model)
    return save(tensors, {"model": json.dumps(form)})


def _model(tensors: Tensors, header: Mapping[str, Any]) -> CoordinateModel:
    return model_from(header["model"], tensors)


def _opened(file: Path, build: Callable[[Tensors, Mapping[str, Any]], Any]) -> Any:
    """Build from the tensors and the header of a safetensors file.

    Raises:
        RunError: the file is damaged.
    """
    content = read_bytes(file, LIMITS[file.name])
    try:
        tensors, stored = read_described(content)
        return build(tensors, {name: json.loads(text) for name, text in stored.items()})
    except (SafetensorError, KansciError, KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(f"{file}: not what `kansci represent` writes ({reason})") from error
