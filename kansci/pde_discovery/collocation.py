"""Fields and coefficients fitted at once: the data and the equation in one least-squares problem.

Minimises, over the spline coefficients b of the fields and the coefficients c of the terms,

    sum_i |y_i - u(x_i; b)|^2 / sigma^2  +  sum_cells |u_t - sum_j c_j T_j(u; b)|^2 / (scale tau)^2,

a form of generalised profiling (Ramsay, Hooker, Campbell and Cao, J. R. Stat. Soc. B 69, 2007), whose limit
tau -> 0 is the maximum-likelihood fit of the differential equation with all its solutions as candidates. No
derivative of noise is ever taken, noise inside nonlinear terms causes no bias, neither initial nor boundary
values are needed and nothing is integrated forward, so that chaotic and stiff equations are no different.
Gauss-Newton steps; the matrix is banded in b and bordered by c.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kansci.pde_discovery.spline_space import BandSolver, SplineSpace
from kansci.pde_discovery.terms import Coordinate, Jet, Jets, Term

__all__ = ["Collocation", "Fit", "Support"]

PROBES = 6
"""Random vectors for the trace that counts the parameters of the fields."""

Support = tuple[tuple[Term, ...], ...]
"""The terms of each equation."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted equation.

    Attributes:
        support: terms of each equation.
        b: spline coefficients of the fields, shape (size, fields).
        c: coefficients of all terms, those of the first equation first, shape (P,).
        covariance: of c, shape (P, P); in units of sigma and tau as they were given.
        misfit: sum of squared residuals of the data over sigma squared.
        defect: sum over cells of squared residuals of the equations over (scale tau) squared.
        freedom: effective number of parameters of the fields.
    """

    support: Support
    b: np.ndarray
    c: np.ndarray
    covariance: np.ndarray
    misfit: float
    defect: float
    freedom: float

    @property
    def objective(self) -> float:
        """What was minimised."""
        return self.misfit + self.defect

    def coefficients(self) -> list[np.ndarray]:
        """Of each equation."""
        ends = np.cumsum([len(terms) for terms in self.support])
        return np.split(self.c, ends[:-1])


class Collocation:
    """The data of a fit.

    Args:
        space: splines of the fields.
        points: of the data, shape (N, d).
        values: shape (N, fields).
        sigma: standard deviation of the noise of each field.
        left: the derivative on the left-hand side of each equation.
        scale: of the left-hand sides, shape (equations,).
    """

    def __init__(
        self,
        space: SplineSpace,
        points: np.ndarray,
        values: np.ndarray,
        sigma: np.ndarray,
        left: Sequence[Jet],
        scale: np.ndarray,
    ) -> None:
        self.space, self.left, self.scale = space, tuple(left), scale
        self.fields = values.shape[1]
        self.weights = 1 / sigma**2
        self.count = values.size
        gram = space.normal(points)
        self.moments = space.moments(points, values) * self.weights
        self.totals = float((values**2 * self.weights).sum())
        self.data = space.band(self.fields)
        for f in range(self.fields):
            spread = gram.diagonals * self.weights[f]
            self.data.diagonals[:: self.fields, f :: self.fields][: len(spread)] += spread
        self.gram = gram
        self._values = values
        self._columns = space.columns(points)
        self._weights = space.rows(points, (0,) * len(space.axes))
        self.cells = len(space.cell_columns)
        self.columns = (space.cell_columns[:, :, None] * self.fields + np.arange(self.fields)).reshape(
            self.cells, -1
        )
        signs = np.random.default_rng(0).choice([-1.0, 1.0], (len(points), PROBES * self.fields))
        probes = space.moments(points, signs).reshape(space.size, PROBES, self.fields) * np.sqrt(self.weights)
        self.probes = probes.transpose(0, 2, 1).reshape(-1, PROBES)
        self._rows: dict[tuple[int, ...], np.ndarray] = {}
        quadrature, self.quad = space.quadrature
        self.places: dict[Jet | Coordinate, np.ndarray] = {
            Coordinate(i): quadrature[..., i] for i in range(quadrature.shape[-1])
        }

    def jets(self, b: np.ndarray, wanted: Sequence[Jet]) -> Jets:
        """Derivatives at the points of the quadrature, shape (cells, q) each, and the coordinates."""
        local = b[self.space.cell_columns]
        return {**self.places, **{jet: local[:, :, jet.field] @ self.rows(jet.orders).T for jet in wanted}}

    def rows(self, orders: tuple[int, ...]) -> np.ndarray:
        """Weights of the coefficients of a cell in a derivative at its points, shape (q, w)."""
        if orders not in self._rows:
            self._rows[orders] = self.space.cell_rows(orders)
        return self._rows[orders]

    def misfit(self, b: np.ndarray) -> float:
        """Squared residuals of the data over sigma squared."""
        fitted = np.einsum("nw,nwf->nf", self._weights, b[self._columns])
        return float(((self._values - fitted) ** 2 * self.weights).sum())

    def wanted(self, support: Support) -> list[Jet]:
        """All derivatives that some equations need."""
        return sorted({*self.left, *(jet for terms in support for term in terms for jet in term.jets)})

    def fit(
        self,
        support: Support,
        b: np.ndarray,
        c: np.ndarray,
        taus: Sequence[float],
        steps: int = 6,
        tolerance: float = 1e-3,
        hold: int = 0,
    ) -> Fit:
        """Fit.

        Args:
            support: terms of each equation.
            b: where to start, shape (size, fields).
            c: where to start, shape (P,).
            taus: how well the equation is to hold, relative to its left-hand side; one after the other.
            steps: of Gauss-Newton, at most, for each tau.
            tolerance: of the gain in the objective.
            hold: first steps in which c stays as it is.

        Returns:
            The fit for the last tau.
        """
        for tau in taus:
            now, settled = self._objective(support, b, c, tau), False
            for number in range(steps + hold):
                system = self.linearise(support, b, c, tau)
                db, dc = system.step(with_c=number >= hold)
                size, accepted = 1.0, False
                while size > 0.02:
                    trial = (b + size * db, c + size * dc)
                    new = self._objective(support, *trial, tau)
                    if np.isfinite(sum(new)) and sum(new) <= sum(now) * (1 + 1e-12):
                        accepted = True
                        break
                    size /= 2
                if not accepted:
                    settled = True
                    break
                gain = sum(now) - sum(new)
                (b, c), now = trial, new
                if number >= hold and gain < tolerance * max(1.0, 1e-4 * sum(now)):
                    settled = True
                    break
        if not settled:
            system = self.linearise(support, b, c, taus[-1])
        return Fit(support, b, c, system.covariance(), *now, system.freedom)

    def _objective(self, support: Support, b: np.ndarray, c: np.ndarray, tau: float) -> tuple[float, float]:
        jets = self.jets(b, self.wanted(support))
        defect, start = 0.0, 0
        for e, terms in enumerate(support):
            residual = jets[self.left[e]].copy()
            for j, term in enumerate(terms):
                residual -= c[start + j] * term.value(jets)
            start += len(terms)
            defect += float((residual**2 @ self.quad).sum()) / (self.scale[e] * tau) ** 2
        return self.misfit(b), defect

    def linearise(
        self, support: Support, b: np.ndarray, c: np.ndarray, tau: float, extra: Support | None = None
    ) -> "System":
        """The Gauss-Newton system at a point.

        Args:
            support: terms of each equation.
            b: spline coefficients.
            c: coefficients of the terms.
            tau: how well the equation is to hold.
            extra: further terms of each equation, with coefficient zero.

        Returns:
            The factorised system, the extra terms after the others.
        """
        every = support if extra is None else support + extra
        jets = self.jets(b, self.wanted(every))
        width = len(self.space.cell_columns[0])
        columns, gradient_c, inner = [], [], []
        equations = list(range(len(support))) * (1 if extra is None else 2)
        start, residuals, operators = 0, [], []
        for e, terms in enumerate(support):
            residual = jets[self.left[e]].copy()
            slopes: dict[Jet, np.ndarray] = {self.left[e]: np.ones_like(residual)}
            for term in terms:
                residual -= c[start] * term.value(jets)
                for jet, slope in term.slopes(jets).items():
                    slopes[jet] = slopes.get(jet, 0.0) - c[start] * slope
                start += 1
            weight = np.sqrt(self.quad) / (self.scale[e] * tau)
            operator = np.zeros((self.cells, len(self.quad), width, self.fields))
            for jet, slope in slopes.items():
                operator[..., jet.field] += slope[:, :, None] * self.rows(jet.orders)
            operator = operator.reshape(self.cells, len(self.quad), -1) * weight[:, None]
            residuals.append(residual * weight)
            operators.append(operator)
        stacked = np.concatenate(operators, axis=1)
        blocks = stacked.transpose(0, 2, 1) @ stacked
        gradient_b = self._gradient_of_data(b)
        for e, terms in zip(equations, every, strict=True):
            weight = np.sqrt(self.quad) / (self.scale[e] * tau)
            for term in terms:
                value = -term.value(jets) * weight
                columns.append(self._gather(np.einsum("cqw,cq->cw", operators[e], value)))
                gradient_c.append(float((value * residuals[e]).sum()))
                inner.append((e, value.ravel()))
        for operator, residual in zip(operators, residuals, strict=True):
            gradient_b += self._gather(np.einsum("cqw,cq->cw", operator, residual))
        band = self.space.band(self.fields)
        band.diagonals += self.data.diagonals
        shape = tuple(axis.intervals for axis in self.space.axes)
        band.add_cells(blocks, self.columns[0], shape, tuple(s * self.fields for s in self.space.strides))
        corner = np.array([[x @ y if e == f else 0.0 for f, y in inner] for e, x in inner])
        border = np.array(columns).reshape(-1, self.columns.max() + 1).T
        return System(band.solver(), border, corner, gradient_b, np.array(gradient_c), self.probes, b.shape)

    def _gather(self, cellwise: np.ndarray) -> np.ndarray:
        """Sum contributions of cells, shape (cells, w * fields), into a vector over all coefficients."""
        return np.bincount(self.columns.ravel(), cellwise.ravel(), self.space.size * self.fields)

    def _gradient_of_data(self, b: np.ndarray) -> np.ndarray:
        out = np.stack(
            [_band_times(self.gram.diagonals, b[:, f]) * self.weights[f] for f in range(self.fields)], axis=1
        )
        return (out - self.moments).ravel()


def _band_times(diagonals: np.ndarray, vector: np.ndarray) -> np.ndarray:
    out = diagonals[0] * vector
    for k in range(1, len(diagonals)):
        diagonal = diagonals[k, : len(vector) - k]
        if diagonal.any():
            out[k:] += diagonal * vector[:-k]
            out[:-k] += diagonal * vector[k:]
    return out


class System:
    """[H_bb H_bc; H_cb H_cc] with a banded H_bb, by its Schur complement."""

    def __init__(
        self,
        solver: BandSolver,
        border: np.ndarray,
        corner: np.ndarray,
        gradient_b: np.ndarray,
        gradient_c: np.ndarray,
        probes: np.ndarray,
        shape: tuple[int, ...],
    ) -> None:
        self.shape = shape
        solved = solver(np.column_stack([gradient_b, probes, border]))
        self.free, self.carried = solved[:, 0], solved[:, 1 + PROBES :]
        self.freedom = float((probes * solved[:, 1 : 1 + PROBES]).sum() / PROBES)
        self.schur = corner - border.T @ self.carried
        self.reduced = gradient_c - border.T @ self.free

    def step(self, *, with_c: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """The step in b, of its shape, and in c."""
        dc = -_solve(self.schur, self.reduced) if with_c else np.zeros_like(self.reduced)
        return -(self.free + self.carried @ dc).reshape(self.shape), dc

    def covariance(self) -> np.ndarray:
        """Of c."""
        return _solve(self.schur, np.eye(len(self.schur)))


def _solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Symmetric positive definite up to round-off, of any scaling."""
    scale = 1 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    scaled = matrix * np.outer(scale, scale)
    values, vectors = np.linalg.eigh((scaled + scaled.T) / 2)
    keep = values > 1e-12 * values[-1]
    inverse = (vectors[:, keep] / values[keep]) @ vectors[:, keep].T
    return (
        (scale * (inverse @ (scale * right).T).T.T).T
        if right.ndim == 1
        else (inverse * np.outer(scale, scale)) @ right
    )
