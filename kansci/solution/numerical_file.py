"""``model.safetensors`` of a solved equation: its networks, and the solution back from them."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import save

from kansci.errors import RunError
from kansci.pde.block import Layout
from kansci.pde.field_model import Known
from kansci.pde.inverse import Estimate
from kansci.pde.piece import Piece
from kansci.pde.problem import Observations, Problem
from kansci.pde.scaling import scaled
from kansci.pde.solver import NumericalSolution, Progress
from kansci.pde.spectral import Level
from kansci.pde.system import System, prepare
from kansci.solution.network_text import Reader, Writer
from kansci.storage.described import read_described

__all__ = ["model_bytes", "numbers", "read_model", "stored_numerical", "stored_observations"]

PROBES = 32
"""Points at which values are kept, to see on opening that the networks are what they were."""
SAME = 1e-8


def numbers(record: Mapping[str, Any]) -> dict[str, Any]:
    """Give a record with nan in place of null, which stands for it in JSON."""
    return {key: float("nan") if value is None else value for key, value in record.items()}


def model_bytes(solution: NumericalSolution, system: System | None = None) -> bytes:
    """Give the file's content.

    Args:
        solution: what is to be kept.
        system: its scaled problem, where that is prepared already.

    Returns:
        A safetensors file.
    """
    system = system or prepare(solution.scaling.problem)
    tensors: dict[str, torch.Tensor] = {}
    header: dict[str, Any] = {"method": solution.method, "pieces": [], "observations": []}
    for number, (start, end, piece) in enumerate(solution.pieces):
        models = {}
        for name, model in piece.models.items():
            writer = Writer((system.particular[name], system.factor[name]))
            models[name] = writer.model(model)
            tensors |= {f"{number}.{name}.{key}": value for key, value in writer.tensors.items()}
        tensors[f"{number}.theta"] = piece.theta.detach().clone()
        ends = [None if np.isinf(x) else float(x) for x in (start, end)]
        header["pieces"].append({"ends": ends, "fields": models, "constants": list(piece.layout.constants)})
    for number, seen in enumerate(solution.problem.observations):
        tensors[f"points {number}"] = torch.from_numpy(np.array(seen.points))
        tensors[f"values {number}"] = torch.from_numpy(np.array(seen.values))
        header["observations"].append({"field": seen.field, "sigma": seen.sigma})
    if solution.estimate is not None:
        tensors["covariance"] = solution.estimate.covariance.clone()
        header["estimate"] = {
            key: float(getattr(solution.estimate, key)) for key in ("noise", "effective", "criterion")
        }
    points = _probes(solution.problem)
    for field in solution.problem.fields:
        tensors[f"probe {field.name}"] = torch.from_numpy(solution.evaluate(field.name, points))
    return save(tensors, metadata={"solution": json.dumps(header)})


def _probes(problem: Problem) -> np.ndarray:
    return problem.domain.sample(PROBES, np.random.default_rng(1))


def read_model(content: bytes) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Give the tensors, and the description in the header.

    Raises:
        RunError: this is no such file.
    """
    try:
        tensors, texts = read_described(content)
        described = json.loads(texts["solution"])
    except (SafetensorError, RecursionError) as error:
        raise RunError("model.safetensors: not the networks of a solution") from error
    return {name: tensor.clone() for name, tensor in tensors.items()}, described


def stored_observations(
    tensors: Mapping[str, torch.Tensor], header: Mapping[str, Any]
) -> tuple[Observations, ...]:
    """Give the measurements of an inverse problem."""
    return tuple(
        Observations(
            row["field"], tensors[f"points {k}"].numpy(), tensors[f"values {k}"].numpy(), row["sigma"]
        )
        for k, row in enumerate(header["observations"])
    )


def stored_numerical(
    problem: Problem,
    tensors: Mapping[str, torch.Tensor],
    header: Mapping[str, Any],
    result: Mapping[str, Any],
    history: list[dict[str, Any]],
) -> NumericalSolution:
    """Build the solution.

    Args:
        problem: stated again.
        tensors: of the file.
        header: of the file.
        result: what ``solution.json`` holds.
        history: what ``history.jsonl`` holds.

    Returns:
        The solution.

    Raises:
        RunError: the networks are not what they were when they were written.
    """
    scaling = scaled(problem)
    system = prepare(scaling.problem)
    pieces = tuple(_piece(system, row, k, tensors) for k, row in enumerate(header["pieces"]))
    estimate = None
    if "estimate" in header:
        level = Level(pieces[0][2], float("nan"), {})
        estimate = Estimate(level, **header["estimate"], covariance=tensors["covariance"])
    found = NumericalSolution(
        problem,
        scaling,
        pieces,
        header["method"],
        _number(result["residual"]),
        _number(result["change"]),
        float(result["seconds"]),
        tuple(Progress(**numbers(step)) for step in history),
        estimate,
        bool(result["interrupted"]),
    )
    points = _probes(problem)
    for field in problem.fields:
        kept, now = tensors[f"probe {field.name}"].numpy(), found.evaluate(field.name, points)
        if not np.abs(now - kept).max() <= SAME * max(float(np.abs(kept).max()), 1e-300):
            raise RunError(
                "model.safetensors: written by another version whose networks this one reads differently: "
                "solve again"
            )
    return found


def _piece(
    system: System, record: Mapping[str, Any], number: int, tensors: Mapping[str, torch.Tensor]
) -> tuple[float, float, Piece]:
    models = {}
    for name, description in record["fields"].items():
        symbols = [system.problem.symbols[k] for k in system.axes_of(name)]
        stated = [Known(expr, symbols) for expr in (system.particular[name], system.factor[name])]
        own = f"{number}.{name}."
        mine = {key.removeprefix(own): value for key, value in tensors.items() if key.startswith(own)}
        models[name] = Reader(mine, stated).model(description)
    theta = tensors[f"{number}.theta"]
    weights = tuple((name, model.network.n_weights) for name, model in models.items())
    layout = Layout(weights, tuple(record["constants"]))
    if layout.size != len(theta):
        raise RunError(f"model.safetensors: {len(theta)} weights for networks that have {layout.size}")
    start, end = record["ends"]
    return -np.inf if start is None else start, np.inf if end is None else end, Piece(models, layout, theta)


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
