"""Find a small network inside a large one: train with the group penalty, prune, train again without it."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from kansci.models import KAN
from kansci.models.pruning import prune_edge
from kansci.models.surgery import drop_dead_nodes
from kansci.training.fit import fit_population, train_population
from kansci.training.rows import Array, Held, as_rows, hold_out
from kansci.training.run import OnStep
from kansci.training.settings import Trained, TrainSettings

_LAMB = 1e-2
_EDGE_THRESHOLD = 1e-2
# A network counts as accurate if its error is at most this multiple of the best one's.
_ACCURATE = 5.0


def fit_sparse(  # noqa: PLR0913
    X: Array,
    y: Array,
    width: Sequence[int],
    settings: TrainSettings | None = None,
    seed: int = 0,
    on_step: OnStep | None = None,
    validation: Held | None = None,
    *,
    weights: Array | None = None,
) -> Trained:
    """Fit from random starts with the penalty on from the first step, prune, and train again.

    Args:
        X: rows (N, I).
        y: targets (N,) or (N, O).
        width: nodes on each level of the network to start from.
        settings: options; a `lamb` of zero means 1e-2.
        seed: of the starts and of the choice of held-out rows.
        on_step: called after each step.
        validation: rows to hold out, instead of choosing them from X.
        weights: how much each row counts, (N,).

    Returns:
        As `sparsify_and_prune`.
    """
    settings = settings or TrainSettings()
    rows = as_rows(X, y, weights)
    if validation is None:
        rows, validation = hold_out(rows, settings, torch.Generator().manual_seed(seed))
    settings = _with_one_clock(settings)
    first = replace(settings, lamb=settings.lamb or _LAMB, grids=settings.sizes[:1], tolerance=0.0)
    sparse = fit_population(rows.x, rows.y, width, first, seed, on_step, validation, weights=rows.weight)
    return prune_and_refit(
        sparse.models,
        rows.x,
        rows.y,
        settings,
        on_step=on_step,
        validation=validation,
        weights=rows.weight,
    )


def sparsify_and_prune(  # noqa: PLR0913
    models: KAN | Sequence[KAN],
    X: Array,
    y: Array,
    settings: TrainSettings | None = None,
    edge_th: float = _EDGE_THRESHOLD,
    on_step: OnStep | None = None,
    validation: Held | None = None,
    *,
    weights: Array | None = None,
) -> Trained:
    """Go on training networks with the group penalty, prune them, and train them again without it.

    Args:
        models: one network, or several of one shape that are all tried.
        X: rows (N, I).
        y: targets (N,) or (N, O).
        settings: options; a `lamb` of zero means 1e-2; grids are extended only after pruning.
        edge_th: edges with an importance not above it are removed.
        on_step: called after each step.
        validation: held-out rows that rank the results; without them the training rows do.
        weights: how much each row counts, (N,).

    Returns:
        The pruned and retrained networks: the accurate ones first, those with the fewest weights leading.
    """
    settings = _with_one_clock(settings or TrainSettings())
    models = [models] if isinstance(models, KAN) else list(models)
    first = replace(settings, lamb=settings.lamb or _LAMB, grids=(models[0].grid,), tolerance=0.0)
    sparse = train_population(models, X, y, first, on_step, validation, weights=weights)
    return prune_and_refit(sparse.models, X, y, settings, edge_th, on_step, validation, weights=weights)


def prune_and_refit(  # noqa: PLR0913
    models: Sequence[KAN],
    X: Array,
    y: Array,
    settings: TrainSettings,
    edge_th: float = _EDGE_THRESHOLD,
    on_step: OnStep | None = None,
    validation: Held | None = None,
    *,
    weights: Array | None = None,
) -> Trained:
    """Remove edges without importance and nodes no path crosses, then train each network without penalty.

    Args:
        models: networks, for instance of a run with `lamb` > 0; inputs stay, even where all their edges go.
        X: rows (N, I).
        y: targets (N,) or (N, O).
        settings: options of the training after pruning; `lamb` is ignored.
        edge_th: edges with an importance not above it are removed.
        on_step: called after each step.
        validation: held-out rows that rank the results; without them the training rows do.
        weights: how much each row counts, (N,).

    Returns:
        As `sparsify_and_prune`.
    """
    x = as_rows(X, y)[0]
    settings = replace(settings, lamb=0.0)
    results = []
    for model in models:
        pruned = drop_dead_nodes(prune_edge(model, edge_th, x=x))
        results.append(train_population([pruned], X, y, settings, on_step, validation, weights=weights))
    return _ranked(results)


def _ranked(results: Sequence[Trained]) -> Trained:
    best = min(result.validation_rmse[0] for result in results)

    def key(result: Trained) -> tuple[bool, float]:
        error = result.validation_rmse[0]
        accurate = error <= _ACCURATE * best
        return not accurate, float(result.model.n_parameters) if accurate else error

    order = sorted(results, key=lambda result: (*key(result), result.validation_rmse[0]))
    return Trained(
        order[0].model,
        [result.model for result in order],
        [result.train_rmse[0] for result in order],
        [result.validation_rmse[0] for result in order],
        order[0].history,
        stopped=any(result.stopped for result in results),
    )


def _with_one_clock(settings: TrainSettings) -> TrainSettings:
    """Turn the seconds allowed into a deadline, so that several runs share them."""
    return replace(settings, seconds=None, deadline=settings.end())
