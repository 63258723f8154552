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

from kansci.expressions.primitives import LIBRARY, Primitive
from kansci.symbolic.curve import Curve, Projection
from kansci.symbolic.refine import polish, refine
from kansci.symbolic.scan import scan

__all__ = ["Match", "match"]

SMOOTH_WORTH = 10 / 3
"""Nodes that a decade of error is worth on a smooth curve."""
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

    def feature(self, x: np.ndarray) -> np.ndarray:
        """``x^power * f(a * x^inner + b)`` at points (N,): what c multiplies; nan where it is not defined."""
        with np.errstate(all="ignore"):
            inner = self.a * x ** float(self.inner) + self.b
            return x ** float(self.power) * self.primitive.values(inner)

    def expr(self, x: sympy.Expr) -> sympy.Expr:
        """The matched expression at ``x``; constants that do nothing are left out."""
        inner = x**self.inner
        a, b = sympy.Float(self.a, 17), sympy.Float(self.b, 17)
        if self.primitive.scale:
            inner = a * inner
        elif self.a < 0:
            inner = -inner
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
        mirrored = not p.scale and self.a < 0
        return p.cost + constants + mirrored + 3.0 * (self.power != 0) + 2.0 * (self.inner != 1)


def match(
    x: np.ndarray,
    y: np.ndarray,
    powers: Sequence[sympy.Rational] = (sympy.S.Zero,),
    inners: Sequence[sympy.Rational] = (sympy.S.One,),
    library: Sequence[Primitive] = LIBRARY,
    top: int = 12,
    weight: np.ndarray | None = None,
) -> list[Match]:
    """The best matches of the points (x, y), best first by error and cost.

    Args:
        x: Abscissae (N,).
        y: Values (N,).
        powers: Prefactors ``x^p`` to try; only integers where x has zeros or both signs.
        inners: Powers ``x^q`` inside the function to try.
        library: The primitives to try.
        top: How many to return.
        weight: Weight of each residual (N,). With it the points are measurements with noise of their own, and
            ranked by description length; without, a smooth curve.

    Returns:
        At most ``top`` matches; none for fewer than three points, or if x or y is not finite.
    """
    if len(x) < 3 or not (np.isfinite(x).all() and np.isfinite(y).all()):
        return []
    worth = SMOOTH_WORTH if weight is None else len(x) * np.log(10) / np.log(8)
    weight = np.ones_like(y) if weight is None else weight / float(np.sqrt(np.mean(weight**2)))
    few = _sample(x)
    frames = [_Frame(power, inner) for power in powers for inner in inners]
    views = {f: curve for f in frames if (curve := f.curve(x[few], y[few], weight[few])) is not None}
    found = [m for primitive in library for m in _candidates(primitive, views)]
    best = _distinct(sorted(found, key=lambda m: _rank(m, worth)))[: 2 * top]
    return sorted((_refined(m, x, y, weight) for m in best), key=lambda m: _rank(m, worth))[:top]


@dataclass(frozen=True)
class _Frame:
    """Powers of x around and inside the function: ``x^power * f(x^inner)``."""

    power: sympy.Rational
    inner: sympy.Rational

    def curve(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Curve | None:
        """The weighted points (N,) as seen in this frame, None if a power of x is not finite."""
        w, z = _power(x, self.power), _power(x, self.inner)
        if w is None or z is None or np.ptp(z) == 0:
            return None
        return Curve(z[None], (weight * w)[None], weight * y)


def _power(x: np.ndarray, exponent: sympy.Rational) -> np.ndarray | None:
    if exponent == 0:
        return np.ones_like(x)
    if (x.min() <= 0 and not exponent.is_integer) or (exponent < 0 and (x == 0).any()):
        return None
    with np.errstate(over="ignore"):
        value = x ** float(exponent)
    return value if np.isfinite(value).all() else None


def _sample(x: np.ndarray) -> np.ndarray:
    """Indices of at most POINTS points, even in rank."""
    order = np.argsort(x, kind="stable")
    return order[np.unique(np.linspace(0, len(x) - 1, POINTS).astype(int))]


def _candidates(primitive: Primitive, views: dict[_Frame, Curve]) -> list[Match]:
    """The best of one primitive in every frame, on the sample."""
    starts = [(frame, point) for frame, curve in views.items() for point in scan(primitive, curve)]
    if not starts:
        return []
    curves = [views[frame] for frame, _ in starts]
    z, w = np.concatenate([curve.z for curve in curves]), np.concatenate([curve.w for curve in curves])
    together = Curve(z, w, curves[0].y)
    best = polish(primitive, together, np.stack([point for _, point in starts]))
    return [
        _match(primitive, frame, best, k, together.spread)
        for k, (frame, _) in enumerate(starts)
        if np.isfinite(best.mse[k])
    ]


def _match(primitive: Primitive, frame: _Frame, best: Projection, k: int, spread: float) -> Match:
    """Row k of a projection."""
    a, b = map(float, best.points[k])
    error = float(np.sqrt(best.mse[k])) / spread
    return Match(primitive, a, b, float(best.c[k]), float(best.d[k]), frame.power, frame.inner, error)


def _refined(m: Match, x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Match:
    """The match on all points, to round-off, without the constants that do nothing there."""
    frame = _Frame(m.power, m.inner)
    curve = frame.curve(x, y, weight)
    if curve is None:
        return m
    best = refine(m.primitive, curve, np.array([m.a, m.b]))
    found = _match(m.primitive, frame, best, 0, curve.spread)
    size = float(np.sqrt((curve.w**2).mean())) / curve.spread
    reach = max(1.0, abs(found.a) * float(np.abs(curve.z).max()))
    idle_d = abs(found.d) * size < 1e-8 + 0.02 * found.nrmse
    idle_b = m.primitive.shift and abs(found.b) < 1e-7 * reach
    return replace(found, b=0.0 if idle_b else found.b, d=0.0 if idle_d else found.d)


def _rank(m: Match, worth: float) -> float:
    """Nodes that the error and the length are worth together."""
    return worth * float(np.log10(max(m.nrmse, 1e-14))) + m.cost


def _distinct(matches: list[Match]) -> list[Match]:
    """The first match of every primitive in every frame."""
    kept: dict[tuple, Match] = {}
    for m in matches:
        kept.setdefault((m.primitive.name, m.power, m.inner), m)
    return list(kept.values())
