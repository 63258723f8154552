"""``kansci discover``: data in, formula out."""

from typing import Any

import typer

from .options import (
    INTERRUPTED,
    Data,
    Explain,
    GroupColumn,
    Inputs,
    InputSigma,
    Jobs,
    Json,
    OutRun,
    Seconds,
    Seed,
    Sigma,
    Targets,
    Units,
)
from .rules import Binary, Form, Functions, MaxDepth, MaxSize, Nested, Unary, rules

__all__ = ["describe", "discover", "finish", "leave_if"]


def discover(
    data: Data,
    target: Targets = None,
    inputs: Inputs = None,
    group: GroupColumn = None,
    units: Units = None,
    sigma: Sigma = None,
    input_sigma: InputSigma = None,
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

    from .grouped import discover_grouped, discover_several
    from .tables import load_table
    from .views import live_line, note

    asked = rules(unary_operators, binary_operators, maxsize, maxdepth, nested, function, form)
    settings = DiscoverSettings(seconds=seconds, seed=seed, jobs=jobs, **asked)
    table = load_table(data, target, inputs, units, sigma, input_sigma)
    if group is None and len(table.targets) > 1:
        discover_several(table, settings, out, as_json=as_json, explain=explain)
        return
    if out is not None:
        check_free(out)
    if group is not None:
        discover_grouped(table, group, settings, out, as_json=as_json, explain=explain)
        return
    dataset = table.dataset()
    for line in dataset.notes:
        note(line)
    with live_line() as show:
        discovery = search(dataset, settings, lambda event: show(describe(event)))
    for line in discovery.dataset.notes[len(dataset.notes) :]:
        note(line)
    network = None if out is None else _network_instead(discovery)
    if out is not None:
        model = None if network is None else network.model
        create_run(out, "discover", asdict(settings), dataset, result=discovery.to_json(), model=model)
    finish(discovery, out, as_json=as_json, explain=explain, network=network)


def _network_instead(discovery: Any) -> Any:
    """A network to keep in the folder of the run where no law was found, or None."""
    if discovery.verdict.law_found or discovery.interrupted:
        return None
    from kansci.evidence.network_instead import network_instead

    from .views import live_line, note

    try:
        with live_line() as show:
            show("no law found: training a network in its place")
            return network_instead(discovery, min(max(discovery.settings.seconds / 4, 3.0), 30.0))
    except KeyboardInterrupt:  # the search was over
        note("interrupted: no network is kept in place of a law")
        return None


def describe(event: Any) -> str:
    """One line about the state of a search."""
    from kansci.export import shorten

    text = f"{event.seconds:.0f} s  {event.stage}"
    if event.best is None:
        return text
    return f"{text}  |  best: {shorten(str(event.best), 3)}  (RMSE / std {event.nrmse:.2g})"


def finish(discovery: Any, run: Any, *, as_json: bool, explain: bool = False, network: Any = None) -> None:
    """Show a discovery; leave with 130 if it was interrupted.

    Args:
        discovery: What was found.
        run: The folder it is kept in, or None.
        as_json: One JSON object instead of text.
        explain: Also how each formula of the front was found.
        network: What the folder holds in place of a law, or None.
    """
    from kansci.storage import json_text

    from .views import show_result

    if as_json:
        instead = {} if network is None else {"network": network.to_json()}
        typer.echo(json_text({**discovery.to_json(), **instead}))
    else:
        show_result(discovery, run, explain=explain, network=network)
    leave_if(discovery.interrupted)


def leave_if(interrupted: bool) -> None:
    """Leave with 130 after an interruption."""
    from .views import note

    if interrupted:
        note("interrupted: this is the best so far")
        raise typer.Exit(INTERRUPTED)
