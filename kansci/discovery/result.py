"""What a search gives: the chosen formula, the front it was chosen from, and how it was found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kansci._version import __version__
from kansci.data import Dataset
from kansci.discovery.settings import DiscoverSettings
from kansci.discovery.verdict import Verdict
from kansci.symbolic.formula import Formula

__all__ = ["Candidate", "Discovery", "Event", "OnEvent", "common_record"]


@dataclass(frozen=True)
class Event:
    """Progress: seconds since the start, what is being tried, and the best formula so far."""

    seconds: float
    stage: str
    best: Formula | None
    nrmse: float


@dataclass(frozen=True)
class Candidate:
    """One formula of the front, judged on held-out rows.

    ``score``: fall of the logarithm of the error per node, against the next shorter formula of
    the front (PySR's score). ``dimensions``: "ok", or "inconsistent: " and where; None without units.
    ``derivation``: how it was found, a sentence a step.
    """

    formula: Formula
    complexity: int
    nrmse: float
    r2: float
    score: float
    dimensions: str | None = None
    derivation: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The row of the front as plain data."""
        return {
            "formula": self.formula.text,
            "latex": self.formula.latex_rhs(),
            "complexity": self.complexity,
            "nrmse": self.nrmse,
            "r2": self.r2,
            "score": self.score,
            "dimensions": self.dimensions,
            "derivation": list(self.derivation),
        }


@dataclass(frozen=True)
class Discovery:
    """The chosen formula, the front it was chosen from, and how it was found.

    Errors are those on the held-out rows; where the table was too small to hold any out
    (``held_out_rows`` is 0), those on all rows, and the choice charges for every constant.

    ``verdict``: whether the formula can be called a law. ``relations``: constants that others determine.
    ``rivals``: formulas that shorter ones are as accurate as, so that they are not on the front, but that
    the data do not rule out; they have no score.
    """

    formula: Formula
    front: tuple[Candidate, ...]
    dataset: Dataset
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
    dimensions: str | None = None
    relations: tuple[str, ...] = ()
    rivals: tuple[Candidate, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The result as plain data, ready for ``json.dumps``."""
        return {
            **common_record(self, self.dataset),
            "dimensions": self.dimensions,
            "relations": list(self.relations),
            "front": [c.to_json() for c in self.front],
            "rivals": [c.to_json() for c in self.rivals],
        }


def common_record(found: Any, dataset: Dataset) -> dict[str, Any]:
    """What a discovery tells as plain data, whether it holds for all rows alike or for groups of them."""
    return {
        "target": dataset.target,
        "inputs": list(dataset.inputs),
        "symbols": dict(found.formula.symbols),
        "formula": found.formula.text,
        "latex": found.formula.latex(),
        "complexity": found.formula.complexity,
        "exact": found.exact,
        "law_found": found.verdict.law_found,
        "verdict": found.verdict.reason,
        "rmse": found.rmse,
        "nrmse": found.nrmse,
        "r2": found.r2,
        "constants": [c.to_json() for c in found.formula.constants],
        "held_out_rows": found.held_out_rows,
        "derivation": list(found.derivation),
        "notes": list(dataset.notes),
        "interrupted": found.interrupted,
        "seconds": round(found.seconds, 3),
        "seed": found.settings.seed,
        "version": __version__,
    }


OnEvent = Callable[[Event], None]
