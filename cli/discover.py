"""``kansci discover``: data in, formula out."""

from typing import Any

import typer

from .options import INTERRUPTED, Data, Explain, Inputs, Jobs, Json, OutRun, Seconds, Seed, Target, Units
from .rules import Binary, Form, Functions, MaxDepth, MaxSize, Nested, Unary, rules

__all__ = ["describe", "discover", "finish"]


def discover(
    data: Data,
    target: Target = None,
    inputs: Inputs = None,
    units: Units = None,
    seconds: Seconds = 60.0,
    seed: Seed = 0,
    jobs: Jobs = 1,
    out: OutRun = None,
    as_json: Json = False,
    unary_operators: Unary = None,
    binary_operators: Binary = None,
    maxsize: MaxSize = None,
    maxdepth: MaxDepth = None,
    nested: Nested = None,
    function: Functions = None,
    form: Form = None,
    explain: Explain = False,
) -> None:
    """Find the formula behind a table.

    Ctrl-C stops the search and still gives the best formula so far.
    """
    from dataclasses import asdict

    from kansci.discovery import DiscoverSettings
    from kansci.discovery import discover as search
    from kansci.storage import check_free, create_run

    from .tables import load_dataset
    from .views import live_line, note

    asked = rules(unary_operators, binary_operators, maxsize, maxdepth, nested, function, form)
    settings = DiscoverSettings(seconds=seconds, seed=seed, jobs=jobs, **asked)
    if out is not None:
        check_free(out)
    dataset = load_dataset(data, target, inputs, units)
    for line in dataset.notes:
        note(line)
    with live_line() as show:
        discovery = search(dataset, settings, lambda event: show(describe(event)))
    for line in discovery.dataset.notes[len(dataset.notes) :]:
        note(line)
    if out is not None:
        create_run(out, "discover", asdict(settings), dataset, result=discovery.to_json())
    finish(discovery, out, as_json=as_json, explain=explain)


def describe(event: Any) -> str:
    """One line about the state of a search."""
    from kansci.export import shorten

    text = f"{event.seconds:.0f} s  {event.stage}"
    if event.best is None:
        return text
    return f"{text}  |  best: {shorten(str(event.best), 3)}  (RMSE / std {event.nrmse:.2g})"


def finish(discovery: Any, run: Any, *, as_json: bool, explain: bool = False) -> None:
    """Show a discovery; leave with 130 if it was interrupted.

    Args:
        discovery: What was found.
        run: The folder it is kept in, or None.
        as_json: One JSON object instead of text.
        explain: Also how each formula of the front was found.

    Raises:
        Exit: It was interrupted.
    """
    from kansci.storage import json_text

    from .views import note, show_result

    if as_json:
        typer.echo(json_text(discovery.to_json()))
    else:
        show_result(discovery, run, explain=explain)
    if discovery.interrupted:
        note("interrupted: this is the best so far")
        raise typer.Exit(INTERRUPTED)
