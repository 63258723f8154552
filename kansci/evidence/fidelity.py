"""How far formula, network and data are apart: on the rows, all over the data's box, and just outside it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kansci.data import Dataset
from kansci.errors import SettingsError
from kansci.symbolic.formula import Formula

if TYPE_CHECKING:
    from kansci.models import KAN

__all__ = ["Fidelity", "Gap", "fidelity"]

POINTS_LOG2 = 12
"""Two to this power are the points in the box, and in the enlarged one."""
PAIRS = (("formula", "data"), ("network", "data"), ("formula", "network"))
BEYOND = 0.1
"""How far "outside" reaches, in widths of each range at both ends."""


@dataclass(frozen=True)
class Gap:
    """The difference of two of formula, network and data.

    Attributes:
        pair: "formula - data", "network - data" or "formula - network".
        where: "rows", "box" (points spread over the ranges of the data) or "outside".
        count: rows or points compared.
        undefined: rows or points where one of both is no finite number.
        rms: root mean square of the difference, in the target's unit; None if nothing was compared.
        largest: its largest size.
        row: for "rows" where that is, counted from 1.
        at: the inputs there, by column.
    """

    pair: str
    where: str
    count: int
    undefined: int
    rms: float | None
    largest: float | None
    row: int | None
    at: Mapping[str, float]


@dataclass(frozen=True)
class Fidelity:
    """All differences, and the unit to see them in.

    Attributes:
        target: the column.
        spread: standard deviation of the target.
        gaps: the differences.
    """

    target: str
    spread: float
    gaps: tuple[Gap, ...]

    def gap(self, pair: str, where: str = "rows") -> Gap:
        """Look up one difference.

        Args:
            pair: Which, see `Gap`.
            where: Where, see `Gap`.

        Returns:
            The difference.

        Raises:
            SettingsError: It was not measured.
        """
        for gap in self.gaps:
            if (gap.pair, gap.where) == (pair, where):
                return gap
        known = ", ".join(f"{gap.pair} on {gap.where}" for gap in self.gaps)
        raise SettingsError(f"no {pair} on {where}: choose among {known}")

    def to_json(self) -> dict[str, Any]:
        """The differences as plain data."""
        gaps = [{**asdict(gap), "at": dict(gap.at)} for gap in self.gaps]
        return {"target": self.target, "spread": self.spread, "gaps": gaps}

    @property
    def columns(self) -> tuple[str, ...]:
        """Headings of `rows`."""
        return ("difference", "where", "RMS", "RMS / std", "largest", "at")

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The differences as text for a table."""
        return [(gap.pair, _where(gap), *self._sizes(gap), _place(gap)) for gap in self.gaps]

    def _sizes(self, gap: Gap) -> tuple[str, str, str]:
        if gap.rms is None or gap.largest is None:
            return "-", "-", "-"
        share = gap.rms / self.spread if self.spread > 0 else math.nan
        return f"{gap.rms:.3g}", f"{share:.3g}", f"{gap.largest:.3g}"


def fidelity(formula: Formula, dataset: Dataset, model: "KAN | None" = None, seed: int = 0) -> Fidelity:
    """Compare a formula with the data and, if there is one, with the network it was read off.

    Args:
        formula: A formula of columns of the dataset.
        dataset: The table.
        model: A network of the dataset's inputs, in their order, with one output.
        seed: Of the points in and around the box (Sobol sequences, shifted at random modulo 1).

    Returns:
        The differences, the formula's first.

    Raises:
        SettingsError: The network does not belong to the dataset.
    """
    if model is not None and (model.width[0], model.width[-1]) != (len(dataset.inputs), 1):
        raise SettingsError(
            f"a network {list(model.width)} does not fit {len(dataset.inputs)} inputs and one target"
        )
    low, high = dataset.X.min(axis=0), dataset.X.max(axis=0)
    places = {"rows": dataset.X, "box": _sobol(low, high, seed)}
    reach = BEYOND * (high - low)
    around = _sobol(low - reach, high + reach, seed + 1)
    places["outside"] = around[((around < low) | (around > high)).any(axis=1)]
    gaps: list[Gap] = []
    for where, X in places.items():
        values = {"formula": formula.predict({name: X[:, k] for k, name in enumerate(dataset.inputs)})}
        if model is not None:
            values["network"] = model.activations(np.array(X))[-1][:, 0].numpy()
        if where == "rows":
            values["data"] = dataset.y
        for one, other in PAIRS:
            if one in values and other in values:
                with np.errstate(invalid="ignore", over="ignore"):
                    difference = values[one] - values[other]
                gaps.append(_gap(f"{one} - {other}", where, difference, dataset.inputs, X))
    return Fidelity(dataset.target, float(dataset.y.std()), tuple(gaps))


def _sobol(low: np.ndarray, high: np.ndarray, seed: int) -> np.ndarray:
    from scipy.stats import qmc  # slow to import

    shares = qmc.Sobol(len(low), scramble=False).random_base2(POINTS_LOG2)
    shift = np.random.default_rng(seed).random(len(low))
    return low + (high - low) * ((shares + shift) % 1.0)


def _gap(pair: str, where: str, difference: np.ndarray, inputs: tuple[str, ...], X: np.ndarray) -> Gap:
    """Measure a difference (N,) at points X (N, I)."""
    finite, count = np.isfinite(difference), len(difference)
    undefined = int((~finite).sum())
    if not finite.any():
        return Gap(pair, where, count, undefined, None, None, None, {})
    sizes = np.where(finite, np.abs(difference), -1.0)
    worst = int(sizes.argmax())
    largest = float(sizes[worst])
    # squares of what is left cannot overflow
    rms = largest * float(np.sqrt(np.mean((difference[finite] / (largest or 1.0)) ** 2)))
    at = dict(zip(inputs, map(float, X[worst]), strict=True))
    row = worst + 1 if where == "rows" else None
    return Gap(pair, where, count, undefined, rms, largest, row, at)


def _where(gap: Gap) -> str:
    if gap.where == "rows":
        text = f"{gap.count} rows"
    elif gap.where == "box":
        text = f"{gap.count} points in the box"
    else:
        text = f"{gap.count} points up to {100 * BEYOND:.0f} % outside"
    return f"{text} ({gap.undefined} undefined)" if gap.undefined else text


def _place(gap: Gap) -> str:
    point = ", ".join(f"{name} = {value:.4g}" for name, value in gap.at.items())
    return f"row {gap.row}: {point}" if gap.row is not None else point
