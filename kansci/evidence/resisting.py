"""Which edges of a network no known function describes: where a formula would lose what was learned."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kansci.data import Dataset
from kansci.errors import SettingsError

if TYPE_CHECKING:
    from kansci.models import KAN

__all__ = ["EdgeReport", "resisting_edges"]

R2_FLOOR = 0.99
MOST_ROWS = 2000


@dataclass(frozen=True)
class EdgeReport:
    """The best function for a learned edge.

    Attributes:
        edge: (l, i, j), from node i of level l to subnode j of the next.
        source: the input column, or the node, that the edge starts from.
        share: of the output's variation that goes through the edge.
        primitive: name of the best function; None if none is finite on the edge's values.
        params: (a, b, c, d) of c * f(a * x + b) + d.
        r2: of that fit to the edge over the rows.
        resists: r2 is below the floor.
    """

    edge: tuple[int, int, int]
    source: str
    share: float
    primitive: str | None
    params: tuple[float, float, float, float] | None
    r2: float | None
    resists: bool

    def to_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "edge": list(self.edge),
            "source": self.source,
            "share": self.share,
            "primitive": self.primitive,
            "params": None if self.params is None else list(self.params),
            "r2": self.r2,
            "resists": self.resists,
        }

    def __str__(self) -> str:
        """The report in a line."""
        best = (
            "no function is finite there" if self.r2 is None else f"best {self.primitive}, R2 = {self.r2:.4f}"
        )
        verb = "resists" if self.resists else "has a formula"
        return f"edge {self.edge} from {self.source} ({100 * self.share:.0f} % of the output) {verb}: {best}"


def resisting_edges(model: "KAN", dataset: Dataset, floor: float = R2_FLOOR) -> tuple[EdgeReport, ...]:
    """Match every learned edge with the library of functions, over the values it takes on the data.

    Args:
        model: A network of the dataset's inputs.
        dataset: The table; of a large one 2000 rows are enough.
        floor: An edge resists when the best function has a smaller R2.

    Returns:
        One report for each learned edge, the most resistant first.

    Raises:
        SettingsError: The network does not belong to the dataset, or the floor is above 1.
    """
    if model.width[0] != len(dataset.inputs):
        raise SettingsError(
            f"a network of {model.width[0]} inputs does not fit {len(dataset.inputs)} columns"
        )
    if not floor <= 1:
        raise SettingsError(f"floor={floor}: no R2 is above 1")
    few = np.unique(np.linspace(0, len(dataset) - 1, MOST_ROWS).astype(int))
    X = dataset.X[few]
    shares = model.attribute(X).edges
    reports = [
        _report(model, (level, i, j), dataset, X, float(shares[level][j, i]), floor)
        for level, i, j in model.edges()
        if "n" in model.mode(level, i, j)
    ]
    return tuple(sorted(reports, key=lambda report: (report.r2 is not None, report.r2 or 0.0, report.edge)))


def _report(
    model: "KAN", edge: tuple[int, int, int], dataset: Dataset, X: np.ndarray, share: float, floor: float
) -> EdgeReport:
    from kansci.symbolic.fix_edges import suggest_symbolic  # imports torch

    level, i, _ = edge
    source = dataset.inputs[i] if level == 0 else f"node {i} of level {level}"
    found = suggest_symbolic(model, edge, x=X, weight_simple=0.0, topk=1)
    if not found:
        return EdgeReport(edge, source, share, None, None, None, resists=True)
    best = found[0]
    return EdgeReport(edge, source, share, best.name, best.params, best.r2, resists=best.r2 < floor)
