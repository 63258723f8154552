"""A law for groups of rows: one form, some constants shared by all groups, some different in each.

Groups are searched one by one as ordinary tables, and all of them as if there were no groups; every
form found is then fitted to all groups at once (``discovery.group_fit``), which also decides what is shared.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import sympy

from kansci.data.groups import GroupedDataset
from kansci.data.names import symbol_names
from kansci.discovery.conclude import front, published, scored
from kansci.discovery.group_finish import GroupFinished, finish_groups, readable
from kansci.discovery.group_fit import Joint, share_constants
from kansci.discovery.group_result import GroupedDiscovery, GroupLaw
from kansci.discovery.group_rows import GroupRows, all_group_rows, group_rows
from kansci.discovery.group_search import FormSearch, FoundForm
from kansci.discovery.result import Event, OnEvent
from kansci.discovery.settings import DiscoverSettings
from kansci.discovery.verdict import Verdict
from kansci.errors import SettingsError
from kansci.search.finish import Finished
from kansci.search.pool import EXACT, skeleton
from kansci.search.threads import one_thread

__all__ = ["discover_grouped", "discover_groups"]

SEARCH_SHARE, FIT_SHARE = 0.6, 0.9
"""Shares of the time after which the searches and the joint fits have to be done."""
SOON = 2.0
"""Seconds that are left for what has been found when the user interrupts the search."""
LEAST = 1.0
"""Seconds for the joint fits however late it is."""
FINALISTS = 8
SHORTEST = "the shortest description of the data of all groups among all forms that were tried"
NOTHING = "no formula of the inputs predicts the target better than a constant, or a constant per group"

Found = tuple[Joint, tuple[str, ...]]
"""A joint fit, and how its form was found."""


def discover_groups(
    frame: pd.DataFrame,
    target: str,
    group: str,
    settings: DiscoverSettings | None = None,
    *,
    inputs: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
    on_event: OnEvent | None = None,
) -> GroupedDiscovery:
    """Find one law for all groups of a table, with constants of their own where the data need them.

    Args:
        frame: The table.
        target: The column to explain.
        group: The column with the groups: text or whole numbers.
        settings: Time and seed.
        inputs: The columns to explain it by; None takes every other numeric column.
        units: Unit of a column, over those in the headers.
        on_event: Called before each step.

    Returns:
        The discovery. A ``KeyboardInterrupt`` ends the search and gives the best so far.
    """
    return discover_grouped(
        GroupedDataset.from_frame(frame, target, group, inputs, units), settings, on_event
    )


def discover_grouped(
    data: GroupedDataset, settings: DiscoverSettings | None = None, on_event: OnEvent | None = None
) -> GroupedDiscovery:
    """The same for a table that has been read and checked."""
    with one_thread():
        return _Run(data, settings or DiscoverSettings(), on_event).run()


class _Run:
    """One search over groups."""

    def __init__(self, data: GroupedDataset, settings: DiscoverSettings, on_event: OnEvent | None) -> None:
        self.data, self.settings, self.on_event = data, settings, on_event
        self.start = time.monotonic()
        self.interrupted = False
        self.rows = group_rows(data, settings.seed)
        self.fits: list[Found] = []

    def run(self) -> GroupedDiscovery:
        """Forms, joint fits, the choice."""
        forms = FormSearch(self.data, self.rows, self.settings)
        self.interrupted = forms.collect(self._at(SEARCH_SHARE), self._tell)
        try:
            self.rows = forms.settle_errors()
            self._fit(list(forms.forms.values()))
        except KeyboardInterrupt:
            self.interrupted = True
        if not self.fits and self.interrupted:
            raise KeyboardInterrupt
        if not self.fits:
            raise SettingsError(
                "no formula that the settings allow is finite in all groups: loosen the form, operators or "
                "limits, or search the groups by themselves"
            )
        return self._conclude()

    def _at(self, share: float) -> float:
        """Monotonic time at which this share of the seconds is over; soon after an interruption."""
        planned = self.start + share * self.settings.seconds
        return min(planned, time.monotonic() + SOON) if self.interrupted else planned

    def _tell(self, event: Event) -> None:
        if self.on_event is not None:
            self.on_event(replace(event, seconds=time.monotonic() - self.start))

    def _report(self, stage: str) -> None:
        n = len(self.rows.rows.train)
        best = min((fit for fit, _ in self.fits), key=lambda fit: fit.description_length(n), default=None)
        shown = None if best is None else published(self.data.dataset, readable(best.model))
        self._tell(Event(0.0, stage, shown, float("inf") if best is None else best.held))

    def _fit(self, forms: list[FoundForm]) -> None:
        """Joint fits: of the forms on the front of the separate fits, then of others that may be the best."""
        n, least = len(self.rows.rows.train), np.inf
        deadline = max(self._at(FIT_SHARE), time.monotonic() + LEAST)
        bounds = {id(form): _bound(form, self.rows) for form in forms}
        ahead = {id(form) for form in _ahead(forms, self.rows)}
        ordered = sorted(forms, key=lambda f: (id(f) not in ahead, bounds[id(f)], f.nodes))
        for number, form in enumerate(ordered, 1):
            late = time.monotonic() > deadline or bounds[id(form)] > least
            if self.fits and late and id(form) not in ahead:
                break
            self._report(f"fitting form {number} of {len(forms)} to all groups")
            # the most promising form gets the time it needs: unfinished, it shares nothing
            fit = share_constants(form.form, form.table, self.rows, deadline if self.fits else float("inf"))
            if fit is not None:
                self.fits.append((fit, form.trail))
                least = min(least, fit.description_length(n))

    def _conclude(self) -> GroupedDiscovery:
        everything, end = all_group_rows(self.rows, self.data), self._at(1.0)
        grammar = self.settings.grammar
        n, rows, dataset = len(self.data.dataset.y), self.rows.rows, self.data.dataset
        taken = symbol_names([*dataset.inputs, dataset.target, self.data.column])
        finished = [
            finish_groups(fit, trail, self.rows, everything, grammar, end, taken)
            for fit, trail in self._finalists()
        ]
        finished.sort(key=lambda f: (not f.finished.exact, f.finished.description_length(n)))
        chosen = finished[0]
        best = chosen.finished
        return GroupedDiscovery(
            formula=published(dataset, best.expr, best.constants),
            front=scored(dataset, front(_distinct(finished), best)),
            groups=_laws(chosen, self.data),
            data=self.data,
            settings=self.settings,
            seconds=time.monotonic() - self.start,
            exact=best.exact,
            rmse=best.nrmse * rows.spread_of(rows.held),
            nrmse=best.nrmse,
            r2=1 - best.nrmse**2,
            held_out_rows=0 if len(rows.held) == len(rows.y) else len(rows.held),
            derivation=best.trail,
            verdict=_verdict(best.expr, self.data),
            interrupted=self.interrupted,
        )

    def _finalists(self) -> list[Found]:
        """The fits that no shorter one is as accurate as, the shortest descriptions first."""
        n = len(self.rows.rows.train)
        kept: list[Found] = []
        for fit, trail in sorted(self.fits, key=lambda found: found[0].description_length(n)):
            if not any(k.nodes <= fit.nodes and k.held <= fit.held for k, _ in kept):
                kept.append((fit, trail))
        return kept[:FINALISTS]


def _distinct(finished: list[GroupFinished]) -> list[Finished]:
    """The first of every form: several ways may lead to it."""
    found = {sympy.srepr(skeleton(f.finished.expr)): f.finished for f in reversed(finished)}
    return list(found.values())


def _error(form: FoundForm, data: GroupRows) -> float:
    """Of the fits to each group by itself, over the target's spread."""
    if form.residual is None:
        return float("inf")
    rows = data.rows
    return float(np.sqrt(np.mean((rows.weight * form.residual)[rows.train] ** 2))) / rows.spread


def _bound(form: FoundForm, data: GroupRows) -> float:
    """A description length that no choice of shared constants falls below, if the groups tell it."""
    if form.residual is None:
        return -float("inf")
    n, k = len(data.rows.train), len(form.form.parameters)
    error = max(_error(form, data), EXACT)
    return n * float(np.log(error)) + 0.5 * k * float(np.log(n)) + form.nodes * float(np.log(8.0))


def _ahead(forms: list[FoundForm], data: GroupRows) -> list[FoundForm]:
    """The forms that no shorter one is as accurate as when each group is fitted by itself."""
    kept: list[FoundForm] = []
    for form in sorted(forms, key=lambda f: (f.nodes, _error(f, data))):
        if _error(form, data) < min((_error(k, data) for k in kept), default=float("inf")):
            kept.append(form)
    return kept


def _laws(chosen: GroupFinished, data: GroupedDataset) -> tuple[GroupLaw, ...]:
    dataset, laws = data.dataset, []
    for g, label in enumerate(data.labels):
        part, formula = dataset.rows(data.part(g)), published(dataset, chosen.in_group(g))
        error = float(np.sqrt(np.mean((formula.predict(part.X) - part.y) ** 2)))
        spread = float(part.y.std()) or float(dataset.y.std()) or 1.0
        values, stderr = (
            dict(zip(chosen.names, map(float, table[g]), strict=True))
            for table in (chosen.values, chosen.stderr)
        )
        laws.append(GroupLaw(label, formula, values, stderr, len(part.y), error / spread))
    return tuple(laws)


def _verdict(expr: sympy.Expr, data: GroupedDataset) -> Verdict:
    law = any(symbol.name in data.dataset.symbols for symbol in expr.free_symbols)
    return Verdict(law_found=law, reason=SHORTEST if law else NOTHING)
