"""The evidence for a formula as a person reads it, a section a kind."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .views import number

if TYPE_CHECKING:
    from kansci.evidence import Trust
    from kansci.evidence.stability import Share

__all__ = ["show_trust"]

MOST = 8
"""Rows of a table of what came back."""


def show_trust(trust: "Trust") -> None:
    """Every section that was done, and the verdict."""
    from kansci.export import shorten

    console = Console()
    console.print(Text(f"{trust.dataset.target} = {shorten(trust.formula.text)}", style="bold"))
    for title, show in (
        ("Constants", _constants),
        ("Stability: what repeated searches give", _stability),
        ("Choice among the formulas of the front", _choice),
        ("Null test: the target permuted", _null),
        ("Extrapolation", _extrapolation),
        ("Fidelity", _fidelity),
        ("Domain", _domain),
        ("Units", _units),
    ):
        parts = show(trust)
        if parts:
            console.print(Text(f"\n{title}", style="italic"))
            console.print(*parts, sep="\n")
    for line in trust.notes:
        console.print(Text(f"\nnot done: {line}", style="dim"))
    console.print(Text(f"\n{trust.verdict}", style="bold"))


def _constants(trust: "Trust") -> list[Any]:
    known = trust.constants
    if known is None:
        return []
    if not known.fitted:
        return [_sentence(known.sentence)]
    rows = [
        (
            k.name,
            number(k.value, 10),
            number(k.stderr, 2),
            number(k.robust_stderr, 2),
            _interval(k.interval, k.value, k.stderr),
            _interval(k.profile_interval, k.value, k.stderr),
        )
        for k in known.fitted
    ]
    columns = ("", "value", "standard error", "robust", "95 % interval", "95 % profile interval")
    return [Text(f"{trust.dataset.target} = {known.form}"), _table(columns, rows)]


def _interval(ends: tuple[float, float], value: float, stderr: float) -> str:
    """Both ends, with as many digits as tell them from the value."""
    from math import isfinite, log10

    known = isfinite(stderr) and stderr > 0 and value != 0
    digits = max(round(log10(abs(value) / stderr)) + 3, 3) if known else 4
    return " to ".join(number(end, min(digits, 15)) for end in ends)


def _stability(trust: "Trust") -> list[Any]:
    found = trust.stability
    if found is None:
        return []
    n = len(found.repeats)
    tables = [
        _shares("formula", found.forms, found.reference, n),
        _shares("inputs and groups", found.structures, None, n),
        _shares("term or function", found.parts, None, n),
    ]
    return [_sentence(found.sentence), *(table for table in tables if n)]


def _shares(title: str, shares: Sequence["Share"], marked: str | None, of: int) -> Table:
    from kansci.export import shorten

    rows = []
    for share in shares[:MOST]:
        text = shorten(share.example, 3) if share.example else share.text
        star = "*" if share.text == marked else ""
        kinds = ", ".join(f"{count} {kind}" for kind, count in share.by_kind.items())
        rows.append((star, f"{share.count} of {of}", text, kinds))
    if len(shares) > MOST:
        rows.append(("", "", f"and {len(shares) - MOST} others", ""))
    return _table(("", "returned", title, "in repeats of"), rows)


def _choice(trust: "Trust") -> list[Any]:
    from kansci.evidence.model_choice import CRITERIA
    from kansci.export import shorten

    found = trust.choice
    if found is None:
        return []
    best = {key: found.best_by(key) for key in CRITERIA}
    rows = []
    for place, f in enumerate(found.formulas):
        marks = {key: "*" if best[key] == place else "" for key in best}
        rows.append(
            (
                "*" if place == found.chosen else "",
                str(f.complexity),
                str(f.constants),
                f"{number(f.description_length, 5)}{marks['description_length']}",
                f"{number(f.bic, 5)}{marks['bic']}",
                f"{number(f.aicc, 5)}{marks['aicc']}",
                f"{number(f.cv_nrmse)}{marks['cv_nrmse']}",
                number(f.score),
                shorten(f.formula.text, 4),
            )
        )
    headings = ("", "nodes", "constants", "length", "BIC", "AICc", "CV", "score", "formula")
    return [_sentence(found.sentence), _table(headings, rows)]


def _null(trust: "Trust") -> list[Any]:
    return [] if trust.null is None else [_sentence(trust.null.sentence)]


def _extrapolation(trust: "Trust") -> list[Any]:
    from kansci.export import shorten

    found = trust.extrapolation
    if found is None:
        return []
    rows = [
        (
            "*" if place == found.chosen else "",
            number(f.inside),
            number(f.outside),
            number(f.ratio, 2),
            f.worst_input or "",
            shorten(f.formula, 4),
        )
        for place, f in enumerate(found.formulas)
    ]
    headings = ("", "inside", "outside", "ratio", "worst in", "formula")
    return (
        [_sentence(found.sentence), _table(headings, rows)] if found.inputs else [_sentence(found.sentence)]
    )


def _fidelity(trust: "Trust") -> list[Any]:
    return [] if trust.fidelity is None else [_table(trust.fidelity.columns, trust.fidelity.rows)]


def _domain(trust: "Trust") -> list[Any]:
    return [] if trust.domain is None else [Text(line) for line in trust.domain.sentences]


def _units(trust: "Trust") -> list[Any]:
    return [] if trust.units is None else [Text(trust.units)]


def _sentence(text: str) -> Text:
    return Text(f"{text[0].upper()}{text[1:]}.")


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell, overflow="fold") for cell in row))
    return table
