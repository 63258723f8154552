"""Found equations in RUN folders: what `kansci discover-pde` leaves on disk, and how it comes back.

config.json          the settings
equation.json        the result, in the form that ``kansci discover-pde --json`` prints
heldout.safetensors  the held-out data and what the equation says there, where it was tested
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import sympy
from safetensors import SafetensorError
from safetensors.numpy import load, save

from kansci.errors import KansciError, RunError
from kansci.expressions.parser import parse
from kansci.pde_discovery.result import Equation, EquationDiscovery, EquationTerm, HeldOut
from kansci.pde_discovery.settings import Settings
from kansci.pde_discovery.terms import Names
from kansci.storage import check_free, commit, open_run_of, run_config
from kansci.storage.files import encode, read_bytes, read_text
from kansci.storage.layout import ALL_FILES, CONFIG_FILE, EQUATION_FILE, HELD_OUT_FILE, LIMITS
from kansci.storage.schema import (
    COUNT,
    NUMBER,
    OBJECTS,
    OPTIONAL_NUMBER,
    TEXT,
    TEXT_MAP,
    TEXTS,
    check,
    parse_object,
)

__all__ = ["open_equation", "save_equation"]

COMMAND = "discover-pde"
RESULT = {
    "coordinates": TEXTS,
    "time": TEXT,
    "symbols": TEXT_MAP,
    "equations": OBJECTS,
    "heldout_rel_l2": OPTIONAL_NUMBER,
    "heldout_noise": OPTIONAL_NUMBER,
    "noise": ("an object of numbers", lambda value: isinstance(value, dict)),
    "misfit": OPTIONAL_NUMBER,
    "rows": COUNT,
    "seconds": NUMBER,
    "seed": COUNT,
    "interrupted": ("true or false", lambda value: isinstance(value, bool)),
    "notes": TEXTS,
}
EQUATION = {"left": TEXT, "terms": OBJECTS}
TERM = {"term": TEXT, "coefficient": NUMBER, "stderr": OPTIONAL_NUMBER, "stability": NUMBER}
HELD_OUT = ("points", "measured", "predicted")


def save_equation(found: EquationDiscovery, settings: Settings, path: str | Path) -> None:
    """Write found equations, in place of an older run at the same path.

    Args:
        found: what to write.
        settings: of the search.
        path: the folder; made if need be.

    Raises:
        RunError: the folder cannot be written, or holds something else.
    """  # noqa: DOC502  raised by commit and check_free
    check_free(path)
    record = found.to_json()
    files = {EQUATION_FILE: encode(record)}
    if found.heldout is not None:
        arrays = {name: np.ascontiguousarray(getattr(found.heldout, name)) for name in HELD_OUT}
        files[HELD_OUT_FILE] = save(arrays)
    config = run_config(
        COMMAND, record["target"], [], record["coordinates"], record["notes"], asdict(settings)
    )
    commit(Path(path), files | {CONFIG_FILE: config}, stale=ALL_FILES)


def open_equation(path: str | Path) -> EquationDiscovery:
    """Open what `save_equation` wrote.

    Args:
        path: the folder.

    Returns:
        The equations.

    Raises:
        RunError: the folder holds none, or a file is damaged.
    """
    run = open_run_of(path, COMMAND)
    file = run.path / EQUATION_FILE
    record = parse_object(read_text(file, LIMITS[EQUATION_FILE]), RESULT, str(file))
    coordinates = tuple(record["coordinates"])
    names = Names(coordinates, tuple(name for name in record["symbols"] if name not in coordinates))
    rows = enumerate(record["equations"])
    equations = tuple(_equation(row, record["symbols"], f"{file}: equations[{k}]") for k, row in rows)
    if not len(equations) == len(names.fields) > 0:
        raise RunError(f"{file}: {len(equations)} equations for {len(names.fields)} fields")
    tested = record["heldout_rel_l2"] is not None
    return EquationDiscovery(
        equations,
        names,
        record["symbols"],
        record["time"],
        record["heldout_rel_l2"],
        record["heldout_noise"],
        record["noise"],
        _number(record["misfit"]),
        record["rows"],
        record["seconds"],
        record["seed"],
        record["interrupted"],
        tuple(record["notes"]),
        _held_out(run.path / HELD_OUT_FILE, names) if tested else None,
    )


def _equation(row: Any, symbols: Mapping[str, str], where: str) -> Equation:
    check(row, EQUATION, where)
    terms = (_term(term, symbols, f"{where}.terms[{k}]") for k, term in enumerate(row["terms"]))
    return Equation(sympy.Symbol(row["left"]), tuple(terms))


def _term(row: Any, symbols: Mapping[str, str], where: str) -> EquationTerm:
    check(row, TERM, where)
    try:
        # Derivatives are names of their own: u_xx.
        term = parse(row["term"], list(symbols), parameters=True)
    except KansciError as error:
        raise RunError(f"{where}: {error}") from error
    return EquationTerm(term, row["coefficient"], _number(row["stderr"]), row["stability"])


def _held_out(file: Path, names: Names) -> HeldOut:
    content = read_bytes(file, LIMITS[HELD_OUT_FILE])
    try:
        arrays = load(content)
        found = HeldOut(*(arrays[name] for name in HELD_OUT))
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise RunError(f"{file}: not the held-out data of an equation ({error})") from error
    rows, fields = len(found.points), (len(names.fields),)
    shapes = found.points.shape, found.measured.shape, found.predicted.shape
    if not (rows and shapes == ((rows, len(names.coordinates)), (rows, *fields), (rows, *fields))):
        raise RunError(f"{file}: {shapes} are no shapes of held-out data of {', '.join(names.fields)}")
    if not all(array.dtype == np.float64 and np.isfinite(array).all() for array in arrays.values()):
        raise RunError(f"{file}: holds values that are no finite float64")
    return found


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
