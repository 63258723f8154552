"""Initial value problems of ordinary differential equations, by scipy."""

import time
from collections.abc import Callable, Iterator
from itertools import chain

import numpy as np
import sympy
from scipy.integrate import solve_ivp

from kansci.pde.reference.system import Clock, Level, NotApplicableError, System

__all__ = ["ode_levels"]

TOLERANCES = (1e-10, 1e-12, 3e-14)
"""Relative ones; the solver takes no smaller."""
STIFF = 0.25
"""Share of the time after which a problem is taken to be stiff."""
Slope = Callable[[float, np.ndarray], np.ndarray]


def ode_levels(system: System, points: np.ndarray, clock: Clock) -> tuple[str, Iterator[Level]] | None:
    """Solve an initial value problem in one coordinate.

    Args:
        system: The problem.
        points: Where the solution is wanted, (N, 1).
        clock: When to stop.

    Returns:
        The method in words and the solutions at rising accuracy; None if the problem is none, is stiff,
        or cannot be solved for its highest derivatives.
    """
    if system.space or not all(system.time_orders):
        return None
    slope = _slope(system)
    if slope is None:
        return None
    initial = system.initial()
    start = np.array([float(initial[state]) for state in system.states])
    try:
        first = _integrated(system, slope, start, points, TOLERANCES[0], Clock.of(STIFF * clock.left))
    except NotApplicableError:
        return None
    rest = (_integrated(system, slope, start, points, tolerance, clock) for tolerance in TOLERANCES[1:])
    return "Dormand-Prince of order 8 (scipy)", chain([first], rest)


def _integrated(
    system: System, slope: Slope, start: np.ndarray, points: np.ndarray, tolerance: float, clock: Clock
) -> Level:
    """The solution at one tolerance."""
    wanted = [system.states.index((f, 0)) for f in range(len(system.time_orders))]
    span, begin = tuple(system.problem.domain.bounds[0]), time.monotonic()

    def timed(t: float, y: np.ndarray) -> np.ndarray:
        clock.check()
        return slope(t, y)

    found = solve_ivp(timed, span, start, "DOP853", dense_output=True, rtol=tolerance, atol=0.01 * tolerance)
    if not found.success:
        raise NotApplicableError(f"the initial value problem cannot be integrated: {found.message}")
    values = found.sol(np.clip(points[:, 0], *span))[wanted].T
    return Level(values, f"{len(found.t) - 1} steps", time.monotonic() - begin)


def _slope(system: System) -> Slope | None:
    """The first-order system y' = f(t, y); None where the equations cannot be solved for it."""
    equations, orders = system.equations, system.time_orders
    highest = [
        next(d for d, term in zip(equations.dummies, equations.terms, strict=True) if term == (f, (q,)))
        for f, q in enumerate(orders)
    ]
    try:
        found = sympy.solve(equations.expressions, highest, dict=True)
    except NotImplementedError:
        return None
    if len(found) != 1 or set(found[0]) != set(highest):
        return None
    states = {state: sympy.Dummy(f"y{k}", real=True) for k, state in enumerate(system.states)}
    names = {
        dummy: states[term.field, term.orders[0]]
        for dummy, term in zip(equations.dummies, equations.terms, strict=True)
        if term.orders[0] < orders[term.field]
    }
    rates = [
        found[0][highest[f]].xreplace(names) if j + 1 == orders[f] else states[f, j + 1]
        for f, j in system.states
    ]
    symbol = system.problem.symbols[0]
    raw = sympy.lambdify([symbol, *states.values()], rates, modules=("numpy", "scipy"), cse=True)

    def slope(t: float, y: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.array(raw(t, *y), dtype=float)

    return slope
