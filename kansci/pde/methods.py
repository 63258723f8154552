"""The ways to solve a problem, each refined until the solution stops changing or time is up."""

import functools
from dataclasses import replace

import numpy as np
import torch

from kansci.errors import SettingsError
from kansci.pde.attempt import Attempt, Found
from kansci.pde.inverse import inverse_levels
from kansci.pde.journal import Outcome
from kansci.pde.local_splines import spline_levels
from kansci.pde.low_rank import low_rank_levels
from kansci.pde.marching import March, Window, march
from kansci.pde.networks.make import NETWORKS, make_network
from kansci.pde.piece import Piece, whole
from kansci.pde.spectral import spectral_levels
from kansci.pde.trained import Standing, Training, training_levels

__all__ = ["by_data", "by_low_rank", "by_marching", "by_network", "by_spectral", "by_splines"]

_MET = 1e-9
"""Relative residual at which refinement may end."""
_SETTLED = 1e-12
"""Relative change from one resolution to the next below which there is nothing to gain."""
_TOLERANCES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
_HELPED = 0.3
"""Three steps of refinement help that bring the residual down to this share."""
_SHOWN = 20
"""Steps of training after which the fields are looked at."""
_PASS_GROWTH = 2.0
"""How much longer a pass through time takes than the one before it."""


def by_spectral(run: Attempt) -> None:
    """Refine a separable network of full rank on the whole domain."""
    before: Found | None = None
    residuals: list[float] = []
    for level in spectral_levels(run.system, run.should_stop, run.settings.seed, run.recall):
        found = Found(whole(level.piece), "separable KAN of full rank", run.check(whole(level.piece)))
        change = run.offer(found, before)
        before = found
        residuals.append(found.residual)
        if change < _SETTLED and found.residual < _MET:
            return
        if not run.system.linear and len(residuals) > 3 and residuals[-1] > _HELPED * residuals[-4]:
            return  # not resolved, or caught where the residual is smallest but not zero


def by_splines(run: Attempt) -> None:
    """Refine splines on the whole domain."""
    before: Found | None = None
    for piece in spline_levels(run.system, run.should_stop, lambda: run.left, run.recall):
        found = Found(whole(piece), "separable KAN of full rank on splines", run.check(whole(piece)))
        change = run.offer(found, before)
        if change < _SETTLED and found.residual < _MET:
            return
        if before is not None and found.residual > before.residual:
            return
        before = found


def by_marching(run: Attempt) -> None:
    """Go through time in windows, again and again at a tenth of the tolerance."""
    before: Found | None = None
    known = np.inf if run.best is None else run.best.residual
    for tolerance in (t for t in _TOLERANCES if t < known):
        began = run.elapsed
        tell = functools.partial(_tell_window, run, tolerance)
        run.journal.begin(f"marching {tolerance:.0e}")
        done = march(run.system, tolerance, run.should_stop, tell, run.recall)
        if not done.complete:
            if not done.windows or run.solution() is not None:
                return
            raise SettingsError(_stuck(run, done))
        pieces = tuple((w.start, w.end, w.piece) for w in done.windows)
        method = f"separable KAN of full rank in {len(pieces)} windows of time"
        found = Found(pieces, method, run.check(pieces))
        change = run.offer(found, before)
        if change < _SETTLED and found.residual < _MET:
            return
        before = found
        if _PASS_GROWTH * (run.elapsed - began) > run.left:
            return


def _tell_window(run: Attempt, tolerance: float, window: Window) -> None:
    reached = f"{run.problem.time} = {window.end:.4g}"
    run.tell(f"windows of time to a residual of {tolerance:.0e}: {reached}", window.piece.n_parameters)


def _stuck(run: Attempt, done: March) -> str:
    name, reached = run.problem.time, done.windows[-1].end
    return f"{run.problem.name}: only {name} = {reached:.4g} was reached in {run.elapsed:.0f} s: allow more"


def by_low_rank(run: Attempt) -> None:
    """Raise rank and resolution of a separable network."""
    before: Found | None = None
    for piece in low_rank_levels(run.system, run.should_stop, run.settings.seed, run.recall):
        rank = getattr(next(iter(piece.models.values())).network, "rank", 0)
        method = f"separable KAN of rank {rank}" if rank else "sum of functions of one coordinate"
        found = Found(whole(piece), method, run.check(whole(piece)))
        run.offer(found, before)
        before = found


def by_data(run: Attempt) -> None:
    """Estimate unknown constants and functions from measured values."""
    before: Found | None = None
    for estimate in inverse_levels(run.system, run.should_stop, run.settings.seed, run.recall):
        piece = estimate.level.piece
        found = Found(
            whole(piece), "separable KAN of full rank, fitted to data", run.check(whole(piece)), estimate
        )
        run.offer(found, before)
        before = found


def by_network(run: Attempt) -> None:
    """Train one network for each field."""
    settings, problem = run.settings, run.system.problem
    kind = settings.model if settings.model in NETWORKS else "mlp"
    if kind == "kan":
        _check_smooth(run)
    networks = {
        f.name: make_network(
            kind,
            [a in problem.domain.periodic for a in f.arguments],
            width=settings.width,
            basis=settings.basis,
            grid=settings.grid,
            k=settings.k,
            frequency=settings.frequency,
        )
        for f in problem.fields
    }
    training = Training(settings.optimizer, settings.seed)
    start, shown = _taken_up(run.journal.state())
    levels = training_levels(run.system, networks, training, run.should_stop, start)
    before: Found | None = None
    unseen: Piece | None = None
    for piece, stands in levels:
        if before is None and shown is not None:
            before = Found(whole(replace(piece, theta=shown)), kind, np.nan)
        unseen = piece
        if shown is None or stands is None or stands.steps % _SHOWN == 0:
            found = Found(whole(piece), kind, run.check(whole(piece)))
            run.offer(found, before)
            before, shown, unseen = found, piece.theta, None
        if stands is not None:
            run.keep(_kept(stands, shown))
    if unseen is not None:
        run.offer(Found(whole(unseen), kind, run.check(whole(unseen))), before)


def _kept(stands: Standing, shown: torch.Tensor) -> Outcome:
    """Where training stands, and the unknowns that were offered last."""
    numbers = (stands.draw, stands.steps, stands.damping, stands.loss)
    return Outcome(torch.stack([stands.theta, stands.anchor, shown]), numbers)


def _taken_up(state: Outcome | None) -> tuple[Standing | None, torch.Tensor | None]:
    if state is None:
        return None, None
    theta, anchor, shown = state.theta
    draw, steps, damping, loss = state.numbers
    return Standing(theta, anchor, int(draw), int(steps), damping, loss), shown


def _check_smooth(run: Attempt) -> None:
    """Piecewise polynomials of too low a degree have kinks that no residual between the knots sees."""
    degree = {"bspline": run.settings.k, "hat": 1}.get(run.settings.basis)
    order = max((sum(index) for r in run.system.equations for _, index in r.components), default=0)
    if degree is not None and degree < order:
        raise SettingsError(
            f"basis='{run.settings.basis}' of degree {degree} is not smooth enough for derivatives of order "
            f"{order}: choose k={order} or more of 'bspline', or a smooth basis"
        )
