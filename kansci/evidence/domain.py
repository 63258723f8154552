"""Where a formula has poles and branch points, jumps, leaves the reals or overflows: in and near the data.

The conditions are read off the formula's tree (`kansci.evidence.conditions`) and decided by interval
arithmetic with subdivision (`kansci.evidence.decide`), so that a formula may be *proved* finite and real in
the data box; where it is not, a point shows it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from kansci.data import Dataset
from kansci.errors import SettingsError
from kansci.evidence.conditions import HARMLESS, Condition, conditions, not_understood
from kansci.evidence.decide import Box, Outcome, decide, is_finite
from kansci.evidence.limits import has_limit
from kansci.export import shorten
from kansci.expressions.custom import written_out
from kansci.symbolic.formula import Formula

__all__ = ["DomainReport", "Finding", "data_box", "domain_report"]

AROUND = (0.1, 0.5)
"""How far outside the data box to look, in widths of each range at both ends."""
MOST_SHOWN, MOST_KEPT = 4, 50
_SENTENCES = {
    "pole": "has a pole",
    "singularity": "has a singularity",
    "removable": "divides by zero",
    "branch point": "has a branch point",
    "jump": "jumps",
    "kink": "has a kink",
    "overflow": "overflows",
    "not real": "is not real",
    "unknown": "is not understood by this report, so nothing is known of it",
}


@dataclass(frozen=True)
class Finding:
    """Something that happens to a part of the formula.

    Attributes:
        kind: "pole", "singularity", "removable", "branch point", "jump", "kink", "overflow", "not real" or
            "unknown".
        part: the part of the formula, as text.
        reach: 0 for inside the data box, else how far outside it was looked, in widths of the ranges.
        points: where it happens, by symbol; for an undecided finding where it comes closest.
        complete: the points are proved to be all there are.
        undecided: neither proved absent nor shown by a point.
        share: of the box where the part is not real or overflows, by sampling.
        harmless: the part is proved to be finite and real there all the same.
    """

    kind: str
    part: str
    reach: float
    points: tuple[Mapping[str, float], ...]
    complete: bool = False
    undecided: bool = False
    share: float = 0.0
    harmless: bool = False

    @property
    def serious(self) -> bool:
        """Whether it is shown that the formula is not finite or not real near a point."""
        return not self.undecided and self.kind not in HARMLESS | {"removable"}

    @property
    def place(self) -> str:
        """Inside or how far outside."""
        return f"up to {100 * self.reach:.0f} % outside the data box" if self.reach else "inside the data box"

    def __str__(self) -> str:
        """The finding in a sentence."""
        what = _SENTENCES[self.kind]
        if self.undecided:
            near = f"; it comes closest at {_point(self.points[0])}" if self.points else ""
            return f"undecided whether {self.part} {what} {self.place}{near}"
        if not self.points:
            return f"{self.part} {what}"
        shown = " and ".join(_point(point) for point in self.points[:MOST_SHOWN])
        certain = self.complete and len(self.points) <= MOST_SHOWN
        where = f"at {shown}" if certain else f"e.g. at {shown}"
        share = f" in about {100 * self.share:.0f} % of it," if self.share >= 0.005 and not self.reach else ""
        limit = ", although the formula has a limit there" if self.kind == "removable" else ""
        return f"{self.part} {what} {self.place},{share} {where}{limit}"

    def to_json(self) -> dict[str, Any]:
        """The finding as plain data."""
        return {
            "kind": self.kind,
            "part": self.part,
            "outside": self.reach,
            "points": [dict(point) for point in self.points],
            "complete": self.complete,
            "undecided": self.undecided,
            "share": self.share,
            "harmless": self.harmless,
            "sentence": str(self),
        }


@dataclass(frozen=True)
class DomainReport:
    """Where a formula can be used.

    Attributes:
        box: for each symbol its range in the data.
        proved: whether the formula is proved finite and real in the whole data box.
        findings: what happens inside and around it.
    """

    box: Mapping[str, tuple[float, float]]
    proved: bool
    findings: tuple[Finding, ...]

    @property
    def inside(self) -> tuple[Finding, ...]:
        """What happens inside the data box."""
        return tuple(finding for finding in self.findings if not finding.reach)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The report, one sentence a finding."""
        if self.proved:
            first = "proved finite and real in the data box"
        elif any(finding.kind not in HARMLESS and not finding.undecided for finding in self.inside):
            first = "not finite and real in the whole data box"
        else:
            first = "undecided whether it is finite and real in the whole data box"
        return (first, *map(str, self.findings))

    def to_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "box": {name: list(ends) for name, ends in self.box.items()},
            "proved": self.proved,
            "findings": [finding.to_json() for finding in self.findings],
            "sentences": list(self.sentences),
        }


def data_box(dataset: Dataset) -> dict[str, tuple[float, float]]:
    """The range of every input column of a table."""
    return {
        name: (float(column.min()), float(column.max()))
        for name, column in zip(dataset.inputs, dataset.X.T, strict=True)
    }


def domain_report(formula: Formula, box: Dataset | Mapping[str, tuple[float, float]]) -> DomainReport:
    """Find out where a formula can be used.

    Args:
        formula: A formula without free parameters.
        box: The table it is about, or (low, high) for each of its columns.

    Returns:
        What happens inside the data box and, but for jumps and kinks, up to 10 % and 50 % of the ranges
        outside it.

    Raises:
        SettingsError: The formula has free parameters, or a column has no range.
    """  # noqa: DOC502  raised by _ranges
    ranges = _ranges(formula, data_box(box) if isinstance(box, Dataset) else box)
    expr = _real(written_out(formula.expr), tuple(ranges))
    ends = np.array(list(ranges.values()), dtype=float).reshape(-1, 2)
    symbols = tuple(sympy.Symbol(name, real=True) for name in ranges)
    inside = Box(symbols, ends[:, 0], ends[:, 1])
    findings = [Finding("unknown", _text(part), 0.0, (), undecided=True) for part in not_understood(expr)]
    singular: dict[sympy.Expr, float] = {}  # how near the data box
    for condition in sorted(conditions(expr), key=lambda condition: condition.at_zero == "overflow"):
        finding = _first_finding(condition, expr, inside)
        if finding is None:
            continue
        nearest = min(singular.get(part, np.inf) for part in sympy.preorder_traversal(condition.part))
        if finding.kind == "overflow" and nearest <= finding.reach:
            continue  # no news near a pole
        findings.append(finding)
        singular[condition.part] = min(nearest, finding.reach)
    findings.sort(key=lambda finding: finding.reach)
    calm = all(finding.reach or finding.harmless for finding in findings)
    return DomainReport(ranges, calm and is_finite(expr, inside), tuple(findings))


def _ranges(formula: Formula, box: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    if formula.parameters:
        raise SettingsError(
            f"the formula has free parameters: {', '.join(formula.parameters)}; fit them first"
        )
    used = {str(symbol) for symbol in formula.expr.free_symbols}
    ranges = {}
    for symbol, column in formula.symbols.items():
        if symbol not in used:
            continue
        if column not in box:
            raise SettingsError(f"no range for column {column!r}: give (low, high) for every input")
        low, high = map(float, box[column])
        if not (np.isfinite([low, high]).all() and low <= high):
            raise SettingsError(f"range of column {column!r} is {low} to {high}: give finite ends, low first")
        ranges[symbol] = (low, high)
    return ranges


def _real(expr: sympy.Expr, names: tuple[str, ...]) -> sympy.Expr:
    """The formula in real symbols."""
    reals = {name: sympy.Symbol(name, real=True) for name in names}
    return expr.xreplace({symbol: reals[str(symbol)] for symbol in expr.free_symbols})


def _first_finding(condition: Condition, expr: sympy.Expr, inside: Box) -> Finding | None:
    """What happens inside the box or, if nothing, nearest outside."""
    for reach in (0.0,) if condition.at_zero in {"jump", "kink"} else (0.0, *AROUND):
        box = inside.wider(reach)
        outcome = decide(condition, box)
        if outcome.verdict != "holds" and not (reach and outcome.verdict == "undecided"):
            return _finding(condition, expr, outcome, box, reach)
    return None


def _finding(condition: Condition, expr: sympy.Expr, outcome: Outcome, box: Box, reach: float) -> Finding:
    kind = condition.at_zero if outcome.verdict == "zero" else condition.below or condition.at_zero
    if (
        kind == "pole"
        and outcome.verdict == "zero"
        and all(has_limit(expr, box.symbols, point, box.unit) for point in outcome.points[:MOST_SHOWN])
    ):
        kind = "removable"
    used = condition.quantity.free_symbols | (condition.guard.free_symbols if condition.guard else set())
    points = tuple(
        {str(s): float(value) for s, value in zip(box.symbols, row, strict=True) if s in used}
        for row in outcome.points[:MOST_KEPT]
    )
    return Finding(
        kind,
        _text(condition.part),
        reach,
        points,
        outcome.complete and len(points) == len(outcome.points),
        outcome.verdict == "undecided",
        outcome.share,
        kind in HARMLESS and (condition.below is None or outcome.never_below),
    )


def _text(part: sympy.Expr) -> str:
    return shorten(sympy.sstr(part, full_prec=False))


def _point(point: Mapping[str, float]) -> str:
    return ", ".join(f"{name} = {value + 0.0:.6g}" for name, value in point.items())
