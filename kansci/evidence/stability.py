"""Does the same formula come back from other rows, other seeds and other noise?

Each repeat is a short search of its own:

bootstrap   on the distinct rows of a bootstrap resample. Copies of one row on both sides of the
            hold-out would make the held-out error that of fitted rows; the distinct rows, 63 % of
            all, are a subsample as in stability selection (Meinshausen & Buehlmann, J. R. Stat. Soc. B
            72:417, 2010)
seed        on the same rows, others of them held out
noise       on the values of the formula plus its residuals, each with a random sign (the wild bootstrap
            of Wu, Ann. Stat. 14:1261, 1986, which keeps errors that differ from row to row)
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from kansci.data import Dataset
from kansci.discovery import DiscoverSettings, discover
from kansci.errors import KansciError, SettingsError
from kansci.evidence.forms import form, parts, structure
from kansci.evidence.refit import Table, fitted, positive_inputs
from kansci.evidence.searches import in_parallel, seconds_each, short_search
from kansci.symbolic.formula import Formula

__all__ = ["KINDS", "Repeat", "Share", "Stability", "stability"]

KINDS = ("bootstrap", "seed", "noise")
FIRST_SHARE = 0.25
"""Of the time, for the search whose formula the noise is drawn about, where no formula is given."""
FEWEST_ROWS = 4
DRAWS = 100


@dataclass(frozen=True)
class Repeat:
    """One search: its formula, the form of that and its parts, its structure; whether a law was found."""

    kind: str
    seed: int
    formula: str
    form: str
    structure: str
    parts: tuple[str, ...]
    law_found: bool
    on_front: bool
    """Whether the reference form was at least on the front."""


@dataclass(frozen=True)
class Share:
    """In how many repeats something came back; ``by_kind``: kind -> how many; an example with its numbers."""

    text: str
    count: int
    by_kind: dict[str, int]
    example: str = ""


@dataclass(frozen=True)
class Stability:
    """How often each formula, structure and part came back, the most frequent first.

    ``reference``: form of the formula that is asked about. ``planned``: repeats that there was no
    time for are missing from ``repeats``.
    """

    reference: str
    repeats: tuple[Repeat, ...]
    planned: int
    seconds_each: float
    interrupted: bool = False

    @property
    def returned(self) -> int:
        """Repeats whose chosen formula has the reference form."""
        return sum(repeat.form == self.reference for repeat in self.repeats)

    @property
    def on_front(self) -> int:
        """Repeats that have the reference form on the front."""
        return sum(repeat.on_front for repeat in self.repeats)

    @property
    def forms(self) -> tuple[Share, ...]:
        """The formulas."""
        return _shares(self.repeats, lambda r: [r.form], lambda r: r.formula)

    @property
    def structures(self) -> tuple[Share, ...]:
        """Which inputs occur, and which products and sums of them."""
        return _shares(self.repeats, lambda r: [r.structure])

    @property
    def parts(self) -> tuple[Share, ...]:
        """Terms and functions."""
        return _shares(self.repeats, lambda r: r.parts)

    @property
    def sentence(self) -> str:
        """What came out, in words."""
        if not self.repeats:
            return "there was no time to repeat the search"
        kinds = Counter(repeat.kind for repeat in self.repeats)
        done = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
        text = (
            f"the form returned in {self.returned} of {len(self.repeats)} repeated searches"
            f" ({done}; {self.seconds_each:.2g} s each)"
        )
        if self.returned < self.on_front:
            text += f" and was on the front of {self.on_front}"
        first = self.forms[0]
        if first.text != self.reference and first.count > self.returned:
            text += f"; {first.example or 'no formula'} returned in {first.count}"
        return text

    def to_json(self) -> dict[str, Any]:
        """Plain data, ready for ``json.dumps``."""
        return {
            "reference": self.reference,
            "returned": self.returned,
            "on_front": self.on_front,
            "done": len(self.repeats),
            "planned": self.planned,
            "seconds_each": self.seconds_each,
            "interrupted": self.interrupted,
            "forms": [asdict(share) for share in self.forms],
            "structures": [asdict(share) for share in self.structures],
            "parts": [asdict(share) for share in self.parts],
            "repeats": [asdict(repeat) for repeat in self.repeats],
        }


@dataclass(frozen=True, eq=False)
class _Task:
    kind: str
    dataset: Dataset
    settings: DiscoverSettings
    reference: str
    positive: tuple[str, ...]


def stability(  # noqa: PLR0913
    dataset: Dataset,
    settings: DiscoverSettings | None = None,
    *,
    formula: Formula | None = None,
    repeats: int = 8,
    kinds: Sequence[str] = KINDS,
    seconds: float = 60.0,
    jobs: int = 1,
    on_done: Callable[[int, int], None] | None = None,
) -> Stability:
    """Repeat the search, and count what comes back.

    Args:
        dataset: The table.
        settings: Of each search; ``seconds`` is the most that one of them may take.
        formula: The formula that is asked about; found by a first search if not given.
        repeats: Searches of each kind.
        kinds: Of ``KINDS``.
        seconds: For all together. Each search takes its share, at least one second.
        jobs: Processes.
        on_done: Called with the number of repeats done and planned.

    Returns:
        The counts; after an interruption those so far.

    Raises:
        SettingsError: There is no such kind, or fewer than one repeat or process.
    """
    wrong = [kind for kind in kinds if kind not in KINDS]
    if wrong or not kinds:
        raise SettingsError(f"kinds={list(kinds)}: choose from {', '.join(KINDS)}")
    if repeats < 1 or jobs < 1:
        raise SettingsError(f"repeats={repeats} and jobs={jobs} must be at least 1")
    settings = settings or DiscoverSettings()
    deadline = time.monotonic() + seconds
    if formula is None:
        first = min(settings.seconds, max(FIRST_SHARE * seconds, 1.0))
        formula = discover(dataset, replace(settings, seconds=first)).formula
    kinds = tuple(dict.fromkeys(kinds))
    planned = repeats * len(kinds)
    each = seconds_each(deadline - time.monotonic(), planned, jobs, settings.seconds)
    positive = positive_inputs(dataset)
    reference = form(formula.expr, positive)
    draw = {"bootstrap": _resample, "seed": lambda data, _: data, "noise": _noise_about(dataset, formula)}
    tasks = []
    for number in range(1, repeats + 1):
        for kind in kinds:
            seed = settings.seed + number
            data = draw[kind](dataset, np.random.default_rng([seed, KINDS.index(kind)]))
            own = replace(settings, seconds=each, seed=seed, jobs=1)
            tasks.append(_Task(kind, data, own, reference, positive))
    batch = in_parallel(
        _repeat,
        tasks,
        seconds=each,
        deadline=deadline,
        jobs=jobs,
        on_done=None if on_done is None else lambda done: on_done(done, planned),
    )
    return Stability(reference, batch.results, planned, each, batch.interrupted)


def _repeat(task: _Task) -> Repeat:
    try:
        found = short_search(task.dataset, task.settings)
    except KansciError:  # on few rows of a resample no formula may be finite
        return Repeat(task.kind, task.settings.seed, "", "none", "none", (), law_found=False, on_front=False)
    expr = found.formula.expr
    return Repeat(
        kind=task.kind,
        seed=task.settings.seed,
        formula=found.formula.text,
        form=form(expr, task.positive),
        structure=str(structure(expr, task.positive)),
        parts=parts(expr, task.positive),
        law_found=found.verdict.law_found,
        on_front=any(form(c.formula.expr, task.positive) == task.reference for c in found.front),
    )


def _resample(dataset: Dataset, rng: np.random.Generator) -> Dataset:
    """The distinct rows of a bootstrap resample; of a tiny table the draw with the most of them.

    Inputs that are constant on these rows are left out, as they are from a table.
    """
    n = len(dataset)
    draws = (np.unique(rng.integers(n, size=n)) for _ in range(DRAWS))
    best = next(draws)
    while len(best) < min(FEWEST_ROWS, n) and (other := next(draws, None)) is not None:
        best = max(best, other, key=len)
    some = dataset.rows(best)
    varying = [name for name, x in zip(some.inputs, some.X.T, strict=True) if np.ptp(x) > 0]
    return some.select(varying) if varying else some


def _noise_about(dataset: Dataset, formula: Formula) -> Callable[[Dataset, np.random.Generator], Dataset]:
    """Draws of the target: the fitted formula, plus its residuals with random signs."""
    table = Table(dataset)
    model = fitted(table.model(formula), table.rows, np.arange(len(dataset)))
    values = model.predict(table.rows.columns)
    values = np.where(np.isfinite(values), values, dataset.y)
    n = len(dataset)
    residual = (dataset.y - values) * np.sqrt(n / max(n - len(model.parameters), 1))

    def draw(data: Dataset, rng: np.random.Generator) -> Dataset:
        return replace(data, y=values + residual * rng.choice([-1.0, 1.0], n))

    return draw


def _shares(
    repeats: Iterable[Repeat],
    what: Callable[[Repeat], Iterable[str]],
    example: Callable[[Repeat], str] = lambda _: "",
) -> tuple[Share, ...]:
    counts: dict[str, Counter[str]] = {}
    examples: dict[str, str] = {}
    for repeat in repeats:
        for text in what(repeat):
            counts.setdefault(text, Counter())[repeat.kind] += 1
            examples.setdefault(text, example(repeat))
    shares = (Share(text, by.total(), dict(by), examples[text]) for text, by in counts.items())
    return tuple(sorted(shares, key=lambda share: (-share.count, share.text)))
