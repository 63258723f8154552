"""The maximum principle's error bound for a numerical solution, from its sampled residuals."""

from collections.abc import Sequence

import numpy as np
import sympy

from kansci.errors import KansciError
from kansci.pde.compiled import compile_residual
from kansci.pde.problem import Condition
from kansci.pde.solver import NumericalSolution
from kansci.solution.bounds import Bound, error_bound

__all__ = ["bounded", "residual_values"]

SAMPLES = 500


def bounded(solution: NumericalSolution) -> Bound | None:
    """Bound the largest error of a solution.

    Args:
        solution: of a problem.

    Returns:
        The bound; its value is None where theory gives none, or none below the solution's own size. None
        for an inverse problem.
    """
    problem = solution.problem
    if problem.unknowns or any(field.sought for field in problem.fields):
        return None

    def inside(points: np.ndarray) -> np.ndarray:
        return residual_values(solution, problem.equations[0], points)

    def on_face(condition: Condition, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        return residual_values(solution, condition.residual, points, list(normals.T))

    try:
        bound = error_bound(problem, residual=inside, conditions=on_face)
    except KansciError as error:
        return Bound(None, str(error), rigorous=False)
    points = problem.domain.sample(SAMPLES, np.random.default_rng(0))
    largest = max(float(np.abs(solution.evaluate(f.name, points)).max()) for f in problem.fields)
    if bound.value is not None and bound.value > largest > 0:
        return Bound(None, f"larger than the solution itself: {bound.value:.3g}, {bound.how}", rigorous=False)
    return bound


def residual_values(
    solution: NumericalSolution,
    expr: sympy.Expr,
    points: np.ndarray,
    normals: Sequence[np.ndarray] = (),
) -> np.ndarray:
    """Evaluate what an equation or condition leaves, in the user's units.

    Args:
        solution: of a problem without unknown constants.
        expr: in the fields, their derivatives and the coordinates.
        points: shape (N, d).
        normals: for a condition the columns (N,) of the outward normals.

    Returns:
        Shape (N,).
    """
    problem = solution.problem
    names = [sympy.Symbol(f"normal_{axis}", real=True) for axis in problem.coordinates] if normals else []
    residual = compile_residual(expr, (*problem.symbols, *names), {})
    components = [solution.evaluate(name, points, index) for name, index in residual.components]
    with np.errstate(all="ignore"):  # the bound says where a residual is not finite
        values = residual.value(*points.T, *normals, *components)
    return np.broadcast_to(np.asarray(values, dtype=np.float64), len(points))
