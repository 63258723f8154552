"""Solutions in RUN folders: what `kansci solve` leaves on disk, and the solution back from it.

config.json        the statement and the settings
model.safetensors  weights of all networks; their structure stands in the file's header
solution.json      the result, in the form that ``kansci solve --json`` prints
formula.json       the closed form, where there is one, as other commands read it
history.jsonl      one JSON object a step
checkpoint.safetensors  where the solve stands, to go on from
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import sympy

from kansci.errors import KansciError, RunError, SettingsError
from kansci.expressions.parser import parse
from kansci.pde.journal import Journal
from kansci.pde.problem import Problem
from kansci.pde.solver import SolveSettings
from kansci.pde.system import System
from kansci.solution.bounds import Bound
from kansci.solution.compare import Comparison
from kansci.solution.journal_file import journal_bytes, read_journal
from kansci.solution.numerical_file import (
    model_bytes,
    numbers,
    read_model,
    stored_numerical,
    stored_observations,
)
from kansci.solution.proof_record import proof_from, proof_record
from kansci.solution.result import Solution
from kansci.solution.stated import MEASURED, restated
from kansci.storage import box_columns, check_free, commit, json_text, open_run_of, run_config
from kansci.storage.files import MEGABYTE, encode, read_bytes, read_text
from kansci.storage.layout import ALL_FILES
from kansci.storage.schema import OBJECT, parse_object

__all__ = [
    "check_kept",
    "keep_journal",
    "open_journal",
    "open_solution",
    "save_solution",
    "update_solution",
]

COMMAND = "solve"
CONFIG, MODEL, RESULT, FORMULA, HISTORY, CHECKPOINT = (
    "config.json",
    "model.safetensors",
    "solution.json",
    "formula.json",
    "history.jsonl",
    "checkpoint.safetensors",
)
MOST_MODEL, MOST_RESULT, MOST_CHECKPOINT = 2048 * MEGABYTE, 64 * MEGABYTE, 8192 * MEGABYTE


def check_kept(statement: Mapping[str, Any] | None, path: str | Path) -> None:
    """Check that a solution can be kept, best before the work begins.

    Args:
        statement: of the problem.
        path: the folder to be.

    Raises:
        SettingsError: the problem was given ready-made, so that nothing can state it again.
        RunError: the folder holds something else, or cannot be made.
    """  # noqa: DOC502  raised by check_free
    check_free(path)
    if statement is None:
        raise SettingsError("a ready-made Problem cannot be kept: solve it by its name, its file or its text")


def save_solution(
    solution: Solution, path: str | Path, journal: Journal | None = None, system: System | None = None
) -> None:
    """Write a solution, in place of an older run at the same path.

    Args:
        solution: of a problem that was stated by name, file or text.
        path: The folder; made if need be.
        journal: of the solve, to go on with it later.
        system: the scaled problem, where it is prepared already.

    Raises:
        SettingsError: the problem was given ready-made, so that nothing can state it again.
        RunError: the folder cannot be written, or holds something else.
    """  # noqa: DOC502  raised by commit and check_kept
    check_kept(solution.statement, path)
    # The configuration goes first and comes last: files of two runs never stand together in a RUN.
    commit(Path(path), _files(solution, journal, system), stale=ALL_FILES)


def update_solution(
    solution: Solution, path: str | Path, journal: Journal, system: System | None = None
) -> None:
    """Write a further solution of the run at this path.

    Args:
        solution: a better one, or a complete one.
        path: The folder.
        journal: of the solve.
        system: the scaled problem, where it is prepared already.

    Raises:
        RunError: the folder cannot be written.
    """  # noqa: DOC502  raised by commit
    stale = (FORMULA,) if solution.formulas is None else ()
    commit(Path(path), _files(solution, journal, system), stale=stale)


def keep_journal(path: str | Path, journal: Journal) -> None:
    """Write where a solve stands, beside its best solution so far."""
    commit(Path(path), {CHECKPOINT: journal_bytes(journal)})


def open_journal(path: str | Path) -> Journal:
    """Give the journal of a run, to go on with; an empty one if it has none.

    Args:
        path: The folder.

    Returns:
        The journal.

    Raises:
        RunError: the file is damaged.
    """  # noqa: DOC502  raised by read_journal
    file = Path(path) / CHECKPOINT
    return read_journal(read_bytes(file, MOST_CHECKPOINT), str(file)) if file.is_file() else Journal()


def _files(solution: Solution, journal: Journal | None, system: System | None) -> dict[str, bytes]:
    """Name -> content of all files, in the order in which they are to appear."""
    record = solution.to_json()
    # The journal comes first: what it tells beyond the other files is gone through again.
    files = {} if journal is None else {CHECKPOINT: journal_bytes(journal)}
    files |= {MODEL: model_bytes(solution.numerical, system), RESULT: encode({**record, **_rest(solution)})}
    lines = [json_text(asdict(step), indent=None) + "\n" for step in solution.numerical.history]
    files[HISTORY] = "".join(lines).encode()
    if solution.formulas is not None:
        files[FORMULA] = encode(_formula_record(solution))
    return files | {CONFIG: _config(solution)}


def open_solution(path: str | Path) -> Solution:
    """Open a solution that `save_solution` wrote.

    Args:
        path: The folder.

    Returns:
        The solution; of its proof the verdict alone.

    Raises:
        RunError: The folder holds no solution, or a file is damaged.
    """
    run = open_run_of(path, COMMAND)
    result = parse_object(read_text(run.path / RESULT, MOST_RESULT), {"run": OBJECT}, str(run.path / RESULT))
    content = read_bytes(run.path / MODEL, MOST_MODEL)
    try:
        settings = SolveSettings(**run.config["settings"]["solve"])
        statement = run.config["settings"]["statement"]
        tensors, header = read_model(content)
        problem = restated(statement, stored_observations(tensors, header))
        numerical = stored_numerical(problem, tensors, header, result, run.history())
        return Solution(
            problem,
            settings,
            numerical,
            _formulas(problem, result),
            proof_from(result["run"]["proof"]),
            None if result["run"]["reference"] is None else Comparison(**numbers(result["run"]["reference"])),
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


def _config(solution: Solution) -> bytes:
    problem, statement = solution.problem, solution.statement or {}
    plain = {key: value for key, value in statement.items() if key not in MEASURED}
    return run_config(
        COMMAND,
        solution.fields[0],
        box_columns(problem.coordinates, problem.domain.bounds),
        problem.coordinates,
        solution.notes,
        {"solve": asdict(solution.settings), "statement": plain},
    )


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
