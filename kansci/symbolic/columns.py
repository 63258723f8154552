"""The columns that a formula needs, from whatever holds them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kansci.data import Dataset
from kansci.data.dataset import standard_deviations
from kansci.errors import FormulaError
from kansci.symbolic.estimation import Measurements

if TYPE_CHECKING:
    from kansci.symbolic.formula import Formula

__all__ = ["columns_of", "measurements_of"]


def measurements_of(
    form: "Formula", data: Any, y: Any, sigma: Any, input_sigma: Mapping[str, Any] | None
) -> Measurements:
    """What a form is fitted to, with the errors of a Dataset unless others are given.

    Raises:
        FormulaError: A column is missing or of another length, or an error belongs to no input.
        DataError: A standard deviation is not positive.
    """  # noqa: DOC502  the second is raised by standard_deviations
    if not form.inputs:
        raise FormulaError(f"the form {form} has no columns: name at least one in symbols")
    columns, target = columns_of(data, form.inputs), _target(data, y, form.target)
    n = len(target)
    if any(len(column) != n for column in columns):
        raise FormulaError(f"the inputs have {len(columns[0])} rows, the target has {n}")
    if isinstance(data, Dataset):
        sigma = data.sigma if sigma is None else sigma
        input_sigma = data.input_sigma if input_sigma is None else input_sigma
    weight = None if sigma is None else 1 / standard_deviations(sigma, n)
    given = input_sigma or {}
    known = data.inputs if isinstance(data, Dataset) else form.inputs
    unknown = [name for name in given if name not in known]
    if unknown:
        raise FormulaError(
            f"input_sigma names {unknown[0]!r}, which is no input (inputs: {', '.join(known)})"
        )
    errors = tuple(standard_deviations(given[c], n) if c in given else None for c in form.inputs)
    return Measurements(columns, target, weight, errors if any(e is not None for e in errors) else ())


def columns_of(X: Any, names: Sequence[str]) -> list[np.ndarray]:
    """The columns (N,) called ``names``, from an array in that order or from a table.

    Raises:
        FormulaError: A column is missing or holds text, or the array has not as many as there are names.
    """
    if isinstance(X, Dataset):
        X = {name: X.X[:, k] for k, name in enumerate(X.inputs)}
    if hasattr(X, "columns") or isinstance(X, Mapping):
        missing = [name for name in names if name not in X]
        if missing:
            raise FormulaError(f"the data have no column {missing[0]!r} (columns: {', '.join(map(str, X))})")
        return [_numbers(X[name], f"column {name!r}") for name in names]
    array = _numbers(X, "the array of inputs")
    array = array[:, None] if array.ndim == 1 and len(names) == 1 else array
    if array.ndim != 2 or array.shape[1] != len(names):
        raise FormulaError(
            f"expected an array with {len(names)} columns ({', '.join(names)}), got shape {array.shape}"
        )
    return list(array.T)


def _target(data: Any, y: Any, name: str) -> np.ndarray:
    """The values (N,) of the target: ``y`` if given, else from the table.

    Raises:
        FormulaError: They are nowhere, or are no numbers, one a row.
    """
    if y is None and isinstance(data, Dataset):
        y = data.y
    if y is None and (hasattr(data, "columns") or isinstance(data, Mapping)) and name in data:
        y = data[name]
    if y is None:
        raise FormulaError(f"no values of {name!r} to fit: pass y, or a table with that column")
    target = _numbers(y, f"the target {name!r}")
    if target.ndim != 1:
        raise FormulaError(f"the target {name!r} has shape {target.shape}: one number a row is needed")
    return target


def _numbers(values: Any, what: str) -> np.ndarray:
    try:
        return np.asarray(values, float)
    except (TypeError, ValueError):
        raise FormulaError(f"{what} holds something that is no number") from None
