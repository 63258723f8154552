"""A stated problem solved: methods in turn, as far as time allows."""

from collections.abc import Callable, Iterator

import numpy as np

from kansci.errors import SettingsError
from kansci.pde.attempt import Attempt, OnState
from kansci.pde.journal import Journal
from kansci.pde.local_splines import has_splines
from kansci.pde.marching import can_march
from kansci.pde.methods import by_data, by_low_rank, by_marching, by_network, by_spectral, by_splines
from kansci.pde.networks.make import NETWORKS
from kansci.pde.numerical_solution import NumericalSolution, Progress
from kansci.pde.problem import Problem
from kansci.pde.scaling import scaled
from kansci.pde.solve_settings import MODELS, SolveSettings
from kansci.pde.spectral import affordable
from kansci.pde.system import prepare

__all__ = ["MODELS", "NumericalSolution", "Progress", "SolveSettings", "solve_problem"]

_ENOUGH = 1e-7
"""Relative residual below which no other method is tried."""
_POOR = 1e-2
"""Relative residual above which a trained network is tried as well."""


def solve_problem(
    problem: Problem,
    settings: SolveSettings | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
    *,
    journal: Journal | None = None,
    earlier: NumericalSolution | None = None,
    on_state: OnState = lambda *_: None,
) -> NumericalSolution:
    """Solve a problem numerically, as accurately as time allows.

    Separable networks of full rank come first, on the whole domain, of polynomials and then of splines; for
    problems in time, window by window at falling tolerance; separable networks of low rank where there are
    many coordinates; a perceptron trained by Gauss-Newton where all of these fail. Unknown constants and
    functions are estimated from the observations.

    Args:
        problem: what is to be solved.
        settings: how.
        on_progress: called after every step.
        cancelled: asked between steps; the best solution so far is returned then.
        journal: of an earlier run with this problem and these settings, to go on where it stood.
        earlier: what that run found; the result is not worse.
        on_state: called with the best so far and the journal wherever the run can be taken up again.

    Returns:
        The solution.

    Raises:
        SettingsError: nothing was found in the time allowed, nothing finite, or the observations are missing.
    """
    settings = settings or SolveSettings()
    scaling = scaled(problem)
    system = prepare(scaling.problem)
    journal = journal or Journal()
    run = Attempt(problem, scaling, system, settings, journal, earlier, on_progress, on_state, cancelled)
    _check_inverse(problem)
    _go_through(run)
    found = run.solution()
    if found is None:
        raise SettingsError(f"{problem.name}: no solution in {settings.seconds:g} seconds: allow more")
    if not np.isfinite(found.residual):
        raise SettingsError(
            f"{problem.name}: the equations or conditions have no finite value on any solution tried: "
            "look for roots, logarithms and poles in them"
        )
    return found


def _go_through(run: Attempt) -> None:
    """Let the methods have their turns."""
    for name, method, share in _methods(run):
        with run.turn(name, share):
            run.journal.begin(name)
            method(run)
        if run.best is not None and run.best.residual < _ENOUGH:
            break
        if run.time_is_up():
            return
        run.journal.passed.add(name)
    run.journal.passed.clear()  # with more time all may go on


def _check_inverse(problem: Problem) -> None:
    names = [c.name for c in problem.unknowns] + [f.name for f in problem.fields if f.sought]
    if names and not problem.observations:
        raise SettingsError(
            f"{problem.name}: {', '.join(names)} cannot be found without observations: give data"
        )


def _methods(run: Attempt) -> Iterator[tuple[str, Callable[[Attempt], None], float]]:
    """Ways to solve the problem by name, each with the share of the time left which it may take."""
    system, model = run.system, run.settings.model
    if model in NETWORKS:
        yield "network", by_network, 1.0
        return
    if system.problem.observations:
        yield "data", by_data, 1.0
        return
    marches, several = can_march(system), len(system.problem.coordinates) > 2
    local = not marches and has_splines(system)
    if affordable(system):
        yield "spectral", by_spectral, 0.2 if (marches and not system.linear) or local else 0.5
    if local:
        yield "splines", by_splines, 0.8
    if several or not marches:
        yield "low rank", by_low_rank, 0.3 if marches or local else 0.8
    if marches:
        yield "marching", by_marching, 1.0
    if model == "auto" and (run.best is None or run.best.residual > _POOR):
        yield "network", by_network, 1.0
