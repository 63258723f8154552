"""``kansci trust``: how far a formula can be believed."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import INTERRUPTED, Inputs, InputSigma, Jobs, Json, Sigma, Target, Units

if TYPE_CHECKING:
    from kansci.data import Dataset
    from kansci.discovery import DiscoverSettings
    from kansci.models import KAN
    from kansci.storage import Run
    from kansci.symbolic.formula import Formula

__all__ = ["trust"]

RunOrData = Annotated[
    str,
    typer.Argument(
        metavar="RUN|DATA",
        help="Folder of a run with a formula, or a table as for discover.",
        show_default=False,
    ),
]
Given = Annotated[
    str | None,
    typer.Option(
        "--formula",
        help="A formula in the columns, such as 'a*exp(-b*x)'; other names in it are fitted. It must not "
        "have been found on this table.",
    ),
]
Budget = Annotated[float, typer.Option("--seconds", help="Time for everything.")]
AnySeed = Annotated[
    int | None, typer.Option("--seed", help="The same seed gives the same result; that of the run, or 0.")
]
Skip = Annotated[
    str,
    typer.Option(
        "--skip",
        metavar="SECTIONS",
        help="Sections to leave out, separated by commas: constants, choice, extrapolation, fidelity, "
        "domain, units, stability, null.",
    ),
]


def trust(
    data: RunOrData,
    target: Target = None,
    inputs: Inputs = None,
    units: Units = None,
    sigma: Sigma = None,
    input_sigma: InputSigma = None,
    formula: Given = None,
    seconds: Budget = 120.0,
    jobs: Jobs = 1,
    seed: AnySeed = None,
    skip: Skip = "",
    as_json: Json = False,
) -> None:
    """Show how far a formula can be trusted: its constants, whether it returns, whether chance gives as much.

    The formula is that of a run, a given one, or the one that a search finds. The evidence for a run's own
    formula is kept in its trust.json. Ctrl-C gives the evidence so far.

    Raises:
        SettingsError: Options that belong to a table are given for a run.
        Exit: It was interrupted.
    """
    from kansci.errors import SettingsError
    from kansci.evidence import trust as collect
    from kansci.storage import is_run, json_text, open_run, update_run

    from .tables import load_dataset
    from .trust_views import show_trust
    from .views import live_line, note

    run = open_run(data) if is_run(data) else None
    if run is None:
        dataset = load_dataset(data, target, inputs, units, sigma, input_sigma)
    elif any(option is not None for option in (target, inputs, units, sigma, input_sigma)):
        raise SettingsError(
            f"{data} is a run, which has its table: leave out the options that are of a table"
        )
    else:
        dataset = run.dataset()
    settings, asked = _settings(run, seed), _asked(run, dataset, formula)
    for line in dataset.notes:
        note(line)
    left_out = [name.strip() for name in skip.split(",") if name.strip()]
    with live_line() as show:
        result = collect(
            dataset,
            settings=settings,
            seconds=seconds,
            jobs=jobs,
            skip=left_out,
            on_stage=show,
            **asked,
        )
    record = result.to_json()
    if run is not None and formula is None:
        update_run(run.path, trust=record)
    if as_json:
        typer.echo(json_text(record))
    else:
        show_trust(result)
    if result.interrupted:
        note("interrupted: this is the evidence so far")
        raise typer.Exit(INTERRUPTED)


def _asked(run: "Run | None", dataset: "Dataset", text: str | None) -> dict[str, Any]:
    """The formula that is asked about and what is known of it."""
    from kansci.errors import SettingsError
    from kansci.symbolic.formula import Formula

    from .views import note

    if text is not None:
        formula = Formula(text, dataset.symbols, dataset.target)
        if len(formula.parameters) == len(formula.expr.free_symbols):
            raise SettingsError(
                f"--formula {text}: it holds no column (columns: {', '.join(dataset.symbols)})"
            )
        if formula.parameters:
            note(f"fitted: {', '.join(formula.parameters)}")
        return {"formula": formula, "known_before": True}
    if run is None:
        return {}
    formula = run.formula()
    return {
        "formula": formula,
        "front": run.front(),
        "law_found": run.result().get("law_found"),
        "model": _model(run, formula),
    }


def _settings(run: "Run | None", seed: int | None) -> "DiscoverSettings":
    """Settings of the repeated searches: those of the run, if a search made it."""
    from dataclasses import fields

    from kansci.discovery import DiscoverSettings
    from kansci.errors import RunError

    known = {field.name for field in fields(DiscoverSettings)} - {"jobs"}
    searched = run is not None and run.config["command"] == "discover"
    own = {k: v for k, v in run.config["settings"].items() if k in known} if run and searched else {}
    try:
        return DiscoverSettings(**{**own, **({} if seed is None else {"seed": seed})})
    except TypeError as error:
        raise RunError(f"the settings of the run are not those of a search: {error}") from error


def _model(run: "Run", formula: "Formula") -> "KAN | None":
    """The network that the formula was read off, if the run has one for the formula's own target."""
    loss = run.config["settings"].get("loss", "least_squares")
    if not run.has("model.safetensors") or loss not in {"least_squares", "huber"}:
        return None
    model = run.model()
    return model if (model.width[0], model.width[-1]) == (len(formula.symbols), 1) else None
