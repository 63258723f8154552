"""Which primitive is this curve? ``T(y) = x^p * (c * f(a * x^q + b) + d)`` for one variable.

For every primitive the inner constants (a, b) are scanned on grids laid by the data (their
range and sampling), the outer ones (c, d) are linear and solved in closed form for the whole
scan at once; the best are refined by Gauss-Newton on (a, b) with (c, d) projected out
(variable projection, Golub & Pereyra 1973). An edge of a network has T = identity, p = 0, q = 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import sympy

from kansci.symbolic.primitives import LIBRARY, Primitive

__all__ = ["Match", "match"]

POINTS = 160
"""Points of the curve that the scan looks at."""


@dataclass(frozen=True)
class Match:
    """``x^power * (c * f(a * x^inner + b) + d)`` with its relative error on all points."""

    primitive: Primitive
    a: float
    b: float
    c: float
    d: float
    power: sympy.Rational
    inner: sympy.Rational
    nrmse: float

    def expr(self, x: sympy.Expr) -> sympy.Expr:
        """The matched expression at ``x``; constants that do nothing are left out."""
        inner = x**self.inner
        a, b = sympy.Float(self.a, 17), sympy.Float(self.b, 17)
        if self.primitive.scale:
            inner = a * inner
        value = self.primitive(inner + b if self.primitive.shift and self.b != 0 else inner)
        value = sympy.Float(self.c, 17) * value
        if self.d != 0:
            value = value + sympy.Float(self.d, 17)
        return value * x**self.power

    @property
    def cost(self) -> float:
        """Nodes of the expression, a constant counting one."""
        p = self.primitive
        constants = 2 * (p.scale + (p.shift and self.b != 0) + 1 + (self.d != 0))
        return p.cost + constants + 3.0 * (self.power != 0) + 2.0 * (self.inner != 1)


def match(
    x: np.ndarray,
    y: np.ndarray,
    powers: Sequence[sympy.Rational] = (sympy.S.Zero,),
    inners: Sequence[sympy.Rational] = (sympy.S.One,),
    library: Sequence[Primitive] = LIBRARY,
    top: int = 12,
) -> list[Match]:
    """The best matches of the points (x, y), best first by error and cost.

    Args:
        x: Abscissae (N,).
        y: Values (N,).
        powers: Prefactors ``x^p`` to try; only integers where x has zeros or both signs.
        inners: Powers ``x^q`` inside the function to try.
        library: The primitives to try.
        top: How many to return.

    Returns:
        At most ``top`` matches; none if y is not finite.
    """
    if not (np.isfinite(x).all() and np.isfinite(y).all()) or len(x) < 3:
        return []
    sample = _sample(x)
    frames = [
        (power, inner, z, w)
        for power in powers
        for inner in inners
        if (w := _power(x, power)) is not None and (z := _power(x, inner)) is not None and np.ptp(z) > 0
    ]
    found: list[Match] = []
    for primitive in library:
        scanned = [m for frame in frames for m in _scan(primitive, frame, y, sample)]
        found += _polish(primitive, scanned, x[sample], y[sample])
    found.sort(key=_rank)
    refined = sorted((_refine(m, x, y) for m in _distinct(found)[: 2 * top]), key=_rank)
    return refined[:top]


def _rank(m: Match) -> float:
    """Bits of the error and of the length: a decade of error is worth about three nodes."""
    return 10 * np.log10(max(m.nrmse, 1e-14)) / 3 + m.cost


def _distinct(matches: list[Match]) -> list[Match]:
    kept: dict[tuple, Match] = {}
    for m in matches:
        kept.setdefault((m.primitive.name, m.power, m.inner), m)
    return list(kept.values())


def _sample(x: np.ndarray) -> np.ndarray:
    """Indices of at most POINTS points, even in rank."""
    order = np.argsort(x, kind="stable")
    return order[np.unique(np.linspace(0, len(x) - 1, POINTS).astype(int))]


def _power(x: np.ndarray, exponent: sympy.Rational) -> np.ndarray | None:
    if exponent == 0:
        return np.ones_like(x)
    if (x.min() <= 0 and not exponent.is_integer) or (exponent < 0 and (x == 0).any()):
        return None
    return x ** float(exponent)


def _inner_grid(primitive: Primitive, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (a, b) to scan, so that a*z + b covers the interesting parts of the function."""
    low, high = float(z.min()), float(z.max())
    span = high - low
    if not primitive.scale:
        if not primitive.shift:
            return np.ones(1), np.zeros(1)
        outside = span * np.concatenate([[0.01, 0.03], np.geomspace(0.1, 10, 9)])
        shifts = np.concatenate([[0.0], -low + outside, -low - span * np.linspace(0, 1, 21)])
        ones = np.ones_like(shifts)
        return np.concatenate([ones, -ones]), np.concatenate([shifts, high + low + shifts])
    if primitive.periodic:
        scales = np.concatenate([np.geomspace(0.2, 1.5, 6), np.arange(2, 100) * 0.75]) * np.pi / span
        phases = np.linspace(0, np.pi, 5)[:-1]
        return np.repeat(scales, 4), np.tile(phases, scales.size)
    scales = np.concatenate([np.geomspace(0.05, 40, 24), [np.pi, 2 * np.pi]]) / max(abs(low), abs(high))
    scales = np.concatenate([scales, -scales])
    if not primitive.shift:
        return scales, np.zeros_like(scales)
    centres = np.linspace(low - 0.25 * span, high + 0.25 * span, 13)
    wide = np.geomspace(0.3, 40, 14) / span
    a = np.concatenate([scales, np.repeat(wide, centres.size)])
    b = np.concatenate([np.zeros_like(scales), -(wide[:, None] * centres).ravel()])
    return a, b


def _scan(primitive: Primitive, frame, y: np.ndarray, sample: np.ndarray) -> list[Match]:
    """One primitive on its grid in one frame (p, q), (c, d) in closed form; the three best."""
    power, inner, z, w = frame
    zs, ys, ws = z[sample], y[sample], w[sample]
    a, b = _inner_grid(primitive, zs)
    phi = primitive.values(a[:, None] * zs + b[:, None]) * ws
    c, d, mse = _affine(phi, ws, ys)
    spread = max(float(ys.std()), 1e-300)
    return [
        Match(primitive, a[k], b[k], c[k], d[k], power, inner, float(np.sqrt(mse[k])) / spread)
        for k in _spread(np.argsort(mse, kind="stable"), mse, a)
        if np.isfinite(mse[k])
    ]


def _polish(
    primitive: Primitive, matches: list[Match], x: np.ndarray, y: np.ndarray, steps: int = 12
) -> list[Match]:
    """A few damped Gauss-Newton steps for all matches of one primitive at once, on the sample."""
    if not matches or not (primitive.scale or primitive.shift):
        return matches
    Z = np.stack([_power(x, m.inner) for m in matches])
    W = np.stack([_power(x, m.power) for m in matches])
    point = np.array([[m.a, m.b] for m in matches])
    free = [0] * primitive.scale + [1] * primitive.shift
    damping = np.full(len(matches), 1e-3)

    def project(point):
        return _affine_rows(primitive.values(point[:, :1] * Z + point[:, 1:]) * W, W, y)

    c, d, mse, phi = project(point)
    for _ in range(steps):
        slope = c[:, None] * primitive.slope(point[:, :1] * Z + point[:, 1:]) * W
        columns = [slope * Z] * primitive.scale + [slope] * primitive.shift + [phi, W]
        step = _damped_steps(np.stack(columns, axis=2), y - c[:, None] * phi - d[:, None] * W, damping)
        trial = point.copy()
        trial[:, free] += step[:, : len(free)]
        result = project(trial)
        better = result[2] < mse
        point = np.where(better[:, None], trial, point)
        c, d, mse = (np.where(better, new, old) for new, old in zip(result[:3], (c, d, mse), strict=True))
        phi = np.where(better[:, None], result[3], phi)
        damping = np.where(better, damping * 0.1, damping * 10)
    spread = max(float(y.std()), 1e-300)
    return [
        replace(m, a=p[0], b=p[1], c=ck, d=dk, nrmse=float(np.sqrt(e)) / spread)
        for m, p, ck, dk, e in zip(matches, point, c, d, mse, strict=True)
        if np.isfinite(e)
    ]


def _damped_steps(J: np.ndarray, r: np.ndarray, damping: np.ndarray) -> np.ndarray:
    """Levenberg-Marquardt steps (M, P) of M small problems J (M, n, P), r (M, n)."""
    with np.errstate(all="ignore"):
        J = np.where(np.isfinite(J).all(axis=(1, 2), keepdims=True), J, 0.0)
        scale = np.linalg.norm(J, axis=1)
        scale = np.where((scale > 0) & np.isfinite(scale), scale, 1.0)
        J = J / scale[:, None, :]
        A = J.transpose(0, 2, 1) @ J + (damping[:, None, None] + 1e-13) * np.eye(J.shape[2])
        g = J.transpose(0, 2, 1) @ np.where(np.isfinite(r), r, 0.0)[:, :, None]
        return np.linalg.solve(A, g)[:, :, 0] / scale


def _spread(order: np.ndarray, mse: np.ndarray, a: np.ndarray) -> list[int]:
    """The best entries of the scan with clearly different scales a."""
    kept: list[int] = []
    for k in order[:40]:
        if all(abs(a[k] - a[m]) > 0.1 * abs(a[m]) for m in kept):
            kept.append(int(k))
        if len(kept) == 3:
            break
    return kept


def _affine(phi: np.ndarray, w: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least squares ``y ~ c*phi + d*w`` for every row of phi (M, n): c (M,), d (M,), mean square (M,)."""
    return _affine_rows(phi, w[None, :], y)[:3]


def _affine_rows(phi: np.ndarray, w: np.ndarray, y: np.ndarray):
    """As ``_affine`` with a weight w (M or 1, n) a row; also the phi (M, n) that were finite, else 0."""
    with np.errstate(all="ignore"):
        phi = np.where(np.isfinite(phi).all(axis=1, keepdims=True), phi, 0.0)
        size = np.abs(phi).max(axis=1)
        safe = np.where(size > 0, size, 1.0)
        scaled = phi / safe[:, None]
        ww, wy, wphi = (w * w).sum(axis=1), w @ y, (scaled * w).sum(axis=1)
        centred = scaled - (wphi / ww)[:, None] * w
        rest = y - (wy / ww)[:, None] * w
        norm = (centred**2).sum(axis=1)
        usable = (norm > 1e-18 * ww) & (size > 0) & (size < 1e100)
        c = np.where(usable, (centred * rest).sum(axis=1) / np.where(usable, norm, 1.0), 0.0)
        mse = np.where(usable, ((rest - c[:, None] * centred) ** 2).mean(axis=1), np.inf)
    return c / safe, wy / ww - c * wphi / ww, mse, phi


def _refine(m: Match, x: np.ndarray, y: np.ndarray, steps: int = 30) -> Match:
    """Gauss-Newton with halving on (a, b), (c, d) projected out at each step, on all points."""
    z, w = _power(x, m.inner), _power(x, m.power)
    if z is None or w is None:
        return m
    p = m.primitive
    free = np.array([p.scale, p.shift])
    point = np.array([m.a, m.b])
    spread = max(float(y.std()), 1e-300)

    def project(point: np.ndarray):
        phi = p.values(point[0] * z + point[1]) * w
        c, d, mse = _affine(phi[None], w, y)
        return float(c[0]), float(d[0]), float(mse[0]), phi

    c, d, mse, phi = project(point)
    for _ in range(steps if free.any() and np.isfinite(mse) else 0):
        step = _gauss_newton_step(p, point, c, d, z, w, y, phi, free)
        if step is None:
            break
        length, improved = 1.0, False
        while length > 1e-3 and not improved:
            trial = point + length * step
            result = project(trial)
            improved = result[2] < mse
            length /= 4
        if not improved:
            break
        stop = mse - result[2] < 1e-10 * mse
        point, (c, d, mse, phi) = trial, result
        if stop or mse < (1e-15 * spread) ** 2:
            break
    return _drop_small(m, point, c, d, mse, spread, z, w, y)


def _gauss_newton_step(p, point, c, d, z, w, y, phi, free) -> np.ndarray | None:
    """Step in (a, b) of the full Gauss-Newton problem in (a, b, c, d)."""
    slope = c * p.slope(point[0] * z + point[1]) * w
    columns = [slope * z] * bool(free[0]) + [slope] * bool(free[1]) + [phi, w]
    J = np.stack(columns, axis=1)
    if not np.isfinite(J).all():
        return None
    scale = np.linalg.norm(J, axis=0)
    scale[scale == 0] = 1.0
    solution = np.linalg.lstsq(J / scale, y - c * phi - d * w, rcond=1e-12)[0] / scale
    step = np.zeros(2)
    step[free] = solution[: int(free.sum())]
    return step


def _drop_small(m: Match, point, c, d, mse, spread, z, w, y) -> Match:
    """Set b and d to zero where the fit is as good without them."""
    a, b = float(point[0]), float(point[1])
    error = float(np.sqrt(mse)) / spread
    size = np.sqrt(float((w * w).mean())) / spread
    if abs(d) * size < 1e-8 + 0.02 * error:
        d = 0.0
    if m.primitive.shift and abs(b) < 1e-7 * max(1.0, abs(a) * float(np.abs(z).max())):
        b = 0.0
    return Match(m.primitive, a, b, c, d, m.power, m.inner, error)
