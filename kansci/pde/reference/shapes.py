"""Problems on shapes in the plane with given boundary values, steady or in time, by finite differences.

Second-order central differences whose arms end at the boundary (Shortley & Weller 1938).
"""

import time
from collections.abc import Iterator

import numpy as np
import sympy
from scipy import sparse
from scipy.spatial import cKDTree

from kansci.pde.reference.radau import march
from kansci.pde.reference.shape_grid import ShapeGrid, shape_grid
from kansci.pde.reference.steady import newton
from kansci.pde.reference.system import Clock, Level, NotApplicableError, System, solved_for
from kansci.symbolic.parametric import compile_expr

__all__ = ["shape_levels"]

FIRST_CELLS = 40
MOST_CELLS = 640
FACE_POINTS = 4000
"""Points on each part of the boundary that tell which part is nearest."""
TIME_TOLERANCE = 1e-7


class _Differences:
    """F(t, y, y') = 0 at the nodes of a grid; y holds the values of each state at the nodes.

    Attributes:
        slices: where the values of each state stand in y.
        size: how many there are together.
    """

    def __init__(self, system: System, grid: ShapeGrid) -> None:
        self.system, self.grid = system, grid
        n = len(grid.inside)
        self.slices = {state: slice(k * n, (k + 1) * n) for k, state in enumerate(system.states)}
        self.size = n * len(system.states)
        self.points = self._points(grid.inside)
        self._given = _BoundaryValues(system, grid)
        self._matrices = []
        for field, orders in system.equations.terms:
            found = grid.derivative((orders[system.space[0]], orders[system.space[1]]))
            q, j = system.time_orders[field], 0 if system.time is None else orders[system.time]
            rate = q > 0 and j == q
            if found is None or (j and found.nnz > n):
                raise NotApplicableError("a mixed or higher derivative on a shape")
            self._matrices.append(((field, j - rate), rate, found[:, :n], found[:, n:]))

    def _points(self, nodes: np.ndarray) -> np.ndarray:
        points = np.zeros((len(nodes), len(self.system.problem.coordinates)))
        points[:, list(self.system.space)] = nodes
        return points

    def _terms(self, times: np.ndarray, y: np.ndarray, dy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points (n S, d) and the values of the terms there (T, n S)."""
        points = np.repeat(self.points, len(times), axis=0)
        if self.system.time is not None:
            points[:, self.system.time] = np.tile(times, len(self.points))
        given = self._given.at(times)
        values = [
            (inner @ (dy if rate else y)[self.slices[state]] + outer @ given[state[0]]).ravel()
            for state, rate, inner, outer in self._matrices
        ]
        return points, np.array(values)

    def residual(self, times: np.ndarray, y: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """F, shape (size, S), for y and y' of that shape at times (S,)."""
        found = self.system.equations.residual(*self._terms(times, y, dy)).reshape(-1, len(times))
        rates = [dy[self.slices[f, j]] - y[self.slices[f, j + 1]] for f, j in self._coupled()]
        return np.concatenate([found, *rates])

    def _coupled(self) -> list[tuple[int, int]]:
        return [(f, j) for f, j in self.system.states if j + 1 < self.system.time_orders[f]]

    def slopes(self, at: float, y: np.ndarray, dy: np.ndarray) -> tuple[sparse.csc_array, sparse.csc_array]:
        """The derivatives of F with respect to y and y', each (size, size)."""
        slopes = self.system.equations.slopes(*self._terms(np.array([at]), y[:, None], dy[:, None]))
        n, unit = len(self.points), sparse.eye_array(self.size, format="csr")
        sides = []
        for wanted in (False, True):
            rows = []
            for equation in slopes:
                total = sparse.csr_array((n, self.size))
                for slope, (state, rate, inner, _) in zip(equation, self._matrices, strict=True):
                    if rate == wanted:
                        total = total + sparse.diags_array(slope) @ inner @ unit[self.slices[state]]
                rows.append(total)
            rows += [
                unit[self.slices[f, j]] if wanted else -unit[self.slices[f, j + 1]]
                for f, j in self._coupled()
            ]
            sides.append(sparse.csc_array(sparse.vstack(rows)))
        return sides[0], sides[1]

    def start(self) -> np.ndarray:
        """The initial values of the states."""
        y = np.zeros(self.size)
        symbols = [self.system.problem.symbols[k] for k in self.system.space]
        for state, expr in self.system.initial().items():
            y[self.slices[state]] = compile_expr(expr, symbols)(*self.grid.inside.T)
        return y

    def boundary_part(self, rows: sparse.csr_array, field: int, times: np.ndarray) -> np.ndarray:
        """What the boundary values add (N,) to the rows (N, b) of an interpolation, row k at time k."""
        entries = sparse.coo_array(rows)
        point, node = entries.coords
        added = np.zeros(len(times))
        np.add.at(added, point, entries.data * self._given.single(field, node, times[point]))
        return added


class _BoundaryValues:
    """The values that the conditions give the fields at the boundary points of a grid."""

    def __init__(self, system: System, grid: ShapeGrid) -> None:
        self.system, self.nodes = system, grid.boundary
        problem = system.problem
        conditions = [c for c in problem.conditions if problem.time is None or c.face.axis != problem.time]
        rng = np.random.default_rng(0)
        self._functions, self._part = [], []
        for field in problem.fields:
            dummy, values, distances = sympy.Dummy(real=True), [], []
            for condition in conditions:
                value = solved_for(condition.residual.xreplace({field.function: dummy}), dummy)
                if value is not None and not value.has(sympy.Derivative):
                    face = condition.face
                    on = problem.domain.sample_face(face.axis, face.value, face.name, FACE_POINTS, rng)[0]
                    distances.append(cKDTree(on[:, list(system.space)]).query(self.nodes)[0])
                    values.append(compile_expr(value, problem.symbols))
            if not values or len(conditions) != len(problem.fields) * len(values):
                raise NotApplicableError("on shapes only conditions that give the values of the fields")
            self._functions.append(values)
            self._part.append(np.argmin(distances, axis=0))

    def single(self, field: int, nodes: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Values (N,) of a field at boundary points (N,) and times (N,)."""
        points = np.zeros((len(nodes), len(self.system.problem.coordinates)))
        points[:, list(self.system.space)] = self.nodes[nodes]
        if self.system.time is not None:
            points[:, self.system.time] = times
        values = np.empty(len(nodes))
        for k, function in enumerate(self._functions[field]):
            here = self._part[field][nodes] == k
            values[here] = function(*points[here].T)
        return values

    def at(self, times: np.ndarray) -> list[np.ndarray]:
        """For each field its values (b, S) at times (S,)."""
        nodes = np.repeat(np.arange(len(self.nodes)), len(times))
        repeated = np.tile(times, len(self.nodes))
        return [self.single(f, nodes, repeated).reshape(-1, len(times)) for f in range(len(self._part))]


def shape_levels(system: System, points: np.ndarray, clock: Clock) -> tuple[str, Iterator[Level]]:
    """Solve a problem on a shape in the plane.

    Args:
        system: The problem.
        points: Where the solution is wanted, (N, d).
        clock: When to stop.

    Returns:
        The method in words, and the solutions at rising resolutions.

    Raises:
        NotApplicableError: The shape has not two axes, or a condition gives no values.
    """
    if len(system.space) != 2:
        raise NotApplicableError("a shape that is not in the plane")
    method = "finite differences of second order (Shortley-Weller)"
    if system.time is not None:
        method += ", Radau IIA of order 13 in time"
    return method, _levels(system, points, clock)


def _levels(system: System, points: np.ndarray, clock: Clock) -> Iterator[Level]:
    cells = FIRST_CELLS
    while cells <= MOST_CELLS:
        begin = time.monotonic()
        grid = shape_grid(system.problem.domain, (system.space[0], system.space[1]), cells)
        if grid is None:
            raise NotApplicableError("the shape is too thin for a grid")
        equations, n = _Differences(system, grid), len(grid.inside)
        rows = grid.interpolation(points[:, list(system.space)])
        inner, outer = rows[:, :n], rows[:, n:]
        times = np.zeros(len(points)) if system.time is None else points[:, system.time]
        fields = range(len(system.time_orders))
        if system.time is None:
            y = newton(equations, np.zeros(equations.size), clock)
            values = [inner @ y[equations.slices[f, 0]] for f in fields]
        else:
            span = tuple(system.problem.domain.bounds[system.time])
            found = march(equations, equations.start(), span, TIME_TOLERANCE, clock)
            values = [found.at(inner, equations.slices[f, 0], times) for f in fields]
        values = [value + equations.boundary_part(outer, f, times) for f, value in enumerate(values)]
        seconds = time.monotonic() - begin
        yield Level(np.column_stack(values), f"{cells} cells along the longer side", seconds)
        cells *= 2
        if clock.left < 8 * seconds:
            return
