"""``kansci predict``: a run's formula, its network, or the fields of a solved equation, at new rows."""

from typing import TYPE_CHECKING, Any

from .answers import network_answer
from .options import OutFile, RunFolder, write_text

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from kansci.storage import Run

__all__ = ["predict"]


def predict(run: RunFolder, data: str, out: OutFile = None) -> None:
    """Write the rows of DATA as CSV with a column of predictions."""
    from kansci.data import read_table
    from kansci.storage import open_run

    from .tables import source

    opened = open_run(run)
    frame = read_table(source(data))
    if opened.config["command"] == "solve":
        write_text(_solved(run, frame).to_csv(index=False, lineterminator="\n"), out)
        return
    if opened.config["command"] == "represent" and not opened.has("formula.json"):
        write_text(_represented(run, frame).to_csv(index=False, lineterminator="\n"), out)
        return
    inputs, target, function = _predictor(opened, frame)
    X = _columns(frame, inputs)
    _warn_outside(opened, inputs, X)
    taken = {str(column) for column in frame.columns}
    name = target if target not in taken else f"{target} predicted"
    frame = frame.assign(**{name: function(X)})
    write_text(frame.to_csv(index=False, lineterminator="\n"), out)


def _represented(run: "Path", frame: "pd.DataFrame") -> "pd.DataFrame":
    """A represented signal at the points of a table, in the signal's units."""
    import numpy as np

    from kansci.representation.store import open_representation

    from .views import note

    result = open_representation(run)
    X = _columns(frame, result.frame.coordinates)
    good = np.isfinite(X).all(axis=1)
    low, high = result.frame.box.T
    outside = int(((low > X) | (high < X)).any(axis=1).sum())
    if outside:
        note(f"{outside} of {len(X)} rows lie outside the box of the signal, where nothing is known of it")
    values = np.full((len(X), len(result.frame.channels)), np.nan)
    values[good] = result.predict(X[good])
    taken = {str(column) for column in frame.columns}
    names = [n if n not in taken else f"{n} predicted" for n in result.frame.channels]
    return frame.assign(**dict(zip(names, values.T, strict=True)))


def _solved(run: "Path", frame: "pd.DataFrame") -> "pd.DataFrame":
    """The fields of a solved differential equation at the points of a table, none outside of its domain."""
    import numpy as np

    from kansci.solution.store import open_solution

    from .views import note

    solution = open_solution(run)
    X = _columns(frame, solution.problem.coordinates)
    good = np.isfinite(X).all(axis=1)
    inside = good.copy()
    inside[good] = solution.problem.domain.contains(X[good])
    if inside.sum() < good.sum():
        missing = int(good.sum() - inside.sum())
        note(
            f"{missing} of {len(X)} points lie outside the domain of {solution.problem.name}: no values there"
        )
    taken, columns = {str(column) for column in frame.columns}, {}
    for name, values in solution.predict(X[inside]).items():
        columns[name] = np.full(len(X), np.nan)
        columns[name][inside] = values
        errors = solution.numerical.standard_error(name, X[inside])
        if errors is not None:
            columns[f"{name} stderr"] = np.full(len(X), np.nan)
            columns[f"{name} stderr"][inside] = errors
    return frame.assign(**{n if n not in taken else f"{n} predicted": v for n, v in columns.items()})


def _predictor(run: "Run", frame: "pd.DataFrame") -> tuple[tuple[str, ...], str, Any]:
    """Inputs, target and X (N, I) -> (N,); rows with missing values give nan."""
    import numpy as np

    groups = run.group_formulas() if run.has("formula.json") else None
    if groups is not None:
        from .grouped import group_predictor

        return group_predictor(*groups, frame)
    if run.has("formula.json"):
        formula = run.formula()
        return formula.inputs, formula.target, formula.predict
    dataset, answer = run.dataset(), network_answer(run)

    def function(X: "np.ndarray") -> "np.ndarray":
        predicted = np.full(len(X), np.nan)
        good = np.isfinite(X).all(axis=1)
        predicted[good] = answer(X[good])
        return predicted

    return dataset.inputs, dataset.target, function


def _columns(frame: "pd.DataFrame", inputs: tuple[str, ...]) -> "np.ndarray":
    """The input columns (N, I) as numbers; nan where there is none."""
    import numpy as np
    import pandas as pd

    from kansci.data.names import find_column, nearest, split_unit
    from kansci.errors import DataError

    from .views import note

    known = [str(column) for column in frame.columns]
    values = []
    for name in inputs:
        column = find_column(name, known) or find_column(split_unit(name)[0], known)
        if column is None:
            raise DataError(f"there is no input column '{name}': {nearest(name, known)}")
        numbers = pd.to_numeric(frame.iloc[:, known.index(column)], errors="coerce").to_numpy(
            dtype=np.float64
        )
        if len(numbers) and not np.isfinite(numbers).any():
            raise DataError(f"input column '{column}' holds no numbers")
        values.append(numbers)
    X = np.column_stack(values) if values else np.empty((len(frame), 0))
    missing = int((~np.isfinite(X)).any(axis=1).sum())
    if missing:
        note(f"{missing} of {len(X)} rows lack a number in an input column and get no prediction")
    return X


def _warn_outside(run: "Run", inputs: tuple[str, ...], X: "np.ndarray") -> None:
    """A formula may well hold outside the data it was found on, but nobody has looked."""
    import numpy as np

    from .views import note

    if not len(X) or not X.shape[1]:
        return
    if run.config["command"] == "represent":
        ends = {column["name"]: (column["min"], column["max"]) for column in run.config["columns"]}
        low, high = np.array([ends[name] for name in inputs]).T
    else:
        train = run.dataset().select(inputs).X
        low, high = train.min(axis=0), train.max(axis=0)
    outside = ((low > X) | (high < X)).any(axis=1)
    if outside.any():
        note(f"{int(outside.sum())} of {len(X)} rows lie outside the range of the data of {run.path}")
