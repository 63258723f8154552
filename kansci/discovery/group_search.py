"""Forms for a grouped table: its largest groups are searched as tables of their own, and all as one table."""

import time
from dataclasses import dataclass, field, replace

import numpy as np
import sympy

from kansci.data import Dataset
from kansci.data.groups import GroupedDataset
from kansci.discovery.group_alignment import align
from kansci.discovery.group_fit import fit_apart
from kansci.discovery.group_forms import forms_of
from kansci.discovery.group_rows import GroupRows, likely_sizes, sizes_without_forms, with_sizes
from kansci.discovery.result import Candidate, Discovery, Event, OnEvent
from kansci.discovery.run import discover, table_symbols
from kansci.discovery.settings import DiscoverSettings
from kansci.errors import SettingsError
from kansci.search.pool import EXACT, skeleton
from kansci.symbolic.complexity import complexity
from kansci.symbolic.parametric import Parametric

__all__ = ["FormSearch", "FoundForm"]

SEARCHED = 3
"""Groups that are searched by themselves, the largest; fewer where all can be aligned."""
FEWEST_ROWS, ROWS_ALONE = 5, 10
"""Rows that a table must have, and a group where all groups together say more."""
REFERENCES = 3
"""Forms, the best for each group by itself, that tell how errors go with the target and the group."""


@dataclass(frozen=True)
class FoundForm:
    """A form, how it was found, and its fit to each group by itself.

    ``table`` (G, P): its values. ``residual`` (M,): what they leave. Both are None if a group has too few
    rows, or one in which the form is not finite. ``length``: nats to describe the groups, each with its own
    size of errors.
    """

    form: Parametric
    trail: tuple[str, ...]
    table: np.ndarray | None = None
    residual: np.ndarray | None = None
    length: float = float("inf")

    @property
    def nodes(self) -> int:
        """Its complexity."""
        return complexity(self.form.expr)

    def fitted(self, data: GroupRows, seed: int) -> "FoundForm":
        """The same, fitted to each group, from the values that are known if there are any.

        Groups with fewer rows than the form has constants say nothing by themselves.
        """
        enough = np.bincount(data.train[1], minlength=data.groups).min() > len(self.form.parameters)
        table = fit_apart(self.form, data, seed, self.table) if enough else None
        if table is None:
            return replace(self, table=None, residual=None, length=float("inf"))
        values = self.form.predict(data.rows.columns, list(table[data.index].T))
        residual = np.broadcast_to(values, data.rows.y.shape) - data.rows.y
        return replace(self, table=table, residual=residual, length=_length(self.form, residual, data))


@dataclass
class FormSearch:
    """The forms found so far, by skeleton."""

    data: GroupedDataset
    rows: GroupRows
    settings: DiscoverSettings
    forms: dict[str, FoundForm] = field(default_factory=dict)

    def collect(self, deadline: float, on_event: OnEvent) -> bool:
        """Search the parts of the table until the time is over or a form is exact in every group.

        Args:
            deadline: Monotonic time.
            on_event: Called before each step.

        Returns:
            Whether the user interrupted it.

        Raises:
            KeyboardInterrupt: The user did, before anything was found.
        """
        parts = _parts(self.data, self.rows)
        for number, (name, part, offset) in enumerate(parts):
            seconds = (deadline - time.monotonic()) / (len(parts) - number)
            if seconds <= 0 and self.forms:
                return False
            try:
                found = self._search(name, part, max(seconds, 0.1), on_event)
                for candidate in _best_first(found):
                    if self.forms and time.monotonic() > deadline:
                        break
                    self._add(candidate, name, offset=offset)
            except KeyboardInterrupt:
                if not self.forms:
                    raise
                return True
            if found is not None and found.interrupted:
                return True
            if any(_is_exact(form, self.rows) for form in self.forms.values()):
                return False
        return False

    def settle_errors(self) -> GroupRows:
        """Weigh the rows by what the best forms say of the errors, and fit the forms again.

        Returns:
            The rows.
        """
        best = sorted((f for f in self.forms.values() if f.length < np.inf), key=lambda f: f.length)
        seed, y = self.settings.seed, np.abs(self.data.dataset.y)
        fits = best[:REFERENCES]
        if not fits:
            aligned = align(self.rows)
            target = aligned[0].y if aligned else None
            self.rows = with_sizes(self.rows, sizes_without_forms(self.rows, target, self.data, seed))
            return self.rows
        if (y > 0).all() and self.data.dataset.sigma is None:
            relative = with_sizes(self.rows, y)
            fits += [form.fitted(relative, seed) for form in fits]
        known = [
            (f.residual, _price(f.form, self.rows), len(f.form.parameters))
            for f in fits
            if f.residual is not None
        ]
        self.rows = with_sizes(self.rows, likely_sizes(self.rows, known, self.data))
        self.forms = {key: form.fitted(self.rows, seed) for key, form in self.forms.items()}
        return self.rows

    def _search(self, name: str, part: Dataset, seconds: float, on_event: OnEvent) -> Discovery | None:
        def tell(event: Event) -> None:
            on_event(replace(event, stage=f"{name}: {event.stage}"))

        try:
            return discover(part, replace(self.settings, seconds=seconds), tell)
        except SettingsError:  # nothing that is allowed is finite on this part
            return None

    def _add(self, candidate: Candidate, name: str, *, offset: bool) -> None:
        """Keep the forms of a formula, unless they are known and fit no better from here."""
        data, formula = self.data.dataset, candidate.formula
        variables = table_symbols(data)
        ours = dict(zip(data.inputs, variables, strict=True))
        expr = formula.expr.xreplace({sympy.Symbol(s): ours[column] for s, column in formula.symbols.items()})
        forms = forms_of(expr, variables, self.rows.train[0], offset=offset)
        for form in forms[:1] if self.settings.template is not None else forms:
            if self.settings.grammar.allows(form.to_expr()):
                key = sympy.srepr(skeleton(form.to_expr()))
                trial = FoundForm(form, (name, *candidate.derivation)).fitted(self.rows, self.settings.seed)
                if key not in self.forms or trial.length < self.forms[key].length:
                    self.forms[key] = trial


def _best_first(found: Discovery | None) -> list[Candidate]:
    if found is None:
        return []
    return sorted(found.front, key=lambda candidate: candidate.formula.text != found.formula.text)


def _parts(data: GroupedDataset, rows: GroupRows) -> list[tuple[str, Dataset, bool]]:
    """Tables to search: the largest groups, all groups aligned, and all as they are; rows not held out.

    With the name of each, and whether its laws may lack an offset that the groups have.
    """
    train = rows.rows.train
    sizes = np.bincount(rows.index[train], minlength=rows.groups)
    whole = data.dataset.rows(rows.positions[train])
    aligned = [
        (f"all, but for the {a.kind} of each {data.column}", replace(whole, y=a.y), a.kind == "offset")
        for a in align(rows)
    ]
    fewest = ROWS_ALONE if aligned else FEWEST_ROWS
    alone = [
        (f"{data.column} = {data.labels[g]}", whole.rows(rows.index[train] == g), False)
        for g in np.argsort(-sizes, kind="stable")[: SEARCHED - len(aligned)]
        if sizes[g] >= fewest
    ]
    parts = [*alone[:1], *aligned, *alone[1:], (f"all, whatever the {data.column}", whole, False)]
    return [(name, usable, offset) for name, part, offset in parts if (usable := _usable(part)) is not None]


def _usable(part: Dataset) -> Dataset | None:
    """A part of the table without the inputs that are constant in it; None if nothing can be found there."""
    varying = [name for name, x in zip(part.inputs, part.X.T, strict=True) if np.ptp(x) > 0]
    if len(part.y) < FEWEST_ROWS or np.ptp(part.y) == 0 or not varying:
        return None
    return replace(part.select(varying), notes=())


def _price(form: Parametric, data: GroupRows) -> float:
    """Nats for the tree and for constants per group."""
    numbers = len(form.parameters) * data.groups
    return complexity(form.expr) * float(np.log(8.0)) + 0.5 * numbers * float(np.log(len(data.rows.train)))


def _length(form: Parametric, residual: np.ndarray, data: GroupRows) -> float:
    rows, P, total = data.rows, len(form.parameters), _price(form, data)
    for g in range(data.groups):
        at = rows.train[data.index[rows.train] == g]
        if len(at) <= P:
            return float("inf")
        scale = float(np.linalg.norm(rows.weight[at] * rows.y[at])) or 1.0
        error = float(np.linalg.norm(rows.weight[at] * residual[at])) / scale
        if not np.isfinite(error):
            return float("inf")
        total += len(at) * float(np.log(max(error * np.sqrt(len(at) / (len(at) - P)), EXACT)))
    return total


def _is_exact(form: FoundForm, data: GroupRows) -> bool:
    if form.residual is None:
        return False
    y, index = data.rows.y, data.index
    return all(
        bool(np.abs(form.residual[index == g]).max() <= EXACT * (np.ptp(y[index == g]) or data.rows.spread))
        for g in range(data.groups)
    )
