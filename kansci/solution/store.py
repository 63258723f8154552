"""Solutions in RUN folders: what `kansci solve` leaves on disk, and the solution back from it.

config.json        the statement and the settings
model.safetensors  weights of all networks; their structure stands in the file's header
solution.json      the result, in the form that ``kansci solve --json`` prints
formula.json       the closed form, where there is one, as other commands read it
history.jsonl      one JSON object a step
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import sympy
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from kansci._version import __version__
from kansci.errors import KansciError, RunError, SettingsError
from kansci.expressions.parser import parse
from kansci.pde.block import Layout
from kansci.pde.field_model import Known
from kansci.pde.inverse import Estimate
from kansci.pde.piece import Piece
from kansci.pde.problem import Observations, Problem
from kansci.pde.scaling import scaled
from kansci.pde.solver import NumericalSolution, Progress, SolveSettings
from kansci.pde.spectral import Level
from kansci.pde.system import System, prepare
from kansci.solution.bounds import Bound
from kansci.solution.compare import Comparison
from kansci.solution.network_text import Reader, Writer
from kansci.solution.proof_record import proof_from, proof_record
from kansci.solution.result import Solution
from kansci.solution.stated import MEASURED, restated
from kansci.storage import Run, check_free, commit, json_text, open_run
from kansci.storage.files import MEGABYTE, encode, read_bytes, read_text
from kansci.storage.schema import OBJECT, parse_object

__all__ = ["is_solution", "open_solution", "save_solution"]

COMMAND = "solve"
CONFIG, MODEL, RESULT, FORMULA, HISTORY = (
    "config.json",
    "model.safetensors",
    "solution.json",
    "formula.json",
    "history.jsonl",
)
MOST_MODEL, MOST_RESULT = 2048 * MEGABYTE, 64 * MEGABYTE
PROBES = 32
"""Points at which values are kept, to see on opening that the networks are what they were."""
SAME = 1e-8


def is_solution(run: Run) -> bool:
    """Whether an opened RUN was made by `kansci solve`."""
    return bool(run.config["command"] == COMMAND)


def save_solution(solution: Solution, path: str | Path) -> None:
    """Write a solution, in place of an older run at the same path.

    Args:
        solution: of a problem that was stated by name, file or text.
        path: The folder; made if need be.

    Raises:
        SettingsError: the problem was given ready-made, so that nothing can state it again.
        RunError: the folder cannot be written, or holds something else.
    """  # noqa: DOC502  raised by commit and check_free
    folder = Path(path)
    check_free(folder)
    if solution.statement is None:
        raise SettingsError("a ready-made Problem cannot be kept: solve it by its name, its file or its text")
    record = solution.to_json()
    files = {MODEL: _model_bytes(solution.numerical), RESULT: encode({**record, **_rest(solution)})}
    lines = [json_text(asdict(step), indent=None) + "\n" for step in solution.numerical.history]
    files[HISTORY] = "".join(lines).encode()
    if solution.formulas is not None:
        files[FORMULA] = encode(_formula_record(solution))
    stale = (FORMULA, "data.npz", "trust.json", "checkpoint.safetensors", "equation.json")
    commit(folder, files | {CONFIG: encode(_config(solution))}, stale=stale)


def open_solution(path: str | Path) -> Solution:
    """Open a solution that `save_solution` wrote.

    Args:
        path: The folder.

    Returns:
        The solution; of its proof the verdict alone.

    Raises:
        RunError: The folder holds no solution, or a file is damaged.
    """
    run = open_run(path)
    if not is_solution(run):
        raise RunError(f"{path} was made by `kansci {run.config['command']}`, not by `kansci solve`")
    result = parse_object(read_text(run.path / RESULT, MOST_RESULT), {"run": OBJECT}, str(run.path / RESULT))
    content = read_bytes(run.path / MODEL, MOST_MODEL)
    try:
        settings = SolveSettings(**run.config["settings"]["solve"])
        statement = run.config["settings"]["statement"]
        tensors, header = _model(content)
        problem = restated(statement, _observations(tensors, header))
        numerical = _numerical(problem, tensors, header, result, run.history())
        return Solution(
            problem,
            settings,
            numerical,
            _formulas(problem, result),
            proof_from(result["run"]["proof"]),
            None
            if result["run"]["reference"] is None
            else Comparison(**_numbers(result["run"]["reference"])),
            None if result["run"]["bound"] is None else Bound(**result["run"]["bound"]),
            float(result["total_seconds"]),
            statement,
            bool(result["interrupted"]),
        )
    except RunError:
        raise
    except (KansciError, KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(f"{path}: not what `kansci solve` writes ({reason})") from error


def _config(solution: Solution) -> dict[str, Any]:
    problem, statement = solution.problem, solution.statement or {}
    bounds = zip(problem.coordinates, problem.domain.bounds, strict=True)
    columns = [{"name": n, "unit": "", "min": float(low), "max": float(high)} for n, (low, high) in bounds]
    plain = {key: value for key, value in statement.items() if key not in MEASURED}
    return {
        "format": 1,
        "version": __version__,
        "command": COMMAND,
        "target": solution.fields[0],
        "inputs": list(problem.coordinates),
        "columns": columns,
        "notes": list(solution.notes),
        "settings": {"solve": asdict(solution.settings), "statement": plain},
    }


def _rest(solution: Solution) -> dict[str, Any]:
    """What `to_json` does not hold of a solution."""
    return {
        "run": {
            "proof": proof_record(solution.proof),
            "reference": None if solution.reference is None else asdict(solution.reference),
            "bound": None if solution.bound is None else asdict(solution.bound),
        }
    }


def _formula_record(solution: Solution) -> dict[str, Any]:
    records = []
    for name in solution.formulas or {}:
        formula = solution.formula(name)
        records.append(
            {
                "target": name,
                "inputs": list(formula.inputs),
                "symbols": dict(formula.symbols),
                "formula": formula.text,
                "latex": formula.latex_rhs(),
                "complexity": formula.complexity,
                "constants": [],
                "front": [],
            }
        )
    return {**records[0], "proved": solution.proved, "fields": records}


def _formulas(problem: Problem, result: Mapping[str, Any]) -> dict[str, sympy.Expr] | None:
    symbols = {s.name: s for s in problem.symbols}
    found = {f.name: result["fields"][f.name]["formula"] for f in problem.fields}
    if any(text is None for text in found.values()):
        return None
    return {name: parse(text, symbols) for name, text in found.items()}


def _numbers(record: Mapping[str, Any]) -> dict[str, Any]:
    """Null, which stands for nan in JSON, as nan."""
    return {key: float("nan") if value is None else value for key, value in record.items()}


def _model_bytes(solution: NumericalSolution) -> bytes:
    system = prepare(solution.scaling.problem)
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


def _model(content: bytes) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    try:
        tensors = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        described = json.loads(header["__metadata__"]["solution"])
    except (SafetensorError, RecursionError) as error:
        raise RunError(f"{MODEL}: not the networks of a solution") from error
    return {name: tensor.clone() for name, tensor in tensors.items()}, described


def _observations(tensors: Mapping[str, torch.Tensor], header: Mapping[str, Any]) -> tuple[Observations, ...]:
    return tuple(
        Observations(
            row["field"], tensors[f"points {k}"].numpy(), tensors[f"values {k}"].numpy(), row["sigma"]
        )
        for k, row in enumerate(header["observations"])
    )


def _numerical(
    problem: Problem,
    tensors: Mapping[str, torch.Tensor],
    header: Mapping[str, Any],
    result: Mapping[str, Any],
    history: list[dict[str, Any]],
) -> NumericalSolution:
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
        tuple(Progress(**_numbers(step)) for step in history),
        estimate,
        bool(result["interrupted"]),
    )
    points = _probes(problem)
    for field in problem.fields:
        kept, now = tensors[f"probe {field.name}"].numpy(), found.evaluate(field.name, points)
        if not np.abs(now - kept).max() <= SAME * max(float(np.abs(kept).max()), 1e-300):
            raise RunError(
                f"{MODEL}: written by another version whose networks this one reads differently: solve again"
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
        raise RunError(f"{MODEL}: {len(theta)} weights for networks that have {layout.size}")
    start, end = record["ends"]
    return -np.inf if start is None else start, np.inf if end is None else end, Piece(models, layout, theta)


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
