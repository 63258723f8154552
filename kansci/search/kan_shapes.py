"""Small KANs on views of the target: train, prune, snap. The shapes [n,1,1], [n,2,1], [n,2,1,1], ...

A shape that suddenly fits is itself evidence; a fit costs about a second, since all restarts
are one batch of Levenberg-Marquardt.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import sympy
from joblib import Parallel, delayed

from kansci.search.engine import Search, Step
from kansci.search.problem import TARGET, Problem, views
from kansci.search.threads import one_thread
from kansci.search.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from kansci.models import KAN

__all__ = ["kan_formulas", "kan_steps"]

PROMISING = 0.03
"""Largest error on held-out rows, relative to the target's spread, of a network worth snapping."""
FIT_ROWS = 1000
MOST_INPUTS = 8
FEWEST_ROWS = 50
_VIEWS = ("y", "log(y)", "1/y", "y^2", "sqrt(y)", "exp(y)")


def _shapes(n: int) -> list[tuple[int, ...]]:
    """Hidden widths, small ones first."""
    return [(n, 1, 1), (n, 2, 1), (n, 1, 1, 1), (n, 2, 1, 1), (n, 3, 1), (n, 3, 2, 1)]


def kan_steps(seed: int, jobs: int = 1) -> list[Step]:
    """Steps for the agenda: one a shape.

    Args:
        seed: Seed of the networks' starts.
        jobs: Processes; the views of the target are shared out among them.

    Returns:
        Steps for ``engine.search``.
    """
    return [_step(k, seed, jobs) for k in range(len(_shapes(1)))]


def _step(index: int, seed: int, jobs: int) -> Step:
    def run(search: Search, problem: Problem, _: float) -> Iterator[sympy.Expr | None]:
        if problem.size <= MOST_INPUTS and len(problem.y) >= FEWEST_ROWS:
            width = _shapes(problem.size)[index]
            yield from kan_formulas(problem, width, seed, search.pool.deadline, jobs)

    hidden = ", ".join(map(str, _shapes(1)[index][1:]))
    return Step(f"a network [n, {hidden}], each edge matched", run, 1.6 + 0.6 * index, 2.0)


def kan_formulas(
    problem: Problem, width: tuple[int, ...], seed: int, deadline: float, jobs: int = 1
) -> Iterator[sympy.Expr | None]:
    """Formulas from networks of one shape on every view of the target.

    Args:
        problem: The problem.
        width: Nodes on each level.
        seed: Seed of the starts.
        deadline: Monotonic time at which training stops.
        jobs: Processes. With one, a view is fitted when its turn comes; with more, all at once.

    Yields:
        Formulas of the table's target; None after each view.
    """
    # torch is slow to import, and many searches end before a network is wanted
    with uninterrupted():
        import kansci.training  # noqa: F401  needed by _promising
        from kansci.symbolic.network import snapped_networks

    X = np.stack(problem.columns, axis=1)[:FIT_ROWS]
    usable = [view for view in views(problem.y, problem.grammar) if view.name in _VIEWS]
    calls = [(X, view.values[:FIT_ROWS], width, seed, deadline) for view in usable]
    if jobs == 1:
        models: Iterable[KAN | None] = (_promising(*call) for call in calls)
    else:
        models = Parallel(n_jobs=jobs)(delayed(_promising)(*call) for call in calls)
    for view, model in zip(usable, models, strict=True):
        if model is not None:
            for expr in snapped_networks(model, X, problem.exprs, library=problem.grammar.library):
                yield problem.solution(view.inverse.xreplace({TARGET: expr}))
        yield None


def _promising(
    X: np.ndarray, t: np.ndarray, width: tuple[int, ...], seed: int, deadline: float
) -> "KAN | None":
    """A sparse network that fits t (N,) well, or None."""
    from kansci.training import TrainSettings
    from kansci.training.sparsify import fit_sparse

    settings = TrainSettings(restarts=6, steps=40, grids=(5, 10), deadline=deadline)
    with one_thread():
        trained = fit_sparse(X, t, width, settings, seed)
    return trained.model if trained.validation_rmse[0] < PROMISING * (float(t.std()) or 1.0) else None
