"""What a search over groups gives: one form, the constants all groups share, and those of each group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kansci.data.groups import GroupedDataset
from kansci.discovery.result import Candidate, common_record
from kansci.discovery.settings import DiscoverSettings
from kansci.discovery.verdict import Verdict
from kansci.errors import FormulaError
from kansci.symbolic.formula import Formula

__all__ = ["GroupLaw", "GroupedDiscovery", "predict_groups"]


@dataclass(frozen=True)
class GroupLaw:
    """The law of one group: ``constants`` and ``stderr`` by name, its error on all ``rows`` of the group."""

    label: str
    formula: Formula
    constants: dict[str, float]
    stderr: dict[str, float]
    rows: int
    nrmse: float


@dataclass(frozen=True)
class GroupedDiscovery:
    """The chosen form, the front it was chosen from, and the constants of each group.

    ``formula`` holds the numbers that all groups share, and a name for each constant that differs between
    them. Errors are those on the held-out rows of all groups (see ``Discovery``), those of ``groups`` are
    on all rows of a group, over the target's spread there.
    """

    formula: Formula
    front: tuple[Candidate, ...]
    groups: tuple[GroupLaw, ...]
    data: GroupedDataset
    settings: DiscoverSettings
    seconds: float
    exact: bool
    rmse: float
    nrmse: float
    r2: float
    held_out_rows: int
    derivation: tuple[str, ...]
    verdict: Verdict
    interrupted: bool = False

    def predict(self, X: Any, groups: Sequence[str]) -> np.ndarray:
        """Values (N,) at the rows of ``X`` (as ``Formula.predict`` takes them), one group label a row."""
        return predict_groups({law.label: law.formula for law in self.groups}, X, groups)

    def to_json(self) -> dict[str, Any]:
        """The result as plain data, ready for ``json.dumps``."""
        return {
            **common_record(self, self.data.dataset),
            "group": self.data.column,
            "dimensions": None,
            "groups": [
                {
                    "group": law.label,
                    "formula": law.formula.text,
                    "constants": [
                        {"name": name, "value": value, "stderr": _finite(law.stderr[name])}
                        for name, value in law.constants.items()
                    ],
                    "nrmse": law.nrmse,
                    "rows": law.rows,
                }
                for law in self.groups
            ],
            "front": [{**c.to_json(), "constants_per_group": list(c.formula.parameters)} for c in self.front],
            "rivals": [],
            "relations": [],
        }


def predict_groups(formulas: Mapping[str, Formula], X: Any, groups: Sequence[str]) -> np.ndarray:
    """Values (N,) of one formula a group.

    Args:
        formulas: By the label of the group; all have the same inputs.
        X: What ``Formula.predict`` takes.
        groups: Label of each row.

    Returns:
        The values.

    Raises:
        FormulaError: A label has no formula.
    """
    labels = np.asarray(groups, dtype=object)
    unknown = [label for label in dict.fromkeys(labels.tolist()) if label not in formulas]
    if unknown:
        raise FormulaError(f"there is no law for group {unknown[0]!r} (groups: {', '.join(formulas)})")
    values = np.full(len(labels), np.nan)
    for label, formula in formulas.items():
        at = labels == label
        if at.any():
            values[at] = formula.predict(X)[at]
    return values


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
