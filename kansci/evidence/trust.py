"""All the evidence for one formula, and what it amounts to."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import sympy

from kansci._version import __version__
from kansci.data import Dataset
from kansci.discovery import DiscoverSettings, Discovery, discover
from kansci.errors import KansciError, SettingsError
from kansci.evidence.constants import Constants, constants
from kansci.evidence.domain import DomainReport, domain_report
from kansci.evidence.extrapolation import Extrapolation, extrapolation
from kansci.evidence.fidelity import Fidelity, fidelity
from kansci.evidence.judgement import judgement
from kansci.evidence.model_choice import ModelChoice, model_choice
from kansci.evidence.null_test import NullTest, null_test
from kansci.evidence.refit import Table
from kansci.evidence.stability import Stability, stability
from kansci.symbolic.formula import Formula

if TYPE_CHECKING:
    from kansci.models import KAN

__all__ = ["SECTIONS", "Trust", "trust"]

SECTIONS = ("constants", "choice", "extrapolation", "fidelity", "domain", "units", "stability", "null")
"""In the order in which they are done: what takes long comes last."""
REPEATED = ("stability", "null")
FIRST_SHARE, STABILITY_SHARE = 0.25, 0.6
"""Of the time, for a first search where one is needed; of what is then left, for the repeats."""


@dataclass(frozen=True)
class Trust:
    """A formula and the evidence for it; a section that was left out or could not be done is None.

    ``law_found``: what the search itself said. ``units``: "ok", or where the formula goes wrong.
    ``notes``: why a section could not be done.
    """

    dataset: Dataset
    formula: Formula
    law_found: bool | None = None
    constants: Constants | None = None
    stability: Stability | None = None
    choice: ModelChoice | None = None
    null: NullTest | None = None
    extrapolation: Extrapolation | None = None
    fidelity: Fidelity | None = None
    domain: DomainReport | None = None
    units: str | None = None
    notes: tuple[str, ...] = ()
    interrupted: bool = False
    seconds: float = 0.0
    seed: int = 0

    @property
    def supported(self) -> str:
        """In one word: yes, partly, no, or unknown where too little was done."""
        return judgement(self)[0]

    @property
    def verdict(self) -> str:
        """The evidence in a few sentences."""
        return judgement(self)[1]

    def to_json(self) -> dict[str, Any]:
        """Plain data, ready for ``json.dumps``."""
        sections = {name: getattr(self, name) for name in SECTIONS}
        return {
            "target": self.dataset.target,
            "inputs": list(self.dataset.inputs),
            "symbols": dict(self.formula.symbols),
            "formula": self.formula.text,
            "latex": self.formula.latex(),
            "law_found": self.law_found,
            "supported": self.supported,
            "verdict": self.verdict,
            **{name: part.to_json() if hasattr(part, "to_json") else part for name, part in sections.items()},
            "notes": list(self.notes),
            "interrupted": self.interrupted,
            "seconds": round(self.seconds, 3),
            "seed": self.seed,
            "version": __version__,
        }


def trust(  # noqa: PLR0913
    dataset: Dataset,
    formula: Formula | None = None,
    front: Sequence[Formula] = (),
    *,
    known_before: bool = False,
    law_found: bool | None = None,
    settings: DiscoverSettings | None = None,
    seconds: float = 120.0,
    jobs: int = 1,
    skip: Collection[str] = (),
    model: "KAN | None" = None,
    on_stage: Callable[[str], None] | None = None,
) -> Trust:
    """Collect the evidence for a formula.

    Args:
        dataset: The table.
        formula: The formula; its parameters, if it has any, are fitted. Searched for if not given.
        front: The formulas it was chosen from; those of a search if not given.
        known_before: The form was not found on this table, so that fits to permuted targets are enough.
        law_found: What the search said of the formula.
        settings: Of the repeated searches; ``seconds`` is the most that one of them may take.
        seconds: For everything.
        jobs: Processes for the repeated searches.
        skip: Sections to leave out, of ``SECTIONS``.
        model: The network that the formula was read off, to be compared with it.
        on_stage: Called with one line when another section begins, and as it advances.

    Returns:
        The evidence; after an interruption what there is so far.

    Raises:
        SettingsError: There is no such section, or no time.
    """
    if wrong := sorted(set(skip) - set(SECTIONS)):
        raise SettingsError(f"there is no section {wrong[0]!r}: choose from {', '.join(SECTIONS)}")
    if not seconds > 0 or jobs < 1:
        raise SettingsError(f"seconds={seconds} must be positive and jobs={jobs} at least 1")
    work = _Work(
        dataset,
        settings or DiscoverSettings(),
        time.monotonic(),
        seconds,
        jobs,
        known_before,
        model,
        on_stage,
    )
    if formula is not None and formula.parameters:
        formula = work.fitted(formula)
    if formula is None or (not front and "choice" not in skip):
        found = work.search()
        front = tuple(candidate.formula for candidate in found.front)
        if formula is None:
            formula, law_found = found.formula, found.verdict.law_found
    return Trust(
        dataset,
        formula,
        law_found,
        **work.sections(formula, front, [name for name in SECTIONS if name not in skip]),
        notes=tuple(work.notes),
        interrupted=work.interrupted,
        seconds=time.monotonic() - work.start,
        seed=work.settings.seed,
    )


@dataclass
class _Work:
    """What the sections need, and what became of them."""

    dataset: Dataset
    settings: DiscoverSettings
    start: float
    seconds: float
    jobs: int
    known_before: bool
    model: "KAN | None"
    on_stage: Callable[[str], None] | None
    form: Formula | None = None
    """The formula with its parameters, if it has any; ``values`` are the best ones."""
    values: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    interrupted: bool = False

    def fitted(self, form: Formula) -> Formula:
        """The formula with its parameters fitted, and these alone: its decimals become fractions."""
        exact = {number: sympy.Rational(str(number)) for number in form.expr.atoms(sympy.Float)}
        self.form = replace(form, expr=form.expr.xreplace(exact))
        seed = self.settings.seed
        best = self.form.fit(self.dataset, sigma=Table(self.dataset, seed).sigma, seed=seed)
        self.values = best.parameters
        return best.formula

    def search(self) -> Discovery:
        """A search for the formulas to compare."""
        self._say("a search for the formulas to compare")
        seconds = min(self.settings.seconds, FIRST_SHARE * self.seconds)
        found = discover(self.dataset, replace(self.settings, seconds=seconds, jobs=self.jobs))
        self.interrupted = found.interrupted
        return found

    def sections(self, formula: Formula, front: Sequence[Formula], wanted: Sequence[str]) -> dict[str, Any]:
        """The sections asked for, until the user ends it."""
        done: dict[str, Any] = {}
        try:
            for name in wanted:
                if self.interrupted:
                    break
                self._say(name)
                try:
                    done[name] = self._section(name, formula, front)
                    self.interrupted = getattr(done[name], "interrupted", False)
                except KansciError as error:
                    self.notes.append(f"{name}: {error}")
        except KeyboardInterrupt:
            self.interrupted = True
        return done

    def _section(self, name: str, formula: Formula, front: Sequence[Formula]) -> Any:
        if name in REPEATED and not formula.expr.free_symbols:
            raise SettingsError("the formula has no inputs, so that there is nothing to repeat")
        dataset, seed = self.dataset, self.settings.seed
        ways: dict[str, Callable[[], Any]] = {
            "constants": lambda: constants(self.form or formula, dataset, seed, self.values),
            "choice": lambda: model_choice(dataset, front, formula, seed=seed),
            "extrapolation": lambda: extrapolation(dataset, formula, front, seed=seed),
            "fidelity": lambda: fidelity(formula, dataset, self.model, seed),
            "domain": lambda: domain_report(formula, dataset),
            "units": lambda: _units(formula, dataset),
            "stability": lambda: self._repeated(stability, name, formula, STABILITY_SHARE),
            "null": lambda: self._repeated(
                partial(null_test, known_before=self.known_before), name, formula, 1.0
            ),
        }
        return ways[name]()

    def _repeated(self, function: Callable[..., Any], name: str, formula: Formula, share: float) -> Any:
        """A test that repeats the search, in a share of the time that is left."""
        left = max(self.start + self.seconds - time.monotonic(), 0.0)
        return function(
            self.dataset,
            self.settings,
            formula=formula,
            seconds=share * left,
            jobs=self.jobs,
            on_done=lambda done, planned: self._say(f"{name}: {done} of {planned}"),
        )

    def _say(self, stage: str) -> None:
        if self.on_stage is not None:
            self.on_stage(stage)


def _units(formula: Formula, dataset: Dataset) -> str | None:
    table = Table(dataset)
    if table.units is None:
        return None
    return str(table.units.judge(formula.expr, possible=table.allows(formula.expr)))
