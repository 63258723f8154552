"""Smooth and small networks for rows that are few and noisy, chosen by cross-validation.

A network with about as many weights as rows follows their noise, and a few held-out rows are poor judges of
it. So every shape is also trained under a strong penalty on curvature, up to one that leaves straight lines,
and the simplest one is taken whose error is within one standard error of the lowest (Breiman et al. 1984).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from kansci.models import KAN
from kansci.models.nodes import Width
from kansci.training.fit import fit_population, train_population
from kansci.training.rows import Sample, chosen
from kansci.training.settings import Trained, TrainSettings

_MANY_ROWS = 20
"""With so many rows a weight there is nothing to fear."""
_NOISY = 0.05
"""A held-out error below this share of y's deviation is not noise."""
_CLEARLY = 0.8
"""The rows that judged a network also chose it: it has to be better by this factor."""
_SMOOTH = (1e-2, 1e-1, 1.0, 10.0)
_FOLDS = 4
_STARTS, _STEPS, _FURTHER_STEPS = 3, 15, 8


@dataclass(frozen=True)
class _Candidate:
    width: Width
    smooth: float


@torch.no_grad()
def cautious(
    trained: Trained,
    widths: Sequence[Width],
    rows: tuple[Sample, Sample],
    settings: TrainSettings,
    seed: int = 0,
) -> KAN:
    """Give a network, or a smoother one where the rows do not say clearly that it is better.

    Args:
        trained: the network and its errors.
        widths: shapes to try, from simple to rich.
        rows: training rows and those that judged.
        settings: options of the training; the loss is one of residuals.
        seed: of the starts and folds.

    Returns:
        The network of `trained`, or one trained on all rows. It is the former where the rows are many, the
        error is small or the time is up.
    """
    train, held_out = rows
    judged = held_out is not train and not trained.stopped
    deviation = float(train.y.std(dim=0, correction=0).amax())
    noisy = trained.validation_rmse[0] > _NOISY * deviation
    few = len(train.x) < _MANY_ROWS * trained.model.n_parameters
    if not (judged and noisy and few):
        return trained.model
    whole = _joined(train, held_out)
    plain = replace(
        settings,
        restarts=_STARTS,
        survivors=(),
        grids=settings.sizes[:1],
        base_fun="zero",  # its curvature would escape the penalty
        lamb=0.0,
        smooth_share=0.0,
        grid_eps=1.0,
        validation_fraction=0.0,
    )
    errors = _cross_validated(whole, widths, plain, seed)
    best = _simplest(errors)
    rival = _losses(trained.model, held_out, settings)
    there = errors[best][len(train.x) :]
    clearly = float(rival.mean()) < _CLEARLY * float(there.mean())
    if clearly and float((there - rival).mean()) > _standard_error(there - rival):
        return trained.model
    return _path(whole, best.width, plain, seed, best.smooth)[best.smooth]


def _cross_validated(
    rows: Sample, widths: Sequence[Width], settings: TrainSettings, seed: int
) -> dict[_Candidate, torch.Tensor]:
    """Give every candidate's loss at each row (N,), by networks that have not seen it; simple ones first."""
    order = torch.randperm(len(rows.x), generator=torch.Generator().manual_seed(seed))
    candidates = [_Candidate(width, smooth) for width in widths for smooth in reversed(_SMOOTH)]
    errors = {candidate: rows.x.new_zeros(len(rows.x)) for candidate in candidates}
    for fold in range(_FOLDS):
        out = order[fold::_FOLDS]
        kept = torch.ones(len(rows.x), dtype=torch.bool)
        kept[out] = False
        rest, judge = chosen(rows, kept.nonzero().flatten()), chosen(rows, out)
        for width in widths:
            for smooth, model in _path(rest, width, settings, seed).items():
                errors[_Candidate(width, smooth)][out] = _losses(model, judge, settings)
    return errors


def _path(
    rows: Sample, width: Width, settings: TrainSettings, seed: int, last: float = _SMOOTH[-1]
) -> dict[float, KAN]:
    """Train with growing smoothness, each network from the one before."""
    found: dict[float, KAN] = {}
    models: list[KAN] = []
    for smooth in (value for value in _SMOOTH if value <= last):
        now = replace(settings, smooth=smooth, steps=_FURTHER_STEPS if models else _STEPS)
        if models:
            trained = train_population(models, rows.x, rows.y, now, weights=rows.weight)
        else:
            trained = fit_population(rows.x, rows.y, width, now, seed, weights=rows.weight)
        models = trained.models
        found[smooth] = trained.model
    return found


def _simplest(errors: dict[_Candidate, torch.Tensor]) -> _Candidate:
    lowest = errors[min(errors, key=lambda candidate: float(errors[candidate].mean()))]
    for candidate, error in errors.items():
        excess = error - lowest
        if float(excess.mean()) <= _standard_error(excess):
            return candidate
    raise AssertionError("the best is among them")


def _losses(model: KAN, rows: Sample, settings: TrainSettings) -> torch.Tensor:
    """Weighted loss of each row, (N,)."""
    losses = settings.loss.value(torch.as_tensor(model.predict(rows.x)), rows.y)
    return losses if rows.weight is None else losses * rows.weight


def _standard_error(values: torch.Tensor) -> float:
    return float(values.std(correction=0)) / len(values) ** 0.5


def _joined(one: Sample, other: Sample) -> Sample:
    """Put rows one after the other."""
    weight = None
    if one.weight is not None and other.weight is not None:
        weight = torch.cat([one.weight, other.weight])
    return Sample(torch.cat([one.x, other.x]), torch.cat([one.y, other.y]), weight)
