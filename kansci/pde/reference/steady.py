"""Newton's method for discretised steady problems."""

import numpy as np

from kansci.pde.reference.linear import factor
from kansci.pde.reference.system import Clock, Implicit, NotApplicableError

__all__ = ["newton"]

MOST_STEPS = 60
DONE = 1e-11
"""A step this small, of the solution, ends the iteration."""


def newton(equations: Implicit, start: np.ndarray, clock: Clock) -> np.ndarray:
    """Solve F(y) = 0 by Newton's method with a line search.

    Args:
        equations: The steady equations.
        start: First guess (n,).
        clock: When to stop.

    Returns:
        The solution (n,).

    Raises:
        NotApplicableError: It does not converge, or the time is up.
    """
    y, still = start, np.zeros_like(start)
    residual = _residual(equations, y)
    for _ in range(MOST_STEPS):
        clock.check()
        step = factor(equations.slopes(0.0, y, still)[0])(-residual)
        share = 1.0
        while True:
            trial = y + share * step
            found = _residual(equations, trial)
            small = np.abs(step).max() * share <= DONE * max(np.abs(trial).max(), 1e-300)
            if np.linalg.norm(found) < (1 - 1e-4 * share) * np.linalg.norm(residual) or small:
                break
            share *= 0.5
            if share < 1e-8:
                raise NotApplicableError("Newton's method did not converge")
        y, residual = trial, found
        if small or not residual.any():
            return y
    raise NotApplicableError("Newton's method did not converge")


def _residual(equations: Implicit, y: np.ndarray) -> np.ndarray:
    """F (n,), infinite where it is not finite."""
    found = equations.residual(np.zeros(1), y[:, None], np.zeros((len(y), 1)))[:, 0]
    return np.where(np.isfinite(found), found, np.inf)
