"""Several targets of one table: a law for each, and the structure that the laws share.

Targets are searched one after the other; each search is offered the forms of those before it and their
sub-expressions as variables. In a second round the first targets are offered what was found for the last.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from kansci.data import Dataset
from kansci.data.names import find_column, nearest
from kansci.discovery.result import Discovery, Event, OnEvent
from kansci.discovery.run import discover
from kansci.discovery.settings import DiscoverSettings
from kansci.discovery.shared import Shared, shared_structure
from kansci.errors import DataError

__all__ = ["TargetsDiscovery", "discover_each", "discover_targets", "target_datasets"]

FIRST_SHARE = 0.65
"""Share of the time for the first round."""
SHORTEST = 0.1
"""Seconds for a search when there is no time left."""


@dataclass(frozen=True)
class TargetsDiscovery:
    """One discovery a target (of those that were reached, if it was interrupted), and what they share."""

    discoveries: tuple[Discovery, ...]
    shared: tuple[Shared, ...]
    seconds: float
    interrupted: bool = False

    def to_json(self) -> dict[str, Any]:
        """The result as plain data, ready for ``json.dumps``."""
        return {
            "targets": [discovery.to_json() for discovery in self.discoveries],
            "shared": [
                {
                    "targets": list(item.targets),
                    "expression": item.expression,
                    "constants": [{"value": value, "stderr": error} for value, error in item.constants],
                    "whole": item.whole,
                }
                for item in self.shared
            ],
            "interrupted": self.interrupted,
            "seconds": round(self.seconds, 3),
        }


def discover_targets(
    frame: pd.DataFrame,
    targets: Sequence[str],
    settings: DiscoverSettings | None = None,
    *,
    inputs: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
    on_event: OnEvent | None = None,
) -> TargetsDiscovery:
    """Find a law for each of several targets, and the structure they share.

    Args:
        frame: The table.
        targets: The columns to explain; none of them is an input for another.
        settings: Time for all of them together, and seed.
        inputs: The columns to explain them by; None takes every other numeric column.
        units: Unit of a column, over those in the headers.
        on_event: Called before each step.

    Returns:
        The discoveries. A ``KeyboardInterrupt`` ends the search and gives the best so far.
    """
    return discover_each(target_datasets(frame, targets, inputs, units), settings, on_event)


def target_datasets(
    frame: pd.DataFrame,
    targets: Sequence[str],
    inputs: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
) -> list[Dataset]:
    """A dataset for each target, without the other targets.

    Args:
        frame: The table.
        targets: The columns to explain.
        inputs: The columns to explain them by; None takes every other numeric column.
        units: Unit of a column, over those in the headers.

    Returns:
        The datasets, in the order of the targets.

    Raises:
        DataError: A target is missing, given twice, or an input as well; or the table is unusable.
    """
    columns = [str(column) for column in frame.columns]
    found = []
    for target in targets:
        column = find_column(target, columns)
        if column is None:
            raise DataError(f"there is no target column '{target}': {nearest(target, columns)}")
        found.append(column)
    twice = next((name for name in found if found.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"target column '{twice}' is given more than once")
    both = next((name for name in inputs or () if (find_column(name, columns) or name) in found), None)
    if both is not None:
        raise DataError(f"column '{both}' is a target and cannot be an input as well")
    datasets = []
    for target in found:
        others = [position for position, column in enumerate(columns) if column in found and column != target]
        alone = frame.drop(columns=frame.columns[others])
        alone.attrs = dict(frame.attrs)
        datasets.append(Dataset.from_frame(alone, target, inputs, units))
    return datasets


def discover_each(
    datasets: Sequence[Dataset], settings: DiscoverSettings | None = None, on_event: OnEvent | None = None
) -> TargetsDiscovery:
    """The same for tables that have been read and checked, one a target."""
    return _Run(datasets, settings or DiscoverSettings(), on_event).run()


class _Run:
    """One search for several targets."""

    def __init__(
        self, datasets: Sequence[Dataset], settings: DiscoverSettings, on_event: OnEvent | None
    ) -> None:
        self.datasets, self.settings, self.on_event = datasets, settings, on_event
        self.start = time.monotonic()
        self.found: list[Discovery] = []

    def run(self) -> TargetsDiscovery:
        """Both rounds, or what there is of them when the user interrupts."""
        interrupted = False
        try:
            self._first_round()
            self._second_round()
        except KeyboardInterrupt:
            if not self.found:
                raise
            interrupted = True
        seconds = time.monotonic() - self.start
        return TargetsDiscovery(tuple(self.found), shared_structure(self.found), seconds, interrupted)

    def _first_round(self) -> None:
        for number, dataset in enumerate(self.datasets):
            seconds = self._left(FIRST_SHARE) / (len(self.datasets) - number)
            self.found.append(self._search(dataset, seconds, self.found))
            self._stop_if_interrupted(number)

    def _second_round(self) -> None:
        """Targets without an exact law, each with its own formula and those of the others to start from."""
        again = [k for k, discovery in enumerate(self.found[:-1]) if not discovery.exact]
        for number, k in enumerate(again):
            known = [self.found[k], *self.found[:k], *self.found[k + 1 :]]
            self.found[k] = self._search(self.datasets[k], self._left(1.0) / (len(again) - number), known)
            self._stop_if_interrupted(k)

    def _left(self, share: float) -> float:
        return self.start + share * self.settings.seconds - time.monotonic()

    def _stop_if_interrupted(self, k: int) -> None:
        if self.found[k].interrupted:
            raise KeyboardInterrupt

    def _search(self, dataset: Dataset, seconds: float, known: Sequence[Discovery]) -> Discovery:
        def tell(event: Event) -> None:
            if self.on_event is not None:
                stage = f"{dataset.target}: {event.stage}"
                self.on_event(replace(event, seconds=time.monotonic() - self.start, stage=stage))

        formulas = [discovery.formula for discovery in known]
        timed = replace(self.settings, seconds=max(seconds, SHORTEST))
        return replace(discover(dataset, timed, tell, formulas), settings=self.settings)
