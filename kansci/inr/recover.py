"""A signal on a grid from incomplete, indirect or noisy measurements: b = A x + noise, and x is regular.

x minimises |A x - b|^2 / 2 + weight * R(x). R is the sum of the sizes of first differences (total variation:
Rudin, Osher and Fatemi, 1992), which keeps edges; of second differences, which keeps slopes; or half the sum
of squares of second differences (thin plates), for smooth fields. The first two are minimised by the
primal-dual method with diagonal steps (Pock and Chambolle, ICCV 2011, Algorithm 1). The weight, and R where
it is left open, is what predicts measurements best that were held out.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg, splu

__all__ = ["PRIORS", "Recovered", "difference_matrices", "recover"]

PRIORS = ("smooth", "tv", "tv2")
"""In the order in which they are tried, the quickest first: time may end before the last."""
HELD_OUT = 0.1
LADDER = 0.25
"""Ratio of neighbouring weights that are tried; of squared differences its square, since they smooth over
lengths that grow as the fourth root of the weight."""
SMOOTHEST = 1e6
"""First weight of squared differences, for unit measurements: waves of some 200 samples are halved."""
MOST_WEIGHTS = 12
WORSE = 2
"""How many weights in a row may predict worse before the search ends."""
ENOUGH = 0.999
"""Ratio of errors below which a weight predicts better."""
DEPARTED = 0.95
"""Ratio to the first weight's error from which on a weight may predict worse."""
SETTLED = 2e-5
"""Largest step, in parts of the spread, after which nothing moves any more."""
TINY = 1e-12
"""Part of the largest diagonal entry that is added where nothing else determines a value."""
LOOK, FINE = 120, 500
"""Iterations while weights are compared, and of the last run."""


@dataclass(frozen=True, eq=False)
class Recovered:
    """What was found.

    Attributes:
        values: shape (n_1, ..., n_d, C).
        prior: the regularity that was asked for, or chosen.
        weight: its weight, for the data's own units.
        error: root mean squared error on held-out measurements.
    """

    values: np.ndarray
    prior: str
    weight: float
    error: float


def recover(
    operator: sparse.sparray,
    data: np.ndarray,
    shape: Sequence[int],
    *,
    prior: str | None = None,
    seed: int = 0,
    groups: np.ndarray | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Recovered:
    """Find the grid's values.

    Args:
        operator: A, shape (M, n_1 ... n_d).
        data: b, shape (M, C).
        shape: n_1, ..., n_d.
        prior: one of `PRIORS`; None tries all.
        seed: of the measurements that are held out.
        groups: measurements of one group are held out together, (M,): a projection of a scan, for example.
        should_stop: asked between weights; the best so far is refined and given.

    Returns:
        The values.
    """
    groups = np.arange(len(data)) if groups is None else groups
    names = np.unique(groups)
    rng = np.random.default_rng(seed)
    out = np.isin(groups, rng.choice(names, max(1, round(HELD_OUT * len(names))), replace=False))
    matrix = sparse.csr_array(operator)
    # From here on x is what differs from a constant, in the spread's units: one ladder serves all units.
    level, unit = _level_and_unit(matrix, data)
    data = (data - np.outer(matrix.sum(axis=1), level)) / unit
    kept, held = matrix[~out], matrix[out]
    start = float(np.std(data) * np.abs(kept).sum() / kept.shape[1])
    firsts = dict.fromkeys(PRIORS, start)
    firsts["smooth"] = SMOOTHEST * float(kept.power(2).sum() / kept.shape[1])

    def judged(solver: _Solver, weight: float) -> Recovered:
        x = solver.run(weight, LOOK)
        error = float(np.sqrt(np.mean((held @ x - data[out]) ** 2)))
        return Recovered(x.reshape(*shape, -1), solver.prior, weight, error)

    def smallest(found: Iterable[Recovered]) -> Recovered:
        return min(found, key=lambda one: one.error)

    def predictive(name: str) -> Recovered:
        """The best of a prior's ladder, or of the weights half a step away."""
        found = smallest(_ladder(judged, _Solver(kept, data[~out], shape, name), firsts[name], should_stop))
        if should_stop():
            return found
        between = _Solver(kept, data[~out], shape, name, found.values.reshape(-1, data.shape[1]))
        half = np.sqrt(_ratio(name))
        return smallest([found, *(judged(between, found.weight * factor) for factor in (1 / half, half))])

    best = smallest(predictive(name) for name in ((prior,) if prior else PRIORS))
    final = _Solver(matrix, data, shape, best.prior, best.values.reshape(-1, data.shape[1]))
    return Recovered(
        level + unit * final.run(best.weight, FINE).reshape(*shape, -1),
        best.prior,
        best.weight if best.prior == "smooth" else best.weight * unit,
        best.error * unit,
    )


def _ladder(
    judged: Callable[["_Solver", float], Recovered],
    solver: "_Solver",
    start: float,
    should_stop: Callable[[], bool],
) -> Iterator[Recovered]:
    """Try smaller and smaller weights until they predict worse."""
    first, lowest, worse = np.inf, np.inf, 0
    for step in range(MOST_WEIGHTS):
        found = judged(solver, start * _ratio(solver.prior) ** step)
        yield found
        first = found.error if step == 0 else first
        departed = lowest < DEPARTED * first  # before that, all is smoothed away
        worse = worse + 1 if departed and found.error > ENOUGH * lowest else 0
        lowest = min(lowest, found.error)
        if worse == WORSE or should_stop():
            return


def _ratio(prior: str) -> float:
    """Of neighbouring weights."""
    return LADDER**2 if prior == "smooth" else LADDER


def _level_and_unit(operator: sparse.csr_array, data: np.ndarray) -> tuple[np.ndarray, float]:
    """Give the constants that fit best, (C,), and the spread of what is left, as a value of x."""
    ones = np.asarray(operator.sum(axis=1))
    power = float(ones @ ones) or 1.0
    level = np.asarray(ones @ data / power)
    left = float(np.std(data - np.outer(ones, level))) / float(np.sqrt(power / len(ones)))
    return level, left or 1.0


class _Solver:
    """Minimises for one weight after another, each from the last one's result."""

    def __init__(
        self,
        operator: sparse.csr_array,
        data: np.ndarray,
        shape: Sequence[int],
        prior: str,
        start: np.ndarray | None = None,
    ):
        self.A, self.b, self.prior = operator, data, prior
        self.At = sparse.csr_array(operator.T)
        parts = difference_matrices(shape, 1 if prior == "tv" else 2)
        self.D = [sparse.csr_array(part) for part in parts]
        self.Dt = [sparse.csr_array(part.T) for part in parts]
        self.shape = tuple(shape)
        self.x = np.zeros((operator.shape[1], data.shape[1])) if start is None else start
        self.y = np.zeros_like(data)
        self.z = [np.zeros_like(self.x) for _ in parts]
        column = abs(self.At).sum(axis=1) + sum(abs(part).sum(axis=1) for part in self.Dt)
        self.tau = 1 / np.maximum(column, 1e-12)[:, None]
        self.sigma_data = 1 / np.maximum(abs(operator).sum(axis=1), 1e-12)[:, None]
        self.sigma = 1 / max(float(abs(part).sum(axis=1).max()) for part in self.D)

    def run(self, weight: float, iterations: int) -> np.ndarray:
        """Give x, (N, C)."""
        return (
            self._quadratic(weight, iterations)
            if self.prior == "smooth"
            else self._convex(weight, iterations)
        )

    def _quadratic(self, weight: float, iterations: int) -> np.ndarray:
        """Solve the normal equations: of one coordinate they are a band, of several they are iterated."""
        n = self.A.shape[1]
        if len(self.shape) == 1:
            squared = self.At @ self.A
            unseen = TINY * squared.diagonal().max() * sparse.eye_array(n)
            normal_matrix = squared + weight * sum(t @ d for t, d in zip(self.Dt, self.D, strict=True))
            self.x = splu(sparse.csc_array(normal_matrix + unseen)).solve(self.At @ self.b)
            return self.x

        def normal(v: np.ndarray) -> np.ndarray:
            smooth = sum(t @ (d @ v) for t, d in zip(self.Dt, self.D, strict=True))
            return self.At @ (self.A @ v) + weight * smooth

        columns = [
            cg(LinearOperator((n, n), matvec=normal), self.At @ b, x0=x, rtol=1e-8, maxiter=iterations)[0]
            for b, x in zip(self.b.T, self.x.T, strict=True)
        ]
        self.x = np.stack(columns, axis=1)
        return self.x

    def _convex(self, weight: float, iterations: int) -> np.ndarray:
        x, ahead = self.x, self.x
        for _ in range(iterations):
            self.y = (self.y + self.sigma_data * (self.A @ ahead - self.b)) / (1 + self.sigma_data)
            z = [a + self.sigma * (d @ ahead) for a, d in zip(self.z, self.D, strict=True)]
            size = np.sqrt(sum((a**2).sum(axis=1) for a in z))[:, None]  # all directions and channels
            shrink = weight / np.maximum(size, weight)
            self.z = [a * shrink for a in z]
            back = self.At @ self.y + sum(t @ a for t, a in zip(self.Dt, self.z, strict=True))
            after = x - self.tau * back
            ahead = 2 * after - x
            settled = np.abs(after - x).max() < SETTLED
            x = after
            if settled:
                break
        self.x = x
        return x


def difference_matrices(shape: Sequence[int], order: int) -> list[sparse.csr_array]:
    """Give matrices (N, N) of first differences along each axis, or of all second ones.

    Mixed ones are multiplied by sqrt 2, so that the sum of squares is that of the whole Hessian.
    Differences that would reach beyond the grid are zero.
    """
    first = [_along(shape, axis, _forward(n)) for axis, n in enumerate(shape)]
    if order == 1:
        return first
    pure = [_along(shape, axis, _second(n)) for axis, n in enumerate(shape)]
    return pure + [np.sqrt(2) * (a @ b) for a, b in itertools.combinations(first, 2)]


def _forward(n: int) -> sparse.csr_array:
    diagonal = np.append(-np.ones(n - 1), 0.0)
    return sparse.csr_array(sparse.diags_array([diagonal, np.ones(n - 1)], offsets=[0, 1], shape=(n, n)))


def _second(n: int) -> sparse.csr_array:
    inner = np.ones(n)
    inner[[0, -1]] = 0
    row = sparse.diags_array([np.ones(n - 1), -2 * np.ones(n), np.ones(n - 1)], offsets=[-1, 0, 1])
    return sparse.csr_array(sparse.diags_array(inner) @ row)


def _along(shape: Sequence[int], axis: int, matrix: sparse.csr_array) -> sparse.csr_array:
    before, after = int(np.prod(shape[:axis])), int(np.prod(shape[axis + 1 :]))
    return sparse.csr_array(
        sparse.kron(sparse.kron(sparse.eye_array(before), matrix), sparse.eye_array(after))
    )
