"""Curves that a primitive is held against: ``y ~ w * (c * f(a*z + b) + d)``, linear in c and d."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kansci.expressions.primitives import Primitive

__all__ = ["Curve", "Projection"]

NOT_VARIABLE = 1e-18
"""Below this share of its size a function varies by nothing but round-off."""
HUGE = 1e100
TINY = 1e-300


@dataclass(frozen=True)
class Projection:
    """Inner constants ``points`` (M, 2), rows (a, b), with the best outer ones for each.

    ``c``, ``d``, ``mse`` (M,): the mean square is infinite where the function is not finite or
    does not vary. ``phi`` (M, n): the values of ``w * f(a*z + b)``.
    """

    points: np.ndarray
    c: np.ndarray
    d: np.ndarray
    mse: np.ndarray
    phi: np.ndarray

    def where(self, better: np.ndarray, other: "Projection") -> "Projection":
        """The rows of ``other`` where ``better`` (M,), else these."""
        rows = better[:, None]
        return Projection(
            np.where(rows, other.points, self.points),
            np.where(better, other.c, self.c),
            np.where(better, other.d, self.d),
            np.where(better, other.mse, self.mse),
            np.where(rows, other.phi, self.phi),
        )


@dataclass(frozen=True)
class Curve:
    """M views of one curve: abscissae ``z`` and factors ``w`` (M or 1, n), common values ``y`` (n,)."""

    z: np.ndarray
    w: np.ndarray
    y: np.ndarray

    @cached_property
    def spread(self) -> float:
        """Standard deviation of y, that of round-off at least: what errors are measured by."""
        return max(float(self.y.std()), 1e-15 * float(np.abs(self.y).max(initial=0.0)), TINY)

    def inside(self, points: np.ndarray) -> np.ndarray:
        """``a*z + b`` (M, n) for the rows (a, b) of ``points`` (M, 2)."""
        return points[:, :1] * self.z + points[:, 1:]

    def project(self, primitive: Primitive, points: np.ndarray) -> Projection:
        """The outer constants c, d of every row of ``points`` (M, 2) in closed form."""
        y, w = self.y, self.w
        with np.errstate(all="ignore"):
            phi = primitive.values(self.inside(points)) * w
            phi = np.where(np.isfinite(phi).all(axis=1, keepdims=True), phi, 0.0)
            size = np.abs(phi).max(axis=1)
            safe = np.where(size > 0, size, 1.0)
            scaled = phi / safe[:, None]
            ww, wy, wphi = (w * w).sum(axis=1), w @ y, (scaled * w).sum(axis=1)
            centred = scaled - (wphi / ww)[:, None] * w
            rest = y - (wy / ww)[:, None] * w
            norm = (centred**2).sum(axis=1)
            usable = (norm > NOT_VARIABLE * ww) & (size > 0) & (size < HUGE)
            c = np.where(usable, (centred * rest).sum(axis=1) / np.where(usable, norm, 1.0), 0.0)
            mse = np.where(usable, ((rest - c[:, None] * centred) ** 2).mean(axis=1), np.inf)
            return Projection(points, c / safe, wy / ww - c * wphi / ww, mse, phi)

    def jacobian(self, primitive: Primitive, at: Projection) -> np.ndarray:
        """Derivatives (M, n, P) by a and b, as far as the primitive has them, then c and d."""
        with np.errstate(all="ignore"):
            slope = at.c[:, None] * primitive.slope(self.inside(at.points)) * self.w
            w = np.broadcast_to(self.w, slope.shape)
            columns = [slope * self.z] * primitive.scale + [slope] * primitive.shift + [at.phi, w]
        return np.stack(columns, axis=2)

    def residual(self, at: Projection) -> np.ndarray:
        """What the functions leave of y (M, n)."""
        return self.y - at.c[:, None] * at.phi - at.d[:, None] * self.w
