"""Plain functions in a space of functions of one coordinate: powers, exponentials, waves."""

from collections.abc import Callable, Iterator

import numpy as np
import sympy

__all__ = ["AXIS", "Function", "Known", "span_functions"]

POINTS = 121
MOST_POWER = 8
TIMES_ACCURACY = 300.0
SLACK = 1e-8
INDEPENDENT = 1e-4
PROJECTIONS = 3
AXIS = sympy.Symbol("axis", real=True)
"""What the formulas are written in."""
Function = Callable[[np.ndarray], np.ndarray]
Known = tuple[Function, sympy.Expr]


def span_functions(
    basis: Callable[[np.ndarray], np.ndarray], ends: tuple[float, float], rank: int, accuracy: float
) -> list[Known] | None:
    """Find plain functions that span a space.

    Args:
        basis: points (N,) -> values (N, rank) of functions that span it.
        ends: of the coordinate.
        rank: of the space.
        accuracy: relative, of the values.

    Returns:
        As many functions as the rank, each with its formula in the symbol `axis`; None if there are fewer.
    """
    x = np.linspace(*ends, POINTS)
    values = basis(x)
    if not np.isfinite(values).all():
        return None
    space = np.linalg.qr(values)[0]
    allowed = max(TIMES_ACCURACY * accuracy, SLACK)
    found: list[Known] = []
    for functions in (*_powers(), *_families(space, x)):
        for function, expr in _inside(functions, space, x, allowed):
            if _is_new(function, [f for f, _ in found], x):
                found.append((function, expr))
            if len(found) == rank:
                return found
    return None


def _powers() -> Iterator[list[Known]]:
    for n in range(MOST_POWER + 1):
        yield [(_power(n), AXIS ** sympy.Integer(n))]


def _families(space: np.ndarray, x: np.ndarray) -> Iterator[list[Known]]:
    """Functions f with f(x + h) + f(x - h) = m f(x), or a pair that a shift maps into itself."""
    step, rng = x[1] - x[0], np.random.default_rng(0)
    rank = space.shape[1]
    rates: list[complex] = []
    shift = np.linalg.lstsq(space[:-1], space[1:], rcond=None)[0]
    with np.errstate(all="ignore"):
        rates += list(np.log(np.linalg.eigvals(shift).astype(complex)) / step)
    around, middle = space[2:] + space[:-2], space[1:-1]
    for _ in range(PROJECTIONS):
        mix = rng.standard_normal((rank, len(middle)))
        half = np.linalg.eigvals(np.linalg.solve(mix @ middle, mix @ around)).astype(complex) / 2
        rates += list(np.arccosh(half) / step)
    for rate in rates:
        if np.isfinite(rate):
            yield _real_functions(float(rate.real), abs(float(rate.imag)), float(np.ptp(x)))


def _real_functions(growth: float, wave: float, width: float) -> list[Known]:
    """The real functions exp(+-growth x) cos(wave x) and sin, without what does nothing."""
    still, steady = abs(growth) * width < 1e-6, abs(wave) * width < 1e-6
    known: list[Known] = []
    for g in (0.0,) if still else (growth, -growth):
        factor = sympy.S.One if still else sympy.exp(sympy.Float(g, 17) * AXIS)
        if steady:
            known.append((_wave(g, 0.0, np.cos), factor))
            continue
        inner = sympy.Float(wave, 17) * AXIS
        known.append((_wave(g, wave, np.cos), factor * sympy.cos(inner)))
        known.append((_wave(g, wave, np.sin), factor * sympy.sin(inner)))
    return known


def _inside(functions: list[Known], space: np.ndarray, x: np.ndarray, allowed: float) -> Iterator[Known]:
    """Those of the functions that are in the space; else the one combination of two that is."""
    outside = []
    for function, expr in functions:
        v = function(x)
        if np.isfinite(v).all() and _distance(v, space) <= allowed:
            yield function, expr
        elif np.isfinite(v).all():
            outside.append((function, expr, v))
    for (f, a, v), (g, b, w) in zip(outside[::2], outside[1::2], strict=False):
        both = np.stack([v, w], axis=1)
        left = both - space @ (space.T @ both)
        _, singular, right = np.linalg.svd(left)
        p, q = right[-1]
        if singular[-1] <= allowed * np.linalg.norm(both @ right[-1]):
            yield (
                _combination(f, g, p, q),
                sympy.Float(float(p), 17) * a + sympy.Float(float(q), 17) * b,
            )


def _distance(v: np.ndarray, space: np.ndarray) -> float:
    """Sine of the angle between a function and a space."""
    return float(np.linalg.norm(v - space @ (space.T @ v)) / np.linalg.norm(v))


def _is_new(function: Function, known: list[Function], x: np.ndarray) -> bool:
    if not known:
        return True
    space = np.linalg.qr(np.stack([f(x) for f in known], axis=1))[0]
    return _distance(function(x), space) > INDEPENDENT


def _power(n: int) -> Function:
    return lambda t: t**n


def _wave(growth: float, wave: float, shape: Callable[[np.ndarray], np.ndarray]) -> Function:
    return lambda t: np.exp(growth * t) * shape(wave * t)


def _combination(f: Function, g: Function, p: float, q: float) -> Function:
    return lambda t: p * f(t) + q * g(t)
