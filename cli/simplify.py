"""``kansci simplify``: the edges of a fitted network become formulas."""

from .discover import describe, finish
from .options import Jobs, Json, RunFolder, Seconds, Seed

__all__ = ["simplify"]


def simplify(
    run: RunFolder, seconds: Seconds = 60.0, seed: Seed = 0, jobs: Jobs = 1, as_json: Json = False
) -> None:
    """Snap the edges of a fitted KAN to formulas, refit, and write the formula into RUN."""
    from kansci.discovery import DiscoverSettings, simplify_network
    from kansci.errors import RunError
    from kansci.storage import open_run, update_run

    from .views import live_line

    opened = open_run(run)
    settings = DiscoverSettings(seconds=seconds, seed=seed, jobs=jobs)
    model, dataset = opened.model(), opened.dataset()
    loss = opened.config["settings"].get("loss", "least_squares")
    if loss not in {"least_squares", "huber"}:
        raise RunError(f"{run}: its outputs are for the loss {loss}; a formula needs least_squares or huber")
    with live_line() as show:
        discovery = simplify_network(model, dataset, settings, lambda event: show(describe(event)))
    update_run(run, result=discovery.to_json())
    finish(discovery, run, as_json=as_json)
