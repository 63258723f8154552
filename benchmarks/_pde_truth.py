"""What the benchmark of differential equations compares with: exact, or computed by other means."""

from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp

from kansci.pde.numeric import evaluate
from kansci.pde.problem import Problem
from kansci.pde.reference.solution import reference_solution

__all__ = ["Truth", "truth"]

COUNT = 10_000
REFERENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Truth:
    """Values of a field.

    Attributes:
        points: in the domain, evenly spread, (N, d).
        values: shape (N,).
        source: where they come from, with an estimate of their error where they are not exact.
    """

    points: np.ndarray
    values: np.ndarray
    source: str


def truth(problem: Problem, field: str) -> Truth:
    """The true field at points that no solver uses."""
    points = problem.domain.sample(COUNT, np.random.default_rng(20_260))
    if field in problem.exact:
        return Truth(points, evaluate(problem.exact[field], problem.coordinates, points), "exact")
    if problem.name == "burgers":
        values = cole_hopf(points[:, 0], points[:, 1], 0.01 / np.pi)
        return Truth(points, values, "Cole-Hopf by quadrature")
    found = reference_solution(problem, points, seconds=REFERENCE_SECONDS)
    if found.values is None:
        raise RuntimeError(f"{problem.name}: no reference solution: {found.reason}")
    values = found.values[:, [f.name for f in problem.fields].index(field)]
    size = float(np.sqrt(np.mean(values**2)))
    source = f"{found.method}, error {found.error / size:.0e}"
    if problem.name == "allen_cahn":
        gap = np.linalg.norm(values - allen_cahn_lines(points)) / np.linalg.norm(values)
        source += f"; {gap:.0e} from a method of lines"
    return Truth(points, values, source)


def cole_hopf(x: np.ndarray, t: np.ndarray, nu: float) -> np.ndarray:
    """Burgers from -sin(pi x), by the transformation of Cole (1951) and Hopf (1950), (N,).

    The integrals over the real line are taken by the trapezoidal rule, which converges geometrically for
    analytic integrands that decay (Trefethen and Weideman, 2014); 4000 points, 30 in the narrowest peak.
    """
    half = 1.05 * np.sqrt(4 * nu * t * (1 / (np.pi * nu) + 40))[:, None]
    u = np.empty_like(x)
    for part in np.array_split(np.arange(len(x)), max(1, len(x) // 500)):
        z = half[part] * np.linspace(-1, 1, 4001)
        y = x[part, None] - z
        where = np.maximum(4 * nu * t[part], 1e-300)[:, None]
        exponent = -np.cos(np.pi * y) / (2 * np.pi * nu) - z**2 / where
        weights = np.exp(exponent - exponent.max(axis=1, keepdims=True))
        u[part] = -(np.sin(np.pi * y) * weights).sum(1) / weights.sum(1)
    return np.where(t > 0, u, -np.sin(np.pi * x))


def allen_cahn_lines(points: np.ndarray, n: int = 1024) -> np.ndarray:
    """Allen-Cahn with D = 1e-4 at points (N, 2): Fourier series in x, Dormand-Prince in t; (N,)."""
    grid, k = -1 + 2 * np.arange(n) / n, np.pi * np.arange(n // 2 + 1)

    def slope(_: float, u: np.ndarray) -> np.ndarray:
        return np.fft.irfft(-1e-4 * k**2 * np.fft.rfft(u), n) + 5 * (u - u**3)

    start = grid**2 * np.cos(np.pi * grid)
    run = solve_ivp(slope, (0, 1), start, method="DOP853", rtol=1e-9, atol=1e-10, dense_output=True)
    values = np.empty(len(points))
    for part in np.array_split(np.arange(len(points)), max(1, len(points) // 500)):
        hat = np.fft.rfft(run.sol(points[part, 1]), axis=0) / n
        hat[1:-1] *= 2
        phases = np.exp(1j * k[:, None] * (points[part, 0] + 1))
        values[part] = (hat * phases).real.sum(0)
    return values
