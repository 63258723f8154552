"""A problem on a box as algebraic equations: splines collocated at Gauss points along every axis of space.

The unknowns are spline coefficients of all states (fields, and those of their time derivatives that have
initial values). Rows: the equations at the Gauss points, the conditions on the faces, what closes periodic
axes, and that a state is the time derivative of another. Together F(t, y, y') = 0, as many as unknowns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
import sympy
from scipy import sparse

from kansci.pde.reference.splines import SplineAxis
from kansci.pde.reference.system import Compiled, NotApplicableError, System, compiled, on_face

__all__ = ["Collocation"]

MOST_UNKNOWNS = 40_000


@dataclass(frozen=True, eq=False)
class _Rows:
    """Equations at N points; `matrix` (T N, n) gives their terms from y, or from y' where `rate` (T,)."""

    equations: Compiled
    points: np.ndarray
    matrix: sparse.csr_array
    rate: np.ndarray

    def _values(self, times: np.ndarray, y: np.ndarray, dy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n, s = len(self.points), len(times)
        values, rates = ((self.matrix @ part).reshape(-1, n * s) for part in (y, dy))
        return np.repeat(self.points, s, axis=0), np.where(self.rate[:, None], rates, values)

    def residual(self, times: np.ndarray, time: int | None, y: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """Residuals (E N, S) for states (n, S) at times (S,)."""
        points, values = self._values(times, y, dy)
        if time is not None:
            points[:, time] = np.tile(times, len(self.points))
        return self.equations.residual(points, values).reshape(-1, len(times))

    @cached_property
    def entries(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """For y and for y': rows and columns of the entries of the matrix, and their values."""
        whole = sparse.coo_array(self.matrix)
        row, column = whole.coords
        kept = [self.rate[row // len(self.points)] == wanted for wanted in (False, True)]
        return [(row[k], column[k], whole.data[k]) for k in kept]

    def places(self, side: int, start: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the derivatives with respect to y (side 0) or y' (1), rows from `start` on."""
        row, column, _ = self.entries[side]
        n, count = len(self.points), len(self.equations.expressions)
        return np.concatenate([start + e * n + row % n for e in range(count)]), np.tile(column, count)

    def slopes(self, at: float, time: int | None, y: np.ndarray, dy: np.ndarray) -> list[np.ndarray]:
        """The derivatives of the residuals at these places, for y and for y'."""
        points, values = self._values(np.array([at]), y[:, None], dy[:, None])
        if time is not None:
            points[:, time] = at
        slopes = self.equations.slopes(points, values)
        return [
            np.concatenate([equation.ravel()[row] * value for equation in slopes])
            for row, _, value in self.entries
        ]


class Collocation:
    """The equations F(t, y, y') = 0 of a system on a mesh.

    Attributes:
        system: what is discretised.
        axes: the mesh along each axis of space.
        slices: where the coefficients of each state stand in y.
        size: n, how many there are together.
    """

    def __init__(self, system: System, axes: Sequence[SplineAxis]) -> None:
        """Compile the rows.

        Args:
            system: What is discretised.
            axes: One mesh an axis of space.

        Raises:
            NotApplicableError: Conditions are missing or too many, or the mesh is too fine.
        """
        self.system, self.axes = system, tuple(axes)
        self.shapes = {
            (f, j): tuple(a.size(m) for a, m in zip(axes, system.space_orders[f], strict=True))
            for f, j in system.states
        }
        ends = np.cumsum([0, *(int(np.prod(shape)) for shape in self.shapes.values())])
        self.slices = {s: slice(a, b) for s, a, b in zip(self.shapes, ends[:-1], ends[1:], strict=True)}
        self.size = int(ends[-1])
        if self.size > MOST_UNKNOWNS:
            raise NotApplicableError("the mesh of the classical solver became too fine")
        self._blocks = [self._block(system.equations, [axis.gauss for axis in axes])]
        self._linear: list[tuple[sparse.csr_array, sparse.csr_array]] = self._velocities()
        for position in range(len(axes)):
            self._close(position)
        rows = sum(len(b.points) * len(b.equations.expressions) for b in self._blocks)
        rows += sum(part.shape[0] for part, _ in self._linear)
        if rows != self.size:
            raise NotApplicableError("the number of conditions does not fit the orders of the equations")

    def _state(self, field: int, time_order: int) -> tuple[tuple[int, int], bool]:
        """The state a derivative in time belongs to, and whether it is that state's rate."""
        q = self.system.time_orders[field]
        return ((field, q - 1), True) if q and time_order == q else ((field, time_order), False)

    def _values(
        self, state: tuple[int, int], grid: Sequence[np.ndarray], orders: Sequence[int]
    ) -> sparse.csr_array:
        """The matrix (N, n) from y to a state's derivative on the grid of these points."""
        degrees = self.system.space_orders[state[0]]
        parts = [a.matrix(x, m, d) for a, x, m, d in zip(self.axes, grid, degrees, orders, strict=True)]
        own = reduce(lambda one, other: sparse.kron(one, other, format="csr"), parts, sparse.eye_array(1))
        part = self.slices[state]
        before = sparse.csr_array((own.shape[0], part.start))
        after = sparse.csr_array((own.shape[0], self.size - part.stop))
        return sparse.csr_array(sparse.hstack([before, own, after]))

    def _block(self, equations: Compiled, grid: Sequence[np.ndarray]) -> _Rows:
        system = self.system
        mesh = np.meshgrid(*grid, indexing="ij")
        points = np.zeros((int(np.prod([len(x) for x in grid])), len(system.problem.coordinates)))
        for position, values in zip(system.space, mesh, strict=True):
            points[:, position] = values.ravel()
        matrices, rates = [], []
        for field, orders in equations.terms:
            state, rate = self._state(field, 0 if system.time is None else orders[system.time])
            matrices.append(self._values(state, grid, [orders[k] for k in system.space]))
            rates.append(rate)
        return _Rows(equations, points, sparse.csr_array(sparse.vstack(matrices)), np.array(rates))

    def _velocities(self) -> list[tuple[sparse.csr_array, sparse.csr_array]]:
        """Rows that say that the next state is the rate of one."""
        rows = []
        for field, j in self.system.states:
            if j + 1 < self.system.time_orders[field]:
                unit = sparse.eye_array(self.size, format="csr")
                rows.append((-unit[self.slices[field, j + 1]], unit[self.slices[field, j]]))
        return rows

    def _face_grid(self, position: int, value: float, field: int) -> list[np.ndarray]:
        """Points on a face: all nodes along the axes after it, the Gauss points along those before it."""
        orders = self.system.space_orders[field]
        grid = [a.gauss if k < position else a.nodes(orders[k]) for k, a in enumerate(self.axes)]
        grid[position] = np.array([value])
        return grid

    def _close(self, position: int) -> None:
        """Add the rows of the two ends of an axis."""
        system, coordinate = self.system, self.system.space[position]
        problem = system.problem
        low, high = problem.domain.bounds[coordinate]
        if problem.coordinates[coordinate] in problem.domain.periodic:
            for field, orders in enumerate(system.space_orders):
                for derivative in range(orders[position]):
                    along = [derivative if k == position else 0 for k in range(len(self.axes))]
                    ends = [
                        self._values((field, 0), self._face_grid(position, end, field), along)
                        for end in (low, high)
                    ]
                    self._linear.append((ends[0] - ends[1], sparse.csr_array(ends[0].shape)))
            return
        for condition in system.conditions(coordinate):
            equation = compiled(problem, [on_face(problem, condition)])
            if not equation.terms:
                raise NotApplicableError(f"the condition {condition.text} holds no field")
            field = equation.terms[0].field
            self._blocks.append(self._block(equation, self._face_grid(position, condition.face.value, field)))

    def residual(self, times: np.ndarray, y: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """F, shape (n, S), for y and y' of shape (n, S) at times (S,)."""
        parts = [block.residual(times, self.system.time, y, dy) for block in self._blocks]
        parts += [a @ y + b @ dy for a, b in self._linear]
        return np.concatenate(parts)

    def slopes(self, at: float, y: np.ndarray, dy: np.ndarray) -> tuple[sparse.csc_array, sparse.csc_array]:
        """The derivatives of F with respect to y and y', each (n, n), for y and y' of shape (n,)."""
        found = [block.slopes(at, self.system.time, y, dy) for block in self._blocks]
        shape = (self.size, self.size)
        sides = [
            sparse.coo_array((np.concatenate([*(f[k] for f in found), fixed]), places), shape).tocsc()
            for k, (places, fixed) in enumerate(self._pattern)
        ]
        return sides[0], sides[1]

    @cached_property
    def _pattern(self) -> list[tuple[tuple[np.ndarray, np.ndarray], np.ndarray]]:
        """For y and y': rows and columns of the entries of the derivatives, and the values that are fixed."""
        found = []
        for side in (0, 1):
            parts, start = [], 0
            for block in self._blocks:
                parts.append(block.places(side, start))
                start += len(block.points) * len(block.equations.expressions)
            fixed = []
            for pair in self._linear:
                matrix = sparse.coo_array(pair[side])
                parts.append((start + matrix.coords[0], matrix.coords[1]))
                fixed.append(matrix.data)
                start += matrix.shape[0]
            rows, columns = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
            found.append(((rows, columns), np.concatenate([*fixed, np.zeros(0)])))
        return found

    def start(self) -> np.ndarray:
        """Coefficients (n,) of the initial state; those without an initial condition are 0."""
        system, y = self.system, np.zeros(self.size)
        symbols = [system.problem.symbols[k] for k in system.space]
        for (field, j), expr in system.initial().items():
            orders = system.space_orders[field]
            grid = [a.nodes(m) for a, m in zip(self.axes, orders, strict=True)]
            values = sympy.lambdify(symbols, expr, modules=("numpy", "scipy"))(
                *np.meshgrid(*grid, indexing="ij")
            )
            values = np.broadcast_to(np.asarray(values, dtype=float), self.shapes[field, j]).copy()
            for k, (axis, m) in enumerate(zip(self.axes, orders, strict=True)):
                solve = sparse.linalg.splu(sparse.csc_array(axis.matrix(grid[k], m))).solve
                moved = np.moveaxis(values, k, 0)
                solved = solve(np.ascontiguousarray(moved.reshape(len(moved), -1)))
                values = np.moveaxis(solved.reshape(moved.shape), 0, k)
            y[self.slices[field, j]] = values.ravel()
        return y

    def evaluation(self, points: np.ndarray) -> list[sparse.csr_array]:
        """For each field the matrix (N, its coefficients) to its values at points (N, d)."""
        found = []
        for orders in self.system.space_orders:
            rows = [
                axis.matrix(points[:, k], m)
                for axis, k, m in zip(self.axes, self.system.space, orders, strict=True)
            ]
            found.append(reduce(_row_products, rows, sparse.csr_array(np.ones((len(points), 1)))))
        return found

    def tails(self, y: np.ndarray) -> list[np.ndarray]:
        """How far each element of each axis is from resolving the states y (n, S): (E,) an axis.

        Returns:
            The last Chebyshev coefficients, of the field's largest value.
        """
        worst = [np.zeros(len(axis.edges) - 1) for axis in self.axes]
        for state, part in self.slices.items():
            if state[1]:
                continue
            scale = max(float(np.abs(y[part]).max()), 1e-300)
            values = y[part].reshape(*self.shapes[state], -1)
            for k, (axis, m) in enumerate(zip(self.axes, self.system.space_orders[state[0]], strict=True)):
                moved = np.moveaxis(values, k, 0)
                last = np.abs(axis.tails(m) @ moved.reshape(len(moved), -1)).max(axis=1)
                worst[k] = np.maximum(worst[k], last.reshape(-1, 2).max(axis=1) / scale)
        return worst


def _row_products(one: sparse.csr_array, other: sparse.csr_array) -> sparse.csr_array:
    """For each row the Kronecker product of two matrices' rows."""
    one, other = sparse.csr_array(one), sparse.csr_array(other)
    counts = [len(m.data) // max(m.shape[0], 1) for m in (one, other)]
    rows, width = one.shape[0], other.shape[1]
    if any((np.diff(m.indptr) != c).any() for m, c in zip((one, other), counts, strict=True)):
        raise ValueError("rows of different lengths")
    data = one.data.reshape(rows, -1, 1) * other.data.reshape(rows, 1, -1)
    index = one.indices.reshape(rows, -1, 1).astype(np.int64) * width + other.indices.reshape(rows, 1, -1)
    pointers = np.arange(rows + 1) * counts[0] * counts[1]
    return sparse.csr_array((data.ravel(), index.ravel(), pointers), shape=(rows, one.shape[1] * width))
