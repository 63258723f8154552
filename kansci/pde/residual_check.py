"""How well equations and conditions are met, beside the size of their terms."""

from collections.abc import Sequence

import numpy as np

from kansci.pde.block import Block
from kansci.pde.compiled import Residual
from kansci.pde.piece import Piece, Pieces, evaluated, piece_of, whole
from kansci.pde.system import System

__all__ = ["Check", "relative_residual"]

_INSIDE, _ON_FACE = 1000, 200
_SHARE_INSIDE, _SHARE_ON_FACE = 1e-3, 1.0
"""How much of a field's own size a residual is compared with at least: derivatives may all vanish, as the
second ones of a straight line do, and so may the field on the boundary."""


def relative_residual(system: System, piece: Piece, points: np.ndarray) -> float:
    """Give the largest over the equations of rms(residual) / rms(largest term) at points (N, d).

    The terms are those of the linearised equation.
    """
    return Check(system, (points, ())).equations(whole(piece))


class Check:
    """The relative residual of equations and soft conditions at points that no solver uses."""

    def __init__(self, system: System, points: "_Points | None" = None):
        """Take over points, those inside and for each soft condition (points, normals), or draw some."""
        self._system = system
        self._inside, self._faces = points or _drawn(system)

    def __call__(self, pieces: Pieces) -> float:
        """Give the largest relative residual of a solution."""
        sizes = self._sizes(pieces)
        worst = self.equations(pieces)
        for (_, residual), (points, normals) in zip(self._system.soft, self._faces, strict=True):
            shares = {name: _SHARE_ON_FACE * size for name, size in sizes.items()}
            worst = max(worst, self._relative(pieces, residual, points, normals, shares))
        return worst

    def equations(self, pieces: Pieces) -> float:
        """Give the largest relative residual of the equations alone."""
        shares = {name: _SHARE_INSIDE * size for name, size in self._sizes(pieces).items()}
        nowhere = np.zeros_like(self._inside)
        rows = ((r, self._inside, nowhere) for r in self._system.equations)
        return max(self._relative(pieces, *row, shares) for row in rows)

    def _sizes(self, pieces: Pieces) -> dict[str, float]:
        problem = self._system.problem
        values = {
            f.name: evaluated(pieces, problem, f.name, self._inside, (0,) * len(f.arguments))
            for f in problem.fields
        }
        return {name: float(np.sqrt(np.mean(value**2))) for name, value in values.items()}

    def _relative(
        self,
        pieces: Pieces,
        residual: Residual,
        points: np.ndarray,
        normals: np.ndarray,
        shares: dict[str, float],
    ) -> float:
        which, count = piece_of(pieces, self._system.problem, points), len(residual.components)
        left = np.zeros(len(points))
        slopes, terms = np.zeros((count, len(points))), np.zeros((count, len(points)))
        for k in np.unique(which):
            rows, piece = which == k, pieces[k][2]
            more = list(normals[rows].T)[: residual.n_columns - points.shape[1]]
            block = Block(residual, dict(piece.models), piece.layout, points[rows], 1.0, more)
            left[rows] = block.values(piece.theta).numpy()
            slopes[:, rows], terms[:, rows] = block.terms(piece.theta)
        size = _rms(left)
        least = [_rms(s) * shares[name] for s, (name, _) in zip(slopes, residual.components, strict=True)]
        largest = max(filter(np.isfinite, [*map(_rms, terms), *least]), default=0.0)
        if not np.isfinite(size):
            return np.inf
        return size / largest if largest > 0 else size


_Points = tuple[np.ndarray, Sequence[tuple[np.ndarray, np.ndarray]]]


def _drawn(system: System) -> _Points:
    rng, domain = np.random.default_rng(12345), system.problem.domain
    inside = domain.sample(_INSIDE, rng)
    faces = [
        domain.sample_face(c.face.axis, c.face.value, c.face.name, _ON_FACE, rng) for c, _ in system.soft
    ]
    return inside, faces


def _rms(values: np.ndarray) -> float:
    with np.errstate(over="ignore"):
        return float(np.sqrt(np.mean(np.square(values))))
