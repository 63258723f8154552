"""Unknown constants and coefficient functions from measured values, with standard errors.

The equations are held by a large weight, so that least squares runs over the fields that solve them. How fine
a sought function may be is decided by the Bayesian information criterion with the effective number of
parameters (the trace of the influence matrix, Wahba, Spline Models for Observational Data, 1990, section
4.3). Standard errors come from the inverse of J'J at the solution; they hold for functions as fine as chosen.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from kansci.pde.block import Block, stack
from kansci.pde.collocation import data_weight
from kansci.pde.journal import Recall, afresh
from kansci.pde.piece import Piece
from kansci.pde.problem import Field, Observations
from kansci.pde.residual_check import relative_residual
from kansci.pde.spectral import Level, solve_level
from kansci.pde.system import System

__all__ = ["Estimate", "inverse_levels"]

_SOUGHT_SIZES = (1, 2, 3, 4, 5, 6, 8, 10)
_FIELD_SIZES = {1: 32, 2: 14, 3: 8}
_PATIENCE = 2
_RESOLVED = 1e-5
_REWEIGHTED = 2
_GROWTH = 1.4
_MOST_WEIGHTS = 1200
_LEAST_FREE = 0.5
"""Values beyond the effective parameters, without which there are no standard errors."""
_SHARES = (1e3, 1e2, 1e1, 1.0, 1e-1, 1e-2)
"""Weights of the data on the way, as in the continuation of Ramsay et al., J. R. Stat. Soc. B 69, 2007."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """Fields and constants that the data make likeliest.

    Attributes:
        level: the solution.
        noise: estimated standard deviation of the measured values (of the first set); nan if there are no
            more values than parameters.
        effective: effective number of parameters.
        criterion: Bayesian information criterion; smaller is better.
        covariance: of all unknowns, (P, P); nan where the noise is.
    """

    level: Level
    noise: float
    effective: float
    criterion: float
    covariance: torch.Tensor

    def constant_errors(self) -> dict[str, float]:
        """Give the standard errors of the unknown constants."""
        layout = self.level.piece.layout
        places = {name: layout.constant(name) for name in layout.constants}
        return {name: float(self.covariance[k, k].clamp(min=0).sqrt()) for name, k in places.items()}

    def field_errors(self, name: str, points: np.ndarray) -> np.ndarray:
        """Give the standard errors of a field at points (N, d), (N,)."""
        piece = self.level.piece
        part, at = piece.layout.slices()[name], piece.models[name].at(points, [])
        slopes = at.forward(piece.theta[part]).jacobian(torch.ones((1, len(points)), dtype=torch.float64))
        return (slopes @ self.covariance[part, part] * slopes).sum(1).clamp(min=0).sqrt().numpy()


def inverse_levels(
    system: System, should_stop: Callable[[], bool], seed: int = 0, recall: Recall = afresh
) -> Iterator[Estimate]:
    """Yield estimates, each likelier than the ones before, for finer and finer sought functions.

    Where the deviations of several sets of data are not known, they are estimated and all is done again.
    """
    sets, last = system.problem.observations, None
    for estimate in _levels(system, should_stop, seed, recall):
        last = estimate
        yield estimate
    if len(sets) < 2 or all(data.sigma for data in sets) or last is None:
        return
    for _ in range(_REWEIGHTED):
        sizes = [misfit_size(data, last.level.piece) for data in sets]
        weighted = tuple(replace(data, sigma=size) for data, size in zip(sets, sizes, strict=True))
        reweighted = replace(system, problem=replace(system.problem, observations=weighted))
        for estimate in _levels(reweighted, should_stop, seed, recall, last.level):
            last = estimate
            yield estimate


def misfit_size(data: Observations, piece: Piece) -> float:
    """Give the root mean square of measured values minus the field."""
    index = (0,) * len(piece.models[data.field].axes)
    left = piece.jet(data.field, data.points, [index])[0] - data.values
    return float(np.sqrt(np.mean(left**2))) or 1.0


def _levels(
    system: System, should_stop: Callable[[], bool], seed: int, recall: Recall, level: Level | None = None
) -> Iterator[Estimate]:
    sought = {f.name for f in system.problem.fields if f.sought}
    somewhere = system.problem.domain.sample(512, np.random.default_rng(0))
    growth, best, worse, first = 1.0, np.inf, 0, True
    for size in _SOUGHT_SIZES if sought else (0,):
        fresh = False
        while not should_stop():
            sizes = {
                f.name: np.full(len(f.arguments), size if f.name in sought else _field_size(f, growth))
                for f in system.problem.fields
            }
            level, blocks = _approached(system, sizes, level, should_stop, seed, recall)
            fresh = True
            count = sum(int(np.prod(n)) for n in sizes.values())
            resolved = relative_residual(system, level.piece, somewhere) < _RESOLVED
            if resolved or count * _GROWTH**2 > _MOST_WEIGHTS:
                break
            growth *= _GROWTH
        if level is None or not fresh:
            return
        estimate = _estimate(system, level, blocks)
        better = first or estimate.criterion < best
        first, worse = False, 0 if better else worse + 1
        if better:
            best = estimate.criterion
            yield estimate
        if worse >= _PATIENCE:
            return


def _field_size(field: Field, growth: float) -> int:
    return int(growth * _FIELD_SIZES.get(len(field.arguments), 5))


def _approached(
    system: System,
    sizes: Mapping[str, np.ndarray],
    before: Level | None,
    should_stop: Callable[[], bool],
    seed: int,
    recall: Recall,
) -> tuple[Level, list[Block]]:
    """Solve with the data first heavy, then light: fields that fit them lead to where the constants are."""
    if before is None and not system.linear:
        for share in _SHARES:
            before, _ = solve_level(system, sizes, before, should_stop, seed, share, recall)
    return solve_level(system, sizes, before, should_stop, seed, recall=recall)


def _estimate(system: System, level: Level, blocks: list[Block]) -> Estimate:
    _, jacobian = stack(blocks, level.piece.theta)
    inverse = torch.linalg.pinv(jacobian, rtol=1e-13)
    n_data = sum(len(o.values) for o in system.problem.observations)
    data = blocks[-len(system.problem.observations) :]
    misfits = torch.cat([b.values(level.piece.theta) for b in data])
    by_data = inverse[:, -n_data:]
    effective = float((jacobian[-n_data:] * by_data.mT).sum())
    free = n_data - effective
    told = free >= _LEAST_FREE
    variance = float(misfits @ misfits) / max(free, 1.0) if told else np.nan
    criterion = n_data * np.log(float(misfits @ misfits) / n_data + 1e-300) + effective * np.log(n_data)
    least = min((o.sigma for o in system.problem.observations if o.sigma), default=1.0)
    first = system.problem.observations[0].sigma
    weight = data_weight(system.problem.observations)
    noise = np.sqrt(variance) / weight * ((first / least) if first else 1.0)
    criterion = criterion if told else np.inf  # fields that pass through all values say nothing of the noise
    return Estimate(level, float(noise), effective, float(criterion), variance * by_data @ by_data.mT)
