"""Fourier series and exponential time differencing for smooth problems with periodic axes.

u_t = L u + N(u) with constant coefficients in L: ETDRK4 with coefficients by contour integrals (Kassam &
Trefethen, Fourth-order time-stepping for stiff PDEs, SIAM J. Sci. Comput. 26 (2005) 1214-1233).
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import sympy
from scipy.interpolate import make_interp_spline

from kansci.pde.reference.system import Clock, Level, System, Term

__all__ = ["fourier_levels"]

FIRST_MODES = {1: 128, 2: 32}
MOST_MODES = {1: 4096, 2: 256}
FIRST_STEPS = 500
KEPT = 400
"""Times at which the solution is kept, about."""
SMOOTH = 1e-10
"""Largest share of the highest Fourier coefficients in an initial state that counts as smooth."""
CONTOUR = 32
"""Points of the contour integrals."""


@dataclass(frozen=True, eq=False)
class _Semilinear:
    """u_t = L u + N: right-hand sides, the symbol of L and the rest.

    Attributes:
        terms: that the rest needs.
        rest: of the coordinates and the values of the terms, one array for each field.
        linear: for each field the terms of L with their constant coefficients.
    """

    terms: tuple[Term, ...]
    rest: Callable[..., list]
    linear: tuple[tuple[tuple[Term, float], ...], ...]


def fourier_levels(system: System, points: np.ndarray, clock: Clock) -> tuple[str, Iterator[Level]] | None:
    """Solve a periodic semilinear problem.

    Args:
        system: The problem.
        points: Where the solution is wanted, (N, d).
        clock: When to stop.

    Returns:
        The method in words and the solutions at rising resolutions; None if the method does not fit.
    """
    domain, names = system.problem.domain, system.problem.coordinates
    axes = len(system.space)
    if system.time is None or axes not in FIRST_MODES or any(q != 1 for q in system.time_orders):
        return None
    if not all(names[k] in domain.periodic for k in system.space):
        return None
    split = _split(system)
    if split is None or not _is_smooth(_Grid(system, MOST_MODES[axes])):
        return None
    return "Fourier, ETDRK4 in time", _levels(system, split, points, clock)


def _split(system: System) -> _Semilinear | None:
    """The equations solved for the rates, constant linear parts apart; None where that is not possible."""
    equations = system.equations
    rates = []
    for f in range(len(system.time_orders)):
        orders = tuple(int(k == system.time) for k in range(len(system.problem.coordinates)))
        if Term(f, orders) not in equations.terms:
            return None
        rates.append(equations.dummies[equations.terms.index(Term(f, orders))])
    try:
        solved = sympy.solve(equations.expressions, rates, dict=True)
    except NotImplementedError:
        return None
    if len(solved) != 1 or set(solved[0]) != set(rates):
        return None
    linear, rests = [], []
    for f, rate in enumerate(rates):
        rest, own = sympy.expand(solved[0][rate]), []
        for dummy, term in zip(equations.dummies, equations.terms, strict=True):
            slope = sympy.diff(rest, dummy).subs(dict.fromkeys(equations.dummies, 0))
            if term.field == f and slope.is_number and slope != 0:
                own.append((term, float(slope)))
                rest = sympy.expand(rest - slope * dummy)
        linear.append(tuple(own))
        rests.append(rest)
    used = [k for k, d in enumerate(equations.dummies) if any(rest.has(d) for rest in rests)]
    if any(equations.terms[k].orders[system.time or 0] for k in used if system.time is not None):
        return None
    highest = max((sum(equations.terms[k].orders) for k in used), default=0)
    if highest and any(max((sum(t.orders) for t, _ in own), default=0) <= highest for own in linear):
        return None  # what is left is as stiff as what is solved exactly
    arguments = [*system.problem.symbols, *(equations.dummies[k] for k in used)]
    raw = sympy.lambdify(arguments, rests, modules=("numpy", "scipy"), cse=True)
    return _Semilinear(tuple(equations.terms[k] for k in used), raw, tuple(linear))


class _Grid:
    """Equidistant points on the periodic axes and their wave numbers."""

    def __init__(self, system: System, modes: int) -> None:
        self.system, self.modes, self.time = system, modes, system.time or 0
        bounds = system.problem.domain.bounds[list(system.space)]
        self.low, self.width = bounds[:, 0], bounds[:, 1] - bounds[:, 0]
        lines = [
            low + width * np.arange(modes) / modes for low, width in zip(self.low, self.width, strict=True)
        ]
        self.mesh = np.meshgrid(*lines, indexing="ij")
        self.axes = tuple(range(1, 1 + len(lines)))
        self.waves = np.meshgrid(*(self._numbers(k) for k in range(len(lines))), indexing="ij")

    def _numbers(self, axis: int) -> np.ndarray:
        """Wave numbers along an axis; of the last axis those that are not negative."""
        last = axis == len(self.width) - 1
        numbers = (np.fft.rfftfreq if last else np.fft.fftfreq)(self.modes, 1 / self.modes)
        return 2 * np.pi / self.width[axis] * numbers

    def forward(self, values: np.ndarray) -> np.ndarray:
        """Fourier coefficients of values (F, ...)."""
        return np.fft.rfftn(values, axes=self.axes)

    def backward(self, coefficients: np.ndarray) -> np.ndarray:
        """Values of Fourier coefficients (F, ...)."""
        return np.fft.irfftn(coefficients, s=self.mesh[0].shape, axes=self.axes)

    def symbol(self, orders: tuple[int, ...]) -> np.ndarray:
        """The factor of a derivative; odd ones drop the highest mode, whose derivative has no value."""
        factor = np.ones_like(self.waves[0], dtype=complex)
        for wave, width, k in zip(self.waves, self.width, self.system.space, strict=True):
            factor = factor * (1j * wave) ** orders[k]
            if orders[k] % 2:
                factor = np.where(np.isclose(np.abs(wave), np.pi * self.modes / width), 0, factor)
        return factor

    def initial(self) -> np.ndarray:
        """Initial values (F, ...)."""
        system = self.system
        symbols = [system.problem.symbols[k] for k in system.space]
        values = np.empty((len(system.states), *self.mesh[0].shape))
        for (field, _), expr in system.initial().items():
            values[field] = sympy.lambdify(symbols, expr, modules=("numpy", "scipy"))(*self.mesh)
        return values


def _is_smooth(grid: _Grid) -> bool:
    """Whether the periodic continuation of the initial values is smooth: Fourier coefficients fall off."""
    sizes = np.abs(grid.forward(grid.initial()))
    far = [np.abs(wave) > 0.9 * np.abs(wave).max() for wave in grid.waves]
    high = np.broadcast_to(np.any(far, axis=0), sizes.shape)
    return bool(sizes[high].max() <= SMOOTH * sizes.max())


def _levels(system: System, split: _Semilinear, points: np.ndarray, clock: Clock) -> Iterator[Level]:
    modes, steps, axes = FIRST_MODES[len(system.space)], FIRST_STEPS, len(system.space)
    while True:
        begin = time.monotonic()
        grid = _Grid(system, modes)
        with np.errstate(all="ignore"):
            found = _integrate(grid, split, steps, clock)
        steps *= 2
        if found is None:
            continue
        times, kept = found
        values = _evaluate(grid, times, kept, points)
        yield Level(
            values, f"{' x '.join([str(modes)] * axes)} modes, {steps // 2} steps", time.monotonic() - begin
        )
        tail = _tail(grid, kept)
        if tail > 1e-11 and modes < MOST_MODES[axes]:
            modes *= 2
        if clock.left < 5 * (time.monotonic() - begin):
            return


def _tail(grid: _Grid, kept: np.ndarray) -> float:
    """The largest Fourier coefficient in the upper tenth of the wave numbers, of the largest of all."""
    sizes = np.abs(kept).max(axis=0)
    far = np.any([np.abs(wave) > 0.9 * np.abs(wave).max() for wave in grid.waves], axis=0)
    return float(sizes[:, far].max() / max(sizes.max(), 1e-300))


def _integrate(
    grid: _Grid, split: _Semilinear, steps: int, clock: Clock
) -> tuple[np.ndarray, np.ndarray] | None:
    """Times (K,) and the Fourier coefficients at them (K, F, ...); None if the steps are too long."""
    system = grid.system
    start, end = system.problem.domain.bounds[grid.time]
    every = max(1, steps // KEPT)
    width = (end - start) / steps
    linear = np.array(
        [
            sum((c * grid.symbol(t.orders) for t, c in own), np.zeros_like(grid.waves[0], dtype=complex))
            for own in split.linear
        ]
    )
    scheme = _coefficients(width * linear)
    symbols = [(term.field, grid.symbol(term.orders)) for term in split.terms]

    def rest(at: float, v: np.ndarray) -> np.ndarray:
        values = list(grid.backward(np.array([v[f] * s for f, s in symbols]))) if symbols else []
        coordinates = list(grid.mesh)
        coordinates.insert(grid.time, at)
        with np.errstate(all="ignore"):
            found = split.rest(*coordinates, *values)
        shape = grid.mesh[0].shape
        return grid.forward(np.array([np.broadcast_to(part, shape) for part in found], dtype=float))

    v, kept = grid.forward(grid.initial()), []
    for k in range(steps):
        if k % every == 0:
            kept.append(v)
            clock.check()
            if not np.isfinite(v).all():
                return None
        v = _step(scheme, rest, start + k * width, width, v)
    kept.append(v)
    return np.append(start + width * np.arange(0, steps, every), end), np.array(kept)


def _coefficients(z: np.ndarray) -> tuple[np.ndarray, ...]:
    """The coefficients of ETDRK4 for z = h L: exp(z), exp(z/2), Q, f1, f2, f3 (equation 2.5), over h."""
    circle = np.exp(2j * np.pi * (np.arange(CONTOUR) + 0.5) / CONTOUR)
    q, f1, f2, f3 = (np.zeros_like(z) for _ in range(4))
    for r in circle:
        x = z + r
        e = np.exp(x)
        q += (np.exp(x / 2) - 1) / x
        f1 += (-4 - x + e * (4 - 3 * x + x**2)) / x**3
        f2 += (2 + x + e * (x - 2)) / x**3
        f3 += (-4 - 3 * x - x**2 + e * (4 - x)) / x**3
    return np.exp(z), np.exp(z / 2), q / CONTOUR, f1 / CONTOUR, f2 / CONTOUR, f3 / CONTOUR


def _step(
    scheme: tuple[np.ndarray, ...],
    rest: Callable[[float, np.ndarray], np.ndarray],
    at: float,
    h: float,
    v: np.ndarray,
) -> np.ndarray:
    """One step of ETDRK4."""
    full, half, q, f1, f2, f3 = scheme
    first = rest(at, v)
    a = half * v + h * q * first
    second = rest(at + h / 2, a)
    b = half * v + h * q * second
    third = rest(at + h / 2, b)
    c = half * a + h * q * (2 * third - first)
    fourth = rest(at + h, c)
    return full * v + h * (f1 * first + 2 * f2 * (second + third) + f3 * fourth)


def _evaluate(grid: _Grid, times: np.ndarray, kept: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Values (N, F) at points (N, d): a spline of degree 7 in time, the trigonometric polynomial in space."""
    system = grid.system
    spline = make_interp_spline(times, kept.reshape(len(times), -1), k=7)
    values = np.empty((len(points), kept.shape[1]))
    weight = np.full(grid.waves[0].shape, 2.0)
    weight[..., 0] = 1.0
    weight[..., -1] = 1.0
    waves = np.array([wave.ravel() for wave in grid.waves])
    count = max(1, 2_000_000 // kept[0].size)
    for first in range(0, len(points), count):
        part = points[first : first + count]
        offset = (part[:, list(system.space)] - grid.low) @ waves
        factors = np.exp(1j * offset) * weight.ravel() / grid.mesh[0].size
        moments = spline(part[:, grid.time]).reshape(len(part), kept.shape[1], -1)
        values[first : first + count] = np.einsum("pfk,pk->pf", moments, factors).real
    return values
