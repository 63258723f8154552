"""A numerical solution beside the exact one, or beside a classical solver's, with both times."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from kansci.pde.numeric import evaluate
from kansci.pde.problem import Problem
from kansci.pde.reference.solution import Reference, reference_solution
from kansci.pde.solver import NumericalSolution

__all__ = ["Comparison", "compare"]

POINTS = 2000


@dataclass(frozen=True)
class Comparison:
    """How far a solution is from another.

    Attributes:
        against: "exact", or the classical method; empty if there is nothing to compare with.
        rms: by field, root mean square of the difference at 2,000 Sobol points.
        rel_l2: by field, that divided by the root mean square of the other solution.
        classical: the classical method that was run for its error and time; empty if none applies.
        seconds: that the classical method took; nan if none applies.
        error: its largest error: from the exact solution, else from its own coarser resolution.
        resolution: of the classical method, in words.
        reason: why there is nothing to compare with.
    """

    against: str
    rms: Mapping[str, float] = field(default_factory=dict)
    rel_l2: Mapping[str, float] = field(default_factory=dict)
    classical: str = ""
    seconds: float = float("nan")
    error: float = float("nan")
    resolution: str = ""
    reason: str = ""


def compare(solution: NumericalSolution, seconds: float) -> Comparison:
    """Compare a solution with the exact one where that is known, else with a classical one.

    A classical solver runs in both cases: its time and error belong beside those of the network.

    Args:
        solution: what to judge.
        seconds: about how long the classical solver may take.

    Returns:
        The comparison.
    """
    problem = solution.problem
    points = problem.domain.sample(POINTS, np.random.default_rng(0))
    exact = {
        f.name: evaluate(problem.exact[f.name], problem.coordinates, points)
        for f in problem.fields
        if f.name in problem.exact
    }
    classical = reference_solution(replace(problem, exact={}), points, seconds=seconds)
    others = exact or _by_field(problem, classical)
    if not others:
        return Comparison("", seconds=classical.seconds, reason=classical.reason)
    rms, rel_l2 = {}, {}
    for name, values in others.items():
        gap = solution.evaluate(name, points) - values
        rms[name] = float(np.sqrt(np.mean(gap**2)))
        size = float(np.sqrt(np.mean(values**2)))
        rel_l2[name] = rms[name] / size if size > 0 else rms[name]
    against = "exact" if exact else classical.method
    if classical.values is None:
        return Comparison(against, rms, rel_l2)
    found = _by_field(problem, classical)
    errors = [float(np.abs(found[name] - values).max()) for name, values in exact.items()]
    error = max(errors) if errors else classical.error
    return Comparison(against, rms, rel_l2, classical.method, classical.seconds, error, classical.resolution)


def _by_field(problem: Problem, reference: Reference) -> dict[str, np.ndarray]:
    if reference.values is None:
        return {}
    return {f.name: reference.values[:, k] for k, f in enumerate(problem.fields)}
