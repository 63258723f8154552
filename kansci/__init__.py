"""From a table of measurements to a published formula.

Shape letters used throughout: N rows, I inputs, J outputs, K basis functions, G grid intervals,
L layers, P parameters or members of a population, M other rows.
"""

import importlib
from typing import Any

from kansci._version import __version__

_HOMES = {
    "KAN": "kansci.models",
    "KANClassifier": "kansci.estimators",
    "KANRegressor": "kansci.estimators",
    "SymbolicRegressor": "kansci.estimators",
    "Dataset": "kansci.data",
    "read_dataset": "kansci.data",
    "DiscoverSettings": "kansci.discovery",
    "Discovery": "kansci.discovery",
    "Formula": "kansci.symbolic.formula",
    "FittedFormula": "kansci.symbolic.formula",
    "discover": "kansci.discovery",
    "discover_groups": "kansci.discovery",
    "discover_targets": "kansci.discovery",
    "KansciError": "kansci.errors",
    "SYMBOLIC_LIB": "kansci.symbolic.library",
    "add_symbolic": "kansci.symbolic.library",
    "create_dataset": "kansci.make_dataset",
    "create_dataset_from_data": "kansci.make_dataset",
    "kanpiler": "kansci.symbolic.kanpiler",
    "Solution": "kansci.solution.result",
    "resume_solve": "kansci.solution.solve",
    "solve": "kansci.solution.solve",
    "Representation": "kansci.representation",
    "represent": "kansci.representation",
    "load_pykan": "kansci.convert_pykan",
}

__all__ = ["__version__", *sorted(_HOMES)]  # noqa: PLE0604 (names are strings)


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that ``import kansci`` and ``kansci --help`` are instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'kansci' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
