"""Radau IIA collocation of seven stages (order 13) for implicit differential equations F(t, y, y') = 0.

Algebraic equations may be among them (the method is stiffly accurate). The stage equations are solved by
simplified Newton steps that the eigenvectors of the stage matrix take apart (Hairer & Wanner, Solving
Ordinary Differential Equations II, IV.8); the collocation polynomial is the dense output, and its last
coefficient the error control. It goes through the stages and not through the start of the step, whose
algebraic part may contradict a condition.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre
from scipy import sparse

from kansci.pde.reference.linear import factor
from kansci.pde.reference.system import Clock, Implicit, NotApplicableError

__all__ = ["March", "march"]

STAGES = 7
MOST_ITERATIONS = 12
SHRINKS = 0.3
"""A Newton step must be so much smaller than the last one."""
NOISE = 1e-7
"""A last coefficient that does not shrink with the step is round-off, if it is not larger than this."""
SMALLEST = 1e-13
"""A step of time, of the whole, below which the integration is given up."""


def _stages() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes (s,) in (0, 1], stages -> Legendre coefficients, stages less the start -> slopes, (s, s)."""
    last = np.eye(STAGES + 1)[STAGES - 1] - np.eye(STAGES + 1)[STAGES]
    nodes = np.append(np.sort(legendre.legroots(last).real)[:-1], 1.0)
    transform = np.linalg.inv(legendre.legvander(nodes, STAGES - 1))
    whole = np.linalg.inv(legendre.legvander(np.append(-1.0, nodes), STAGES))
    slopes = legendre.legvander(nodes, STAGES - 1) @ (2 * legendre.legder(np.eye(STAGES + 1), axis=0)) @ whole
    return 0.5 * (nodes + 1), transform, slopes[:, 1:]


NODES, TRANSFORM, SLOPES = _stages()
EIGENVALUES, VECTORS = np.linalg.eig(SLOPES)
INVERSE = np.linalg.inv(VECTORS)
UPPER = np.flatnonzero(EIGENVALUES.imag > -1e-12)
"""The real eigenvalue and one of each conjugate pair."""


@dataclass(frozen=True, eq=False)
class March:
    """A solution in time.

    Attributes:
        edges: of the steps, (K + 1,).
        states: at the stages of each step, K of shape (n, s).
    """

    edges: np.ndarray
    states: list[np.ndarray]

    def at(self, rows: sparse.csr_array, part: slice, times: np.ndarray) -> np.ndarray:
        """Values (N,) of row k of a matrix (N, n_i) times the part of y at time k."""
        step = np.clip(np.searchsorted(self.edges, times, side="left") - 1, 0, len(self.states) - 1)
        values = np.empty(len(times))
        for k in np.unique(step):
            here = np.flatnonzero(step == k)
            share = (times[here] - self.edges[k]) / (self.edges[k + 1] - self.edges[k])
            weights = legendre.legvander(2 * share - 1, STAGES - 1) @ TRANSFORM
            values[here] = ((rows[here] @ self.states[k][part]) * weights).sum(axis=1)
        return values


class _Solver:
    """The matrices of the simplified Newton steps, kept while they serve."""

    def __init__(self, equations: Implicit) -> None:
        self.equations = equations
        self.solves: list[Callable[[np.ndarray], np.ndarray]] = []
        self.width = 0.0

    def factor(self, at: float, width: float, y: np.ndarray, dy: np.ndarray) -> None:
        """Linearise about a state (n,)."""
        slope, mass = self.equations.slopes(at, y, dy)
        values = [z.real if abs(z.imag) < 1e-12 else z for z in EIGENVALUES[UPPER]]
        self.solves = [factor(slope + (value / width) * mass) for value in values]
        self.width = width

    def step(self, residual: np.ndarray) -> np.ndarray:
        """The Newton step of the stages (n, s) for their residuals (n, s)."""
        turned = -residual @ INVERSE.T
        found = np.zeros_like(turned)
        for k, solve in zip(UPPER, self.solves, strict=True):
            if abs(EIGENVALUES[k].imag) < 1e-12:
                found[:, k] = solve(np.ascontiguousarray(turned[:, k].real))
            else:
                found[:, k] = solve(np.ascontiguousarray(turned[:, k]))
                twin = np.abs(EIGENVALUES - EIGENVALUES[k].conj()).argmin()
                found[:, twin] = found[:, k].conj()
        return (found @ VECTORS.T).real


def march(
    equations: Implicit, start: np.ndarray, span: tuple[float, float], tolerance: float, clock: Clock
) -> March:
    """Integrate from the start to the end of a span of time.

    Args:
        equations: F(t, y, y') = 0.
        start: y (n,) at the start.
        span: Start and end.
        tolerance: Of the last coefficient in each step, of the largest value of each state.
        clock: When to stop.

    Returns:
        The solution.

    Raises:
        NotApplicableError: The steps become too small, or the time is up.
    """
    t, end = span
    edges, states, y, width, solver = [t], [], start, (end - t) / 64, _Solver(equations)
    scale, guess = np.zeros(len(y)), np.zeros((len(y), STAGES))
    refused: tuple[float, float] | None = None  # last coefficient and width of a step that was too long
    while end - t > 1e-12 * (end - span[0]):
        clock.check()
        if end - t < 2 * width:  # no sliver at the end, whose rates would be round-off
            width = end - t if end - t <= width else 0.5 * (end - t)
        stages = _solve(equations, solver, t, width, y, guess)
        whole, larger, tail = y[:, None], scale, np.inf
        if stages is not None:
            whole = y[:, None] + stages
            larger = _scale(equations, whole, scale)
            tail = float((np.abs(whole @ TRANSFORM[-1]) / larger).max())
        noise = refused is not None and 0.5 * refused[0] < tail < NOISE  # a shorter step does not help
        if tail > tolerance and not noise:
            refused = tail, width
            width *= max(0.2, _growth(tail, tolerance))
            guess = np.zeros_like(guess)
            if width < SMALLEST * (end - span[0]):
                raise NotApplicableError("the integration in time needs too small steps")
            continue
        t, y, scale = t + width, whole[:, -1], larger
        edges.append(t)
        states.append(whole)
        growth = _growth(tail, tolerance)
        following = refused[1] if noise and refused else width * (1.0 if 0.95 < growth < 1.5 else growth)
        guess = _continued(whole, following / width)
        width, refused = following, None
    return March(np.array(edges), states)


def _scale(equations: Implicit, whole: np.ndarray, before: np.ndarray) -> np.ndarray:
    """The largest value (n,) of each state so far; no state is next to nothing beside the others."""
    scale = before.copy()
    for part in equations.slices.values():
        scale[part] = max(before[part].max(), np.abs(whole[part]).max())
    return np.maximum(scale, max(1e-8 * scale.max(), 1e-300))


def _growth(tail: float, tolerance: float) -> float:
    """By what the step should become longer or shorter for its last coefficient to keep the tolerance."""
    return min(4.0, 0.9 * (tolerance / max(tail, 1e-300)) ** (1 / (STAGES - 1)))


def _continued(whole: np.ndarray, ratio: float) -> np.ndarray:
    """The polynomial of a step (n, s) followed beyond its end, as first guess (n, s) for the next one."""
    if ratio > 2:
        return np.zeros((len(whole), STAGES))
    weights = legendre.legvander(1 + 2 * ratio * NODES, STAGES - 1) @ TRANSFORM
    return whole @ weights.T - whole[:, -1:]


def _solve(
    equations: Implicit, solver: _Solver, t: float, width: float, y: np.ndarray, guess: np.ndarray
) -> np.ndarray | None:
    """The stages less y, (n, s); None if the Newton steps do not shrink."""
    times = t + width * NODES
    for fresh in (False, True):
        if not fresh and solver.width != width:
            continue
        stages = guess
        if fresh:
            slope = (guess @ SLOPES.T) / width
            middle = STAGES // 2
            solver.factor(times[middle], width, y + guess[:, middle], slope[:, middle])
        last = np.inf
        for _ in range(MOST_ITERATIONS):
            residual = equations.residual(times, y[:, None] + stages, (stages @ SLOPES.T) / width)
            if not np.isfinite(residual).all():
                break
            step = solver.step(residual)
            size = np.abs(step).max() / max(np.abs(y).max(), np.abs(stages).max(), 1e-300)
            stages = stages + step
            if size < 1e-13 or (size < 1e-10 and size > SHRINKS * last):
                return stages
            if size > max(SHRINKS * last, 1e-10) and last < np.inf:
                break
            last = size
    return None
